package main

import (
	"bytes"
	"log/slog"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

func TestRecorder(t *testing.T) {
	var out bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	r := recorder{slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop}))}
	r.Batch(t.Context(), transform.Batch{
		Records: 3, Ok: 1, Failed: 2, Events: 6, Rows: 4, UnknownFields: 5, BytesIn: 700, BytesOut: 800,
		Types:   map[string]transform.Count{"purchase": {Valid: 4}, "": {Invalid: 1}, "page_view": {Valid: 1}},
		Reasons: map[event.Reason]int{event.Panicked: 1, event.UnknownType: 1},
	})
	r.Batch(t.Context(), transform.Batch{})
	r.Panic(t.Context(), "runtime error: x", []byte("goroutine 1"))
	const want = `{"level":"INFO","msg":"batch","records":3,"ok":1,"failed":2,"events":6,"rows":4,"unknown_fields":5,"bytes_in":700,"bytes_out":800,` +
		`"types":{"unknown":{"valid":0,"invalid":1},"page_view":{"valid":1,"invalid":0},"purchase":{"valid":4,"invalid":0}},"reasons":{"panic":1,"unknown_type":1}}
{"level":"INFO","msg":"batch","records":0,"ok":0,"failed":0,"events":0,"rows":0,"unknown_fields":0,"bytes_in":0,"bytes_out":0}
{"level":"ERROR","msg":"panic on a record","panic":"runtime error: x","stack":"goroutine 1"}
`
	if got := out.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
