package dlq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"hydrant/pkg/record"
)

// crash is what ends a process: nothing recovers from it.
type crash struct{}

// invoked is what Lambda and SQS make of an invocation: the ids that are not done.
func (w *world) invoked(t testing.TB, bodies []string) (failed map[string]bool) {
	failed = map[string]bool{}
	for i := range bodies {
		failed[fmt.Sprint("m", i)] = true
	}
	defer func() {
		if p := recover(); p != nil && p != any(crash{}) {
			panic(p)
		}
	}()
	answer, err := w.dlq(t, settings).Invoke(t.Context(), []byte(batch(bodies...)))
	if err != nil {
		return failed
	}
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		panic(err)
	}
	failed = map[string]bool{}
	for _, f := range response.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	return failed
}

// drain delivers messages until none is left, those that failed again.
func (w *world) drain(t testing.TB, bodies []string) {
	rounds := 0
	for len(bodies) > 0 || len(w.queue) > 0 {
		for _, s := range w.queue {
			bodies = append(bodies, s.body)
		}
		w.queue = nil
		n := min(len(bodies), 10)
		failed := w.invoked(t, bodies[:n])
		var left []string
		for i, body := range bodies[:n] {
			if failed[fmt.Sprint("m", i)] {
				left = append(left, body)
			}
		}
		bodies = append(left, bodies[n:]...)
		if rounds++; rounds > 1000 {
			panic("it does not come to an end")
		}
	}
}

// places returns how often each event id is in the stream, by attempt, and in the quarantine.
func (w *world) places(t testing.TB) (stream map[string]map[int]int, quarantine map[string]int) {
	t.Helper()
	stream, quarantine = map[string]map[int]int{}, map[string]int{}
	for _, e := range w.stream {
		r, err := record.Open(e.Data, record.Source{})
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range r.Events() {
			id := idOf(data)
			if stream[id] == nil {
				stream[id] = map[int]int{}
			}
			stream[id][r.Attempt]++
		}
	}
	for _, r := range w.rows(t) {
		id := r.EventID
		if r.Data != "" {
			id = idOf([]byte(r.Data))
		}
		quarantine[id]++
	}
	return stream, quarantine
}

func idOf(data []byte) string {
	var e struct {
		EventID string `json:"event_id"`
	}
	_ = json.Unmarshal(data, &e) // what is no event has no id
	return e.EventID
}

// errorLines are lines of an error object, and what their events are: id → the attempt that its record came with, and whether it is valid.
type errorLines struct {
	lines   []string
	attempt map[string]int
	valid   map[string]bool
	kept    map[string]bool // can only be quarantined
}

func drawLines(t *rapid.T, prefix string) errorLines {
	e := errorLines{attempt: map[string]int{}, valid: map[string]bool{}, kept: map[string]bool{}}
	codes := []string{"Lambda.ProcessingFailedStatus", "Lambda.FunctionError", "Lambda.FunctionTimedOut", "Lambda.MissingRecordId", "Lambda.New", "DynamicPartitioning.MetadataExtractionFailed"}
	for n := range rapid.IntRange(1, 8).Draw(t, "lines") {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		attempt := rapid.IntRange(0, 7).Draw(t, "attempt")
		var events []string
		for i := range rapid.IntRange(1, 4).Draw(t, "events") {
			id := fmt.Sprintf("%s-%d-%d", prefix, n, i)
			e.attempt[id] = attempt
			e.valid[id] = rapid.Bool().Draw(t, "valid")
			e.kept[id] = strings.HasSuffix(code, "New") || strings.HasPrefix(code, "Dynamic") || attempt >= 6
			event := `{"type":"page_view","event_id":"` + id + `"`
			if e.valid[id] {
				event += `,"url":"https://a.example/"`
			}
			events = append(events, event+"}")
		}
		e.lines = append(e.lines, failed(code, enveloped(attempt, "["+strings.Join(events, ",")+"]")))
	}
	return e
}

// Whatever call is the last one before a crash, or fails, before or after its effect; whatever is delivered twice: every event ends in the
// stream or in the quarantine, with one attempt more and within the bound, and what is quarantined twice is the same object.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := drawLines(rt, "a")
		spoiled := map[int]string{}
		for range rapid.IntRange(0, 6).Draw(rt, "faults") {
			spoiled[rapid.IntRange(1, 20).Draw(rt, "call")] = rapid.SampledFrom([]string{"crash before", "crash after", "error before", "error after"}).Draw(rt, "kind")
		}
		refusals := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(rt, "refusals")
		w := newWorld()
		w.put(errors1, e.lines...)
		w.fault = func(call int, done bool) error {
			kind := spoiled[call]
			if strings.HasSuffix(kind, "after") != done {
				return nil
			}
			switch {
			case strings.HasPrefix(kind, "crash"):
				panic(crash{})
			case strings.HasPrefix(kind, "error"):
				return errFault
			}
			return nil
		}
		w.refuse = func(call, entry int) bool { return call < 20 && refusals[(call+entry)%8] }
		bodies := []string{notification(errors1)}
		if rapid.Bool().Draw(rt, "doubled") {
			bodies = append(bodies, notification(errors1))
		}
		synctest.Test(t, func(t *testing.T) { w.drain(t, bodies) }) // backoffs pass at once
		checkPlaces(t, rt, w, e)

		// And again, from the start: the quarantine stays as it is.
		before := maps.Clone(w.objects)
		w.drain(t, []string{notification(errors1)})
		if !maps.EqualFunc(before, w.objects, slices.Equal[[]byte]) {
			rt.Fatal("a repeated notification changed the bucket")
		}
	})
}

func checkPlaces(t testing.TB, rt *rapid.T, w *world, e errorLines) {
	stream, quarantine := w.places(t)
	for id, attempt := range e.attempt {
		if len(stream[id]) == 0 && quarantine[id] == 0 {
			rt.Fatalf("%s is lost", id)
		}
		if quarantine[id] > 1 {
			rt.Fatalf("%s is quarantined %d times", id, quarantine[id])
		}
		if len(stream[id]) > 0 && quarantine[id] > 0 {
			rt.Fatalf("%s is in both places", id)
		}
		if e.kept[id] && len(stream[id]) > 0 {
			rt.Fatalf("%s went round, of attempt %d", id, attempt)
		}
		for sent := range stream[id] {
			if sent != attempt+1 || sent > settings.MaxAttempts {
				rt.Fatalf("%s came with attempt %d and went with %d", id, attempt, sent)
			}
		}
	}
}

// Every single call is the last one once, before its effect and after it.
func TestACrashAtEveryCall(t *testing.T) {
	var lines []string
	for attempt := range 8 {
		for i, code := range []string{"Lambda.ProcessingFailedStatus", "Lambda.FunctionError", "Lambda.New"} {
			id := fmt.Sprintf("%d-%d", attempt, i)
			lines = append(lines, failed(code, enveloped(attempt, `[{"type":"page_view","event_id":"good-`+id+`","url":"https://a.example/"},{"type":"page_view","event_id":"bad-`+id+`"}]`)))
		}
	}
	reference := newWorld()
	reference.put(errors1, lines...)
	reference.drain(t, []string{notification(errors1)})
	_, want := reference.places(t)
	for call := 1; call <= reference.calls; call++ {
		for _, after := range []bool{false, true} {
			w := newWorld()
			w.put(errors1, lines...)
			w.fault = func(n int, done bool) error {
				if n == call && done == after {
					panic(crash{})
				}
				return nil
			}
			w.drain(t, []string{notification(errors1)})
			stream, quarantine := w.places(t)
			if !maps.Equal(quarantine, want) {
				t.Errorf("call %d: quarantine %v, want %v", call, quarantine, want)
			}
			for id := range wantStream(t, reference) {
				if len(stream[id]) != 1 {
					t.Errorf("call %d: %s was sent with %v", call, id, stream[id])
				}
			}
		}
	}
	if reference.calls < 8 {
		t.Errorf("only %d calls", reference.calls)
	}
}

func wantStream(t testing.TB, w *world) map[string]map[int]int {
	stream, _ := w.places(t)
	return stream
}

// Round and round, as the pipeline would: what always fails ends in the quarantine, after as many attempts as there may be.
func TestAttemptsAreBounded(t *testing.T) {
	w := newWorld()
	w.put(errors1+"0", failed("Lambda.FunctionError", view))
	delays := []string{}
	for n := 0; len(w.rows(t)) == 0; n++ {
		if n > 10 {
			t.Fatal("it goes round for ever")
		}
		key := fmt.Sprint(errors1, n)
		w.notify(t, key)
		for _, s := range w.queue {
			delays = append(delays, s.delay.String())
		}
		w.settle(t)
		if len(w.stream) == n+1 {
			w.put(fmt.Sprint(errors1, n+1), failed("Lambda.FunctionError", string(w.stream[n].Data)))
		}
	}
	if got := strings.Join(delays, " "); got != "1m0s 5m0s 15m0s 15m0s 15m0s" {
		t.Errorf("delays %s", got)
	}
	if r := w.rows(t)[0]; len(w.stream) != 6 || r.Attempt != 6 || r.reasons() != "attempts_exhausted" || r.EventID != "e-1" || r.Producer != "direct" {
		t.Errorf("%d attempts, %+v", len(w.stream), r)
	}
}

// The same object once in one pass, and once handed over after every chunk: the same quarantine, and every event once.
func TestABigObjectInParts(t *testing.T) {
	synctest.Test(t, aBigObjectInParts)
}

func aBigObjectInParts(t *testing.T) {
	var b strings.Builder
	n := 0
	for b.Len() < 12<<20 {
		n++
		fmt.Fprintln(&b, failed("Lambda.FunctionError", enveloped(n%5, `{"type":"page_view","event_id":"e-`+fmt.Sprint(n)+`","url":"https://a.example/`+strings.Repeat("x", n%1500)+`"}`)))
		if n%7 == 0 {
			fmt.Fprintln(&b, "oops", n)
		}
	}
	run := func(body []byte, fail bool) *world {
		w := newWorld()
		w.objects[bucket+"/"+errors1] = body
		puts := 0
		w.fault = func(_ int, done bool) error {
			if puts++; fail && !done && puts%5 == 0 {
				return errors.New("now and then")
			}
			return nil
		}
		w.drain(t, []string{notification(errors1)})
		return w
	}
	whole := run([]byte(b.String()), false)
	for name, w := range map[string]*world{"plain": run([]byte(b.String()), true), "gzip": run(zipped(t, b.String()), true)} {
		stream, quarantine := w.places(t)
		if len(stream) != n || len(quarantine) == 0 {
			t.Errorf("%s: %d events of %d", name, len(stream), n)
		}
		for key := range whole.objects {
			if _, ok := w.objects[key]; !ok {
				t.Errorf("%s: no %s", name, key)
			}
		}
		if len(w.objects) != len(whole.objects) || len(w.rows(t)) != n/7 {
			t.Errorf("%s: %d objects, want %d; %d rows, want %d", name, len(w.objects), len(whole.objects), len(w.rows(t)), n/7)
		}
	}
}
