package dlq_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hydrant/pkg/dlq"
	"hydrant/pkg/record"
)

// Whatever the payload: an answer of JSON, or an error that says what was expected; and what it did not understand it did nothing about.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `{"Records":[]}`, batch(notification(errors1)), batch(`{"hydrant_dlq":1,"lines":{"bucket":"the-bucket","key":"errors/1","offset":3,"line":1,"due":"/w=="}}`),
		batch(`{"Event":"s3:TestEvent"}`), `{"awslogs":{"data":""}}`, `{"awslogs":{"data":"H4sIAAAAAAAA/6tWSs7PKynKz1GyUkpSqgUAQx2Q6w0AAAA="}}`, `{"redrive":{"dry_run":false,"limit":1}}`,
		`{"redrive":{"from":"2026-11-22T10:00:00Z","reason":"missing"}}`, `{"Records":[{"eventSource":"aws:s3"}],"redrive":{}}`, `{"records":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		w := newWorld()
		w.put("errors/1", failed("Lambda.FunctionError", view))
		objects := len(w.objects)
		answer, err := w.dlq(t, settings).Invoke(t.Context(), payload)
		if (err == nil) != json.Valid(answer) || err == nil && len(w.reports) != 1 {
			t.Fatalf("answer %q, %v, %d reports", answer, err, len(w.reports))
		}
		if errors.Is(err, dlq.ErrInput) && (w.calls > 0 || len(w.objects) != objects) {
			t.Fatal("it did something about what it did not understand")
		}
	})
}

// Whatever the bytes of an error object: it is done, every line that is not blank is counted, and what goes round can be read and has one
// attempt at least.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "oops", failed("Lambda.FunctionError", view), failed("Lambda.ProcessingFailedStatus", "["+view+","+bad+"]") + "\n" + failed("Lambda.New", "%"),
		refused("DataFormatConversion.MalformedData", view), failed("Lambda.FunctionError", enveloped(2, view)), failed("Lambda.FunctionError", `{"hydrant":1,"raw":"WzEsMl0="}`) + "\nx",
		failed("Lambda.FunctionError", `[[1],null,"x"]`), failed("Lambda.FunctionError", "1 2\n3"), "\x1f\x8b", string([]byte{0x1f, 0x8b, 8, 0}),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWorld()
		w.objects[bucket+"/"+errors1] = body
		answer := w.invoke(t, batch(notification(errors1)))
		if strings.HasPrefix(string(body), "\x1f\x8b") && len(w.faults) > 0 {
			return // gzip that is none stays on the queue
		}
		if answer != `{"batchItemFailures":[]}` {
			t.Fatalf("%s, %+v", answer, w.faults)
		}
		w.settle(t)
		lines := 0
		for line := range strings.SplitSeq(string(body), "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		got := 0
		for _, r := range w.reports {
			got += r.Lines
			if r.Panics > 0 {
				t.Fatalf("%+v", w.faults)
			}
		}
		if !strings.HasPrefix(string(body), "\x1f\x8b") && got != lines {
			t.Fatalf("%d lines dealt with, of %d", got, lines)
		}
		for _, e := range w.stream {
			if r, err := record.Open(e.Data, record.Source{}); err != nil || r.Attempt < 1 || r.Direct {
				t.Fatalf("%v: %s", err, e.Data)
			}
		}
		w.rows(t)
	})
}
