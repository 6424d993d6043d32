package firehose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// contentType is the type of all objects that Firehose writes.
const contentType = "application/octet-stream"

// graceOnStop is how long a shipment at hand may take when the delivery stream is told to stop.
const graceOnStop = 5 * time.Second

// patience is after how many failed attempts those who wait for a flush are told, and the Config's Trouble. The attempts go on.
const patience = 3

// store puts shipments into S3, one after another, and moves the checkpoint behind each.
func (p *pipeline) store(ctx context.Context) error {
	for {
		select {
		case s := <-p.shipments:
			if err := p.storeOne(ctx, s); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *pipeline) storeOne(ctx context.Context, s *shipment) (err error) {
	defer func() { err = errors.Join(err, s.discard()) }()
	graced, cancel := withGrace(ctx, graceOnStop)
	defer cancel()
	for i := range s.objects {
		if err := p.put(graced, s, &s.objects[i]); err != nil {
			return err
		}
	}
	// Until here a crash repeats the shipment. A half of it that is stored twice is better than one that is stored never.
	if len(s.positions) > 0 {
		if err := p.d.checkpoint.advance(s.positions); err != nil {
			return err
		}
	}
	p.d.tally.hold(s, 0)
	p.d.tally.update(func(t *Stats) { t.add(s) })
	for _, f := range s.flushes {
		p.answer(f, nil)
	}
	return nil
}

func (t *Stats) add(s *shipment) {
	t.Buffered -= s.records
	t.BufferedBytes -= s.bytes
	t.Delivered += s.stored.Delivered
	t.Dropped += s.stored.Dropped
	t.ProcessingFailed += s.stored.ProcessingFailed
	t.ConversionFailed += s.stored.ConversionFailed
	t.Rows += s.stored.Rows
	t.Objects += s.stored.Objects
	t.ObjectBytes += s.stored.ObjectBytes
	t.ErrorObjects += s.stored.ErrorObjects
}

// put stores one object however often it takes: the data stays in the source stream meanwhile. All attempts have the same key, so one
// that failed only for its answer leaves no second copy.
func (p *pipeline) put(ctx context.Context, s *shipment, o *object) error {
	for failures := 1; ; failures++ {
		if _, err := o.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("delivery buffer: %w", err)
		}
		err := p.d.objects.Put(ctx, p.d.cfg.Bucket, o.key, o.file, o.size, contentType, o.contentEncoding)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := s3Fault(err)
		p.d.log.write(f, "")
		p.d.tally.update(func(t *Stats) {
			t.StoreFailures++
			t.LastError = f.code + ": " + err.Error()
		})
		if failures == patience {
			p.d.trouble(err)
			for _, waiting := range s.flushes {
				p.answer(waiting, err)
			}
		}
		if err := sleep(ctx, backoff(failures)); err != nil {
			return err
		}
	}
}

// withGrace answers a context that ends a while after ctx does.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	graced, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-graced.Done():
		}
	})
	return graced, func() { stop(); cancel() }
}
