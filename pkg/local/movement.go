package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flushRounds is after how many rounds a flush gives up: something goes round for ever then.
const flushRounds = 10_000

// settleInterval is how often a flush looks whether what it waits for is done.
const settleInterval = 5 * time.Millisecond

// flush delivers everything that is buffered anywhere, and what comes of it, until nothing moves. Messages that wait for a delay or for the
// end of a visibility timeout are not waited for; with delaysNow they are due at once.
func (r *runner) flush(ctx context.Context, delaysNow bool) error {
	for range flushRounds {
		before := r.moved()
		var err error
		for _, d := range r.deliveries {
			err = errors.Join(err, d.Flush(ctx))
		}
		if err == nil {
			err = r.settle(ctx)
		}
		ended := 0
		if err == nil && delaysNow {
			ended, err = r.endDelays()
		}
		if err != nil {
			return err
		}
		if ended == 0 && r.moved() == before {
			return nil
		}
	}
	return fmt.Errorf("something still moves after %d rounds: %s", flushRounds, r.moved())
}

// moved counts everything that has moved on so far. While it is the same nothing has.
func (r *runner) moved() string {
	var records, messages int64
	for _, s := range r.stack.Streams {
		if stream, ok := r.kinesis.Stream(s.Name); ok {
			records += stream.Stats().Records
		}
	}
	for _, q := range r.stack.Queues {
		s := r.queues.Queue(q.Name).Stats()
		messages += s.Sent + s.Received + s.Deleted
	}
	return fmt.Sprintf("%d records, %d messages, %+v, %+v, %+v", records, messages, r.notifier.Stats(), r.events.Stats(), r.subscriptions.Stats())
}

// settle waits until every notification is sent, and no message or event is due or being handled.
func (r *runner) settle(ctx context.Context) error {
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	for !r.quiet() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("functions are still at work: %w", ctx.Err())
		}
	}
	return nil
}

func (r *runner) quiet() bool {
	r.subscriptions.Hurry()
	quiet := r.notifier.Stats().Pending == 0 && r.subscriptions.Quiet() && r.events.Quiet()
	for _, m := range r.mappings {
		m.Hurry()
		quiet = quiet && m.Quiet()
	}
	return quiet
}

// endDelays makes messages due that wait: those with a delay, and, in queues that only an event source reads, those whose handling failed.
// It answers how many.
func (r *runner) endDelays() (int, error) {
	ended, err := r.private.Queue(asyncQueue).DueNow(false)
	mapped := map[string]bool{}
	for _, m := range r.stack.Mappings {
		mapped[m.QueueARN] = true
	}
	for _, q := range r.stack.Queues {
		n, queueErr := r.queues.Queue(q.Name).DueNow(mapped[q.ARN])
		ended, err = ended+n, errors.Join(err, queueErr)
	}
	return ended, err
}

// reset empties the streams, the buckets, the queues, the logs and the counts.
func (r *runner) reset(ctx context.Context) error {
	r.resetting.Lock()
	defer r.resetting.Unlock()
	empty := func() error {
		err := errors.Join(r.kinesis.Reset(), r.logs.Reset(), r.notifier.Reset(), r.queues.Reset(), r.private.Reset())
		for _, bucket := range r.stack.Buckets {
			err = errors.Join(err, r.objects.Empty(ctx, bucket))
		}
		if r.api != nil {
			r.api.Reset()
		}
		r.lambda.Reset()
		r.events.Reset()
		r.subscriptions.Reset()
		for _, m := range r.mappings {
			m.Reset()
		}
		return err
	}
	// Every delivery stream must stand still while the sources and buckets are emptied: each one's reset holds the next.
	for _, d := range r.deliveries {
		inner := empty
		empty = func() error { return d.ResetWith(inner) }
	}
	r.stopConsumers()
	return errors.Join(empty(), r.startConsumers())
}
