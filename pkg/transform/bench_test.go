package transform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/transform"
)

// kilobyte is a page_view of about 1 KB with nearly every field.
func kilobyte(i int) string {
	return fmt.Sprintf(`{"type":"page_view","event_id":"01JD9Z-%06d","occurred_at":"2024-11-22T10:00:00.083Z","user_id":"u-8812734",`+
		`"session_id":"3f0e9a52-77b1-4f6e-9d0c-1a2b3c4d5e6f","schema_version":2,"url":"https://www.example.com/catalogue/garden/hoses/quick-release?utm_source=newsletter&utm_campaign=autumn&page=%[1]d",`+
		`"title":"Quick-release hoses for the garden – everything in stock","referrer":"https://www.example.org/search?q=quick+release+hose","device":"mobile","language":"en-GB","country":"GB",`+
		`"viewport":{"width":390,"height":844},"load_ms":812.25,"first_visit":true,"interactive":true,`+
		`"context":{"campaign":"autumn-2024","variant":"b","experiment":"hero-image-large","theme":"dark","connection":"4g","app":"web-shop","build":"2024.11.20-3f0e9a52",`+
		`"recommendations":"sku-1881,sku-2004,sku-0017,sku-4431,sku-9120","note":"%s"}}`, i, strings.Repeat("a sentence of no interest. ", 5))
}

func array(from, n int) string {
	var all []string
	for i := range n {
		all = append(all, kilobyte(from+i))
	}
	return "[" + strings.Join(all, ",") + "]"
}

type quiet struct{}

func (quiet) Batch(context.Context, transform.Batch) {}
func (quiet) Panic(context.Context, string, []byte)  {}

// From request to answer, about 500 KB of events a batch.
func BenchmarkTransform(b *testing.B) {
	const events = 500
	shapes := map[string]func(i int) string{
		"bare":      kilobyte,
		"enveloped": func(i int) string { return enveloped(kilobyte(i)) },
	}
	batches := map[string][]byte{}
	for name, shape := range shapes {
		var data []string
		for i := range events {
			data = append(data, shape(i))
		}
		batches[name] = request(data...)
	}
	var data []string
	for i := 0; i < events; i += 50 {
		data = append(data, enveloped(array(i, 50)))
	}
	batches["arrays of 50"] = request(data...)
	for name, payload := range batches {
		b.Run(name, func(b *testing.B) {
			tr := transform.New(judge(b), quiet{})
			answer, err := tr.Invoke(b.Context(), payload)
			if err != nil {
				b.Fatal(err)
			}
			for _, v := range parse(b, answer) {
				if v.Result != "Ok" {
					b.Fatalf("record %s: %s", v.RecordID, v.Result)
				}
			}
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tr.Invoke(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
		})
	}
}

// The floor, for comparison in the same run: encoding/json looks at the request and changes nothing.
func BenchmarkValidOnly(b *testing.B) {
	const events = 500
	var data []string
	for i := range events {
		data = append(data, kilobyte(i))
	}
	payload := request(data...)
	for b.Loop() {
		var r struct{ Records []struct{ Data []byte } }
		if err := json.Unmarshal(payload, &r); err != nil {
			b.Fatal(err)
		}
		for i := range r.Records {
			if !json.Valid(r.Records[i].Data) {
				b.Fatal("not JSON")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}
