// Package logs keeps log events by group and stream, as Amazon CloudWatch Logs does, in one file of JSON lines for each stream.
package logs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Event is one line of a log stream.
type Event struct {
	Group     string `json:"logGroup"`
	Stream    string `json:"logStream"`
	Timestamp int64  `json:"timestamp"` // Unix milliseconds
	Message   string `json:"message"`
}

// maxFile bounds a stream's file: a longer one is set aside once, and what was set aside before goes. Local logs serve the last hours.
const maxFile = 32 << 20

// A line is in its file within writeWithin, and the lines until then in a buffer of at most bufferSize bytes: at thousands of requests a
// second a system call for each line of an access log would be a good part of what a request costs. Only the death of the process
// itself loses what is in a buffer.
const (
	writeWithin = 250 * time.Millisecond
	bufferSize  = 64 << 10
)

// Store keeps log streams under a folder. Its methods may be called from many goroutines.
type Store struct {
	dir   string
	limit int64

	mu      sync.Mutex
	files   map[streamName]*file
	waiting bool  // a timer will write what is in the buffers
	failed  error // what became of that, for the next Put
	line    []byte
}

type streamName struct{ group, stream string }

type file struct {
	*os.File
	buffer *bufio.Writer
	head   []byte // what every line begins with
	size   int64  // with the buffer
}

// Open readies the store in dir, which is made if it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return &Store{dir: dir, limit: maxFile, files: map[streamName]*file{}}, nil
}

// Put appends one event to a stream, which is made if it is missing. The error may be that of an earlier event that could not be written.
func (s *Store) Put(group, stream string, at time.Time, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := streamName{group, stream}
	err := s.failed
	if err == nil {
		err = s.put(name, at, message)
	}
	if err != nil {
		return fmt.Errorf("log stream %s of %s: %w", stream, group, err)
	}
	return nil
}

func (s *Store) put(name streamName, at time.Time, message string) error {
	f, err := s.file(name)
	if err != nil {
		return err
	}
	s.line = strconv.AppendInt(append(s.line[:0], f.head...), at.UnixMilli(), 10)
	s.line = appendText(append(s.line, `,"message":`...), message)
	s.line = append(s.line, "}\n"...)
	n, err := f.buffer.Write(s.line)
	f.size += int64(n)
	if !s.waiting {
		s.waiting = true
		time.AfterFunc(writeWithin, s.write)
	}
	return err
}

// write empties all buffers.
func (s *Store) write() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	if err := s.flush(); s.failed == nil {
		s.failed = err
	}
}

func (s *Store) flush() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.buffer.Flush())
	}
	return err
}

func (f *file) close() error { return errors.Join(f.buffer.Flush(), f.File.Close()) }

// appendText appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD, which is all the error would tell.
func appendText(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

func (n streamName) head() []byte {
	head := appendText([]byte(`{"logGroup":`), n.group)
	head = appendText(append(head, `,"logStream":`...), n.stream)
	return append(head, `,"timestamp":`...)
}

func (s *Store) path(group, stream string) string {
	return filepath.Join(s.dir, url.PathEscape(group), url.PathEscape(stream)+".jsonl")
}

func (s *Store) file(name streamName) (*file, error) {
	f := s.files[name]
	if f != nil && f.size < s.limit {
		return f, nil
	}
	path := s.path(name.group, name.stream)
	if f != nil {
		if err := errors.Join(f.close(), os.Rename(path, path+".old")); err != nil {
			return nil, err
		}
		delete(s.files, name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	opened, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	size, err := endLine(opened)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	s.files[name] = &file{opened, bufio.NewWriterSize(opened, bufferSize), name.head(), size}
	return s.files[name], nil
}

// endLine ends a last line that a crash cut off, so that the next one stands alone, and answers the file's size.
func endLine(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return info.Size(), err
	}
	n, err := f.WriteString("\n")
	return info.Size() + int64(n), err
}

// Read calls event with each event of a group, stream by stream, in the order they were put.
func (s *Store) Read(group string, event func(Event) error) error {
	s.mu.Lock()
	err := s.flush()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	var paths []string
	for _, pattern := range []string{"*.jsonl.old", "*.jsonl"} {
		found, err := filepath.Glob(filepath.Join(globEscape(filepath.Join(s.dir, url.PathEscape(group))), pattern))
		if err != nil {
			return err
		}
		sort.Strings(found)
		paths = append(paths, found...)
	}
	for _, path := range paths {
		if err := readFile(path, event); err != nil {
			return err
		}
	}
	return nil
}

func globEscape(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

func readFile(path string, event func(Event) error) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // set aside or reset since it was listed
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // the end; a line without an end is still being written, or was cut off by a crash
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			continue // cut off by a crash
		}
		if err := event(e); err != nil {
			return err
		}
	}
}

// Reset removes every event.
func (s *Store) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.close()
	entries, readErr := os.ReadDir(s.dir)
	err = errors.Join(err, readErr)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, e.Name())))
	}
	return err
}

// Close writes what is in the buffers and closes the files.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.failed, s.close())
}

func (s *Store) close() error {
	var err error
	for name, f := range s.files {
		err = errors.Join(err, f.close())
		delete(s.files, name)
	}
	return err
}
