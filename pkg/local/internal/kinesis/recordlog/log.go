package recordlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrClosed is returned by every method of a Log after Close.
var ErrClosed = errors.New("the log is closed")

// Entry is what Append stores: at most 65,535 bytes of key and 10 MiB of data.
type Entry struct {
	Key  string
	Data []byte
}

// Record is a stored Entry. Data shares its memory with the other records of the same Read.
type Record struct {
	Index   uint64
	Arrival int64 // Unix milliseconds
	Key     string
	Data    []byte
	At      Position // where Read finds this record again
}

// Position is a place in a Log: the first record whose index is at least Index. Segment and Offset say where that is,
// and are corrected when the segment is gone.
type Position struct {
	Index   uint64
	Segment uint64
	Offset  int64
}

// Options of a Log.
type Options struct {
	// SegmentBytes is the size at which a new segment file begins.
	SegmentBytes int64
	// FirstIndex is the lowest index that the next record may have.
	FirstIndex uint64
}

// Log is safe for concurrent use.
type Log struct {
	dir     string
	options Options

	mu        sync.Mutex
	written   sync.Cond // a write has ended
	segments  []segment // oldest first; the last one is written to
	file      *os.File  // of the last segment
	next      uint64    // the index that the next record gets
	committed uint64    // every stored record has a lower index
	pending   *batch    // what waits for the write in progress to end
	spare     []byte    // a buffer to use again
	writing   bool
	broken    error // set for ever when the file's end is no longer known, or by Close
	torn      int64
}

// segment is a file that holds consecutive records; its name is the lowest index that they may have.
type segment struct {
	base      uint64
	size      int64
	lastWrite int64 // Unix milliseconds
}

// batch is what several callers of Append hand to one write.
type batch struct {
	base uint64
	end  uint64
	buf  []byte
	done bool
	err  error

	segment uint64 // where buf was written, once done
	offset  int64
}

// spareBytes is the largest buffer that is kept for the next write.
const spareBytes = 4 << 20

// Append stores the entries under consecutive indexes, the first of which it returns. Callers that meet share a write.
func (l *Log) Append(arrival int64, entries ...Entry) (first uint64, err error) {
	at, err := l.AppendAt(arrival, entries...)
	return at.Index, err
}

// AppendAt is Append, and returns where the first of the entries stands.
func (l *Log) AppendAt(arrival int64, entries ...Entry) (first Position, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return Position{}, l.broken
	}
	if l.pending == nil {
		l.pending = &batch{base: l.next, buf: l.spare[:0]}
		l.spare = nil
	}
	b := l.pending
	first = Position{Index: l.next, Offset: int64(len(b.buf))}
	for _, e := range entries {
		b.buf = appendFrame(b.buf, l.next, arrival, e.Key, e.Data)
		l.next++
	}
	b.end = l.next
	for !b.done {
		if l.writing {
			l.written.Wait()
			continue
		}
		if l.broken != nil {
			l.pending, b.err, b.done = nil, l.broken, true
			l.written.Broadcast()
			continue
		}
		l.commit(b)
	}
	first.Segment, first.Offset = b.segment, b.offset+first.Offset
	return first, b.err
}

// commit writes the pending batch. The lock is held on entry and exit and free while the file is written.
func (l *Log) commit(b *batch) {
	l.pending, l.writing = nil, true
	active := l.segments[len(l.segments)-1]
	file := l.file
	l.mu.Unlock()

	opened, err := l.rotate(active, b)
	if opened != nil {
		file, active = opened, segment{base: b.base}
	}
	var broken error
	if err == nil {
		err, broken = write(file, b.buf, active.size)
	}

	l.mu.Lock()
	if opened != nil {
		err = errors.Join(err, l.file.Close())
		l.file = opened
		l.segments = append(l.segments, active)
	}
	if err == nil {
		last := &l.segments[len(l.segments)-1]
		b.segment, b.offset = last.base, last.size
		last.size += int64(len(b.buf))
		last.lastWrite = time.Now().UnixMilli()
		l.committed = b.end
	}
	if broken != nil && l.broken == nil {
		l.broken = broken
	}
	if cap(b.buf) <= spareBytes {
		l.spare = b.buf[:0]
	}
	b.buf, b.err, b.done, l.writing = nil, err, true, false
	l.written.Broadcast()
}

// write appends buf at the file's end. broken says that the end could not be restored after an error.
func write(file *os.File, buf []byte, end int64) (err, broken error) {
	if _, err = file.WriteAt(buf, end); err != nil {
		// What the failed write left behind must not be taken for records after a restart.
		broken = file.Truncate(end)
	}
	return err, broken
}

// rotate begins a new segment file for b if the active one is full; nil if it is not.
func (l *Log) rotate(active segment, b *batch) (*os.File, error) {
	if active.size == 0 || active.size+int64(len(b.buf)) <= l.options.SegmentBytes {
		return nil, nil
	}
	return os.OpenFile(l.path(b.base), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

func (l *Log) path(base uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%020d%s", base, segmentSuffix))
}

// quiet waits until no write is in progress. The lock is held, and free meanwhile.
func (l *Log) quiet() error {
	for l.writing {
		l.written.Wait()
	}
	return l.broken
}

// Expire removes the segments whose newest record was written before the given time.
func (l *Log) Expire(before time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.quiet(); err != nil {
		return err
	}
	keep := 0
	for keep < len(l.segments) && l.segments[keep].lastWrite < before.UnixMilli() {
		keep++
	}
	return l.drop(keep)
}

// Drop removes the segments that hold only records with an index below the given one. The last segment stays.
func (l *Log) Drop(before uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.quiet(); err != nil {
		return err
	}
	if n := l.holding(before); n > 0 {
		return l.drop(n)
	}
	return nil
}

// Reset removes every record. Indexes go on, so that a reader's position stays good and stands at the tip.
func (l *Log) Reset() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.quiet(); err != nil {
		return err
	}
	return l.drop(len(l.segments))
}

// drop removes the n oldest segments. One always stays, if only an empty one whose name keeps the next index: it is
// made before the others go, so that an interruption cannot lose the count.
func (l *Log) drop(n int) error {
	last := len(l.segments) - 1
	if n > last {
		n = last
		if l.segments[last].size > 0 {
			if err := l.begin(l.committed); err != nil {
				return err
			}
			n = last + 1
		}
	}
	for i := range n {
		if err := os.Remove(l.path(l.segments[i].base)); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.segments = l.segments[i:]
			return err
		}
	}
	l.segments = append([]segment(nil), l.segments[n:]...)
	return nil
}

// begin adds an empty segment.
func (l *Log) begin(base uint64) error {
	file, err := os.OpenFile(l.path(base), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	l.file = file
	l.segments = append(l.segments, segment{base: base, lastWrite: time.Now().UnixMilli()})
	return nil
}

// Bytes returns what the segment files hold.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum int64
	for _, s := range l.segments {
		sum += s.size
	}
	return sum
}

// Torn returns how many bytes of a half-written record Open cut off.
func (l *Log) Torn() int64 { return l.torn }

// Close waits for the writes that were begun. Readers and writers get ErrClosed from then on.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing || l.pending != nil {
		l.written.Wait()
	}
	if errors.Is(l.broken, ErrClosed) {
		return nil
	}
	l.broken = ErrClosed
	return l.file.Close()
}
