package eventsource

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/sqs"
)

// defaultConcurrency is how many batches are handled at the same time when the template does not bound them: what Lambda begins with
// ("Scaling behavior for Amazon SQS event source mappings").
const defaultConcurrency = 5

// Queue is what a mapping reads.
type Queue interface {
	sqs.Source
	Delete(handle string) error
	ChangeVisibility(handle string, timeout time.Duration) error
	Config() sqs.QueueConfig
}

// Invoker is Lambda's Invoke, as firehose.Invoker says.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
}

// Stats counts what a mapping did since it was made.
type Stats struct {
	Batches    int64 `json:"batches"`    // invocations that reached the function
	Messages   int64 `json:"messages"`   // in them
	Deleted    int64 `json:"deleted"`    // messages that were done
	Failed     int64 `json:"failed"`     // messages that were left for later
	Throttles  int64 `json:"throttles"`  // invocations that did not reach the function
	BadAnswers int64 `json:"badAnswers"` // that failed their batch for what was wrong with them
}

// Mapping reads a queue and invokes a function.
type Mapping struct {
	cfg      Config
	place    Place
	queue    Queue
	invoker  Invoker
	consumer *sqs.Consumer
	failed   func(error)

	batches, messages, deleted, left, throttles, badAnswers atomic.Int64
}

// Place is where a mapping runs.
type Place struct {
	Region, AccountID string
	TimeScale         float64 // how many times as fast as told waits pass
}

// New makes a mapping, which runs from Start to Stop. failed is told when the queue cannot be used any more.
func New(cfg Config, place Place, queue Queue, invoker Invoker, failed func(error)) *Mapping {
	m := &Mapping{cfg: cfg, place: place, queue: queue, invoker: invoker, failed: failed}
	workers := cfg.Concurrency
	if workers == 0 {
		workers = defaultConcurrency
	}
	m.consumer = &sqs.Consumer{
		Source: queue, Workers: workers, Max: cfg.BatchSize, MaxBytes: maxEvent - envelope, Window: m.scaled(cfg.Window),
		Handle: m.handle, Failed: failed,
	}
	return m
}

// Start begins to poll.
func (m *Mapping) Start() { m.consumer.Start() }

// Stop ends the polling. When ctx ends before what is at hand is done, invocations are broken off, and their messages come again.
func (m *Mapping) Stop(ctx context.Context) { m.consumer.Stop(ctx) }

// Quiet says whether no message is due or being handled; those that wait for a delay do not count.
func (m *Mapping) Quiet() bool { return m.consumer.Quiet() }

// Hurry ends the batching windows that are open.
func (m *Mapping) Hurry() { m.consumer.Hurry() }

// Stats answers the counts.
func (m *Mapping) Stats() Stats {
	return Stats{m.batches.Load(), m.messages.Load(), m.deleted.Load(), m.left.Load(), m.throttles.Load(), m.badAnswers.Load()}
}

// Reset empties the counts.
func (m *Mapping) Reset() {
	for _, n := range []*atomic.Int64{&m.batches, &m.messages, &m.deleted, &m.left, &m.throttles, &m.badAnswers} {
		n.Store(0)
	}
}

func (m *Mapping) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / m.place.TimeScale)
}

// handle invokes the function with messages, in as many events as their size needs.
func (m *Mapping) handle(ctx context.Context, messages []sqs.Message) {
	received := time.Now()
	for len(messages) > 0 {
		event, n, err := m.event(messages)
		if err != nil {
			m.failed(err)
			return
		}
		m.invoke(ctx, event, messages, n, received)
		messages = messages[n:]
	}
}

// Waits between attempts at an invocation that was throttled. How Lambda spaces them is not documented.
const firstWait, mostWait = time.Second, time.Minute

// invoke has the function handle the first n messages of those at hand. While Lambda refuses the invocation it is tried again, until the
// messages become visible: then others may have them ("Error handling strategies for SQS event sources").
func (m *Mapping) invoke(ctx context.Context, event []byte, messages []sqs.Message, n int, received time.Time) {
	batch := messages[:n]
	until := received.Add(m.scaled(m.queue.Config().Visibility))
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		release := m.hold(messages)
		answer, functionError, err := m.invoker.Invoke(ctx, m.cfg.FunctionARN, event)
		release()
		if err == nil {
			m.settle(answer, functionError, batch)
			return
		}
		m.throttles.Add(1)
		if pause := m.scaled(wait); time.Now().Add(pause).After(until) || m.consumer.Rest(ctx, pause) != nil {
			m.left.Add(int64(len(batch)))
			return
		}
	}
}

// hold keeps messages out of sight while the function has them, until it is released. On AWS nothing has to: a queue's visibility timeout must
// be at least the function's timeout ("Creating and configuring an Amazon SQS event source mapping"). Where visibility timeouts pass faster
// than told, and functions do not work faster, it would end before the function does: the same messages would be handled several times at
// once, and what comes of them would slow the function down further.
func (m *Mapping) hold(messages []sqs.Message) (release func()) {
	if m.place.TimeScale <= 1 {
		return func() {}
	}
	timeout := m.queue.Config().Visibility
	tick := time.NewTicker(max(m.scaled(timeout)/3, time.Millisecond))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			for _, message := range messages {
				_ = m.queue.ChangeVisibility(message.ReceiptHandle, timeout) // one that has come into sight already is somebody else's
			}
		}
	}()
	return func() { close(stop); <-done }
}

// settle deletes what the function is done with.
func (m *Mapping) settle(answer []byte, functionError string, batch []sqs.Message) {
	m.batches.Add(1)
	m.messages.Add(int64(len(batch)))
	failed := func(string) bool { return functionError != "" }
	if functionError == "" && m.cfg.PartialFailures {
		ids := make(map[string]bool, len(batch))
		for _, message := range batch {
			ids[message.ID] = true
		}
		var sound bool
		if failed, sound = partial(answer, ids); !sound {
			m.badAnswers.Add(1)
		}
	}
	var errs []error
	for _, message := range batch {
		if failed(message.ID) {
			m.left.Add(1)
			continue
		}
		m.deleted.Add(1)
		errs = append(errs, m.queue.Delete(message.ReceiptHandle))
	}
	if err := errors.Join(errs...); err != nil {
		m.failed(err)
	}
}
