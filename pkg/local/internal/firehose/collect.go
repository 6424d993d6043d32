package firehose

import (
	"context"
	"fmt"
	"time"

	"hydrant/pkg/local/internal/kinesis"
)

// The most that is read from one shard before the next has its turn: a busy shard must not keep the others waiting.
const (
	readRecords = 1000
	readBytes   = 512 << 10
)

// sweepPause is how long the shards are left alone when they had no more to give. Firehose itself reads a shard once a second; without
// a pause, every record put would cost a look at every shard.
const sweepPause = 50 * time.Millisecond

// reader is what the collector needs of *kinesis.Reader.
type reader interface {
	Read(maxRecords, maxBytes int) ([]kinesis.Record, error)
	Unread() int
}

// collector reads all shards and forms batches of what it finds. Firehose forms them per shard; here a batch may hold records of many,
// each shard's in order, since sixty-four shards would otherwise make sixty-four small invocations of every buffer interval.
type collector struct {
	p       *pipeline
	shards  []string
	readers []reader
	next    int // the shard that is read first
	open    *batch
	due     <-chan time.Time // when the open batch has waited long enough; nil while it is empty
}

func newCollector(p *pipeline) (*collector, error) {
	c := &collector{p: p, shards: p.d.source.Shards()}
	for _, shard := range c.shards {
		r, err := p.openReader(shard)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", shard, err)
		}
		c.readers = append(c.readers, r)
	}
	return c, nil
}

// openReader goes on behind the checkpoint. A checkpoint that is not the shard's, as when the stream's folder alone was removed, says
// nothing about the records that are there: then all of them are read.
func (p *pipeline) openReader(shard string) (reader, error) {
	after := p.d.checkpoint.shards[shard]
	r, err := p.d.source.Reader(shard, after)
	if err != nil && after != "" {
		p.d.tally.update(func(s *Stats) { s.LastError = "reading from the oldest record: " + err.Error() })
		return p.d.source.Reader(shard, "")
	}
	return r, err
}

func (c *collector) run(ctx context.Context) error {
	for {
		// The signal is taken before the look, so that no put falls between them.
		puts := c.p.d.source.Puts()
		found, err := c.sweep(ctx)
		if err != nil {
			return err
		}
		if err := c.wait(ctx, puts, found); err != nil {
			return err
		}
	}
}

// found is what a read, or a sweep of all shards, came upon.
type found int

const (
	nothing found = iota // only a put can change that
	some                 // perhaps all there is
	plenty               // as much as one read may take: there is more
)

// sweep reads each shard once.
func (c *collector) sweep(ctx context.Context) (found, error) {
	most := nothing
	for i := range c.shards {
		n, bytes, err := c.read(ctx, (c.next+i)%len(c.shards))
		if err != nil {
			return nothing, err
		}
		switch {
		case n == readRecords || bytes >= readBytes/2:
			most = plenty
		case n > 0:
			most = max(most, some)
		}
	}
	if len(c.shards) > 0 {
		c.next = (c.next + 1) % len(c.shards)
	}
	return most, nil
}

// read takes what one shard has next into batches, and answers how much it was.
func (c *collector) read(ctx context.Context, shard int) (n, bytes int, err error) {
	records, err := c.readers[shard].Read(readRecords, readBytes)
	if err != nil {
		return 0, 0, fmt.Errorf("reading %s: %w", c.shards[shard], err)
	}
	if len(records) == 0 {
		return 0, 0, nil
	}
	for i := range records {
		bytes += len(records[i].Data)
	}
	c.p.d.tally.update(func(s *Stats) {
		s.RecordsRead += int64(len(records))
		s.Buffered += int64(len(records))
		s.BytesRead += int64(bytes)
		s.BufferedBytes += int64(bytes)
	})
	for i := range records {
		if err := c.add(ctx, c.shards[shard], &records[i]); err != nil {
			return 0, 0, err
		}
	}
	return len(records), bytes, nil
}

func (c *collector) add(ctx context.Context, shard string, r *kinesis.Record) error {
	if c.open != nil && !c.open.fits(shard, r) {
		if err := c.seal(ctx); err != nil {
			return err
		}
	}
	if c.open == nil {
		c.open = c.p.newBatch()
		c.due = time.After(c.p.d.transformInterval())
		c.p.d.tally.hold(c.open, r.Arrival.UnixMilli())
	}
	c.open.add(shard, r)
	if c.open.bytes >= c.p.d.transformBytes() {
		return c.seal(ctx)
	}
	return nil
}

// seal sends the open batch, if there is one, to the function. It waits for one of the places that bound how much is in memory.
func (c *collector) seal(ctx context.Context) error {
	if c.open == nil {
		return nil
	}
	b := c.open
	select {
	case c.p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.open, c.due = nil, nil
	b.seal()
	c.p.d.tally.update(func(s *Stats) {
		s.Buffered -= int64(len(b.records))
		s.InFlight += int64(len(b.records))
	})
	c.p.group.Go(func() error { return c.p.transform(ctx, b) })
	return c.send(ctx, item{batch: b})
}

func (c *collector) send(ctx context.Context, i item) error {
	select {
	case c.p.items <- i:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait returns when it is time for another sweep: at once after plenty, else after a pause, and after nothing on a put too. Meanwhile
// it seals the open batch when that is due, and serves flushes.
func (c *collector) wait(ctx context.Context, puts <-chan struct{}, found found) error {
	var pause <-chan time.Time
	var sweep <-chan struct{}
	if found == plenty {
		sweep = closed
	} else {
		pause = time.After(sweepPause)
	}
	if found == some {
		puts = closed
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.due:
			if err := c.seal(ctx); err != nil {
				return err
			}
		case f := <-c.p.d.flushes:
			return c.flush(ctx, f)
		case <-pause:
			sweep = puts
		case <-sweep:
			return nil
		}
	}
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// flush reads every shard up to where it stands now, and sends the flush after what it found. It counts records: their times of arrival
// are a clock's, which may have been set back since.
func (c *collector) flush(ctx context.Context, f *flush) error {
	c.p.accept(f)
	for i := range c.shards {
		for unread := c.readers[i].Unread(); unread > 0; {
			n, _, err := c.read(ctx, i)
			if err != nil {
				return err
			}
			if n == 0 { // they have expired
				break
			}
			unread -= n
		}
	}
	if err := c.seal(ctx); err != nil {
		return err
	}
	return c.send(ctx, item{flush: f})
}
