package recordlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 1 << 20
	}
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func put(t testing.TB, l *Log, data ...string) uint64 {
	t.Helper()
	var entries []Entry
	for _, d := range data {
		entries = append(entries, Entry{Key: "key of " + d, Data: []byte(d)})
	}
	first, err := l.Append(1000, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

// drain reads everything behind p, a few records at a time, and checks that indexes rise.
func drain(t testing.TB, l *Log, p Position) []string {
	t.Helper()
	var out []string
	var last uint64
	for {
		records, err := l.Read(&p, 3, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return out
		}
		for _, r := range records {
			if r.Index <= last && last > 0 {
				t.Fatalf("index %d after %d", r.Index, last)
			}
			if r.Key != "key of "+string(r.Data) {
				t.Fatalf("key %q of data %q", r.Key, r.Data)
			}
			last = r.Index
			out = append(out, string(r.Data))
		}
	}
}

func equal(t testing.TB, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRecordsComeBackInOrderAcrossSegmentsAndRestarts(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for restart := range 3 {
		l, err := Open(dir, Options{SegmentBytes: 200})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			d := fmt.Sprintf("%d-%d", restart, i)
			put(t, l, d)
			want = append(want, d)
		}
		equal(t, drain(t, l, l.Oldest()), want...)
		if restart == 1 {
			continue // a killed process closes nothing
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(files) < 5 {
		t.Errorf("%d segments, %v; want several", len(files), err)
	}
}

func TestReadKeepsToItsLimits(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 300})
	big := strings.Repeat("x", 3*scanBytes)
	for _, d := range []string{"a", "b", "c", big, "d", "e"} {
		if _, err := l.Append(1, Entry{Data: []byte(d)}); err != nil {
			t.Fatal(err)
		}
	}
	p := l.Oldest()
	for _, step := range []struct{ maxRecords, maxBytes, want int }{
		{2, 100, 2}, // records
		{9, 1, 1},   // bytes
		{9, 1, 1},   // one at least, however large
		{9, 1, 1}, {9, 9, 1}, {9, 9, 0},
	} {
		got, err := l.Read(&p, step.maxRecords, step.maxBytes)
		if err != nil || len(got) != step.want {
			t.Fatalf("Read(%d, %d): %d records, %v; want %d", step.maxRecords, step.maxBytes, len(got), err, step.want)
		}
	}
}

func TestPositions(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 100, FirstIndex: 50})
	for i, d := range []string{"a", "b", "c", "d", "e", "f"} {
		if _, err := l.Append(int64(1000*i), Entry{Key: "key of " + d, Data: []byte(d)}); err != nil {
			t.Fatal(err)
		}
	}
	for index, want := range map[uint64]string{0: "abcdef", 50: "abcdef", 51: "bcdef", 55: "f", 56: "", 999: ""} {
		if got := strings.Join(drain(t, l, l.At(index)), ""); got != want {
			t.Errorf("At(%d): %q, want %q", index, got, want)
		}
	}
	for arrival, want := range map[int64]string{0: "abcdef", 1: "bcdef", 3000: "def", 5001: ""} {
		p, err := l.After(arrival)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(drain(t, l, p), ""); got != want {
			t.Errorf("After(%d): %q, want %q", arrival, got, want)
		}
	}
	tip := l.Tip()
	if !l.AtTip(tip) || l.AtTip(l.Oldest()) {
		t.Error("AtTip does not tell the tip from the oldest record")
	}
	put(t, l, "g")
	equal(t, drain(t, l, tip), "g")
}

// A process that is killed can leave any part of the last write behind.
func TestOpenCutsATornRecordAtEveryByte(t *testing.T) {
	whole := t.TempDir()
	l := open(t, whole, Options{})
	put(t, l, "first")
	kept := l.Bytes()
	put(t, l, "second")
	name := filepath.Base(l.path(0))
	content, err := os.ReadFile(filepath.Join(whole, name))
	if err != nil {
		t.Fatal(err)
	}
	garbage := map[string]func(torn []byte) []byte{
		"cut short":          func(b []byte) []byte { return b },
		"followed by zeros":  func(b []byte) []byte { return append(b, make([]byte, 40)...) },
		"followed by noise":  func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0x5a}, 40)...) },
		"followed by itself": func(b []byte) []byte { return append(b, content...) },
	}
	for what, spoil := range garbage {
		for cut := kept; cut < int64(len(content)); cut++ {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), spoil(bytes.Clone(content[:cut])), 0o644); err != nil {
				t.Fatal(err)
			}
			l := open(t, dir, Options{})
			equal(t, drain(t, l, l.Oldest()), "first")
			if l.Bytes() != kept {
				t.Fatalf("%s at %d: %d bytes kept, want %d", what, cut, l.Bytes(), kept)
			}
			put(t, l, "third")
			equal(t, drain(t, l, l.Oldest()), "first", "third")
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestResetAndExpireLeaveReadersAtTheTip(t *testing.T) {
	for name, empty := range map[string]func(*Log) error{
		"reset":  (*Log).Reset,
		"expire": func(l *Log) error { return l.Expire(time.Now().Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir, Options{SegmentBytes: 100})
			put(t, l, "a", "b")
			put(t, l, "c")
			p := l.Oldest()
			if _, err := l.Read(&p, 1, 1000); err != nil {
				t.Fatal(err)
			}
			before := l.Tip().Index
			if err := empty(l); err != nil {
				t.Fatal(err)
			}
			equal(t, drain(t, l, p))
			if first := put(t, l, "d"); first < before {
				t.Errorf("index %d after %d", first, before)
			}
			equal(t, drain(t, l, p), "d")
			equal(t, drain(t, l, l.Oldest()), "d")
			if err := empty(l); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir, Options{})
			if first := put(t, again, "e"); first <= before {
				t.Errorf("index %d after a restart, want above %d", first, before)
			}
		})
	}
}

func TestExpireKeepsWhatIsYoung(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 1})
	put(t, l, "old")
	l.segments[0].lastWrite = 1
	put(t, l, "young")
	if err := l.Expire(time.UnixMilli(2)); err != nil {
		t.Fatal(err)
	}
	equal(t, drain(t, l, l.Oldest()), "young")
}

func TestReadSaysWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{SegmentBytes: 1})
	put(t, l, "a")
	put(t, l, "b")
	path := l.path(0)
	if err := os.WriteFile(path, bytes.Repeat([]byte{1}, int(l.segments[0].size)), 0o644); err != nil {
		t.Fatal(err)
	}
	p := l.Oldest()
	if _, err := l.Read(&p, 1, 1); err == nil || !strings.Contains(err.Error(), "damaged at byte 0") {
		t.Errorf("got %v", err)
	}
}

func TestAFailedWriteFailsItsCallersAlone(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	put(t, l, "a")
	good := l.file
	bad, err := os.Open(l.path(0)) // read-only: every write to it fails
	if err != nil {
		t.Fatal(err)
	}
	l.file = bad
	if _, err := l.Append(1, Entry{Data: []byte("lost")}); err == nil {
		t.Fatal("a write to a read-only file succeeded")
	}
	if err := bad.Close(); err != nil {
		t.Fatal(err)
	}
	l.file = good
	if l.broken == nil {
		t.Error("the end of a file that cannot be cut is trusted")
	}
	l.broken = nil
	put(t, l, "b")
	equal(t, drain(t, l, l.Oldest()), "a", "b")
}

func TestClosedLogRefuses(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := Position{}
	_, readErr := l.Read(&p, 1, 1)
	_, appendErr := l.Append(1)
	for what, err := range map[string]error{"Read": readErr, "Append": appendErr, "Reset": l.Reset()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Writers, a reader from the start and resets at once: each writer's records come in its own order, none twice.
func TestConcurrentUse(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 4096})
	const writers, each = 8, 200
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if _, err := l.Append(1, Entry{Key: fmt.Sprint(w), Data: []byte{byte(i)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	p, seen, finished := l.Oldest(), map[string]int{}, false
	for {
		records, err := l.Read(&p, 50, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if int(r.Data[0]) != seen[r.Key] {
				t.Fatalf("writer %s: record %d, want %d", r.Key, r.Data[0], seen[r.Key])
			}
			seen[r.Key]++
		}
		if len(records) == 0 && finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	for w := range writers {
		if seen[fmt.Sprint(w)] != each {
			t.Errorf("writer %d: %d records, want %d", w, seen[fmt.Sprint(w)], each)
		}
	}
}

// Whatever the file holds, opening it keeps a prefix of whole records and the log works.
func FuzzOpen(f *testing.F) {
	one := appendFrame(nil, 7, 1, "k", []byte("data"))
	f.Add([]byte{})
	f.Add(one)
	f.Add(append(bytes.Clone(one), one...))
	f.Add(append(bytes.Clone(one), appendFrame(nil, 8, 1, "", nil)[:20]...))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, fmt.Sprintf("%020d.seg", 0))
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := Open(dir, Options{SegmentBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		p := l.Oldest()
		before, err := l.Read(&p, 1<<20, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if kept := l.Bytes(); !bytes.HasPrefix(content, readAll(t, path)) || kept > int64(len(content)) {
			t.Fatalf("%d bytes kept are no prefix of %d", kept, len(content))
		}
		if _, err := l.Append(2, Entry{Key: "new", Data: []byte("new")}); err != nil {
			t.Fatal(err)
		}
		after, err := l.Read(&p, 10, 1<<20)
		if err != nil || len(after) != 1 || after[0].Key != "new" {
			t.Fatalf("after %d records: %v, %v", len(before), after, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkAppend1KB(b *testing.B) {
	l := open(b, b.TempDir(), Options{SegmentBytes: 16 << 20})
	data := bytes.Repeat([]byte("x"), 1024)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(1, Entry{Key: "0123456789", Data: data}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead1KB(b *testing.B) {
	l := open(b, b.TempDir(), Options{SegmentBytes: 16 << 20})
	data := bytes.Repeat([]byte("x"), 1024)
	for range 20_000 {
		if _, err := l.Append(1, Entry{Key: "0123456789", Data: data}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(1024)
	b.ReportAllocs()
	p := l.Oldest()
	for n := 0; n < b.N; {
		records, err := l.Read(&p, min(500, b.N-n), 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		if len(records) == 0 {
			p = l.Oldest()
		}
		n += len(records)
	}
}

func TestRecordsAreFoundAgainWhereAppendPutThem(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 200})
	var places []Position
	for i := range 50 {
		at, err := l.AppendAt(1000, Entry{Key: "k", Data: fmt.Appendf(nil, "record %d", i)})
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, at)
	}
	p := l.Oldest()
	all, err := l.Read(&p, 100, 1<<20)
	if err != nil || len(all) != 50 {
		t.Fatalf("got %d records, %v", len(all), err)
	}
	for i, at := range places {
		if all[i].At != at {
			t.Errorf("record %d: Read says %+v, AppendAt said %+v", i, all[i].At, at)
		}
		got, err := l.Read(&at, 1, 1)
		if want := fmt.Sprintf("record %d", i); err != nil || len(got) != 1 || string(got[0].Data) != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	if err := l.Drop(places[30].Index); err != nil {
		t.Fatal(err)
	}
	p = l.Oldest()
	kept, err := l.Read(&p, 100, 1<<20)
	if err != nil || len(kept) < 20 || len(kept) > 25 || string(kept[len(kept)-1].Data) != "record 49" {
		t.Errorf("got %d records after Drop, %v", len(kept), err)
	}
	if at := places[30]; at.Index < kept[0].Index {
		t.Errorf("Drop removed record 30: the oldest has index %d", kept[0].Index)
	}
}
