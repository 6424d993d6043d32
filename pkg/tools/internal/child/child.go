// Package child runs the local runner as a child process, as a person would: it starts the program, waits for the line that says that it is
// ready, and stops it or kills it.
package child

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Options say what to run.
type Options struct {
	Program string // the runner
	Target  string // the target of the Makefile that builds it: what to say if it is not there
	Log     string // the file for what it writes to standard error; it is appended to
	// Arguments are its flags, but for the addresses: those are free ones.
	Arguments []string
	// StopWithin is how long it may take to deliver what is buffered when it is told to stop; then it is killed.
	StopWithin time.Duration
}

// readyWithin is long enough for a first start, which builds the functions.
const readyWithin = 5 * time.Minute

// deadWithin is between a connection's end and the news that the runner has ended.
const deadWithin = 2 * time.Second

// Runner is a local runner that is ready.
type Runner struct {
	API, AWS string        // its addresses: http://host:port, the API's with the stage
	Ready    time.Duration // from the start of the process to the line that says so
	Exited   chan struct{} // closed when it has ended

	log    string
	cancel context.CancelFunc
	cmd    *exec.Cmd
	killed atomic.Bool
}

// Start starts the runner and returns when it is ready. When ctx ends it is told to stop.
func Start(ctx context.Context, o Options) (*Runner, error) {
	path, err := exec.LookPath(o.Program)
	if err != nil {
		return nil, fmt.Errorf("-runner %s is not there: build it with `go build -o %s ./pkg/local`, or use `make %s`", o.Program, o.Program, o.Target)
	}
	running, cancel := context.WithCancel(ctx)
	r := &Runner{Exited: make(chan struct{}), log: o.Log, cancel: cancel}
	r.cmd = exec.CommandContext(running, path, append([]string{"-quiet", "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0"}, o.Arguments...)...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = o.StopWithin
	// A terminal sends Ctrl-C to its whole process group. In one of its own the runner hears of it once, from here.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	stdout, err := r.start()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("-runner %s does not start: %w", o.Program, err)
	}
	late := time.AfterFunc(readyWithin, cancel)
	readErr := r.readReady(stdout)
	late.Stop()
	r.Ready = time.Since(began)
	go func() {
		_ = r.cmd.Wait() // ProcessState says how it ended; Wait's error is the context's
		close(r.Exited)
	}()
	if readErr != nil {
		cancel()
		<-r.Exited
		return nil, r.cause(ctx, readErr)
	}
	return r, nil
}

func (r *Runner) start() (stdout io.Reader, err error) {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the runner has its own copy
	r.cmd.Stderr = log
	if stdout, err = r.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return stdout, r.cmd.Start()
}

// readReady reads the line that the runner prints when it is ready.
func (r *Runner) readReady(stdout io.Reader) error {
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return errors.New("it never said that it was ready")
	}
	var ready struct {
		Ready bool
		API   string
		AWS   string
	}
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready || ready.API == "" || ready.AWS == "" {
		return errors.New("its first line on standard output is not the line of a runner that is ready")
	}
	r.API, r.AWS = ready.API, ready.AWS
	return nil
}

// PID is the id of its process.
func (r *Runner) PID() int { return r.cmd.Process.Pid }

// Kill ends the runner as a crash would. Its S3 server and functions end by themselves.
func (r *Runner) Kill() {
	r.killed.Store(true)
	_ = r.cmd.Process.Kill() // it may have ended already
	<-r.Exited
	r.cancel()
}

// Finish stops the runner, unless it was killed, and waits until it has ended. err is what went wrong before, if anything; the answer is its
// cause, where that is an interruption or a runner that ended by itself.
func (r *Runner) Finish(ctx context.Context, err error) error {
	if r.killed.Load() {
		return err
	}
	var lost *url.Error
	if errors.As(err, &lost) && ctx.Err() == nil {
		select {
		case <-r.Exited:
		case <-time.After(deadWithin):
		}
	}
	select {
	case <-r.Exited:
		return r.cause(ctx, cmp.Or(err, errEarly))
	default:
	}
	r.cancel()
	<-r.Exited
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case !r.cmd.ProcessState.Success():
		return errors.Join(err, r.cause(ctx, errUnwell))
	}
	return err
}

var (
	errInterrupted = errors.New("interrupted")
	errEarly       = errors.New("it was still needed")
	errUnwell      = errors.New("it did not stop as asked")
)

// cause says why a runner ended: in its own words, if it left any, else by reason.
func (r *Runner) cause(ctx context.Context, reason error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	text, err := os.ReadFile(r.log)
	if words := strings.TrimSpace(string(text)); err == nil && words != "" {
		return errors.New(words)
	}
	return fmt.Errorf("the runner ended (%s): %w", r.cmd.ProcessState, errors.Join(reason, err))
}
