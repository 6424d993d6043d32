package recordlog

import (
	"errors"
	"fmt"
	"os"
	"sort"
)

// Oldest is the position of the oldest record that is kept.
func (l *Log) Oldest() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Position{Segment: l.segments[0].base}
}

// Tip is the position of the next record that will be stored.
func (l *Log) Tip() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.segments[len(l.segments)-1]
	return Position{Index: l.committed, Segment: last.base, Offset: last.size}
}

// At is the position of the first record whose index is at least index. One beyond the tip is the tip: a reader that
// remembers more than the log holds has lost nothing if it reads what comes next.
func (l *Log) At(index uint64) Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index >= l.committed {
		last := l.segments[len(l.segments)-1]
		return Position{Index: l.committed, Segment: last.base, Offset: last.size}
	}
	return Position{Index: index, Segment: l.segments[l.holding(index)].base}
}

// AtTip reports whether p is behind every stored record.
func (l *Log) AtTip(p Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, offset := l.locate(p)
	for ; i < len(l.segments); i, offset = i+1, 0 {
		if offset < l.segments[i].size && p.Index < l.committed {
			return false
		}
	}
	return true
}

// Behind counts the stored records from p on.
func (l *Log) Behind(p Position) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.committed - min(l.committed, max(p.Index, l.segments[0].base)))
}

// After is the position of the first record that arrived at the given time (Unix milliseconds) or later.
func (l *Log) After(arrival int64) (Position, error) {
	l.mu.Lock()
	segments := append([]segment(nil), l.segments...)
	tip := Position{Index: l.committed, Segment: segments[len(segments)-1].base, Offset: segments[len(segments)-1].size}
	l.mu.Unlock()
	for _, s := range segments {
		if s.lastWrite < arrival || s.size == 0 {
			continue
		}
		p, found, err := l.firstSince(s, arrival)
		if err != nil || found {
			return p, err
		}
	}
	return tip, nil
}

func (l *Log) firstSince(s segment, arrival int64) (p Position, found bool, err error) {
	file, err := os.Open(l.path(s.base))
	if errors.Is(err, os.ErrNotExist) {
		return Position{}, false, nil // expired meanwhile
	}
	if err != nil {
		return Position{}, false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	err = scan(file, 0, s.size, func(f frame, offset int64, _ int) bool {
		if f.arrival >= arrival {
			p, found = Position{Index: f.index, Segment: s.base, Offset: offset}, true
		}
		return !found
	})
	if err != nil {
		return Position{}, false, fmt.Errorf("%s: %w", l.path(s.base), err)
	}
	return p, found, nil
}

// holding is the place of the segment that may hold index: the last one whose name is not above it, or the oldest.
func (l *Log) holding(index uint64) int {
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > index })
	return max(i-1, 0)
}

// locate finds p's segment and the offset in it. The lock is held.
func (l *Log) locate(p Position) (i int, offset int64) {
	i = l.holding(p.Segment)
	if s := l.segments[i]; s.base == p.Segment && p.Offset <= s.size {
		return i, p.Offset
	}
	return l.holding(p.Index), 0
}

// Read returns the records at p, in order, and moves p behind them: at most maxRecords of them with at most maxBytes of
// key and data, but one at least if there is one. None means that p is at the tip. It does not block.
func (l *Log) Read(p *Position, maxRecords, maxBytes int) ([]Record, error) {
	var out []Record
	var gone *segment
	for len(out) < maxRecords {
		part, err := l.part(p)
		if err != nil || part == nil {
			return out, err
		}
		more, err := l.readPart(p, *part, &out, maxRecords, &maxBytes)
		switch {
		case errors.Is(err, os.ErrNotExist) && (gone == nil || gone.base != part.base):
			gone = part // it expired meanwhile: go on with the next one
		case err != nil && len(out) > 0:
			return out, nil // the next Read meets the error again
		case err != nil || !more:
			return out, err
		}
	}
	return out, nil
}

// part finds the segment that p stands in, before its end; nil at the tip.
func (l *Log) part(p *Position) (*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, ErrClosed) {
		return nil, ErrClosed
	}
	i, offset := l.locate(*p)
	for offset == l.segments[i].size && i < len(l.segments)-1 {
		i, offset = i+1, 0
	}
	s := l.segments[i]
	p.Segment, p.Offset = s.base, offset
	if offset == s.size {
		return nil, nil
	}
	return &s, nil
}

// oneBytes is what is read at first where one record is wanted: most are smaller.
const oneBytes = 4 << 10

// readPart reads from one segment until it ends or the limits are reached; more says that it was the segment's end.
func (l *Log) readPart(p *Position, s segment, out *[]Record, maxRecords int, maxBytes *int) (more bool, err error) {
	file, err := os.Open(l.path(s.base))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	want := int64(scanBytes)
	if maxRecords == 1 {
		want = oneBytes
	}
	for p.Offset < s.size {
		// The records keep parts of this buffer, so it is not used again.
		buf := make([]byte, min(want, s.size-p.Offset))
		if _, err := file.ReadAt(buf, p.Offset); err != nil {
			return false, fmt.Errorf("%s: %w", file.Name(), err)
		}
		used, need, full, err := take(p, buf, out, maxRecords, maxBytes)
		if err != nil || used == 0 && !full && (need <= len(buf) || p.Offset+int64(need) > s.size) {
			return false, fmt.Errorf("%s: damaged at byte %d", file.Name(), p.Offset)
		}
		if full {
			return false, nil
		}
		want = max(want, int64(need))
	}
	return true, nil
}

// take moves the frames of buf into out and p behind them. need is the size of the frame that buf holds only in part.
func take(p *Position, buf []byte, out *[]Record, maxRecords int, maxBytes *int) (used, need int, full bool, err error) {
	for used < len(buf) {
		f, size, err := parseFrame(buf[used:])
		if errors.Is(err, errShort) {
			return used, size, false, nil
		}
		if err != nil {
			return used, 0, false, err
		}
		if f.index >= p.Index {
			cost := len(f.key) + len(f.data)
			if len(*out) == maxRecords || len(*out) > 0 && cost > *maxBytes {
				return used, 0, true, nil
			}
			*maxBytes -= cost
			*out = append(*out, Record{Index: f.index, Arrival: f.arrival, Key: string(f.key), Data: f.data, At: Position{f.index, p.Segment, p.Offset}})
			p.Index = f.index + 1
		}
		used += size
		p.Offset += int64(size)
	}
	return used, 0, len(*out) == maxRecords, nil
}
