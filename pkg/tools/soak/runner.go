package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"hydrant/pkg/tools/internal/child"
	"hydrant/pkg/tools/internal/process"
)

// stopWithin is between SIGTERM and SIGKILL: it delivers what is buffered.
const stopWithin = time.Minute

// address is where a runner can be reached, and its stream.
type address struct{ api, aws, stream string }

// place is the address of the runner as it is now.
type place struct{ now atomic.Pointer[address] }

func (p *place) get() address { return *p.now.Load() }

// runner is the local runner, which is killed and started again on the same data folder.
type runner struct {
	options    *options
	data       string
	parameters []string
	place      place
	child      *child.Runner
}

// start starts it, again or for the first time.
func (r *runner) start(ctx context.Context) error {
	args := []string{"-template", r.options.template, "-data", filepath.Join(r.data, "runner"), "-build", r.options.build, "-time-scale", fmt.Sprint(r.options.timeScale)}
	for _, p := range r.parameters {
		args = append(args, "-parameter", p)
	}
	c, err := child.Start(ctx, child.Options{
		Program: r.options.runner, Target: "soak", Log: filepath.Join(r.data, "runner.log"), StopWithin: stopWithin, Arguments: args,
	})
	if err != nil {
		return err
	}
	r.child = c
	r.place.now.Store(&address{api: c.API, aws: c.AWS})
	s, err := r.state(ctx)
	if err != nil {
		return c.Finish(ctx, err)
	}
	r.place.now.Store(&address{c.API, c.AWS, s.stream()})
	return nil
}

// restart kills it with -9 and starts it again.
func (r *runner) restart(ctx context.Context) error {
	r.child.Kill()
	return r.start(ctx)
}

// killFunction kills the process of one of the functions, if there is any.
func (r *runner) killFunction(pick uint64) error {
	all, err := process.List()
	if err != nil {
		return err
	}
	var functions []process.Process
	for _, p := range all {
		if p.Parent == r.child.PID() && strings.HasSuffix(p.Name, "bootstrap") {
			functions = append(functions, p)
		}
	}
	if len(functions) == 0 {
		return nil
	}
	return functions[pick%uint64(len(functions))].Kill()
}

// state is what the runner says of itself, as far as it matters here.
type state struct {
	Resources  map[string]struct{ Type, ID, ARN string }
	Links      map[string]json.RawMessage
	Parameters map[string]string
}

func (s *state) stream() string {
	for _, r := range s.Resources {
		if r.Type == "AWS::Kinesis::Stream" {
			return r.ID
		}
	}
	return ""
}

// waiting counts the messages that the dlq function still has to deal with.
func (s *state) waiting() (n int, err error) {
	for id, r := range s.Resources {
		if r.Type != "AWS::SQS::Queue" || strings.Contains(id, "DeadLetter") {
			continue
		}
		var q struct{ Visible, InFlight, Delayed int }
		if err := json.Unmarshal(s.Links[id], &q); err != nil {
			return 0, fmt.Errorf("%s: %w", id, err)
		}
		n += q.Visible + q.InFlight + q.Delayed
	}
	return n, nil
}

func (r *runner) state(ctx context.Context) (*state, error) {
	s := &state{}
	return s, r.control(ctx, http.MethodGet, "state", nil, decodeInto(s))
}

func decodeInto(v any) func(io.Reader) error {
	return func(body io.Reader) error { return json.NewDecoder(body).Decode(v) }
}

// control asks one of the runner's control paths and hands the answer to read.
func (r *runner) control(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	return r.call(ctx, method, "/_hydrant/"+path, body, read)
}

func (r *runner) call(ctx context.Context, method, path string, body []byte, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, method, r.place.get().aws+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12)) // what could be read says enough
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return read(response.Body)
}

// struck is how often each fault struck.
type struck map[[2]string]int

// setFaults replaces the faults in force.
func (r *runner) setFaults(ctx context.Context, seed uint64, faults []fault) error {
	if faults == nil {
		faults = []fault{}
	}
	body, err := json.Marshal(map[string]any{"seed": seed, "faults": faults})
	if err != nil {
		return err
	}
	return r.control(ctx, http.MethodPut, "faults", body, func(io.Reader) error { return nil })
}

// count adds how often the faults in force have struck so far.
func (r *runner) count(ctx context.Context, s struck) error {
	var now struct {
		Faults []struct {
			Link, Kind string
			Hits       int
		}
	}
	err := r.control(ctx, http.MethodGet, "faults", nil, decodeInto(&now))
	for _, f := range now.Faults {
		s[[2]string{f.Link, f.Kind}] += f.Hits
	}
	return err
}

// flush has everything delivered; what waits for a delay too, if now.
func (r *runner) flush(ctx context.Context, now bool, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	path := "flush"
	if now {
		path += "?delays=now"
	}
	return r.control(ctx, http.MethodPost, path, nil, func(io.Reader) error { return nil })
}

// redrive does what an operator would: it asks the dlq function to send the whole quarantine round. It may fail.
func (r *runner) redrive(ctx context.Context) error {
	s, err := r.state(ctx)
	if err != nil {
		return err
	}
	path := "/2015-03-31/functions/" + s.Resources[dlqFunction].ID + "/invocations"
	return r.call(ctx, http.MethodPost, path, []byte(`{"redrive":{"dry_run":false}}`), func(io.Reader) error { return nil })
}
