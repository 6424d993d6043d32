package firehose

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A pipeline is one run from the checkpoint on: the collector forms batches, a goroutine for each takes it to the function, the delivery
// merges them in order, and the store puts what is buffered into S3. Whatever stops it, the next one starts from the checkpoint and
// does again what was not stored.
type pipeline struct {
	d         *DeliveryStream
	group     *errgroup.Group
	slots     chan struct{}  // a place for every batch between collector and delivery: it bounds memory
	items     chan item      // in the order they were formed
	shipments chan *shipment // unbuffered: one is stored while the next is gathered
	free      chan *batch    // batches to use again

	mu      sync.Mutex
	flushes map[*flush]struct{} // accepted and not answered
}

// item is a batch, or a flush of everything before it.
type item struct {
	batch *batch
	flush *flush
}

func newPipeline(d *DeliveryStream) *pipeline {
	n := d.cfg.InFlight
	return &pipeline{
		d: d, slots: make(chan struct{}, n), items: make(chan item, n), shipments: make(chan *shipment),
		free: make(chan *batch, n+1), flushes: map[*flush]struct{}{},
	}
}

// run returns the first error of any part, when all parts have ended.
func (p *pipeline) run(ctx context.Context) error {
	collect, err := newCollector(p)
	if err != nil {
		return err
	}
	deliver := &delivery{p: p, failures: map[string]*output{}}
	p.group, ctx = errgroup.WithContext(ctx)
	p.group.Go(func() error { return collect.run(ctx) })
	p.group.Go(func() error { return deliver.run(ctx) })
	p.group.Go(func() error { return p.store(ctx) })
	err = p.group.Wait()
	if closeErr := deliver.discard(); err == nil {
		err = closeErr
	}
	told := err
	if errors.Is(err, context.Canceled) {
		told = context.Cause(ctx) // a reset, or the end
	}
	for f := range p.flushes {
		p.answer(f, told)
	}
	p.d.tally.forgetUnstored()
	return err
}

func (p *pipeline) newBatch() *batch {
	var b *batch
	select {
	case b = <-p.free:
	default:
		b = &batch{}
	}
	b.reset(p.d.head)
	return b
}

// recycle keeps b's buffers for another batch, unless an invocation that failed may still hold them.
func (p *pipeline) recycle(b *batch) {
	if !b.reusable {
		return
	}
	select {
	case p.free <- b:
	default:
	}
}

func (p *pipeline) accept(f *flush) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushes[f] = struct{}{}
}

// answer ends a flush. Only its first answer counts.
func (p *pipeline) answer(f *flush, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.flushes[f]; ok {
		delete(p.flushes, f)
		f.done <- err
	}
}
