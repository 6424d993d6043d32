package transform_test

import (
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

func TestSamples(t *testing.T) {
	_, batch := invoke(t, request(
		view,
		enveloped(`[`+view+`,{"type":"page_view","url":5},{"type":"page_view"}]`),
		enveloped(`{"type":"page_view"}`),
		`{"type":"page_vew"}`,
		"%",
		"",
		"%",
	))
	place := func(s transform.Sample) string {
		return fmt.Sprintf("%s %s %s %s x%d at %s %s %s %d %d", s.Type, s.Field, s.Rule, s.Reason, s.Count, s.RecordID, s.Sequence, s.RequestID, s.Index, s.Event)
	}
	want := []string{
		`page_view /url string wrong_type x1 at "r1" 4951 req= 2 1`,
		`page_view /url required missing x2 at "r1" 4951 req= 2 2`,
		` /type catalogue unknown_type x1 at "r3" 4953  -1 0`,
		`   invalid_json x2 at "r4" 4954  -1 0`,
		`   empty x1 at "r5" 4955  -1 0`,
	}
	if len(batch.Samples) != len(want) {
		t.Fatalf("got %d samples, want %d: %+v", len(batch.Samples), len(want), batch.Samples)
	}
	for i, s := range batch.Samples {
		if got := place(s); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
}

// A batch of nothing but rejections, no two alike, is sampled and counted.
func TestSamplesAreBounded(t *testing.T) {
	const events = 1_000
	var data strings.Builder
	for i := range events {
		fmt.Fprintf(&data, `{"type":"page_view","url":"https://a.example/","context":{"name %d":true}}`, i)
	}
	_, batch := invoke(t, request(data.String(), `{"type":"page_view","url":"https://a.example/","context":{"name 3":true}}`))
	if len(batch.Samples) != transform.MaxSamples || batch.Samples[3].Count != 2 || batch.Samples[4].Count != 1 || batch.Reasons[event.WrongType] != events+1 {
		t.Errorf("got %d samples: %+v", len(batch.Samples), batch.Samples)
	}
}

func TestPanicIsSampled(t *testing.T) {
	s := &spy{}
	if _, err := transform.New(answers{}, s).Invoke(t.Context(), request("5", "-3")); err != nil {
		t.Fatal(err)
	}
	if got := s.batches[0].Samples; len(got) != 1 || got[0].Reason != event.Panicked || string(got[0].RecordID) != `"r1"` {
		t.Errorf("got %+v", got)
	}
}
