package dlq_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// nervous is a judge that panics over some events, with the event in the panic's value.
type nervous struct{ dlq.Judge }

func (n nervous) AppendRow(dst, data []byte, o event.Origin) ([]byte, event.Outcome) {
	if bytes.Contains(data, []byte("boo")) {
		panic(string(data))
	}
	return n.Judge.AppendRow(dst, data, o)
}

// A panic is its line's alone: the line is quarantined whole, nothing of it goes round, and its neighbours do not notice.
func TestAPanicIsItsLinesAlone(t *testing.T) {
	w := newWorld()
	whole := enveloped(0, "["+view2+`,{"type":"page_view","event_id":"boo"},`+bad+"]")
	w.put(errors1, failed("Lambda.FunctionError", view), failed("Lambda.ProcessingFailedStatus", whole), failed("Lambda.FunctionError", view2))
	d, err := dlq.New(settings, nervous{judge}, w, w, w, w)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Invoke(t.Context(), []byte(batch(notification(errors1))))
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v", answer, err)
	}
	rows := w.rows(t)
	if len(w.stream) != 2 || len(rows) != 1 || rows[0].reasons() != "panic" || string(rows[0].Raw) != whole || rows[0].Line != 2 || rows[0].Producer != "shop" {
		t.Errorf("%d records, rows %+v", len(w.stream), rows)
	}
	if r := w.reports[0]; r.Panics != 1 || r.Lines != 3 || r.Quarantined != 1 || len(w.faults) != 1 || w.faults[0].Line != 2 || w.faults[0].Stack == "" ||
		strings.Contains(w.faults[0].Err.Error(), "boo") {
		t.Errorf("%+v, %+v", r, w.faults)
	}

	// When the program is mended, a redrive sends what was in the record, with what its envelope said.
	w.stream = nil
	if a := w.redrive(t, `{"dry_run":false,"reason":"panic"}`); a.Sent != 1 || len(w.stream) != 1 {
		t.Fatalf("redriven: %+v", a)
	}
	r, err := record.Open(w.stream[0].Data, record.Source{})
	if err != nil || r.Producer != "shop" || r.RequestID != "req=" || r.Index != 2 || r.ReceivedAt != 1732269600123 || r.Attempt != 1 {
		t.Errorf("%v: %s", err, w.stream[0].Data)
	}
	var events []string
	for i, data := range r.Events() {
		_, o := judge.AppendRow(nil, data, event.Origin{EventID: r.EventID(i)})
		events = append(events, o.EventID)
	}
	if fmt.Sprint(events) != "[e-2 boo e-9]" {
		t.Errorf("the events %v", events)
	}
}

// So it is where the line had come to more rows than one object of the quarantine takes.
func TestAPanicBehindManyRows(t *testing.T) {
	w := newWorld()
	lines := append(make([]string, 1000), failed("Lambda.ProcessingFailedStatus", bad), failed("Lambda.ProcessingFailedStatus", "["+strings.Repeat("1,", 20_000)+`{"type":"boo"}]`))
	lines[0] = failed("Lambda.ProcessingFailedStatus", "["+strings.Repeat("1,", 9_999)+"1]") // a chunk of its own, whose memory is used again
	w.put(errors1, lines...)
	d, err := dlq.New(settings, nervous{judge}, w, w, w, w)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := d.Invoke(t.Context(), []byte(batch(notification(errors1)))); err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v", answer, err)
	}
	rows := w.rows(t)
	if n := len(rows); n != 10_002 || rows[n-2].reasons() != "missing" || rows[n-1].reasons() != "panic" || w.reports[0].Quarantined != n {
		t.Errorf("%d rows, report %+v", n, w.reports[0])
	}
}
