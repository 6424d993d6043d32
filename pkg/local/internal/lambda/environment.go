package lambda

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// initLimit is how long a function may take from its start to its first poll.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const initLimit = 10 * time.Second

// environment is an execution environment: one process, and the Runtime API it polls.
type environment struct {
	f      *function
	stream string

	next    chan *invocation // handed over when the process polls
	polled  chan struct{}    // closed at the first poll
	exited  chan struct{}    // closed when the process has ended and its output is read
	started bool

	mu      sync.Mutex
	current *invocation
	initErr []byte // what the function said of its failed init
	exitErr string
	last    string // the last line that it printed
	kill    func()
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan result // holds one
}

type result struct {
	payload []byte
	failed  bool
	gone    bool // the process ended before it took the payload, as aws-lambda-go ends it after a panic: another one must
	err     error
}

func newEnvironment(f *function) *environment {
	return &environment{
		f:      f,
		stream: time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + f.stream,
		next:   make(chan *invocation), polled: make(chan struct{}), exited: make(chan struct{}),
	}
}

func (e *environment) ended() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// stop kills the process and waits for its end.
func (e *environment) stop() {
	e.kill()
	<-e.exited
}

// start runs the bootstrap and waits for its first poll. It answers nil, or what Lambda would answer for the failed init.
func (e *environment) start(ctx context.Context) *result {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		close(e.exited)
		return &result{err: fmt.Errorf("opening the Runtime API of %s: %w", e.f.LogicalID, err)}
	}
	server := &http.Server{Handler: e.runtimeAPI(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed when the process ends

	cmd := exec.Command(filepath.Join(e.f.Dir, "bootstrap"))
	cmd.Dir = e.f.Dir
	cmd.Env = e.environ(listener.Addr().String())
	output, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = cmd.Stdout
		err = cmd.Start()
	}
	if err != nil {
		close(e.exited)
		_ = server.Close()
		return &result{payload: failure("Runtime.InvalidEntrypoint", "the bootstrap could not be started: "+err.Error()), failed: true}
	}
	e.kill = func() { _ = cmd.Process.Kill() } // it may have ended already
	go e.wait(cmd, output, server)

	limit := time.NewTimer(initLimit)
	defer limit.Stop()
	select {
	case <-e.polled:
		return nil
	case <-e.exited:
		e.f.service.trouble("%s ended before it was ready: %s", e.f.LogicalID, e.lastWords())
		return &result{payload: e.exitDocument("INIT"), failed: true}
	case <-limit.C:
		e.stop()
		return &result{payload: failure("Sandbox.Timedout", "INIT phase timed out after 10.00 seconds"), failed: true}
	case <-ctx.Done():
		e.stop()
		return &result{err: ctx.Err()}
	}
}

// wait reads the process's output into its log until it ends.
func (e *environment) wait(cmd *exec.Cmd, output io.Reader, server *http.Server) {
	lines := bufio.NewReaderSize(output, 256<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); text != "" {
			e.f.service.config.Log(e.f.LogGroup, e.stream, time.Now(), text)
			e.mu.Lock()
			e.last = text
			e.mu.Unlock()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
	}
	err := cmd.Wait()
	_ = server.Close()
	e.mu.Lock()
	e.exitErr = "Runtime exited without providing a reason"
	if err != nil {
		e.exitErr = "Runtime exited with error: " + err.Error()
	}
	e.mu.Unlock()
	close(e.exited)
}

// lastWords are what the process printed last, or how it ended if it printed nothing.
func (e *environment) lastWords() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmp.Or(e.last, e.exitErr)
}

func (e *environment) exitDocument(id string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.initErr != nil {
		return e.initErr
	}
	return failure("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", id, e.exitErr))
}

// environ is what Lambda sets, and then what the template declares: nothing of the runner's own environment.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (e *environment) environ(runtimeAPI string) []string {
	f, c := e.f, e.f.service.config
	vars := map[string]string{
		"AWS_LAMBDA_LOG_LEVEL":   f.LogLevel,
		"AWS_LAMBDA_RUNTIME_API": runtimeAPI, "_HANDLER": f.Handler, "LAMBDA_TASK_ROOT": f.Dir, "LAMBDA_RUNTIME_DIR": f.Dir,
		"AWS_REGION": c.Region, "AWS_DEFAULT_REGION": c.Region, "AWS_ENDPOINT_URL": c.EndpointURL,
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": f.LogGroup, "AWS_LAMBDA_LOG_STREAM_NAME": e.stream, "AWS_LAMBDA_LOG_FORMAT": f.LogFormat,
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
		"TZ": ":UTC", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin",
	}
	for name, value := range c.Credentials {
		vars[name] = value
	}
	for name, value := range f.Environment {
		vars[name] = value
	}
	out := make([]string, 0, len(vars))
	for name, value := range vars {
		out = append(out, name+"="+value)
	}
	return out
}

// invoke has the process handle one payload. Whatever goes wrong ends the process, as it ends an execution environment on Lambda.
func (e *environment) invoke(ctx context.Context, payload []byte) result {
	if !e.started {
		e.started = true
		if failed := e.start(ctx); failed != nil {
			return *failed
		}
	}
	inv := &invocation{id: NewRequestID(), payload: payload, deadline: time.Now().Add(e.f.Timeout), done: make(chan result, 1)}
	e.mu.Lock()
	e.current = inv
	e.mu.Unlock()
	timeout := time.NewTimer(e.f.Timeout)
	defer timeout.Stop()
	next := e.next
	for {
		select {
		case next <- inv:
			next = nil // handed over: now only the answer counts
		case r := <-inv.done:
			return r
		case <-e.exited:
			select {
			case r := <-inv.done: // it answered, and ended
				return r
			default:
			}
			if next != nil {
				return result{gone: true}
			}
			return result{payload: e.exitDocument(inv.id), failed: true}
		case <-timeout.C:
			e.stop()
			return result{payload: failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, e.f.Timeout.Seconds())), failed: true}
		case <-ctx.Done():
			e.stop()
			return result{err: ctx.Err()}
		}
	}
}
