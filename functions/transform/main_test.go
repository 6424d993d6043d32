package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const inputs = "../../events/transform"

// The results that each input gets, and what is counted of it; an error's beginning where there is no answer.
var wanted = map[string]struct {
	results string // a letter a record: Ok or Failed
	rows    int
	reasons map[string]int
	err     string
}{
	"batch.json": {
		results: "OOOOOFFFFF", rows: 8,
		reasons: map[string]int{"missing": 1, "not_allowed": 1, "unknown_type": 1, "invalid_json": 1, "not_base64": 1, "empty": 1},
	},
	"enveloped.json": {results: "OOOO", rows: 5},
	"direct.json":    {results: "OOOOO", rows: 10},
	"redriven.json":  {results: "OOO", rows: 5},
	"failing.json": {
		results: "FFFFFFFFFFFFF",
		reasons: map[string]int{
			"not_base64": 1, "empty": 3, "invalid_json": 1, "invalid_envelope": 4, "unknown_type": 1,
			"invalid_format": 1, "wrong_type": 1, "missing": 1,
		},
	},
	"empty.json":        {},
	"not-firehose.json": {err: "not a Firehose transformation request"},
}

// The program that is deployed, over the Runtime API that Lambda has, with every input that `sam local invoke` is given.
func TestProgram(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(inputs, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("inputs: %v, %v", files, err)
	}
	f := start(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, ok := wanted[filepath.Base(file)]
			if !ok {
				t.Fatal("nothing says what this input gets")
			}
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := f.invoke(t, payload)
			if want.err != "" {
				if got.path != "error" || !strings.HasPrefix(got.message(t), want.err) {
					t.Errorf("%s: %s, want an error: %s", got.path, got.body, want.err)
				}
				return
			}
			if got.path != "response" {
				t.Fatalf("%s: %s", got.path, got.body)
			}
			if results, rows := read(t, payload, got.body); results != want.results || rows != want.rows {
				t.Errorf("%s with %d rows, want %s with %d", results, rows, want.results, want.rows)
			}
			f.checkLog(t, got.id, want.rows, want.reasons)
		})
	}
	for name := range wanted {
		if !slices.Contains(files, filepath.Join(inputs, name)) {
			t.Errorf("%s is not there", name)
		}
	}
}

// read returns a letter for each record's result, and how many rows there are.
func read(t *testing.T, payload, answer []byte) (results string, rows int) {
	t.Helper()
	var in, out struct {
		Records []struct{ RecordID, Result, Data string }
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, &out); err != nil || len(out.Records) != len(in.Records) {
		t.Fatalf("%d verdicts for %d records: %v", len(out.Records), len(in.Records), err)
	}
	for i, v := range out.Records {
		if v.RecordID != in.Records[i].RecordID {
			t.Errorf("verdict %d is for record %s", i, v.RecordID)
		}
		results += v.Result[:1]
		if v.Result == "ProcessingFailed" {
			results = results[:len(results)-1] + "F"
		}
		data, err := base64.StdEncoding.DecodeString(v.Data)
		if err != nil {
			t.Error(err)
		}
		for line := range bytes.Lines(data) {
			if rows++; !json.Valid(line) {
				t.Errorf("record %d: not JSON: %s", i, line)
			}
		}
	}
	return results, rows
}

// function is the program, running against a Runtime API of ours.
type function struct {
	next   chan []byte
	done   chan outcome
	line   chan string
	exited chan struct{}
	n      int
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

// start builds the program as the Makefile does, but for this machine, and runs it.
func start(t *testing.T) *function {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", bootstrap, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f := &function{next: make(chan []byte), done: make(chan outcome), line: make(chan string, 100), exited: make(chan struct{})}
	api := httptest.NewServer(f.runtimeAPI())
	cmd := exec.Command(bootstrap)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=transform", "AWS_LAMBDA_LOG_FORMAT=JSON",
	}
	cmd.Stdout = lines(f.line)
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
			t.Errorf("the program had ended by itself: %v\n%s", err, &stderr)
		}
		<-f.exited
		api.Close()
	})
	return f
}

// runtimeAPI is as "Using the Lambda runtime API for custom runtimes" (Lambda Developer Guide) has it.
func (f *function) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
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
			t.Errorf("answered %s, want %s", got.id, f.id())
		}
		return got
	case <-f.exited:
		t.Fatal("the program has ended without an answer")
	}
	return outcome{}
}

// checkLog reads the one line that a batch leaves.
func (f *function) checkLog(t *testing.T, id string, rows int, reasons map[string]int) {
	t.Helper()
	text := <-f.line
	var line struct {
		Level, Message, RequestID string
		Rows                      int
		Reasons                   map[string]int
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("log: %v: %s", err, text)
	}
	if line.Level != "INFO" || line.Message != "batch" || line.RequestID != id || line.Rows != rows {
		t.Errorf("log: %s", text)
	}
	if fmt.Sprint(line.Reasons) != fmt.Sprint(reasons) {
		t.Errorf("reasons %v, want %v", line.Reasons, reasons)
	}
	for _, secret := range []string{"shop.example", "u-17", "fridge", "page_vew"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log quotes the payload (%s): %s", secret, text)
		}
	}
}

// lines is a writer that sends each line it gets.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		l <- string(line)
	}
	return len(p), nil
}
