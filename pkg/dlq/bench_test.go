package dlq_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"hydrant/pkg/dlq"
)

var kilobyte = `{"type":"page_view","url":"https://example.com/articles/some-long-title?utm_source=a&utm_medium=b",` +
	`"title":"An article","referrer":"https://www.example.org/search?q=hydrant","device":"mobile","language":"en-GB","country":"GB",` +
	`"viewport":{"width":390,"height":844},"load_ms":1234.5,"context":{"a":"` + strings.Repeat("value ", 110) + `"}}`

// endless is an error object that is made while it is read, and a stream and a quarantine that take everything.
type endless struct {
	*world
	lines []string
	n     int
	peak  uint64

	largest int // object that was written, in bytes
}

func (e *endless) Open(context.Context, string, string, int64) (dlq.Object, error) {
	return dlq.Object{Body: io.NopCloser(&repeat{lines: e.lines, left: e.n}), Modified: modified}, nil
}

func (e *endless) Create(_ context.Context, _, _ string, o dlq.NewObject) error {
	e.largest = max(e.largest, len(o.Body))
	e.measure()
	return nil
}

func (e *endless) Put(context.Context, []dlq.Entry) ([]int, error) {
	e.measure()
	return nil, nil
}

func (e *endless) measure() {
	var m runtime.MemStats
	if e.peak > 0 {
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapInuse+m.StackInuse)
	}
}

// repeat is the lines, over and over, until so many of them are read.
type repeat struct {
	lines []string
	left  int
	next  int
	rest  string
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.rest = r.lines[r.next%len(r.lines)] + "\n"
		r.next++
		r.left--
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// mixed are lines of which most go round and some are quarantined.
func mixed() []string {
	var lines []string
	for i := range 100 {
		data := enveloped(0, strings.Replace(kilobyte, `{`, fmt.Sprintf(`{"event_id":"e-%d",`, i), 1))
		code := "Lambda.FunctionError"
		if i%3 == 0 {
			code = "Lambda.ProcessingFailedStatus"
		}
		if i%10 == 0 {
			data = strings.Replace(data, "mobile", "fridge", 1)
		}
		lines = append(lines, failed(code, data))
	}
	return lines
}

// The goal is 20,000 lines a second on one core: 50 µs a line.
func BenchmarkErrorLines(b *testing.B) {
	w := &endless{world: newWorld(), lines: mixed(), n: b.N}
	s := settings
	s.RecordsPerSecond = 1 << 30
	d, err := dlq.New(s, judge, w, w, w, w)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(w.lines[1])))
	b.ReportAllocs()
	b.ResetTimer()
	if answer, err := d.Invoke(b.Context(), []byte(batch(notification(errors1)))); err != nil || string(answer) != `{"batchItemFailures":[]}` {
		b.Fatalf("%s, %v", answer, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// memoryFor deals with an object of so many lines, and answers its size and the most memory that was in use, in bytes.
func memoryFor(tb testing.TB, lines int) (size int, peak uint64) {
	tb.Helper()
	w := &endless{world: newWorld(), lines: mixed(), n: lines, peak: 1}
	s := settings
	s.RecordsPerSecond = 1 << 30
	d, err := dlq.New(s, judge, w, w, w, w)
	if err != nil {
		tb.Fatal(err)
	}
	if answer, err := d.Invoke(tb.Context(), []byte(batch(notification(errors1)))); err != nil || string(answer) != `{"batchItemFailures":[]}` {
		tb.Fatalf("%s, %v", answer, err)
	}
	if w.reports[0].Lines != lines {
		tb.Errorf("%d lines, want %d", w.reports[0].Lines, lines)
	}
	return len(w.lines[1]) * lines, w.peak
}

// Of an object of 100 MB, as of any other, only a chunk is ever in memory.
func TestMemoryIsBounded(t *testing.T) {
	size, peak := memoryFor(t, 60_000)
	if size < 90<<20 {
		t.Errorf("the object has only %d bytes", size)
	}
	if peak > 64<<20 {
		t.Errorf("%d MB in use", peak>>20)
	}
}

// A record of a megabyte that is nothing but tiny events, each of which is quarantined or goes round, fits the function's memory too.
func TestMemoryForTinyEvents(t *testing.T) {
	record := enveloped(0, "["+strings.Repeat("1,", 500_000)+"1]")
	for _, code := range []string{"Lambda.ProcessingFailedStatus", "Lambda.FunctionError"} {
		t.Run(code, func(t *testing.T) {
			w := &endless{world: newWorld(), lines: []string{failed(code, record)}, n: 1, peak: 1}
			s := settings
			s.RecordsPerSecond = 1 << 30
			d, err := dlq.New(s, judge, w, w, w, w)
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := d.Invoke(t.Context(), []byte(batch(notification(errors1)))); err != nil || string(answer) != `{"batchItemFailures":[]}` {
				t.Fatalf("%s, %v", answer, err)
			}
			if r := w.reports[0]; r.Quarantined+r.Events != 500_001 {
				t.Errorf("%d events in quarantine, %d round", r.Quarantined, r.Events)
			}
			if w.peak > 160<<20 || w.largest > 8<<20 {
				t.Errorf("%d MB in use, an object of %d KB", w.peak>>20, w.largest>>10)
			}
		})
	}
}

// The goal is under 64 MB, whatever the object's size.
func BenchmarkMemory(b *testing.B) {
	for _, lines := range []int{6_000, 60_000, 600_000} {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			var size int
			var peak uint64
			for b.Loop() {
				size, peak = memoryFor(b, lines)
			}
			b.ReportMetric(float64(size)/1e6, "MB-object")
			b.ReportMetric(float64(peak)/1e6, "MB-in-use")
			b.ReportMetric(0, "ns/op")
		})
	}
}
