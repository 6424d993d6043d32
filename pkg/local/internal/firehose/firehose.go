// Package firehose runs a delivery stream of Amazon Data Firehose on this machine: it reads a Kinesis stream, has a Lambda function
// transform the records, converts them to Parquet and stores them in S3, with the service's request and answer shapes, retries, buffers,
// object keys, error objects and error log.
//
// Delivery is at least once. The checkpoint moves on only when everything up to it is stored, so a process that is killed at any moment
// repeats work and loses nothing. The records of a shard keep their order, as far as the objects say one.
package firehose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hydrant/pkg/local/internal/kinesis"
)

// Source is a Kinesis stream.
type Source interface {
	Shards() []string
	Reader(shard, after string) (*kinesis.Reader, error)
	Puts() <-chan struct{}
}

// source is Source with a reader that tests can make.
type source interface {
	Shards() []string
	Reader(shard, after string) (reader, error)
	Puts() <-chan struct{}
}

type kinesisSource struct{ Source }

func (s kinesisSource) Reader(shard, after string) (reader, error) {
	return s.Source.Reader(shard, after)
}

// Invoker is Lambda's Invoke. The answer of a functionError is Lambda's JSON with errorMessage and errorType. An err may have a method
// ErrorCode() string with Lambda's code, as TooManyRequestsException; without one it is taken for a network failure.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
}

// Objects is S3's PutObject. An err may have a method ErrorCode() string with S3's code, as NoSuchBucket.
type Objects interface {
	Put(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64, contentType, contentEncoding string) error
}

// Logs is CloudWatch Logs' PutLogEvents.
type Logs interface {
	Put(group, stream string, at time.Time, message string) error
}

// DeliveryStream is a delivery stream. Its methods may be called at the same time.
type DeliveryStream struct {
	cfg            Config
	source         source
	invoker        Invoker
	objects        Objects
	log            *errorLog
	checkpoint     *checkpoint
	prefix         prefix
	errorPrefix    prefix
	head           []byte // of every request
	invocationIDAt int
	tally          tally

	flushes chan *flush
	resets  chan *reset
	mu      sync.Mutex
	ended   chan struct{} // closed when Run returns; nil while it does not run
}

// flush is a call of Flush on its way.
type flush struct {
	done chan error // has room for the answer
}

type reset struct {
	empty func() error
	done  chan error
}

// New opens a delivery stream. It refuses what the service would refuse and what this package does not do, naming the property of
// AWS::KinesisFirehose::DeliveryStream; and a checkpoint in cfg.Dir that it cannot read.
func New(cfg Config, src Source, inv Invoker, obj Objects, logs Logs) (*DeliveryStream, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return open(cfg, kinesisSource{src}, inv, obj, logs)
}

// open is New without the service's limits on sizes.
func open(cfg Config, src source, inv Invoker, obj Objects, logs Logs) (*DeliveryStream, error) {
	if cfg.InFlight <= 0 {
		cfg.InFlight = DefaultInFlight
	}
	d := &DeliveryStream{cfg: cfg, source: src, invoker: inv, objects: obj, flushes: make(chan *flush), resets: make(chan *reset)}
	d.log = &errorLog{cfg: &d.cfg, logs: logs, tally: &d.tally}
	d.head, d.invocationIDAt = requestHead(&cfg)
	var err error
	if d.prefix, d.errorPrefix, err = parsePrefixes(cfg.Prefix, cfg.ErrorPrefix, cfg.TimeZone); err != nil {
		return nil, err
	}
	if d.checkpoint, err = openCheckpoint(cfg.Dir); err != nil {
		return nil, err
	}
	return d, nil
}

// Run delivers until ctx ends, then gives a shipment at hand a few seconds and answers nil. What is merely buffered stays in the source
// stream; call Flush first to have it delivered. Run answers an error only if the stream runs already.
//
// A failure that is not the data's (a source or a disk that cannot be read or written) is counted, and delivery starts again from the
// checkpoint after a while.
func (d *DeliveryStream) Run(ctx context.Context) error {
	d.mu.Lock()
	if d.ended != nil {
		d.mu.Unlock()
		return fmt.Errorf("delivery stream %s is running already", d.cfg.Name)
	}
	ended := make(chan struct{})
	d.ended = ended
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ended = nil
		close(ended)
	}()
	for failures := 0; ctx.Err() == nil; {
		err := d.runUntilReset(ctx)
		if ctx.Err() != nil || err == nil {
			failures = 0
			continue
		}
		failures++
		d.tally.update(func(s *Stats) { s.LastError = err.Error() })
		d.log.write(faultInternal, "")
		if failures == patience {
			d.trouble(err)
		}
		if d.pause(ctx, failures, err) {
			failures = 0
		}
	}
	return nil
}

// runUntilReset runs one pipeline to its end. A reset ends it, and is no error.
func (d *DeliveryStream) runUntilReset(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := make(chan error, 1)
	go func() { finished <- newPipeline(d).run(ctx) }()
	select {
	case err := <-finished:
		return err
	case r := <-d.resets:
		cancel(errReset)
		<-finished
		r.done <- d.clear(r.empty)
		return nil
	}
}

func (d *DeliveryStream) trouble(err error) {
	if d.cfg.Trouble != nil {
		d.cfg.Trouble(err)
	}
}

// errReset is what a flush hears that a reset cut off.
var errReset = errors.New("it was reset meanwhile")

// pause waits after a pipeline that failed, the longer the more often; a reset ends it. Those who wait for a flush are told what is wrong
// once there is little hope that the next pipeline does better.
func (d *DeliveryStream) pause(ctx context.Context, failures int, failed error) (reset bool) {
	timer := time.NewTimer(backoff(failures))
	defer timer.Stop()
	var flushes <-chan *flush
	if failures >= patience {
		flushes = d.flushes
	}
	for {
		select {
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case f := <-flushes:
			f.done <- failed
		case r := <-d.resets:
			r.done <- d.clear(r.empty)
			return true
		}
	}
}

// Flush delivers everything that was put into the source stream before the call, without waiting for buffers to fill, and returns when
// it is stored. The error says what stands in the way; the data is then still in the source stream and delivery is tried on. If Run
// has not been called yet, Flush waits for it.
func (d *DeliveryStream) Flush(ctx context.Context) error {
	f := &flush{done: make(chan error, 1)}
	select {
	case d.flushes <- f:
	case <-ctx.Done():
		return d.notFlushed(ctx.Err())
	}
	select {
	case err := <-f.done:
		if err != nil {
			return d.notFlushed(err)
		}
		return nil
	case <-ctx.Done():
		return d.notFlushed(ctx.Err())
	}
}

func (d *DeliveryStream) notFlushed(err error) error {
	if last := d.Stats().LastError; last != "" && !strings.Contains(err.Error(), last) {
		return fmt.Errorf("delivery stream %s: not everything is delivered: %w (last error: %s)", d.cfg.Name, err, last)
	}
	return fmt.Errorf("delivery stream %s: not everything is delivered: %w", d.cfg.Name, err)
}

// Stats counts what was done since the delivery stream was opened or reset.
func (d *DeliveryStream) Stats() Stats { return d.tally.snapshot() }

// Reset forgets what is buffered, the checkpoint and the counts: delivery begins with the oldest record of the source stream.
func (d *DeliveryStream) Reset() error { return d.ResetWith(nil) }

// ResetWith is Reset, with a function that is called while nothing is read or stored: the place to empty the source stream and the bucket.
func (d *DeliveryStream) ResetWith(empty func() error) error {
	d.mu.Lock()
	ended := d.ended
	if ended == nil {
		defer d.mu.Unlock()
		return d.clear(empty)
	}
	d.mu.Unlock()
	r := &reset{empty: empty, done: make(chan error, 1)}
	select {
	case d.resets <- r:
		return <-r.done
	case <-ended:
		return d.ResetWith(empty)
	}
}

func (d *DeliveryStream) clear(empty func() error) error {
	var err error
	if empty != nil {
		err = empty()
	}
	err = errors.Join(err, d.checkpoint.clear())
	d.tally.reset()
	return err
}

func (d *DeliveryStream) prefixOf(o *output) string {
	if o.errorType != "" {
		return d.errorPrefix.evaluate(o.oldestTime(), o.errorType)
	}
	return d.prefix.evaluate(o.oldestTime(), "")
}

// transformBytes and transformInterval bound a batch. Without a function there is nothing to gain from waiting.
func (d *DeliveryStream) transformBytes() int {
	if d.cfg.Transform == nil {
		return DefaultTransformBufferBytes
	}
	return d.cfg.Transform.BufferBytes
}

func (d *DeliveryStream) transformInterval() time.Duration {
	if d.cfg.Transform == nil {
		return 0
	}
	return d.cfg.Transform.BufferInterval
}

// bufferInterval reads zero buffering as a second: the service speaks of delivery "within seconds".
func (d *DeliveryStream) bufferInterval() time.Duration {
	return max(d.cfg.BufferInterval, time.Second)
}
