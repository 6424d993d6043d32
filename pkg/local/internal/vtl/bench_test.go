package vtl

import (
	"fmt"
	"strings"
	"testing"
)

func event(bytes int) string {
	s := `{"type":"page_view","url":"https://shop.example/products/42?ref=mail","title":"A product, and its price","viewport":{"width":1280,"height":720},"note":"`
	return s + strings.Repeat("lorem ipsum ", (bytes-len(s))/12) + `"}`
}

func benchmark(b *testing.B, route, body string) {
	tmpl := requestTemplate(b, route)
	request := mappingRequest([]byte(body), "me")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(request); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutRecord renders the mapping of one event of 1 KB.
func BenchmarkPutRecord(b *testing.B) {
	benchmark(b, "/record", `{"Data":`+event(1024)+`,"PartitionKey":"user-1"}`)
}

// BenchmarkPutRecords renders batches; the time per record must not grow with their number.
func BenchmarkPutRecords(b *testing.B) {
	for _, n := range []int{5, 50, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			records := strings.Repeat(`{"Data":`+event(1024)+`,"PartitionKey":"user-1"},`, n)
			benchmark(b, "/records", `{"Records":[`+strings.TrimSuffix(records, ",")+`]}`)
		})
	}
}
