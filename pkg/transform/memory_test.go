//go:build !race

// The race detector takes memory of its own, and has sync.Pool forget some of what it is given.

package transform_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hydrant/pkg/transform"
)

// With all that an answer takes, garbage included, a request takes less than six times its size: whatever the garbage collector does, no more
// can be in memory at once.
func TestMemory(t *testing.T) {
	tr := transform.New(judge(t), quiet{})
	long := fmt.Sprintf(`{"type":"app_error","message":"m","stack":%q,"x":%q}`, strings.Repeat("at line 7\n", 3_000), strings.Repeat("é", 100_000))
	requests := map[string][]byte{
		"one large event":        request(long),
		"large and small events": request(append(each(300, kilobyte), long, view, long)...),
		"events that all fail":   request(each(500, func(i int) string { return strings.Replace(kilobyte(i), "/catalogue", " ", 1) })...),
		"records of nothing":     request(each(500, func(int) string { return "" })...),
		"one array":              request(enveloped(array(0, 500))),
		"events with extra names": request(each(500, func(i int) string {
			return strings.Replace(kilobyte(i), `"campaign"`, `"a":"b"},"also":{"campaign"`, 1)
		})...),
	}
	for _, in := range inputs {
		requests[in.name] = in.request(500)
	}
	for name, payload := range requests {
		t.Run(name, func(t *testing.T) {
			invoke := func() {
				if _, err := tr.Invoke(t.Context(), payload); err != nil {
					t.Fatal(err)
				}
			}
			invoke() // what stays for the next
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			invoke()
			runtime.ReadMemStats(&after)
			if taken := 1 + float64(after.TotalAlloc-before.TotalAlloc)/float64(len(payload)); taken >= 6 {
				t.Errorf("%.1f times the request's size", taken)
			}
		})
	}
}

// The number of allocations for a page_view of 1 KB, alone in its batch and among many.
func TestAllocations(t *testing.T) {
	tr := transform.New(judge(t), quiet{})
	type batch struct {
		payload      []byte
		events, most float64
	}
	batches := map[string]batch{"one": {inputs[0].request(1), 1, 10}}
	for _, in := range inputs {
		batches[in.name] = batch{in.request(500), 500, 6}
	}
	for name, tc := range batches {
		got := testing.AllocsPerRun(int(5_000/tc.events), func() {
			if _, err := tr.Invoke(t.Context(), tc.payload); err != nil {
				t.Fatal(err)
			}
		})
		if got /= tc.events; got > tc.most {
			t.Errorf("%s: %.1f allocations for an event, want %.0f at most", name, got, tc.most)
		}
	}
}
