package dlq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// A chunk ends behind this many lines, or as soon as its lines have this many bytes. That is what is kept in memory, and what is done again
// when its writes are interrupted. Its ends must depend on the object's text and the settings alone: quarantine objects are told apart by
// their contents.
const (
	chunkLines = 1000
	chunkBytes = 2 << 20
	// chunkTime is how long a chunk's records take at the pace that is set, if each line comes to one: a slow pace makes chunks smaller, so
	// that an invocation gets some of them done.
	chunkTime = reserveChunk / 2
)

// chunkLines is how many lines a chunk has at most.
func (s *Settings) chunkLines() int {
	return min(chunkLines, s.RecordsPerSecond*int(chunkTime/time.Second))
}

// maxDue bounds the lines between the first and the last of a message: as a set they have to fit it.
const maxDue = 500_000

// pass goes once through the lines that one message stands for.
type pass struct {
	*job
	lines *lines
	start place
	done  place // behind the last line that is dealt with
	wait  map[time.Duration]*lines

	chunk chunk
}

func newPass(j *job, l *lines) *pass {
	start := place{l.Offset, l.Line}
	return &pass{job: j, lines: l, start: start, done: start, wait: map[time.Duration]*lines{}}
}

// advanced reports whether anything was done that need not be done again.
func (p *pass) advanced() bool { return p.done.offset > p.start.offset }

// run deals with the lines, chunk by chunk. When it returns an error p.done says how far it came.
func (p *pass) run(ctx context.Context) (err error) {
	r, err := openLines(ctx, p.objects, p.lines.Bucket, p.lines.Key, p.start)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p.report.Objects++
	for {
		if p.timeIsOver() {
			return errNoTime
		}
		p.chunk.reset(r.modified)
		more, err := p.fill(ctx, r)
		if err != nil {
			return err
		}
		if err := p.commit(ctx); err != nil {
			return err
		}
		p.done = r.at
		if !more || p.behindLastDue() {
			return nil
		}
		if err := p.sendFullWaits(ctx); err != nil {
			return err
		}
	}
}

// fill takes up lines until the chunk is full. more is false behind the last line.
func (p *pass) fill(ctx context.Context, r *lineReader) (more bool, err error) {
	size := 0
	for n := 0; n < p.settings.chunkLines() && size < chunkBytes; n++ {
		number := r.at.line
		line, cut, err := r.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		size += len(line)
		if p.isDue(number) {
			p.take(ctx, line, cut, number)
		}
	}
	return true, nil
}

// commit writes what the chunk came to. The order matters: see the package comment.
func (p *pass) commit(ctx context.Context) error {
	if err := p.quarantine(ctx); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if err := p.put(ctx, p.chunk.entries); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	p.chunk.tally(&p.report)
	for _, w := range p.chunk.waiting {
		p.report.Waiting++
		p.putOff(w)
	}
	return nil
}

// isDue reports whether the message stands for the line.
func (p *pass) isDue(line int64) bool {
	if p.lines.Due == nil {
		return true
	}
	i := line - p.lines.Line
	return i/8 < int64(len(p.lines.Due)) && p.lines.Due[i/8]&(1<<(i%8)) != 0
}

func (p *pass) behindLastDue() bool {
	return p.lines.Due != nil && p.done.line-p.lines.Line >= int64(len(p.lines.Due))*8
}

// waiting is a line that is not due yet.
type waiting struct {
	line  int64
	delay time.Duration
}

// putOff puts a line of the chunk at hand among those that wait as long. What waits begins where the chunk does: wherever a pass begins, its
// chunks then end in the same places, and what is quarantined twice has the same key.
func (p *pass) putOff(w waiting) {
	l := p.wait[w.delay]
	if l == nil {
		l = &lines{Bucket: p.lines.Bucket, Key: p.lines.Key, Offset: p.done.offset, Line: p.done.line}
		p.wait[w.delay] = l
	}
	i := w.line - l.Line
	for int64(len(l.Due)) <= i/8 {
		l.Due = append(l.Due, 0)
	}
	l.Due[i/8] |= 1 << (i % 8)
}

// sendFullWaits sends the sets of lines that the next chunk might make too large.
func (p *pass) sendFullWaits(ctx context.Context) error {
	for delay, l := range p.wait {
		if p.done.line-l.Line+chunkLines <= maxDue {
			continue
		}
		if err := p.send(ctx, l, delay); err != nil {
			return err
		}
		delete(p.wait, delay)
	}
	return nil
}

// handOver sends the lines that wait.
func (p *pass) handOver(ctx context.Context) error {
	for _, delay := range slices.Sorted(maps.Keys(p.wait)) {
		if err := p.send(ctx, p.wait[delay], delay); err != nil {
			return err
		}
	}
	return nil
}

// restDelay is how long the rest of an object that was interrupted waits, so that a fault has some time to pass.
const restDelay = 10 * time.Second

// leaveRest sends the lines from p.done on to another invocation.
func (p *pass) leaveRest(ctx context.Context) error {
	rest := lines{Bucket: p.lines.Bucket, Key: p.lines.Key, Offset: p.done.offset, Line: p.done.line}
	if p.lines.Due != nil {
		if rest.Due = shift(p.lines.Due, p.done.line-p.lines.Line); len(rest.Due) == 0 {
			return nil
		}
	}
	return p.send(ctx, &rest, restDelay)
}

// shift returns the set without its first n members.
func shift(set []byte, n int64) []byte {
	shifted := make([]byte, 0, len(set))
	for i := n; i < int64(len(set))*8; i++ {
		if (i-n)%8 == 0 {
			shifted = append(shifted, 0)
		}
		if set[i/8]&(1<<(i%8)) != 0 {
			shifted[(i-n)/8] |= 1 << ((i - n) % 8)
		}
	}
	return shifted
}

func (p *pass) send(ctx context.Context, l *lines, delay time.Duration) error {
	body, err := l.body()
	if err != nil {
		return err
	}
	if len(body) > maxBody {
		return fmt.Errorf("a message of %d bytes is more than the queue takes", len(body))
	}
	if err := p.queue.Send(ctx, body, delay); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}
