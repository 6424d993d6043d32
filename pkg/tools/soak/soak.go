package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hydrant/pkg/tools/internal/progress"
)

// soaking is one seed at work.
type soaking struct {
	*options
	plan     *plan
	runner   *runner
	ledger   *ledger
	gate     *gate
	progress *progress.Line
	began    time.Time

	struck   struck
	actions  map[string]int
	redriven int // how often the quarantine may have been sent round
}

// soak runs one seed. The error is about the run itself; what became of events is in the result. What the runner kept is removed if all is well, or if ctx ended.
func soak(ctx context.Context, o *options, w *world, seed uint64, stderr io.Writer) (_ *result, err error) {
	data, err := os.MkdirTemp("", "hydrant-soak-*")
	if err != nil {
		return nil, err
	}
	s := &soaking{
		options: o, plan: newPlan(seed, o), ledger: &ledger{events: map[string]*sent{}}, gate: newGate(), progress: progress.New(stderr), began: time.Now(),
		struck: struck{}, actions: map[string]int{},
	}
	defer s.progress.Stop()
	s.runner = &runner{options: o, data: data, parameters: s.plan.parameters}
	s.say("starting the runner for seed %d", seed)
	if err := s.runner.start(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	r, err := s.play(ctx, w, seed)
	if r != nil {
		r.folder = filepath.Join(data, "runner")
	}
	err = s.runner.child.Finish(ctx, err)
	switch {
	case ctx.Err() != nil || err == nil && len(r.faults) == 0:
		err = errors.Join(err, os.RemoveAll(data))
	case err != nil:
		err = fmt.Errorf("%w\nwhat the runner kept is in %s", err, data)
	}
	return r, err
}

func (s *soaking) say(format string, args ...any) { s.progress.Say(fmt.Sprintf(format, args...)) }

// play lets producers post through all outages, and accounts for what they posted.
func (s *soaking) play(ctx context.Context, w *world, seed uint64) (*result, error) {
	// The end of quit has producers make no more requests, that of posting has them give up.
	posting, giveUp := context.WithCancel(ctx)
	quit, enough := context.WithCancel(posting)
	defer enough()
	var producers sync.WaitGroup
	defer producers.Wait()
	defer giveUp()
	c := &client{place: &s.runner.place}
	c.http.Transport = transport()
	for i := range s.producers {
		p := newProducer(w, seed, i)
		producers.Go(func() { p.run(posting, quit, s.gate, c, s.ledger) })
	}
	s.gate.raise()
	for i := range s.plan.outages {
		s.say("seed %d: outage %d of %d", seed, i+1, len(s.plan.outages))
		if err := s.outage(ctx, &s.plan.outages[i]); err != nil {
			return nil, fmt.Errorf("outage %d: %w", i+1, err)
		}
		if i == len(s.plan.outages)-1 {
			break
		}
		s.pass(ctx, time.Now().Add(s.plan.outages[i].calm))
		s.gate.lower()
		if err := s.settle(ctx); err != nil {
			return nil, fmt.Errorf("after outage %d: %w", i+1, err)
		}
		s.gate.raise()
	}
	s.gate.lower()
	enough()
	producers.Wait()
	if err := s.deliver(ctx); err != nil {
		return nil, err
	}
	s.say("seed %d: accounting for %d events", seed, len(s.ledger.events))
	return s.account(ctx, w, seed)
}

// outage has things fail for a while.
func (s *soaking) outage(ctx context.Context, o *outage) error {
	ends := time.Now().Add(o.lasts)
	if err := s.runner.setFaults(ctx, o.seed, o.faults); err != nil {
		return err
	}
	begins := time.Now()
	for _, a := range o.actions {
		s.pass(ctx, begins.Add(a.at))
		if err := s.act(ctx, o, a, ends); err != nil {
			return fmt.Errorf("%s: %w", a.kind, err)
		}
	}
	s.pass(ctx, ends)
	if err := s.runner.count(ctx, s.struck); err != nil {
		return err
	}
	return s.runner.setFaults(ctx, 0, nil)
}

// pass lets time pass, and has the runner deliver meanwhile what Firehose would buffer for a minute: a minute is hours here.
func (s *soaking) pass(ctx context.Context, until time.Time) {
	const often, within = 200 * time.Millisecond, 500 * time.Millisecond
	for ctx.Err() == nil {
		left := time.Until(until)
		if left <= 0 {
			return
		}
		if left > often {
			_ = s.runner.flush(ctx, false, min(within, left)) // it may be interrupted: the next one goes on
		}
		pause(ctx, min(often, max(0, time.Until(until))))
	}
}

// act does one action. After it the faults are in force again, if the outage has not ended.
func (s *soaking) act(ctx context.Context, o *outage, a action, ends time.Time) error {
	s.actions[a.kind]++
	switch a.kind {
	case killFunction:
		return s.runner.killFunction(a.pick)
	case redrive:
		s.redriven++
		_ = s.runner.redrive(ctx) // it is one of the links that may fail
		return nil
	}
	if err := s.runner.count(ctx, s.struck); err != nil {
		return err
	}
	if err := s.runner.restart(ctx); err != nil || time.Now().After(ends) {
		return err
	}
	return s.runner.setFaults(ctx, o.seed+a.pick, o.faults)
}

// settleWithin bounds how long what is on its way may take without any faults.
const settleWithin = 3 * time.Minute

// settle waits until nothing is on its way any more.
func (s *soaking) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleWithin, fmt.Errorf("without any faults, things were still on their way after %s", settleWithin))
	defer cancel()
	for {
		if err := s.runner.flush(ctx, false, settleWithin); err != nil {
			return causeOf(ctx, err)
		}
		state, err := s.runner.state(ctx)
		if err != nil {
			return causeOf(ctx, err)
		}
		if n, err := state.waiting(); n == 0 || err != nil {
			return err
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// deliver has everything delivered that the last outage has left, what waits for a delay too. If the plan says so the runner is killed while it is at that.
func (s *soaking) deliver(ctx context.Context) error {
	s.say("delivering what is left")
	if s.plan.killDelivering > 0 {
		_ = s.runner.flush(ctx, true, s.plan.killDelivering)
		s.actions[killRunner]++
		if err := s.runner.restart(ctx); err != nil {
			return err
		}
	}
	return s.runner.flush(ctx, true, settleWithin)
}
