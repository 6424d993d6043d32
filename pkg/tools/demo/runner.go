package main

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
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	stopWithin = 30 * time.Second // between SIGTERM and SIGKILL
	deadWithin = 2 * time.Second  // between a connection's end and the news that the runner has ended
)

// runner is the local runner as a child process.
type runner struct {
	api, aws string
	log      string // the file with what it wrote to standard error
	cancel   context.CancelFunc
	cmd      *exec.Cmd
	exited   chan struct{}
}

// startRunner starts the runner on free ports and returns when it is ready.
func startRunner(ctx context.Context, o *options) (*runner, error) {
	path, err := exec.LookPath(o.runner)
	if err != nil {
		return nil, fmt.Errorf("-runner %s is not there: build it with `go build -o %s ./pkg/local`, or use `make demo`", o.runner, o.runner)
	}
	r := &runner{log: filepath.Join(o.data, "runner.log"), exited: make(chan struct{})}
	running, cancel := context.WithCancel(ctx)
	r.cancel = cancel
	r.cmd = exec.CommandContext(running, path,
		"-quiet", "-template", o.template, "-data", o.data, "-build", o.build, "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0")
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = stopWithin
	// A terminal sends Ctrl-C to its whole process group. In one of its own the runner hears of it once, from here.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := r.start()
	if err != nil {
		return nil, fmt.Errorf("-runner %s does not start: %w", o.runner, err)
	}
	readErr := r.readReady(stdout)
	go func() {
		_ = r.cmd.Wait() // ProcessState says how it ended; Wait's error is the context's
		close(r.exited)
	}()
	if readErr != nil {
		r.cancel()
		<-r.exited
		return nil, r.cause(ctx, readErr)
	}
	return r, nil
}

func (r *runner) start() (stdout io.Reader, err error) {
	log, err := os.Create(r.log)
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
func (r *runner) readReady(stdout io.Reader) error {
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
	r.api, r.aws = ready.API, ready.AWS
	return nil
}

// finish stops the runner and waits until it has ended. err is what went wrong before, if anything; the answer is its cause, where that is
// an interruption or a runner that ended by itself.
func (r *runner) finish(ctx context.Context, err error) error {
	var lost *url.Error
	if errors.As(err, &lost) && ctx.Err() == nil {
		select {
		case <-r.exited:
		case <-time.After(deadWithin):
		}
	}
	select {
	case <-r.exited:
		return r.cause(ctx, cmp.Or(err, errEarly))
	default:
	}
	r.cancel()
	<-r.exited
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
func (r *runner) cause(ctx context.Context, reason error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	text, err := os.ReadFile(r.log)
	if words := strings.TrimSpace(string(text)); err == nil && words != "" {
		return errors.New(words)
	}
	return fmt.Errorf("the runner ended (%s): %w", r.cmd.ProcessState, errors.Join(reason, err))
}
