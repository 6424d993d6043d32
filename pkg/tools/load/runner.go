package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	readyWithin = 5 * time.Minute // a first start builds the functions
	stopWithin  = 2 * time.Minute // it delivers what is buffered
)

// runner is the local runner as a child process.
type runner struct {
	api, aws string
	ready    time.Duration // from the start of the process to the line that says so
	log      string        // the file with what it wrote to standard error
	cmd      *exec.Cmd
	exited   chan struct{}
	killed   bool
}

// startRunner starts the runner on free ports and returns when it is ready.
func startRunner(ctx context.Context, o *options, data string, parameters []string) (*runner, error) {
	path, err := exec.LookPath(o.runner)
	if err != nil {
		return nil, fmt.Errorf("-runner %s is not there: build it with `go build -o %s ./pkg/local`, or use `make bench`", o.runner, o.runner)
	}
	args := []string{"-quiet", "-template", o.template, "-data", data, "-build", o.build, "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0"}
	for _, p := range parameters {
		args = append(args, "-parameter", p)
	}
	r := &runner{log: filepath.Join(data, "load-runner.log"), cmd: exec.Command(path, args...), exited: make(chan struct{})}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r.cmd.Stderr = log
	// A terminal sends Ctrl-C to its whole process group. In one of its own the runner hears of it once, from here.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("-runner %s does not start: %w", o.runner, err)
	}
	if err := r.awaitReady(ctx, stdout, began); err != nil {
		return nil, r.finish(err)
	}
	return r, nil
}

// awaitReady reads the line that says that the runner is ready, and waits for the process from then on.
func (r *runner) awaitReady(ctx context.Context, stdout io.Reader, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = r.cmd.Process.Kill() }) // it may have ended already
	defer stop()
	defer func() {
		go func() {
			_ = r.cmd.Wait() // ProcessState says how it ended
			close(r.exited)
		}()
	}()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	r.ready = time.Since(began)
	if err != nil {
		return errors.New("it never said that it was ready")
	}
	var ready struct {
		Ready    bool
		API, AWS string
	}
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready || ready.API == "" || ready.AWS == "" {
		return errors.New("its first line on standard output is not the line of a runner that is ready")
	}
	r.api, r.aws = ready.API, ready.AWS
	return nil
}

// kill ends the runner as a crash would. Its S3 server and functions end by themselves.
func (r *runner) kill() {
	r.killed = true
	_ = r.cmd.Process.Kill() // it may have ended already
	<-r.exited
}

// finish stops the runner. err is what went wrong before, if anything.
func (r *runner) finish(err error) error {
	if r.killed {
		return err
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-r.exited:
	case <-time.After(stopWithin):
		r.kill()
		return errors.Join(err, fmt.Errorf("the runner did not stop within %s", stopWithin))
	}
	if r.cmd.ProcessState.Success() {
		return err
	}
	if words, readErr := os.ReadFile(r.log); readErr == nil && len(strings.TrimSpace(string(words))) > 0 {
		err = errors.New(strings.TrimSpace(string(words)))
	}
	return errors.Join(fmt.Errorf("the runner ended with %s", r.cmd.ProcessState), err)
}

// control asks one of the runner's control paths and hands its answer to read.
func (r *runner) control(ctx context.Context, method, path string, read func(io.Reader) error) error {
	url := r.aws + "/_hydrant/" + path
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12)) // what could be read says enough
		return fmt.Errorf("%s %s: %s: %s", method, url, response.Status, body)
	}
	return read(response.Body)
}

// links are the counts of the runner's stream and delivery stream.
type links struct {
	Records, Throttled              int64 // of the stream
	RecordsRead, Rows, Objects      int64 // of the delivery stream
	ProcessingFailed                int64
	ConversionFailed, Dropped       int64
	Delivered, Retries, Invocations int64
}

// flush has everything delivered and answers the counts.
func (r *runner) flush(ctx context.Context) (links, error) {
	return r.links(ctx, http.MethodPost, "flush")
}

func (r *runner) links(ctx context.Context, method, path string) (links, error) {
	var state struct {
		Resources map[string]struct{ Type string }
		Links     map[string]json.RawMessage
	}
	var counts links
	err := r.control(ctx, method, path, func(body io.Reader) error { return json.NewDecoder(body).Decode(&state) })
	if err != nil {
		return counts, err
	}
	for id, resource := range state.Resources {
		if resource.Type != "AWS::Kinesis::Stream" && resource.Type != "AWS::KinesisFirehose::DeliveryStream" {
			continue
		}
		if err := json.Unmarshal(state.Links[id], &counts); err != nil {
			return counts, fmt.Errorf("the counts of %s: %w", id, err)
		}
	}
	return counts, nil
}
