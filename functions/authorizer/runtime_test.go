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
	"strings"
	"testing"
	"time"
)

// bootstrap is the program as it is deployed, but for this machine.
var bootstrap string

func TestMain(m *testing.M) {
	flag.StringVar(&bootstrap, "bootstrap", "", "the `program` to test, rather than one that is built here")
	flag.Parse()
	dir, err := os.MkdirTemp("", "authorizer")
	if err == nil && bootstrap == "" {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary one
	os.Exit(code)
}

// build builds the program into a folder as the Makefile does.
func build(dir string) error {
	bootstrap = filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", bootstrap, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// function is the program, running against a Runtime API of ours.
type function struct {
	polled chan struct{}
	next   chan []byte
	done   chan outcome
	lines  chan string
	exited chan struct{}
	n      int
}

type outcome struct {
	id, path string
	body     []byte
}

func newFunction() *function {
	return &function{
		polled: make(chan struct{}, 1), next: make(chan []byte), done: make(chan outcome), lines: make(chan string, 1000), exited: make(chan struct{}),
	}
}

// command is the program with the variables that Lambda would set, and these.
func command(api string, environment []string) *exec.Cmd {
	cmd := exec.Command(bootstrap)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api, "http://"), "AWS_LAMBDA_FUNCTION_NAME=authorizer", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=not-a-key", "AWS_SESSION_TOKEN=x",
	}, environment...)
	return cmd
}

// start runs the program until the test ends.
func start(t testing.TB, environment ...string) *function {
	t.Helper()
	f := newFunction()
	api := httptest.NewServer(f.runtimeAPI())
	cmd := command(api.URL, environment)
	cmd.Stdout = lines(f.lines)
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

// runtimeAPI is as "Using the Lambda runtime API for custom runtimes" (Lambda Developer Guide) has it.
func (f *function) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case f.polled <- struct{}{}:
		default:
		}
		select {
		case payload := <-f.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", f.id())
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
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

func (f *function) invoke(t *testing.T, payload []byte) outcome {
	t.Helper()
	f.n++
	select {
	case f.next <- payload:
	case <-f.exited:
		t.Fatal("the program has ended")
	}
	select {
	case got := <-f.done:
		if got.id != f.id() {
			t.Fatalf("answered %s, want %s", got.id, f.id())
		}
		return got
	case <-f.exited:
		t.Fatal("the program has ended without an answer")
	}
	return outcome{}
}

// output is what the program printed for one invocation. The last line is the metrics, or, behind them, what aws-lambda-go prints of an
// error.
func (f *function) output(t *testing.T, o outcome) (printed []string) {
	t.Helper()
	for {
		select {
		case line := <-f.lines:
			printed = append(printed, line)
			last := strings.Contains(line, `"Decisions":1`)
			if o.path == "error" {
				last = strings.Contains(line, "errorMessage")
			}
			if last {
				return printed
			}
		case <-f.exited:
			t.Fatalf("the program has ended after it printed %q", printed)
		}
	}
}

// message is an error's text.
func (o outcome) message(t *testing.T) string {
	t.Helper()
	var e struct{ ErrorMessage string }
	if err := json.Unmarshal(o.body, &e); err != nil || o.path != "error" {
		t.Fatalf("%s, %v: %s", o.path, err, o.body)
	}
	return e.ErrorMessage
}

// lines is a writer that sends each line it gets.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		l <- string(line)
	}
	return len(p), nil
}
