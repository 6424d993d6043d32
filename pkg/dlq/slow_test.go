package dlq_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// However slow the pace is that is set: each invocation gets some lines done, so that the last one is done in the end, and few go twice.
func TestTheSlowestPace(t *testing.T) {
	const lines = 1500
	for _, perSecond := range []int{1, 2, 5, 30} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.put("errors/1", many(lines)...)
				s := settings
				s.RecordsPerSecond = perSecond
				d := w.dlq(t, s) // one process, which Lambda keeps
				begin := time.Now()
				w.queue = []sent{{body: notification("errors/1")}}
				for runs := 0; len(w.queue) > 0; runs++ {
					if runs > 50 {
						t.Fatalf("no end after %v: %d records, problems %+v", time.Since(begin), len(w.stream), w.faults)
					}
					next := w.queue[0]
					w.queue = w.queue[1:]
					answer, err := invokeFor(t, d, 5*time.Minute, batch(next.body))
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(answer, "m0") {
						w.queue = append(w.queue, next)
					}
				}
				if stream, _ := w.places(t); len(stream) != lines || len(w.stream) > lines*5/4 {
					t.Errorf("%d events in %d records", len(stream), len(w.stream))
				}
				if took := time.Since(begin); took < time.Duration(lines/perSecond)*time.Second*9/10 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// The same holds for a redrive.
func TestTheSlowestRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 600
		w := newWorld()
		lines := make([]string, rows)
		for i := range lines {
			lines[i] = failed("Lambda.Unheard", fmt.Sprintf(`{"type":"page_view","event_id":"e-%d","url":"https://a.example/"}`, i))
		}
		w.put("errors/1", lines...)
		w.notify(t, "errors/1")
		s := settings
		s.RecordsPerSecond = 1
		d := w.dlq(t, s)
		for runs, more := 0, true; more; runs++ {
			if runs > 10 {
				t.Fatalf("no end: %d records", len(w.stream))
			}
			answer, err := invokeFor(t, d, 5*time.Minute, `{"redrive":{"dry_run":false}}`)
			if err != nil {
				t.Fatal(err)
			}
			more = strings.Contains(answer, `"more":true`)
		}
		if stream, _ := w.places(t); len(stream) != rows || len(w.stream) != rows {
			t.Errorf("%d events in %d records", len(stream), len(w.stream))
		}
	})
}
