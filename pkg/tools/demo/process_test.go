package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"hydrant/pkg/local/runnertest"
)

// The test binary is three programs, by the name it is called by: the tests, the demo, and a runner that behaves as FAKE_RUNNER says.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "demo":
		main()
	case "hydrant-local":
		fakeRunner(os.Getenv("FAKE_RUNNER"), folderOf(os.Args))
	default:
		os.Exit(m.Run())
	}
}

func folderOf(args []string) string {
	for i, a := range args {
		if a == "-data" {
			return args[i+1]
		}
	}
	panic("no -data")
}

// stopped is a file that the fake runner leaves when it was asked to end.
const stopped = "stopped"

func fakeRunner(behaviour, data string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	f := newFake(data)
	behaviours[behaviour](ctx, f)
	if err := f.makeFiles(); err != nil {
		panic(err)
	}
	serve(ctx, f)
	if err := os.WriteFile(filepath.Join(data, stopped), nil, 0o644); err != nil {
		panic(err)
	}
	if behaviour == "ends badly" {
		fmt.Fprintln(os.Stderr, "what is not delivered stays")
		os.Exit(1)
	}
}

// behaviours are what FAKE_RUNNER can say.
var behaviours = map[string]func(context.Context, *fake){
	"works":      func(context.Context, *fake) {},
	"ends badly": func(context.Context, *fake) {},
	"refuses to start": func(context.Context, *fake) {
		fmt.Fprintln(os.Stderr, "-data was made by another version of hydrant: remove it")
		os.Exit(1)
	},
	"says something else": func(ctx context.Context, _ *fake) {
		fmt.Println("hello")
		<-ctx.Done()
		os.Exit(0)
	},
	"dies on a request": func(_ context.Context, f *fake) {
		f.answer = func(string, int, string) (int, string) {
			fmt.Fprintln(os.Stderr, "the S3 server ended unasked: start the runner again")
			os.Exit(1)
			return 0, ""
		}
	},
	"loses a row": func(_ context.Context, f *fake) {
		f.rows = func(rows []string) []string { return rows[1:] }
	},
	"cannot deliver": func(_ context.Context, f *fake) {
		f.flush = func(w http.ResponseWriter) {
			http.Error(w, `{"error":"no space left on device"}`, http.StatusInternalServerError)
		}
	},
	"never delivers": func(ctx context.Context, f *fake) {
		f.flush = func(http.ResponseWriter) {
			if err := syscall.Kill(os.Getppid(), syscall.SIGINT); err != nil { // the user's Ctrl-C
				panic(err)
			}
			<-ctx.Done()
		}
	},
}

func serve(ctx context.Context, f *fake) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: f}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Printf(`{"ready":true,"api":"http://%s/v1","aws":"http://%[1]s"}`+"\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		panic(err)
	}
}

// programs makes the names by which the test binary is the demo and the fake runner.
func programs(t *testing.T) (demo, runner string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	demo, runner = filepath.Join(dir, "demo"), filepath.Join(dir, "hydrant-local")
	if err := errors.Join(os.Symlink(self, demo), os.Symlink(self, runner)); err != nil {
		t.Fatal(err)
	}
	return demo, runner
}

// start runs a program to its end.
func start(t *testing.T, dir, program string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errs, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestWithARunnerThat(t *testing.T) {
	for name, tc := range map[string]struct {
		code           int
		stdout, stderr string // a part of it; "" wants it empty
		stops          bool   // whether it is there to be asked to end
	}{
		"works":               {code: 0, stdout: whole, stops: true},
		"loses a row":         {code: 1, stdout: "in flight 0: it does not add up", stderr: "the account does not add up\n", stops: true},
		"refuses to start":    {code: 1, stderr: "-data was made by another version of hydrant: remove it\n"},
		"says something else": {code: 1, stderr: "the runner ended (exit status 0): its first line"},
		"dies on a request":   {code: 1, stderr: "the S3 server ended unasked: start the runner again\n"},
		"cannot deliver":      {code: 1, stderr: "no space left on device", stops: true},
		"never delivers":      {code: 1, stderr: "interrupted\n", stops: true},
		"ends badly":          {code: 1, stderr: "what is not delivered stays\n", stops: true},
	} {
		t.Run(name, func(t *testing.T) {
			demo, runner := programs(t)
			data := filepath.Join(t.TempDir(), "data")
			code, stdout, stderr := start(t, "../../..", demo, []string{"FAKE_RUNNER=" + name}, "-runner", runner, "-data", data, "-quiet")
			if code != tc.code || !strings.Contains(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) ||
				tc.stdout == "" && stdout != "" || tc.stderr == "" && stderr != "" {
				t.Errorf("it exits with %d, want %d\nand prints %q, want %q\nand %q, want %q", code, tc.code, stdout, tc.stdout, stderr, tc.stderr)
			}
			if _, err := os.Stat(filepath.Join(data, stopped)); (err == nil) != tc.stops {
				t.Errorf("the runner was asked to end: %t, want %t", err == nil, tc.stops)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	foreign := t.TempDir()
	precious := filepath.Join(foreign, "precious")
	if err := os.WriteFile(precious, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	odd := t.TempDir()
	if err := os.WriteFile(filepath.Join(odd, "one.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	demo, runner := programs(t)
	for name, tc := range map[string]struct {
		args   []string
		stderr string
	}{
		"a runner that is not built":       {[]string{"-runner", "nowhere", "-data", t.TempDir()}, "-runner nowhere is not there: build it with"},
		"a folder that is not a demo's":    {[]string{"-runner", runner, "-data", foreign}, "it holds what no demo made: give -data an empty folder"},
		"a folder of requests that is not": {[]string{"-events", "nowhere"}, "-events nowhere is not there: run the demo in the module's root"},
		"a folder without requests":        {[]string{"-events", t.TempDir()}, "holds no requests"},
		"a request without a route":        {[]string{"-events", odd}, "one.json: the name must say the route"},
		"an argument":                      {[]string{"quickly"}, `unexpected argument "quickly": -help lists the flags`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := start(t, "../../..", demo, nil, tc.args...)
			if code != 1 || stdout != "" || !strings.Contains(stderr, tc.stderr) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("it exits with %d and prints %q and %q, want %q", code, stdout, stderr, tc.stderr)
			}
		})
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error("the refused folder was not left alone:", err)
	}
}

func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	first, err := takeFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takeFolder(path); err == nil || !strings.Contains(err.Error(), "another demo is at work") {
		t.Errorf("a second demo gets the folder too: %v", err)
	}
	old := filepath.Join(path, "s3", "bucket", "object")
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o755), os.WriteFile(old, nil, 0o644), first.Close()); err != nil {
		t.Fatal(err)
	}
	second, err := takeFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the first demo left is still there: %v", err)
	}
}

// The real thing: both programs are built and run, as make demo does.
func TestEndToEnd(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	runner, err := runnertest.Get()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", dir, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows := filepath.Join(dir, "rows.jsonl")
	code, stdout, stderr := start(t, root, filepath.Join(dir, "demo"), nil,
		"-runner", runner.Program, "-data", filepath.Join(dir, "data"), "-build", runner.Build, "-rows", rows)
	if code != 0 || stderr != "" {
		t.Fatalf("it exits with %d and prints %q\n%s", code, stderr, stdout)
	}
	for _, want := range append(eventIDs(t, filepath.Join(root, "events", "api")),
		" It adds up.\n", "400 InvalidBody: ", "403 UnknownRouteOrUnsigned: ", "Lambda.ProcessingFailedStatus from 06 invalid event", "· arrived on attempt 2", "2 events sent round again, 1 quarantined", ".json.gz\n",
		"/type unknown_type", "+device=unknown", `extra={"items":[null,{"gift":true`, ".parquet\n",
	) {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not print %q", want)
		}
	}
	checkRows(t, rows, strings.Count(stdout, "   received_at="))
	checkGone(t, stdout)
	if t.Failed() {
		t.Log(stdout)
	}
}

// eventIDs are those that stand in the requests that are JSON.
func eventIDs(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests in %s (%v)", dir, err)
	}
	var ids []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"event_id": "([^"]+)"`).FindAllSubmatch(body, -1) {
			ids = append(ids, string(match[1]))
		}
	}
	if len(ids) == 0 {
		t.Fatal("no request has an event_id")
	}
	return ids
}

func checkRows(t *testing.T, path string, want int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(text) {
		var row struct{ Sent, Row map[string]any }
		if err := json.Unmarshal(line, &row); err != nil || row.Sent["type"] != row.Row["type"] || row.Row["type"] == nil {
			t.Errorf("-rows has the line %s (%v)", line, err)
		}
		n++
	}
	if n != want || n == 0 {
		t.Errorf("-rows has %d lines, the report has %d rows", n, want)
	}
}

// checkGone wants the runner to have ended.
func checkGone(t *testing.T, stdout string) {
	t.Helper()
	address := regexp.MustCompile(`(?m)^api (http://\S+)`).FindStringSubmatch(stdout)
	if address == nil {
		t.Fatal("it does not print the API's address")
	}
	api, err := url.Parse(address[1])
	if err != nil {
		t.Fatal(err)
	}
	if connection, err := net.Dial("tcp", api.Host); err == nil {
		connection.Close()
		t.Errorf("something still listens on %s", api.Host)
	}
}
