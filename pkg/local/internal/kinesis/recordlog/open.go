package recordlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const segmentSuffix = ".seg"

// Open opens the log in dir, which is made if it is not there. What follows the last whole record is cut off.
func Open(dir string, o Options) (*Log, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l := &Log{dir: dir, options: o, next: o.FirstIndex}
	l.written.L = &l.mu
	if err := l.list(); err != nil {
		return nil, err
	}
	if len(l.segments) == 0 {
		l.committed = l.next
		return l, l.begin(l.next)
	}
	if err := l.recover(); err != nil {
		return nil, err
	}
	return l, nil
}

// list finds the segments.
func (l *Log) list() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if !ok {
			continue
		}
		base, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: not a segment of this log", filepath.Join(l.dir, e.Name()))
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		l.segments = append(l.segments, segment{base: base, size: info.Size(), lastWrite: info.ModTime().UnixMilli()})
	}
	slices.SortFunc(l.segments, func(a, b segment) int {
		if a.base < b.base {
			return -1
		}
		return 1
	})
	return nil
}

// recover reads the last segment, cuts off a torn end, and learns the next index from it.
func (l *Log) recover() (err error) {
	last := &l.segments[len(l.segments)-1]
	file, err := os.OpenFile(l.path(last.base), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	next, end := last.base, int64(0)
	err = scan(file, 0, last.size, func(f frame, offset int64, size int) bool {
		if f.index < next {
			return false // left behind by a write that failed: not a record
		}
		next, end = f.index+1, offset+int64(size)
		return true
	})
	if err != nil && !errors.Is(err, errShort) && !errors.Is(err, errDamaged) {
		return err
	}
	if end < last.size {
		if err := file.Truncate(end); err != nil {
			return err
		}
		// Cutting must not make old records look new to Expire.
		if err := os.Chtimes(file.Name(), time.Time{}, time.UnixMilli(last.lastWrite)); err != nil {
			return err
		}
		l.torn, last.size = last.size-end, end
	}
	l.next = max(l.next, next)
	l.committed, l.file = l.next, file
	return nil
}

// scanBytes is how much of a file is read at once: large enough that the system calls do not count.
const scanBytes = 256 << 10

// scan calls visit for each frame of r between from and to, until it returns false. It stops with errShort or errDamaged
// at bytes that are no frame.
func scan(r io.ReaderAt, from, to int64, visit func(f frame, offset int64, size int) bool) error {
	buf := make([]byte, min(scanBytes, to-from))
	for from < to {
		n := int(min(int64(len(buf)), to-from))
		if _, err := r.ReadAt(buf[:n], from); err != nil {
			return err
		}
		used := 0
		for used < n {
			f, size, err := parseFrame(buf[used:n])
			if errors.Is(err, errShort) && from+int64(n) < to {
				break
			}
			if err != nil {
				return err
			}
			if !visit(f, from+int64(used), size) {
				return nil
			}
			used += size
		}
		if used == 0 {
			size, err := frameBytes(buf[:n])
			if err != nil || from+int64(size) > to {
				return errShort
			}
			buf = make([]byte, size)
		}
		from += int64(used)
	}
	return nil
}
