package firehose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hydrant/pkg/local/internal/parquet"
)

// delivery takes batches in the order they were formed, which keeps each shard's, and buffers their records for S3.
type delivery struct {
	p        *pipeline
	objects  *output            // records' data; nil while there is none
	failures map[string]*output // by error output type
	pending  *shipment          // what the outputs amount to; nil while nothing is buffered
	due      <-chan time.Time   // when what is buffered has waited long enough
	line     []byte
}

// shipment is what is stored together: objects, and then the checkpoint that covers them.
type shipment struct {
	objects   []object
	positions map[string]string // shard → sequence number
	oldest    int64             // arrival in ms
	records   int64
	bytes     int64 // of the records' data, as it was read
	stored    Stats // what storing it adds to the counts
	flushes   []*flush
}

// object is a finished output under its key.
type object struct {
	*output
	key             string
	size            int64
	contentEncoding string
}

func (v *delivery) run(ctx context.Context) error {
	for {
		select {
		case i := <-v.p.items:
			if err := v.take(ctx, i); err != nil {
				return err
			}
		case <-v.due:
			if err := v.ship(ctx, nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (v *delivery) take(ctx context.Context, i item) error {
	if i.flush != nil {
		return v.ship(ctx, i.flush)
	}
	for waiting := true; waiting; {
		select {
		case <-i.batch.done:
			waiting = false
		case <-v.due:
			if err := v.ship(ctx, nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := v.merge(i.batch); err != nil {
		return err
	}
	<-v.p.slots
	if v.full() {
		return v.ship(ctx, nil)
	}
	return nil
}

// full says whether a buffer has reached its size. Only whole batches are looked at, so an object can be larger by a batch; Firehose,
// too, treats the size as a hint.
func (v *delivery) full() bool {
	limit := int64(v.p.d.cfg.BufferBytes)
	if v.objects != nil && v.objects.bytes >= limit {
		return true
	}
	for _, o := range v.failures {
		if o.bytes >= limit {
			return true
		}
	}
	return false
}

// merge puts the batch's records where they belong.
func (v *delivery) merge(b *batch) error {
	if v.pending == nil {
		v.pending = &shipment{positions: map[string]string{}, oldest: b.oldest}
		v.due = time.After(v.p.d.bufferInterval())
	}
	var faults []*fault
	for i := range b.records {
		r := &b.records[i]
		switch r.outcome {
		case dropped:
			v.pending.stored.Dropped++
		case failed:
			v.line = appendProcessingFailure(v.line[:0], b, r, v.p.d.cfg.Transform.qualifiedARN())
			if err := v.fail(processingFailed, r.arrival); err != nil {
				return err
			}
			v.pending.stored.ProcessingFailed++
		case delivered:
			f, err := v.deliver(r.data.of(b.decoded), r)
			if err != nil {
				return err
			}
			if f != nil && !slices.ContainsFunc(faults, func(other *fault) bool { return other.code == f.code }) {
				faults = append(faults, f)
			}
		}
	}
	for _, f := range faults {
		v.p.d.log.write(f, "")
	}
	v.account(b)
	v.p.recycle(b)
	return nil
}

// account moves a merged batch's records from the function's side to the delivery's.
func (v *delivery) account(b *batch) {
	n := int64(len(b.records))
	maps.Copy(v.pending.positions, b.last)
	v.pending.oldest = min(v.pending.oldest, b.oldest)
	v.pending.records += n
	v.pending.bytes += int64(b.bytes)
	v.p.d.tally.hold(v.pending, v.pending.oldest)
	v.p.d.tally.hold(b, 0)
	v.p.d.tally.update(func(s *Stats) {
		s.InFlight -= n
		s.Buffered += n
	})
}

// deliver writes a record's data, or an error line if it cannot be converted. The fault is the conversion's.
func (v *delivery) deliver(data []byte, r *record) (*fault, error) {
	f := faultNoTable
	if v.objects == nil {
		encode := v.p.d.cfg.encode()
		if encode == nil {
			return f, v.failConversion(data, r, f)
		}
		var err error
		if v.objects, err = newOutput(v.p.d.cfg.Dir, "", encode); err != nil {
			return nil, err
		}
	}
	err := v.objects.write(data, r.arrival)
	var unfit *parquet.DataError
	switch {
	case errors.As(err, &unfit):
		f = &fault{unfit.Code, unfit.Message}
		return f, v.failConversion(data, r, f)
	case err != nil:
		return nil, fmt.Errorf("delivery buffer: %w", err)
	}
	v.pending.stored.Delivered++
	return nil, nil
}

func (v *delivery) failConversion(data []byte, r *record, f *fault) error {
	v.line = appendConversionFailure(v.line[:0], &v.p.d.cfg, r, data, f, nowMillis())
	v.pending.stored.ConversionFailed++
	return v.fail(formatConversionFailed, r.arrival)
}

// fail adds v.line to the error object of the given type.
func (v *delivery) fail(errorType string, arrival int64) error {
	o := v.failures[errorType]
	if o == nil {
		var err error
		if o, err = newOutput(v.p.d.cfg.Dir, errorType, newPlain); err != nil {
			return err
		}
		v.failures[errorType] = o
	}
	if err := o.write(v.line, arrival); err != nil {
		return fmt.Errorf("delivery buffer: %w", err)
	}
	return nil
}

// ship finishes what is buffered and hands it on to be stored, behind everything handed on before. A flush goes with it, or alone.
func (v *delivery) ship(ctx context.Context, f *flush) error {
	s := v.pending
	if s == nil {
		s = &shipment{}
	}
	if f != nil {
		s.flushes = append(s.flushes, f)
	}
	if err := v.finish(s); err != nil {
		return err
	}
	v.pending, v.due = nil, nil
	select {
	case v.p.shipments <- s:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), s.discard())
	}
}

// finish moves the outputs into s.
func (v *delivery) finish(s *shipment) error {
	outputs := []*output{v.objects, v.failures[processingFailed], v.failures[formatConversionFailed]}
	v.objects = nil
	clear(v.failures)
	for _, o := range outputs {
		if o == nil {
			continue
		}
		if o.records == 0 {
			if err := o.discard(); err != nil {
				return fmt.Errorf("delivery buffer: %w", err)
			}
			continue
		}
		size, err := o.finish()
		if err != nil {
			return errors.Join(err, o.discard())
		}
		s.add(object{output: o, size: size}, &v.p.d.cfg, v.p.d.prefixOf(o))
	}
	return nil
}

// add names an object and counts it.
func (s *shipment) add(o object, cfg *Config, prefix string) {
	extension := ""
	if o.errorType == "" {
		extension, o.contentEncoding = cfg.extension(), cfg.contentEncoding()
		s.stored.Objects++
		s.stored.ObjectBytes += o.size
		s.stored.Rows += o.encoder.Rows()
	} else {
		s.stored.ErrorObjects++
	}
	o.key = prefix + objectSuffix(cfg.Name, o.oldestTime(), extension)
	s.objects = append(s.objects, o)
}

// discard closes the files of everything that is still buffered.
func (v *delivery) discard() error {
	err := v.objects.discard()
	for _, o := range v.failures {
		err = errors.Join(err, o.discard())
	}
	return err
}

func (s *shipment) discard() error {
	var err error
	for _, o := range s.objects {
		err = errors.Join(err, o.output.discard())
	}
	return err
}
