package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
func startRunner(ctx context.Context, o *options) (_ *runner, err error) {
	path, err := exec.LookPath(o.runner)
	if err != nil {
		return nil, fmt.Errorf("-runner %s is not there: build it with `go build -o %s ./pkg/local`, or use `make demo`", o.runner, o.runner)
	}
	r := &runner{log: filepath.Join(o.data, "runner.log"), exited: make(chan struct{})}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	ctx, r.cancel = context.WithCancel(ctx)
	r.cmd = exec.CommandContext(ctx, path, "-quiet", "-template", o.template, "-data", o.data, "-build", o.build, "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0")
	r.cmd.Stderr = log
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = stopWithin
	// A terminal sends Ctrl-C to its whole process group. In one of its own the runner hears of it once, from here.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("-runner %s does not start: %w", o.runner, err)
	}
	readErr := r.readReady(stdout)
	go func() {
		_ = r.cmd.Wait() // ProcessState says how it ended; Wait's error is ctx's own
		close(r.exited)
	}()
	if readErr != nil {
		r.cancel()
		<-r.exited
		if ctx.Err() != nil && !r.failed() {
			return nil, errInterrupted
		}
		return nil, r.ended(readErr)
	}
	return r, nil
}

var errInterrupted = errors.New("interrupted")

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
func (r *runner) finish(err error) error {
	if err != nil && !errors.Is(err, context.Canceled) {
		select {
		case <-r.exited:
		case <-time.After(deadWithin):
		}
	}
	early := false
	select {
	case <-r.exited:
		early = true
	default:
	}
	r.cancel()
	<-r.exited
	switch {
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case early:
		return r.ended(err)
	case r.failed():
		return errors.Join(err, r.ended(errors.New("it did not stop as asked")))
	}
	return err
}

func (r *runner) failed() bool { return !r.cmd.ProcessState.Success() }

// ended says why the runner ended: in its own words, if it left any, else by reason.
func (r *runner) ended(reason error) error {
	text, err := os.ReadFile(r.log)
	if err != nil {
		return fmt.Errorf("the runner ended (%s): %w", r.cmd.ProcessState, err)
	}
	if words := strings.TrimSpace(string(text)); words != "" {
		return errors.New(words)
	}
	return fmt.Errorf("the runner ended by itself (%s): %w", r.cmd.ProcessState, reason)
}
