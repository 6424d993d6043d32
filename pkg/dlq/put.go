package dlq

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// put sends records round, at the pace that is set, until each of them is acknowledged.
func (j *job) put(ctx context.Context, entries []Entry) error {
	for len(entries) > 0 {
		n := batchOf(entries, min(PutLimit, j.settings.RecordsPerSecond))
		if err := j.putBatch(ctx, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// batchOf is how many entries may go together, of at most most.
func batchOf(entries []Entry, most int) int {
	size := 0
	for i, e := range entries {
		if size += len(e.Data) + len(e.Key); i == most || i > 0 && size > PutBytes {
			return i
		}
	}
	return len(entries)
}

const (
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = 5 * time.Second
	// maxCalls bounds calls that fail as a whole in a row: the client has tried each of them several times.
	maxCalls = 4
)

// putBatch sends entries until none is refused. What PutRecords refuses, for lack of throughput or for a fault of its own, may be sent again;
// its answer has the place of each ("PutRecords", Amazon Kinesis Data Streams API Reference).
func (j *job) putBatch(ctx context.Context, entries []Entry) error {
	failures := 0
	for backoff := firstBackoff; ; backoff = min(2*backoff, mostBackoff) {
		if err := j.pace.wait(ctx, len(entries)); err != nil {
			return err
		}
		refused, err := j.stream.Put(ctx, entries)
		switch {
		case err != nil:
			if failures++; failures == maxCalls || ctx.Err() != nil {
				return err
			}
		case len(refused) == 0:
			return nil
		default:
			failures = 0
			j.report.Refusals += len(refused)
			again := make([]Entry, len(refused))
			for i, at := range refused {
				again[i] = entries[at]
			}
			entries = again
		}
		// Full jitter: whoever was refused together must not come back together.
		if err := sleep(ctx, rand.N(backoff)); err != nil {
			return fmt.Errorf("%d records are still refused: %w", len(entries), err)
		}
	}
}

// pace spreads records over time.
type pace struct {
	perSecond int
	mu        sync.Mutex
	next      time.Time // when the next ones may leave
}

// wait returns when n records may leave. If that is not before the context's deadline it fails at once, and nobody else waits for these records.
func (p *pace) wait(ctx context.Context, n int) error {
	at, ok := p.reserve(ctx, n)
	if !ok {
		return errNoTime
	}
	return sleep(ctx, time.Until(at))
}

func (p *pace) reserve(ctx context.Context, n int) (at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = time.Now()
	if p.next.After(at) {
		at = p.next
	}
	if deadline, has := ctx.Deadline(); has && !at.Before(deadline) {
		return at, false
	}
	p.next = at.Add(time.Duration(n) * time.Second / time.Duration(p.perSecond))
	return at, true
}

// sleep returns early, with an error, if the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
