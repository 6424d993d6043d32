package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/telemetry"
	"hydrant/pkg/telemetry/emftest"
)

// trap is a judge who panics at some events, with what they hold.
type trap struct{}

func (trap) AppendRow(dst, data []byte, _ event.Origin) ([]byte, event.Outcome) {
	if bytes.Contains(data, []byte("s3cret")) {
		panic(string(data))
	}
	return append(append(dst, data...), '\n'), event.Outcome{Type: "t"}
}

func TestPanicInARecord(t *testing.T) {
	var log, lines bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	f := &function{
		judge: trap{}, log: logger, metrics: telemetry.NewMetrics(&lines, "n", "s", logger), tracer: telemetry.NewTracer(true, logger), samples: 5,
	}
	answer, err := f.Invoke(t.Context(), []byte(`{"records":[{"recordId":"a","data":"e30="},{"recordId":"b","data":"eyJhIjoiczNjcmV0In0="},{"recordId":"c","data":"e30="}]}`))
	const want = `{"records":[{"recordId":"a","result":"Ok","data":"e30K"},{"recordId":"b","result":"ProcessingFailed","data":""},{"recordId":"c","result":"Ok","data":"e30K"}]}`
	if err != nil || string(answer) != want {
		t.Errorf("got %s, %v", answer, err)
	}
	d, err := emftest.Check(lines.Bytes())
	if err != nil || d.Metrics["Rejections.panic"] != 1 || d.Metrics["RecordsFailed"] != 1 || d.Metrics["RecordsOk"] != 2 {
		t.Errorf("%v: %s", err, &lines)
	}
	for _, want := range []string{`"msg":"panic on a record","panic":"string","stack":"goroutine `, "trap.AppendRow", `"reason":"panic","count":1,"record_id":"b"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, &log)
		}
	}
	if strings.Contains(log.String()+lines.String(), "s3cret") {
		t.Errorf("the log has something of an event: %s%s", &log, &lines)
	}
}

// A type of the catalogue that is called unknown does not break the line.
func TestTypeCalledUnknown(t *testing.T) {
	var log, lines bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	f := &function{judge: unknown{}, log: logger, metrics: telemetry.NewMetrics(&lines, "n", "s", logger), tracer: telemetry.NewTracer(false, logger)}
	if _, err := f.Invoke(t.Context(), []byte(`{"records":[{"recordId":"a","data":"e30x"}]}`)); err != nil {
		t.Fatal(err)
	}
	d, err := emftest.Check(lines.Bytes())
	if err != nil || d.Metrics["Events.unknown"] != 2 || d.Metrics["EventsRejected.unknown"] != 1 || log.Len() > 0 {
		t.Errorf("%v: %s%s", err, &lines, &log)
	}
}

// unknown is a judge who knows a type of this name for objects.
type unknown struct{}

func (unknown) AppendRow(dst, data []byte, _ event.Origin) ([]byte, event.Outcome) {
	if string(data) == "{}" {
		return append(dst, "{}\n"...), event.Outcome{Type: "unknown"}
	}
	return dst, event.Outcome{Rejections: []event.Rejection{{Field: "/type", Rule: "catalogue", Reason: event.UnknownType}}}
}
