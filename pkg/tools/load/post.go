package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	rateGoal = 5000 // requests a second
	p99Goal  = 20 * time.Millisecond
)

// provisioned is a stream whose shards take 64 MiB and 64,000 records a second: it is not what limits the load.
var provisioned = []string{"StreamMode=PROVISIONED", "ShardCount=64"}

// postResult is what came of sending single events, each on its connection as soon as the one before was answered.
type postResult struct {
	connections int
	took        time.Duration
	latency     histogram
	used        usage
	memory      []sample
	account     *account
	meanwhile   links // what was delivered when the load ended
}

func (b *bench) measurePost(ctx context.Context) (result, error) {
	r := &postResult{connections: b.connections}
	err := b.withRunner(ctx, provisioned, func(ctx context.Context, child *runner) error {
		l := newLedger(b.size, b.connections)
		if err := b.load(ctx, child, l, r); err != nil {
			return err
		}
		var err error
		if r.meanwhile, err = child.links(ctx, http.MethodGet, "state"); err != nil {
			return err
		}
		r.account, err = b.deliverAndSettle(ctx, child, l)
		return err
	})
	return r, err
}

func (b *bench) deliverAndSettle(ctx context.Context, child *runner, l *ledger) (*account, error) {
	b.progress.say("delivering what is left")
	if _, err := child.flush(ctx); err != nil {
		return nil, err
	}
	b.progress.say("reading all rows back")
	return l.settle(ctx, child)
}

// load sends events on all connections for the time asked for.
func (b *bench) load(ctx context.Context, child *runner, l *ledger, r *postResult) error {
	before, err := child.usage()
	if err != nil {
		return err
	}
	began := time.Now()
	until := began.Add(b.duration)
	var mu sync.Mutex
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.memory, err = b.sampleMemory(within, child, began)
		return err
	})
	for i := range l.lanes {
		group.Go(func() error {
			var latency histogram
			err := sendUntil(within, until, child.API, l, i, &latency)
			mu.Lock()
			defer mu.Unlock()
			r.latency.merge(&latency)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	r.took = time.Since(began)
	after, err := child.usage()
	r.used = after.since(before)
	return err
}

// sendUntil sends the events of one lane, one after another.
func sendUntil(ctx context.Context, until time.Time, api string, l *ledger, i int, latency *histogram, headers ...string) error {
	c, err := dial(ctx, api, "/record", headers...)
	if err != nil {
		return err
	}
	body := newRecord(l.size)
	for at := 0; ; at++ {
		sent := time.Now()
		if !sent.Before(until) {
			return nil
		}
		body.set(0, l.number(i, at))
		status, answer, err := c.post(body.text)
		if err != nil {
			return fmt.Errorf("POST /record: %w", err)
		}
		latency.add(time.Since(sent))
		outcome, err := judge(status, answer)
		if err != nil {
			return fmt.Errorf("POST /record: %w", err)
		}
		l.lanes[i] = append(l.lanes[i], outcome)
	}
}

// judge reads an answer to POST /record. Only a refusal for the load is right beside an acceptance.
func judge(status int, answer []byte) (state, error) {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return refused, nil
	case http.StatusOK:
	default:
		return refused, fmt.Errorf("answered with status %d: %s", status, answer)
	}
	var said struct{ RequestId, ShardId, SequenceNumber string } //nolint:revive // as the API spells them
	if err := json.Unmarshal(answer, &said); err != nil || said.RequestId == "" || said.ShardId == "" || said.SequenceNumber == "" {
		return refused, fmt.Errorf("the answer lacks RequestId, ShardId or SequenceNumber: %s", answer)
	}
	return accepted, nil
}

func (r *postResult) fault() error { return r.account.fault() }

func (r *postResult) section() section {
	perSecond := rate(r.account.accepted, r.took)
	p99 := r.latency.percentile(0.99)
	s := section{
		title: fmt.Sprintf("Single events: POST /record for %.0f s, %s, 64 shards, Firehose delivering meanwhile",
			r.took.Seconds(), plural(r.connections, "connection")),
		figures: []figure{
			{"accepted", thousands(int64(perSecond)) + " a second", "at least 5,000", perSecond >= rateGoal},
			{name: "latency, median", value: milliseconds(r.latency.percentile(0.5))},
			{"latency, 99th percentile", milliseconds(p99), "under 20 ms", p99 < p99Goal},
			{name: "latency, highest", value: milliseconds(r.latency.max)},
			{name: "accepted, refused", value: thousands(r.account.accepted) + ", " + thousands(r.account.refused)},
			{name: "in Parquet before the load ended", value: fmt.Sprintf("%s in %s", plural(int(r.meanwhile.Rows), "row"), plural(int(r.meanwhile.Objects), "object"))},
		},
	}
	s.figures = append(s.figures, r.account.figures()...)
	s.figures = append(s.figures, memoryFigures(r.memory, r.took)...)
	s.figures = append(s.figures, r.used.perEvent(r.account.accepted)...)
	s.figures = append(s.figures, r.used.beside(r.account.accepted)...)
	s.figures = append(s.figures, r.used.others(r.took)...)
	return s
}
