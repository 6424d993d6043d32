package sqs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Source is a queue as a consumer sees it.
type Source interface {
	Receive(ctx context.Context, r Receiving) ([]Message, error)
	Await(ctx context.Context, limit time.Duration) (bool, error)
	Due() bool
}

// Consumer takes messages from a queue and hands them over in batches.
type Consumer struct {
	Source   Source
	Workers  int
	Max      int           // messages in a batch
	MaxBytes int           // bodies and attributes in a batch; 0: any
	Window   time.Duration // how long to wait for a batch to fill after its first message
	// Handle gets every batch. It deletes what is done; the rest comes again after the visibility timeout. Its ctx ends when Stop's does.
	Handle func(ctx context.Context, batch []Message)
	// Failed is told when the queue cannot be read.
	Failed func(error)

	mu     sync.Mutex
	hurry  chan struct{} // closed to end the windows
	halt   context.CancelFunc
	cut    context.CancelFunc
	wg     sync.WaitGroup
	worker atomic.Int64 // those who have messages
}

// Start starts the workers.
func (c *Consumer) Start() {
	polling, halt := context.WithCancel(context.Background())
	handling, cut := context.WithCancel(context.Background())
	c.mu.Lock()
	c.halt, c.cut, c.hurry = halt, cut, make(chan struct{})
	c.mu.Unlock()
	for range c.Workers {
		c.wg.Go(func() {
			if err := c.work(polling, handling); polling.Err() == nil {
				c.Failed(err)
			}
		})
	}
}

// Stop ends the workers when they are done with what they have. When ctx ends they are told to leave it; it comes again.
func (c *Consumer) Stop(ctx context.Context) {
	c.mu.Lock()
	halt, cut := c.halt, c.cut
	c.mu.Unlock()
	if halt == nil {
		return
	}
	halt()
	stop := context.AfterFunc(ctx, cut)
	c.wg.Wait()
	stop()
	cut()
}

// Quiet says whether nothing is due and nobody has messages.
func (c *Consumer) Quiet() bool {
	return !c.Source.Due() && c.worker.Load() == 0 // in this order: a worker says so before it takes a message
}

// Hurry ends the windows that are open.
func (c *Consumer) Hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hurry != nil {
		close(c.hurry)
		c.hurry = make(chan struct{})
	}
}

// Rest is for a handler that has to wait: until the time is over the consumer counts as quiet.
func (c *Consumer) Rest(ctx context.Context, d time.Duration) error {
	c.worker.Add(-1)
	defer c.worker.Add(1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitLimit is how long a worker waits before it looks again, though nobody woke it.
const awaitLimit = time.Minute

// work goes on until polling ends or the queue cannot be read.
func (c *Consumer) work(polling, handling context.Context) error {
	for {
		due, err := c.Source.Await(polling, awaitLimit)
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		if err := c.batch(polling, handling); err != nil {
			return err
		}
	}
}

func (c *Consumer) batch(polling, handling context.Context) error {
	c.worker.Add(1)
	defer c.worker.Add(-1)
	batch, err := c.Source.Receive(polling, Receiving{Max: c.Max, MaxBytes: c.MaxBytes})
	if err == nil && len(batch) > 0 && c.Window > 0 {
		batch, err = c.fill(polling, batch)
	}
	if len(batch) > 0 {
		c.Handle(handling, batch)
	}
	return err
}

// fill waits for more until the batch is full, its window is over, or somebody is in a hurry.
func (c *Consumer) fill(polling context.Context, batch []Message) ([]Message, error) {
	c.mu.Lock()
	hurry := c.hurry
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(polling, c.Window)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-hurry:
			cancel()
		case <-stop:
		}
	}()
	size := 0
	for i := range batch {
		size += batch[i].size()
	}
	for len(batch) < c.Max && (c.MaxBytes == 0 || size < c.MaxBytes) {
		if due, err := c.Source.Await(ctx, c.Window); err != nil || !due {
			break // the window is over
		}
		r := Receiving{Max: c.Max - len(batch)}
		if c.MaxBytes > 0 {
			r.MaxBytes = c.MaxBytes - size
		}
		more, err := c.Source.Receive(polling, r)
		if err != nil {
			return batch, err
		}
		for i := range more {
			size += more[i].size()
		}
		batch = append(batch, more...)
	}
	return batch, nil
}

func (m *Message) size() int { return len(m.Body) + attributesSize(m.Attributes) }

// Await waits until a message is due, at most for so long. It receives nothing.
func (q *Queue) Await(ctx context.Context, limit time.Duration) (bool, error) {
	deadline := time.Now().Add(limit)
	for {
		q.mu.Lock()
		changed := q.changed
		next, any := q.nextDue()
		q.mu.Unlock()
		now := time.Now()
		if any && !next.After(now) {
			return true, nil
		}
		if !now.Before(deadline) {
			return false, nil
		}
		wait := deadline.Sub(now)
		if any {
			wait = min(wait, max(next.Sub(now), time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
}
