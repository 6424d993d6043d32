package dlq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/dlq"
)

// many are n lines that go round at once.
func many(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = failed("Lambda.FunctionError", fmt.Sprintf(`{"type":"page_view","event_id":"e-%d","url":"https://a.example/"}`, i))
	}
	return lines
}

func (w *world) invokeFor(t *testing.T, s dlq.Settings, d time.Duration, payload string) (string, error) {
	t.Helper()
	return invokeFor(t, w.dlq(t, s), d, payload)
}

func invokeFor(t *testing.T, function *dlq.DLQ, d time.Duration, payload string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	answer, err := function.Invoke(ctx, []byte(payload))
	if ctx.Err() != nil {
		t.Error("it took all of its time: Lambda would have ended it")
	}
	return string(answer), err
}

// More lines than the pace lets through in an invocation: the rest is left to another one, and none goes twice.
func TestTimeIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put("errors/1", many(100_000)...)
		w.put("errors/2", many(1)...)
		s := settings
		s.RecordsPerSecond = 100
		begin := time.Now()
		answer, err := w.invokeFor(t, s, 5*time.Minute, batch(notification("errors/1"), notification("errors/2")))
		if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
			t.Fatalf("answer %s, %v: %+v", answer, err, w.faults)
		}
		n := len(w.stream)
		if took := time.Since(begin); n < 25_000 || n > 31_000 || n%1000 != 0 || took > 299*time.Second {
			t.Errorf("%d records in %v", n, took)
		}
		if len(w.queue) != 1 || w.reports[0].Handed != 1 {
			t.Fatalf("left: %+v", w.queue)
		}
		rest := w.queue[0].body
		w.queue = nil
		if _, err := w.invokeFor(t, s, 5*time.Minute, batch(rest)); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range w.stream {
			if seen[e.Key] {
				t.Fatalf("%s went twice", e.Key)
			}
			seen[e.Key] = true
		}
		if len(w.stream) < 2*n-2000 || len(w.queue) != 1 {
			t.Errorf("then %d records", len(w.stream))
		}
	})
}

// A stream that takes nothing any more: what can be is handed over in time, and reported where nothing came of it.
func TestAStreamThatStops(t *testing.T) {
	for name, tc := range map[string]struct {
		works int // calls of the stream that do
		want  string
		left  int
	}{
		"at once":                {0, `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`, 0},
		"behind the first chunk": {3, `{"batchItemFailures":[]}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.put("errors/1", many(5000)...)
				first := 0
				w.refuse = func(call, _ int) bool {
					if first == 0 {
						first = call
					}
					return call >= first+tc.works
				}
				if answer, err := w.invokeFor(t, settings, time.Minute, batch(notification("errors/1"))); err != nil || answer != tc.want || len(w.queue) != tc.left {
					t.Errorf("answer %s, %v, left %+v", answer, err, w.queue)
				}
				if len(w.faults) != 1 || w.reports[0].Refusals == 0 {
					t.Errorf("problems %+v", w.faults)
				}
				w.refuse = nil
				w.drain(t, []string{notification("errors/1")})
				if stream, _ := w.places(t); len(stream) != 5000 {
					t.Errorf("%d events", len(stream))
				}
			})
		})
	}
}

// Lines that were put off before the work was interrupted are handed over too, and the rest is found again in what is zipped as in what is not.
func TestAStreamThatStopsBehindWaitingLines(t *testing.T) {
	lines := append([]string{failed("Lambda.FunctionError", enveloped(3, `{"type":"page_view","event_id":"waiting","url":"https://a.example/"}`))}, many(5000)...)
	text := []byte(strings.Join(lines, "\n"))
	for name, body := range map[string][]byte{"plain": text, "zipped": zipped(t, string(text))} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.objects[bucket+"/errors/1"] = body
				w.refuse = func(call, _ int) bool { return call >= 6 }
				if answer, err := w.invokeFor(t, settings, time.Minute, batch(notification("errors/1"))); err != nil || answer != `{"batchItemFailures":[]}` {
					t.Fatalf("answer %s, %v: %+v", answer, err, w.faults)
				}
				if len(w.queue) != 2 || w.reports[0].Waiting != 1 || w.queue[0].delay != 15*time.Minute {
					t.Fatalf("left %+v", w.queue)
				}
				w.refuse = nil
				w.settle(t)
				stream, quarantine := w.places(t)
				if len(stream) != 5001 || len(quarantine) > 0 || w.reports[1].Lines+w.reports[0].Lines+w.reports[2].Lines != 5001 {
					t.Errorf("%d events, reports %+v", len(stream), w.reports)
				}
			})
		})
	}
}

// Refused records are sent again, those alone.
func TestRefusedRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put("errors/1", many(3000)...)
		w.refuse = func(call, entry int) bool { return (call*7+entry)%3 == 0 }
		w.notify(t, "errors/1")
		if stream, _ := w.places(t); len(stream) != 3000 || len(w.stream) != 3000 || w.reports[0].Refusals < 1000 {
			t.Errorf("%d events, %d records, %d refusals", len(stream), len(w.stream), w.reports[0].Refusals)
		}
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put("errors/1", many(5000)...)
		s := settings
		s.RecordsPerSecond = 500
		begin := time.Now()
		if _, err := w.dlq(t, s).Invoke(t.Context(), []byte(batch(notification("errors/1")))); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); len(w.stream) != 5000 || took < 9*time.Second || took > 10*time.Second {
			t.Errorf("%d records in %v", len(w.stream), took)
		}
	})
}

// A redrive that has no time left says so, and the next one goes on.
func TestARedriveOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for n := range 10 {
			w.put(fmt.Sprint("errors/", n), many(600)...)
			w.objects[bucket+fmt.Sprint("/errors/", n)] = []byte(strings.ReplaceAll(string(w.objects[bucket+fmt.Sprint("/errors/", n)]), "Lambda.FunctionError", "Lambda.Unheard"))
			w.notify(t, fmt.Sprint("errors/", n))
		}
		s := settings
		s.RecordsPerSecond = 50
		runs := 0
		for more := true; more; runs++ {
			answer, err := w.invokeFor(t, s, time.Minute, `{"redrive":{"dry_run":false}}`)
			if err != nil {
				t.Fatal(err)
			}
			more = strings.Contains(answer, `"more":true`)
		}
		if len(w.stream) != 6000 || runs < 3 {
			t.Errorf("%d records in %d runs", len(w.stream), runs)
		}
	})
}
