package runtimetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// timeout is what is left of an invocation when the program gets it.
const timeout = 5 * time.Minute

// Function is a program that is asked by one test at a time.
type Function struct {
	// Trace is the tracing header of the invocations to come; "" is none.
	Trace string
	// Polled has something once the program has asked for an invocation.
	Polled chan struct{}

	next   chan []byte
	done   chan Outcome
	lines  chan string
	exited chan struct{}
	n      int
}

// Outcome is what came of an invocation.
type Outcome struct {
	ID   string // Lambda's request id
	Path string // response, or error
	Body []byte
}

// Message is the text of an error.
func (o Outcome) Message(t testing.TB) string {
	t.Helper()
	var e struct{ ErrorMessage string }
	if err := json.Unmarshal(o.Body, &e); err != nil || o.Path != "error" {
		t.Fatalf("%s, %v: %s", o.Path, err, o.Body)
	}
	return e.ErrorMessage
}

// Fataler is a test's T, or rapid's.
type Fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// New returns a function whose program, if any, is started by the test with [Command] and the URL of a server of f.RuntimeAPI.
func New() *Function {
	return &Function{
		Polled: make(chan struct{}, 1), next: make(chan []byte), done: make(chan Outcome), lines: make(chan string, 1000), exited: make(chan struct{}),
	}
}

// Start runs the program, with these variables besides Lambda's, until the test ends. That it ends earlier, or prints anything to standard
// error, is an error of the test.
func Start(t testing.TB, environment ...string) *Function {
	t.Helper()
	f := New()
	api := httptest.NewServer(f.RuntimeAPI())
	cmd := Command(api.URL, environment...)
	cmd.Stdout = &lines{to: f.lines}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.exited)
		_ = cmd.Wait() // it never ends well: it is killed
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("the program had ended by itself: %v", err)
		}
		<-f.exited
		api.Close()
		if stderr.Len() > 0 {
			t.Errorf("standard error has %s", &stderr)
		}
	})
	return f
}

// RuntimeAPI is as "Using the Lambda runtime API for custom runtimes" (AWS Lambda Developer Guide) has it.
func (f *Function) RuntimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case f.Polled <- struct{}{}:
		default:
		}
		select {
		case payload := <-f.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", f.id())
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(timeout).UnixMilli()))
			if f.Trace != "" {
				w.Header().Set("Lambda-Runtime-Trace-Id", f.Trace)
			}
			_, _ = w.Write(payload) // a program that has ended is seen to have
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{path}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		w.WriteHeader(http.StatusAccepted)
		f.done <- Outcome{r.PathValue("id"), r.PathValue("path"), body}
	})
	return mux
}

func (f *Function) id() string { return fmt.Sprintf("id-%d", f.n) }

// Invoke has the program answer a payload.
func (f *Function) Invoke(t Fataler, payload []byte) Outcome {
	t.Helper()
	f.n++
	select {
	case f.next <- payload:
	case <-f.exited:
		t.Fatalf("the program has ended")
	}
	select {
	case got := <-f.done:
		if got.ID != f.id() {
			t.Fatalf("answered %s, want %s", got.ID, f.id())
		}
		return got
	case <-f.exited:
		t.Fatalf("the program has ended without an answer")
	}
	return Outcome{}
}

// Output is what the program has printed since the last call, up to the first line that is the last.
func (f *Function) Output(t Fataler, isLast func(line string) bool) (printed []string) {
	t.Helper()
	for {
		select {
		case line := <-f.lines:
			printed = append(printed, line)
			if isLast(line) {
				return printed
			}
		case <-f.exited:
			t.Fatalf("the program has ended after it printed %q", printed)
		}
	}
}

// lines is a writer that sends each line that it gets, once it has the whole of it.
type lines struct {
	to    chan<- string
	begun []byte
}

func (l *lines) Write(p []byte) (int, error) {
	for part := range bytes.Lines(p) {
		if l.begun = append(l.begun, part...); bytes.HasSuffix(part, []byte("\n")) {
			l.to <- string(l.begun)
			l.begun = l.begun[:0]
		}
	}
	return len(p), nil
}
