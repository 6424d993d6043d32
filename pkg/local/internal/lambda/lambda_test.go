package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"go.uber.org/goleak"
)

// TestMain is also the function under test: started with the variables that Lambda sets, the test's own binary is a bootstrap.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		if os.Getenv("FAIL_INIT") != "" {
			fmt.Println("cannot start")
			os.Exit(3)
		}
		awslambda.Start(handler{})
	}
	goleak.VerifyTestMain(m)
}

type handler struct{}

func (handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in struct {
		Do, Text string
		N        int
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	switch in.Do {
	case "fail":
		return nil, errors.New(in.Text)
	case "panic":
		panic(in.Text)
	case "exit":
		os.Exit(7)
	case "hang":
		<-make(chan int)
	case "print":
		fmt.Println(in.Text)
	case "answer":
		return bytes.Repeat([]byte("1"), in.N), nil
	case "environment":
		return json.Marshal(os.Environ())
	case "meet": // waits until N processes have come together in the folder Text
		if err := os.WriteFile(filepath.Join(in.Text, fmt.Sprint(os.Getpid())), nil, 0o600); err != nil {
			return nil, err
		}
		for {
			if all, err := os.ReadDir(in.Text); err != nil || len(all) >= in.N {
				return []byte("true"), err
			}
			time.Sleep(time.Millisecond)
		}
	}
	return payload, nil
}

type fixture struct {
	*Service
	mu       sync.Mutex
	log      []string
	troubles []string
}

func start(t *testing.T, change func(*Function)) *fixture {
	t.Helper()
	f := &fixture{}
	function := Function{
		LogicalID: "EchoFunction", Name: "echo", ARN: "arn:aws:lambda:eu-west-1:000000000000:function:echo", Dir: t.TempDir(), Handler: "bootstrap",
		Timeout: 20 * time.Second, MemoryMB: 256, Environment: map[string]string{"OWN": "yes"}, LogGroup: "/aws/lambda/echo", LogFormat: "JSON", LogLevel: "WARN",
	}
	if change != nil {
		change(&function)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(function.Dir, "bootstrap")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	f.Service = New(Config{
		Region: "eu-west-1", EndpointURL: "http://127.0.0.1:4566", Credentials: map[string]string{"AWS_ACCESS_KEY_ID": "id"},
		Functions: []Function{function},
		Trouble:   func(message string) { f.troubles = append(f.troubles, message) },
		Log: func(group, stream string, _ time.Time, message string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.log = append(f.log, group+" "+stream+" "+message)
		},
	})
	t.Cleanup(f.Close)
	return f
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, "\n")
}

func TestInvoke(t *testing.T) {
	for name, tc := range map[string]struct {
		payload string
		answer  string // contained in the answer
		failed  bool
	}{
		"answers what the function answers":       {`{"Do":"echo"}`, `{"Do":"echo"}`, false},
		"answers a function's error":              {`{"Do":"fail","Text":"no luck"}`, `"errorMessage":"no luck"`, true},
		"answers a panic with its text":           {`{"Do":"panic","Text":"oh"}`, `"errorMessage":"oh"`, true},
		"says that a process ended":               {`{"Do":"exit"}`, `Runtime exited with error: exit status 7`, true},
		"passes an answer of the greatest length": {fmt.Sprintf(`{"Do":"answer","N":%d}`, MaxResponse), "111", false},
		"refuses an answer one byte longer":       {fmt.Sprintf(`{"Do":"answer","N":%d}`, MaxResponse+1), "Function.ResponseSizeTooLarge", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			for range 2 { // the second one shows that the function recovers
				answer, functionError, err := f.Invoke(t.Context(), "echo", []byte(tc.payload))
				if err != nil || (functionError == "Unhandled") != tc.failed || !strings.Contains(string(answer), tc.answer) {
					t.Errorf("got %.200s, %q, %v; want %s", answer, functionError, err, tc.answer)
				}
			}
			if got := f.Stats()["EchoFunction"]; got.Invocations != 2 || (got.Errors == 2) != tc.failed || got.InFlight != 0 {
				t.Errorf("got the counts %+v", got)
			}
		})
	}
}

func TestAProcessIsUsedAgain(t *testing.T) {
	f := start(t, nil)
	for range 5 {
		if _, functionError, err := f.Invoke(t.Context(), "arn:aws:lambda:eu-west-1:000000000000:function:echo:$LATEST", []byte(`{}`)); err != nil || functionError != "" {
			t.Fatal(functionError, err)
		}
	}
	if got := f.Stats()["EchoFunction"]; got.ColdStarts != 1 || got.Environments != 1 {
		t.Errorf("got %+v, want one process for five invocations", got)
	}
}

func TestATimeoutEndsTheProcess(t *testing.T) {
	f := start(t, func(f *Function) { f.Timeout = 300 * time.Millisecond })
	answer, functionError, err := f.Invoke(t.Context(), "echo", []byte(`{"Do":"hang"}`))
	if want := "Error: Task timed out after 0.30 seconds"; err != nil || functionError != "Unhandled" || !strings.Contains(string(answer), want) || !strings.Contains(string(answer), "Sandbox.Timedout") {
		t.Errorf("got %s, %q, %v; want %s", answer, functionError, err, want)
	}
	if got := f.Stats()["EchoFunction"]; got.Environments != 0 {
		t.Errorf("got %+v, want no process left", got)
	}
}

func TestAnAbandonedInvocationEndsTheProcess(t *testing.T) {
	f := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := f.Invoke(ctx, "echo", []byte(`{"Do":"hang"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestConcurrentInvocationsHaveAProcessEach(t *testing.T) {
	f := start(t, func(f *Function) { f.Concurrency = 3 })
	payload, err := json.Marshal(map[string]any{"Do": "meet", "Text": t.TempDir(), "N": 3})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if answer, functionError, err := f.Invoke(t.Context(), "echo", payload); err != nil || functionError != "" {
				t.Errorf("got %s, %q, %v", answer, functionError, err)
			}
		})
	}
	wg.Wait()
	if got := f.Stats()["EchoFunction"]; got.ColdStarts != 3 {
		t.Errorf("got %+v, want three processes", got)
	}
}

func TestBeyondTheReservedConcurrencyIsThrottled(t *testing.T) {
	f := start(t, func(f *Function) { f.Concurrency = 1 })
	folder := t.TempDir()
	payload, err := json.Marshal(map[string]any{"Do": "meet", "Text": folder, "N": 2})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, _, err := f.Invoke(t.Context(), "echo", payload)
		done <- err
	}()
	for f.Stats()["EchoFunction"].InFlight == 0 {
		time.Sleep(time.Millisecond)
	}
	var fault *Error
	if _, _, err := f.Invoke(t.Context(), "echo", []byte(`{}`)); !errors.As(err, &fault) || fault.Code != "TooManyRequestsException" || fault.Status != 429 {
		t.Errorf("got %v, want TooManyRequestsException", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "the other one"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAFailedInitIsAFailedInvocation(t *testing.T) {
	f := start(t, func(f *Function) { f.Environment["FAIL_INIT"] = "1" })
	answer, functionError, err := f.Invoke(t.Context(), "echo", []byte(`{}`))
	if err != nil || functionError != "Unhandled" || !strings.Contains(string(answer), "exit status 3") || !strings.Contains(f.logged(), "cannot start") {
		t.Errorf("got %s, %q, %v, log %q", answer, functionError, err, f.logged())
	}
	if want := []string{"EchoFunction ended before it was ready: cannot start"}; !slices.Equal(f.troubles, want) {
		t.Errorf("got the troubles %q, want %q", f.troubles, want)
	}
}

func TestABootstrapThatCannotRun(t *testing.T) {
	f := start(t, func(f *Function) {
		if err := os.WriteFile(filepath.Join(f.Dir, "bootstrap"), []byte("no program"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	answer, functionError, err := f.Invoke(t.Context(), "echo", []byte(`{}`))
	if err != nil || functionError != "Unhandled" || !strings.Contains(string(answer), "Runtime.InvalidEntrypoint") {
		t.Errorf("got %s, %q, %v", answer, functionError, err)
	}
}

func TestTheProcessHasLambdasEnvironmentAndTheTemplatesOnly(t *testing.T) {
	t.Setenv("OF_THE_RUNNER", "secret")
	f := start(t, nil)
	answer, _, err := f.Invoke(t.Context(), "echo", []byte(`{"Do":"environment"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"OWN=yes", "AWS_REGION=eu-west-1", "AWS_LAMBDA_FUNCTION_NAME=echo", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_LAMBDA_LOG_LEVEL=WARN", "AWS_ENDPOINT_URL=http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID=id", "_HANDLER=bootstrap",
	} {
		if !strings.Contains(string(answer), `"`+want+`"`) {
			t.Errorf("%s is missing in %s", want, answer)
		}
	}
	if strings.Contains(string(answer), "OF_THE_RUNNER") {
		t.Errorf("the runner's own variables reach the function: %s", answer)
	}
}

func TestOutputIsLogged(t *testing.T) {
	f := start(t, nil)
	if _, _, err := f.Invoke(t.Context(), "echo", []byte(`{"Do":"print","Text":"hello"}`)); err != nil {
		t.Fatal(err)
	}
	f.Close() // the process ends, so all it printed has been read
	if got := f.logged(); !strings.Contains(got, "/aws/lambda/echo ") || !strings.Contains(got, "[$LATEST]") || !strings.HasSuffix(got, " hello") {
		t.Errorf("got the log %q", got)
	}
}

func TestInvokeAPI(t *testing.T) {
	f := start(t, nil)
	server := httptest.NewServer(f)
	defer server.Close()
	for name, tc := range map[string]struct {
		method, path, kind, body string
		status                   int
		answer, functionError    string
	}{
		"an answer":             {"POST", "/2015-03-31/functions/echo/invocations", "", `{"a":1}`, 200, `{"a":1}`, ""},
		"by ARN":                {"POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Aecho/invocations", "RequestResponse", `{"a":1}`, 200, `{"a":1}`, ""},
		"no payload is {}":      {"POST", "/2015-03-31/functions/echo/invocations", "", ``, 200, `{}`, ""},
		"a function's error":    {"POST", "/2015-03-31/functions/echo/invocations", "", `{"Do":"fail","Text":"x"}`, 200, `"errorType":"errorString"`, "Unhandled"},
		"a dry run":             {"POST", "/2015-03-31/functions/echo/invocations", "DryRun", `{}`, 204, "", ""},
		"an unknown function":   {"POST", "/2015-03-31/functions/none/invocations", "", `{}`, 404, "Function not found", ""},
		"an unknown qualifier":  {"POST", "/2015-03-31/functions/echo/invocations?Qualifier=7", "", `{}`, 404, "Function not found", ""},
		"no JSON":               {"POST", "/2015-03-31/functions/echo/invocations", "", `{`, 400, "Could not parse", ""},
		"an asynchronous event": {"POST", "/2015-03-31/functions/echo/invocations", "Event", `{}`, 400, "RequestResponse, Event and DryRun", ""},
		"another operation":     {"GET", "/2015-03-31/functions", "", ``, 404, "Invoke only", ""},
		"too much":              {"POST", "/2015-03-31/functions/echo/invocations", "", `"` + strings.Repeat("x", MaxRequest) + `"`, 413, "6291456", ""},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Amz-Invocation-Type", tc.kind)
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tc.status || !strings.Contains(string(body), tc.answer) || response.Header.Get("X-Amz-Function-Error") != tc.functionError {
				t.Errorf("got %d %.300s %v, want %d %s", response.StatusCode, body, response.Header, tc.status, tc.answer)
			}
		})
	}
	server.Client().CloseIdleConnections()
}

func TestBuild(t *testing.T) {
	code, dir := t.TempDir(), filepath.Join(t.TempDir(), "EchoFunction")
	write := func(name, text string, age time.Duration) {
		t.Helper()
		path := filepath.Join(code, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write("Makefile", "build-EchoFunction:\n\tprintf '#!/bin/sh\\n# %s/%s' $(GOOS) $(GOARCH) > $(ARTIFACTS_DIR)/bootstrap && chmod 755 $(ARTIFACTS_DIR)/bootstrap\nbuild-EmptyFunction:\n\ttrue\n", time.Hour)
	write("main.go", "package main", time.Hour)
	build := func(want bool) {
		t.Helper()
		if built, err := Build(t.Context(), "EchoFunction", code, dir); err != nil || built != want {
			t.Errorf("got %v, %v; want %v", built, err, want)
		}
	}
	build(true)
	build(false)
	write("main.go", "package main // changed", -time.Second)
	build(true)
	for id, want := range map[string]string{"EmptyFunction": "left no executable", "NoFunction": "build-NoFunction"} {
		if _, err := Build(t.Context(), id, code, filepath.Join(t.TempDir(), id)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", id, err, want)
		}
	}
}

// Two runners that are started at once with one folder build one after the other, and the second finds what the first has built.
func TestBuildAtTheSameTime(t *testing.T) {
	code, dir := t.TempDir(), t.TempDir()
	// make fails if another is at it, or was there before.
	makefile := "build-F:\n\tmkdir $(ARTIFACTS_DIR)/taken && printf '#!/bin/sh' > $(ARTIFACTS_DIR)/bootstrap && chmod 755 $(ARTIFACTS_DIR)/bootstrap\n"
	if err := os.WriteFile(filepath.Join(code, "Makefile"), []byte(makefile), 0o600); err != nil {
		t.Fatal(err)
	}
	const runners = 4
	var times atomic.Int32
	var all sync.WaitGroup
	for range runners {
		all.Go(func() {
			built, err := Build(t.Context(), "F", code, dir)
			if err != nil {
				t.Error(err)
			}
			if built {
				times.Add(1)
			}
		})
	}
	all.Wait()
	if times.Load() != 1 {
		t.Errorf("it was built %d times", times.Load())
	}
}
