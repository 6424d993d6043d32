package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hydrant/pkg/local/runnertest"
)

// What all tests share: the runner as a program of its own, and folders of built functions.
var runnerBinary, buildFolder, workerFolder, root string

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		startWorker()
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "hydrant-local-test")
	if err == nil {
		defer os.RemoveAll(folder)
		root, err = filepath.Abs("../..")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runner, err := runnertest.Get()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runnerBinary, buildFolder, workerFolder = runner.Program, runner.Build, folder
	if err := linkWorker(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// program is a running runner.
type program struct {
	cmd      *exec.Cmd
	api, aws string
	data     string // its folder, where a test needs it
	stderr   *bytes.Buffer
}

// launch starts the runner and waits for its ready line. A runner that ends instead is an error with what it said.
func launch(arguments ...string) (*program, error) {
	p := &program{cmd: exec.Command(runnerBinary, append([]string{"-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-build", buildFolder}, arguments...)...), stderr: &bytes.Buffer{}}
	p.cmd.Dir, p.cmd.Stderr = root, p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		waitErr := p.cmd.Wait()
		return nil, fmt.Errorf("%s (%w)", strings.TrimSpace(p.stderr.String()), waitErr)
	}
	var ready struct {
		Ready    bool
		API, AWS string
	}
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready {
		return nil, errors.Join(fmt.Errorf("the ready line is %q", line), p.end(syscall.SIGKILL))
	}
	p.api, p.aws = ready.API, ready.AWS
	return p, nil
}

func (p *program) end(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil && s != syscall.SIGKILL {
		return fmt.Errorf("the runner ended with %w: %s", err, p.stderr)
	}
	return nil
}

// send makes a request and answers the status and the body.
func send(method, url, contentType string, body io.Reader) (int, string, error) {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// TestScripts runs the pages under testdata/scripts. Beside testscript's own commands they have:
//
//	start [flag...]      start the runner on template.yaml with the data folder data; "! start" expects it to refuse
//	terminate, crash     end it with SIGTERM, and exit status 0, or with SIGKILL
//	post ROUTE FILE [T]  POST a file to a route of the API, of content type T (application/json); prints status and body
//	control METHOD PATH [BODY]
//	                     a control path; prints status and body
//	aws TARGET JSON      a request to the -aws address with this X-Amz-Target; $AWS in it is the address; prints status and body
//	invoke NAME JSON     an asynchronous invocation of a function; prints the status
//	object BUCKET KEY TEXT
//	                     PUT an object through the -aws address; prints stored, or S3's code
//	issuer [stop]        start an issuer of JSON Web Tokens at $ISSUER, the same after a stop
//	token VARIABLE [flag...]
//	                     set a variable to a token of this issuer's, or to a static one
//	bearer TOKEN ROUTE FILE [HEADER...]
//	                     POST a file with a token, '' for none; prints status, WWW-Authenticate and body
//	health               GET /health; prints status and body
//	body NAME            write a large body to a file of this name: 500-records.json, 501-records.json, 1001-records.json,
//	                     longest-key.json, long-key.json, too-large.json, huge.json
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/scripts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Setenv("BUILD", buildFolder)
			env.Setenv("WORKER", workerFolder)
			env.Setenv("RUNNER", runnerBinary)
			for _, name := range []string{"HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY"} {
				if value, err := goEnv(name); err == nil && value != "" {
					env.Setenv(name, value)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": scriptStart, "terminate": scriptEnd(syscall.SIGTERM), "crash": scriptEnd(syscall.SIGKILL),
			"post": scriptPost, "control": scriptControl, "body": scriptBody,
			"aws": scriptAWS, "invoke": scriptInvoke, "object": scriptObject,
			"issuer": scriptIssuer, "token": scriptToken, "bearer": scriptBearer, "health": scriptHealth,
		},
	})
}

func goEnv(name string) (string, error) {
	if name == "HOME" {
		return os.UserHomeDir()
	}
	output, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(output)), err
}

// scriptRunners has each script's runner: scripts run at the same time.
var scriptRunners runners

type runners struct {
	mu sync.Mutex
	of map[*testscript.TestScript]*program
}

func (r *runners) get(ts *testscript.TestScript) *program {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[ts]
}

func (r *runners) put(ts *testscript.TestScript, p *program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[*testscript.TestScript]*program{}
	}
	r.of[ts] = p
}

func scriptStart(ts *testscript.TestScript, refused bool, args []string) {
	p, err := launch(append([]string{"-data", ts.MkAbs("data"), "-quiet"}, args...)...)
	if refused {
		if err == nil {
			ts.Check(p.end(syscall.SIGTERM))
			ts.Fatalf("the runner started")
		}
		_, werr := fmt.Fprintln(ts.Stderr(), err)
		ts.Check(werr)
		return
	}
	ts.Check(err)
	ts.Setenv("API", p.api)
	ts.Setenv("AWS", p.aws)
	scriptRunners.put(ts, p)
	ts.Defer(func() {
		if scriptRunners.get(ts) == p {
			_ = p.end(syscall.SIGKILL) // the script failed before it ended the runner
		}
	})
}

func scriptEnd(s syscall.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		p := scriptRunners.get(ts)
		if p == nil {
			ts.Fatalf("no runner is running")
		}
		scriptRunners.put(ts, nil)
		ts.Check(p.end(s))
	}
}

func scriptPost(ts *testscript.TestScript, _ bool, args []string) {
	contentType := "application/json"
	if len(args) > 2 {
		contentType = args[2]
	}
	status, body, err := send(http.MethodPost, ts.Getenv("API")+args[0], contentType, strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s\n", status, body)
	ts.Check(err)
}

func scriptControl(ts *testscript.TestScript, _ bool, args []string) {
	var request io.Reader
	if len(args) > 2 {
		request = strings.NewReader(args[2])
	}
	status, body, err := send(args[0], ts.Getenv("AWS")+"/_hydrant/"+args[1], "", request)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s\n", status, body)
	ts.Check(err)
}

func scriptBody(ts *testscript.TestScript, _ bool, args []string) {
	event := `{"type":"page_view","url":"https://www.example.com/"}`
	body, ok := map[string]string{
		"500-records.json":  `{"Records":[` + strings.Repeat(`{"Data":`+event+`},`, 499) + `{"Data":` + event + `}]}`,
		"501-records.json":  `{"Records":[` + strings.Repeat(`{"Data":`+event+`},`, 500) + `{"Data":` + event + `}]}`,
		"1001-records.json": `{"Records":[` + strings.Repeat(`{"Data":`+event+`},`, 1000) + `{"Data":` + event + `}]}`,
		"long-key.json":     `{"PartitionKey":"` + strings.Repeat("k", 257) + `","Data":` + event + `}`,
		"longest-key.json":  `{"PartitionKey":"` + strings.Repeat("é", 256) + `","Data":` + event + `}`,
		"too-large.json":    `{"Data":{"type":"page_view","url":"https://www.example.com/","title":"` + strings.Repeat("t", 1<<20) + `"}}`,
		"huge.json":         `{"Data":"` + strings.Repeat("t", 10<<20) + `"}`,
	}[args[0]]
	if !ok {
		ts.Fatalf("no body is called %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(body), 0o600))
}
