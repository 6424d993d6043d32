package main_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var given = flag.String("bootstrap", "", "the `program` to test, rather than one that is built here")

// build builds the program as the Makefile does, but for this machine.
var build = sync.OnceValues(func() (string, error) {
	if *given != "" {
		return *given, nil
	}
	dir, err := os.MkdirTemp("", "dlq")
	if err != nil {
		return "", err
	}
	bootstrap := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", bootstrap, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bootstrap, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if bootstrap, err := build(); err == nil && bootstrap != *given {
		_ = os.RemoveAll(filepath.Dir(bootstrap))
	}
	os.Exit(status)
}

// function is the program, running against a Runtime API of ours.
type function struct {
	next   chan []byte
	done   chan outcome
	exited chan struct{}
	n      int

	mu    sync.Mutex
	out   bytes.Buffer
	wrote chan struct{} // has something when out has more
}

type outcome struct {
	id, path string
	body     []byte
}

func (o outcome) message(t *testing.T) string {
	t.Helper()
	var e struct{ ErrorMessage string }
	if err := json.Unmarshal(o.body, &e); err != nil {
		t.Fatal(err)
	}
	return e.ErrorMessage
}

func start(t *testing.T, aws string) *function {
	t.Helper()
	bootstrap, err := build()
	if err != nil {
		t.Fatal(err)
	}
	f := &function{next: make(chan []byte), done: make(chan outcome), exited: make(chan struct{}), wrote: make(chan struct{}, 1)}
	api := httptest.NewServer(f.runtimeAPI())
	cmd := command(bootstrap, api.URL, aws)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.exited)
		_ = cmd.Wait() // it never ends well: it is killed
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("the program had ended by itself: %v\n%s", err, f.printed())
		}
		<-f.exited
		api.Close()
	})
	return f
}

// command is the program with its settings.
func command(bootstrap, api, aws string) *exec.Cmd {
	cmd := exec.Command(bootstrap)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api, "http://"), "AWS_LAMBDA_FUNCTION_NAME=dlq", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL=" + aws,
		"STREAM_NAME=the-stream", "QUEUE_URL=" + queueURL, "BUCKET_NAME=" + bucket,
	}
	return cmd
}

// runtimeAPI is as "Using the Lambda runtime API for custom runtimes" (AWS Lambda Developer Guide) has it.
func (f *function) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case payload := <-f.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", f.id())
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(5*time.Minute).UnixMilli()))
			_, _ = w.Write(payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{path}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		w.WriteHeader(http.StatusAccepted)
		f.done <- outcome{r.PathValue("id"), r.PathValue("path"), body}
	})
	return mux
}

func (f *function) id() string { return fmt.Sprintf("id-%d", f.n) }

// invoke has the program answer a payload.
func (f *function) invoke(t *testing.T, payload []byte) outcome {
	t.Helper()
	f.n++
	select {
	case f.next <- payload:
	case <-f.exited:
		t.Fatal("the program has ended: " + f.printed())
	}
	select {
	case got := <-f.done:
		if got.id != f.id() {
			t.Errorf("answered %s, want %s", got.id, f.id())
		}
		return got
	case <-f.exited:
		t.Fatal("the program has ended without an answer: " + f.printed())
	}
	return outcome{}
}

func (f *function) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case f.wrote <- struct{}{}:
	default:
	}
	return f.out.Write(p)
}

// printed is all that was printed so far.
func (f *function) printed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.String()
}

type logLine struct {
	Level, Message, RequestID, Code, Cause, See string
	Count                                       int
	AWS                                         json.RawMessage `json:"_aws"`

	text string
}

// log returns the lines of an invocation, once the one with its metrics, which is the last, has come through the pipe.
func (f *function) log(t *testing.T, id string) (lines []logLine) {
	t.Helper()
	for {
		lines = nil
		for text := range strings.Lines(f.printed()) {
			l := logLine{text: text}
			if !strings.HasSuffix(text, "\n") {
				continue // the rest is on its way
			}
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatalf("log: %v: %s", err, text)
			}
			if l.RequestID == id {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 && lines[len(lines)-1].Message == "dlq" {
			return lines
		}
		<-f.wrote
	}
}

func (f *function) checkLog(t *testing.T, id string, explains []string, problems int) {
	t.Helper()
	var explained []string
	found := 0
	for _, l := range f.log(t, id) {
		switch l.Message {
		case "firehose could not deliver":
			explained = append(explained, fmt.Sprint(l.Code, " ", l.Count))
			if l.Cause == "" || !strings.HasPrefix(l.See, "docs/operate.md#") {
				t.Errorf("log: %s", l.text)
			}
		case "problem":
			found++
		case "dlq":
			if l.AWS == nil {
				t.Errorf("no metrics: %s", l.text)
			}
		default:
			t.Errorf("log: %s", l.text)
		}
		for _, secret := range []string{"shop.example", "shop-web", "view-", "typo", "malformed", "hello"} {
			if strings.Contains(l.text, secret) {
				t.Errorf("the log quotes a payload (%s): %s", secret, l.text)
			}
		}
	}
	slices.Sort(explained)
	check(t, "explained", explained, explains)
	if found != problems {
		t.Errorf("%d problems, want %d", found, problems)
	}
}

// runWithout runs the program without its settings and returns what it says.
func runWithout(t *testing.T) string {
	t.Helper()
	bootstrap, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bootstrap)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "AWS_REGION=eu-west-1"}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("it ended well")
	}
	return string(out)
}
