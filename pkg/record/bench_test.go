package record_test

import (
	"strings"
	"testing"

	"hydrant/pkg/record"
)

var kilobyte = `{"type":"page_view","event_id":"e-1","url":"https://example.com/articles/some-long-title?utm_source=a&utm_medium=b",` +
	`"title":"An article","referrer":"https://www.example.org/search?q=hydrant","device":"mobile","language":"en-GB","country":"GB",` +
	`"viewport":{"width":390,"height":844},"load_ms":1234.5,"context":{` + strings.TrimSuffix(strings.Repeat(`"member":"value of a member",`, 20), ",") + `}}`

func BenchmarkOpen(b *testing.B) {
	for name, data := range map[string]string{
		"bare":      kilobyte,
		"enveloped": `{"hydrant":1,"request_id":"WkF2oHVyjoEFtJg=","index":0,"received_at":1732269600123,"producer":"app","attempt":0,"data":` + kilobyte + `}`,
		"array of 50": `{"hydrant":1,"request_id":"WkF2oHVyjoEFtJg=","index":0,"received_at":1732269600123,"producer":"app","attempt":0,"data":[` +
			strings.TrimSuffix(strings.Repeat(kilobyte+",", 50), ",") + `]}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			events := 0
			for b.Loop() {
				r, err := record.Open([]byte(data), source)
				if err != nil {
					b.Fatal(err)
				}
				for i := range r.Events() {
					_ = r.EventID(i)
					events++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}
