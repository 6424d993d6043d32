package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/report.golden anew")

// TestReport prints results that are made up: met and missed goals, faults, a leak.
func TestReport(t *testing.T) {
	post := &postResult{
		connections: 16, took: 60 * time.Second, meanwhile: links{Rows: 250_000, Objects: 3},
		account: &account{accepted: 360_000, refused: 12},
		used:    usage{runner: 36 * time.Second, functions: 9 * time.Second, store: time.Second, own: 8 * time.Second},
	}
	for i := range 1000 {
		post.latency.add(time.Duration(i+1) * 30 * time.Microsecond)
	}
	for i := range 240 {
		post.memory = append(post.memory, sample{time.Duration(i) * 250 * time.Millisecond, int64(60e6 + 1e6*i)})
	}
	delivered := &parquetResult{
		filled: 4 * time.Second, delivered: 3200 * time.Millisecond, counts: links{Rows: 80_000, Objects: 1},
		used:    usage{runner: 2 * time.Second, functions: time.Second, store: 50 * time.Millisecond},
		account: &account{accepted: 80_000, lost: 1, crashed: true},
	}
	started := &startResult{
		ready:  []time.Duration{400 * time.Millisecond, 1200 * time.Millisecond, 390 * time.Millisecond},
		memory: []int64{121e6, 119e6, 125e6},
	}
	var out bytes.Buffer
	for _, r := range []result{started, post, delivered} {
		if err := r.section().print(&out); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/report.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) is %s, want %s", n, got, want)
		}
	}
}

func TestMemoryFiguresTakeTheHighestOfEachQuarter(t *testing.T) {
	samples := []sample{{0, 10e6}, {1 * time.Second, 20e6}, {2 * time.Second, 15e6}, {3 * time.Second, 30e6}, {5 * time.Second, 25e6}, {6 * time.Second, 11e6}, {8 * time.Second, 12e6}}
	want := []string{"10 MB", "20 MB", "30 MB", "25 MB", "12 MB"}
	for i, f := range memoryFigures(samples, 8*time.Second) {
		if f.value != want[i] {
			t.Errorf("%s is %s, want %s", f.name, f.value, want[i])
		}
	}
}
