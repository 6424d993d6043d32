package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const deliveryGoal = 20_000 // events a second

// batchRecords is how many records a request holds that fills the stream, at most: the API takes up to 500.
const batchRecords = 500

// batchBytes is how large such a request becomes at most: the API takes up to 10 MB.
const batchBytes = 4 << 20

// fillers is how many connections fill the stream: enough to keep the runner busy, few enough for the memory of their batches.
const fillers = 4

// parquetResult is what came of having a filled stream delivered.
type parquetResult struct {
	filled    time.Duration
	delivered time.Duration // from the ready line of the runner to the last row stored
	counts    links
	used      usage
	account   *account
}

// measureParquet fills a stream and kills the runner before Firehose has delivered anything; the runner that starts then has all of it
// before it.
func (b *bench) measureParquet(ctx context.Context) (result, error) {
	r := &parquetResult{}
	l := newLedger(b.size, fillers)
	err := withFolder(func(data string) error {
		// With the longest interval and the largest buffer nothing is stored while the stream is filled.
		late := append([]string{"DeliverySeconds=900", "DeliveryBufferMB=128"}, provisioned...)
		err := b.withRunnerIn(ctx, data, late, func(ctx context.Context, child *runner) error {
			b.progress.say("filling the stream")
			began := time.Now()
			err := b.fill(ctx, child, l)
			r.filled = time.Since(began)
			child.Kill()
			return err
		})
		if err != nil {
			return err
		}
		return b.withRunnerIn(ctx, data, provisioned, func(ctx context.Context, child *runner) error {
			return b.deliver(ctx, child, l, r)
		})
	})
	return r, err
}

func (b *bench) deliver(ctx context.Context, child *runner, l *ledger, r *parquetResult) error {
	b.progress.say("delivering the stream")
	began := time.Now()
	before, err := child.usage()
	if err != nil {
		return err
	}
	if r.counts, err = child.flush(ctx); err != nil {
		return err
	}
	r.delivered = time.Since(began)
	after, err := child.usage()
	if err != nil {
		return err
	}
	r.used = after.since(before)
	b.progress.say("reading all rows back")
	r.account, err = l.settle(ctx, child)
	if err == nil {
		r.account.crashed = true
	}
	return err
}

// fill sends all events, those that were refused again.
func (b *bench) fill(ctx context.Context, child *runner, l *ledger) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range l.lanes {
		n := (b.events - i + len(l.lanes) - 1) / len(l.lanes)
		l.lanes[i] = make(lane, n)
		group.Go(func() error { return fillLane(ctx, child.API, l, i) })
	}
	return group.Wait()
}

func fillLane(ctx context.Context, api string, l *ledger, i int) error {
	c, err := dial(ctx, api, "/records")
	if err != nil {
		return err
	}
	most := min(batchRecords, max(1, batchBytes/l.size))
	lane := l.lanes[i]
	var body *body
	var batch []int // places in the lane
	for next := 0; next < len(lane) || len(batch) > 0; {
		for ; len(batch) < most && next < len(lane); next++ {
			batch = append(batch, next)
		}
		if body == nil || len(body.places) != len(batch) {
			body = newRecords(l.size, len(batch))
		}
		for j, at := range batch {
			body.set(j, l.number(i, at))
		}
		status, answer, err := c.post(body.text)
		if err != nil {
			return fmt.Errorf("POST /records: %w", err)
		}
		again, err := judgeBatch(status, answer, len(batch))
		if err != nil {
			return fmt.Errorf("POST /records: %w", err)
		}
		batch = lane.accept(batch, again)
		if len(again) > 0 && ctx.Err() == nil {
			time.Sleep(retryAfter)
		}
	}
	return nil
}

// retryAfter is what the API says in Retry-After: the stream counts by the second.
const retryAfter = time.Second

// accept notes that a batch was accepted but for some of it, which it answers.
func (l lane) accept(batch, again []int) []int {
	for _, at := range batch {
		l[at] = accepted
	}
	rest := make([]int, len(again))
	for i, j := range again {
		rest[i] = batch[j]
		l[batch[j]] = refused
	}
	return rest
}

// judgeBatch answers which of n records are to be sent again.
func judgeBatch(status int, answer []byte, n int) ([]int, error) {
	if status != http.StatusOK && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return nil, fmt.Errorf("answered with status %d: %.300s", status, answer)
	}
	var said struct {
		RequestId string //nolint:revive // as the API spells it
		Resend    []int
		Records   []struct{ SequenceNumber string }
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %.300s", answer)
	}
	if status != http.StatusOK && said.Records == nil {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	var missing []int
	for i, r := range said.Records {
		if r.SequenceNumber == "" {
			missing = append(missing, i)
		}
	}
	if said.RequestId == "" || len(said.Records) != n || !slices.Equal(said.Resend, missing) || status == http.StatusOK && missing != nil {
		return nil, fmt.Errorf("the answer does not fit a request of %d records: %.300s", n, answer)
	}
	return said.Resend, nil
}

func (r *parquetResult) fault() error { return r.account.fault() }

func (r *parquetResult) section() section {
	perSecond := rate(r.counts.Rows, r.delivered)
	s := section{
		title: fmt.Sprintf("A filled stream: %s of one event each, put by POST /records into 64 shards before the runner starts",
			plural(int(r.account.accepted), "record")),
		figures: []figure{
			{"to Parquet through the transform function", thousands(int64(perSecond)) + " events a second", "at least 20,000", perSecond >= deliveryGoal},
			{name: "from ready until all is stored", value: fmt.Sprintf("%.2f s", r.delivered.Seconds())},
			{name: "stored", value: fmt.Sprintf("%s in %s", plural(int(r.counts.Rows), "row"), plural(int(r.counts.Objects), "object"))},
		},
	}
	s.figures = append(s.figures, r.account.figures()...)
	s.figures = append(s.figures, r.used.perEvent(r.counts.Rows)...)
	s.figures = append(s.figures, r.used.others(r.delivered)...)
	filling := fmt.Sprintf("Filling took %.1f s: %s events a second in batches of %d, beside which Firehose had them transformed once already.",
		r.filled.Seconds(), thousands(int64(rate(r.account.accepted, r.filled))), batchRecords)
	s.notes = append(s.notes, filling)
	return s
}
