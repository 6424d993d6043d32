package transform_test

import (
	"context"
	"fmt"
	"runtime"
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

// input is a form that events arrive in.
type input struct {
	name    string
	request func(events int) []byte
}

var inputs = []input{
	{"bare", func(events int) []byte { return request(each(events, kilobyte)...) }},
	{"enveloped", func(events int) []byte {
		return request(each(events, func(i int) string { return enveloped(kilobyte(i)) })...)
	}},
	{"arrays", func(events int) []byte {
		return request(each(events/50, func(i int) string { return enveloped(array(50*i, 50)) })...)
	}},
}

func each(n int, f func(i int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = f(i)
	}
	return all
}

// way is a way from a request to its answer.
type way struct {
	name   string
	answer func(payload []byte) error
}

func ways(b *testing.B) []way {
	b.Helper()
	tr, base := transform.New(judge(b), quiet{}), newBaseline(false)
	return []way{
		{"baseline", func(payload []byte) error { _, _, err := base.Invoke(payload); return err }},
		{"hydrant", func(payload []byte) error { _, err := tr.Invoke(context.Background(), payload); return err }},
		{"floor", func(payload []byte) error { _, err := floor(payload); return err }},
	}
}

// From request to answer, 500 events of 1 KB.
func BenchmarkBatch(b *testing.B) {
	for _, in := range inputs {
		payload := in.request(500)
		for _, way := range ways(b) {
			b.Run("input="+in.name+"/by="+way.name, func(b *testing.B) { perEvent(b, 500, payload, way) })
		}
	}
}

// Time grows with the number of records, and no faster.
func BenchmarkRecords(b *testing.B) {
	for _, events := range []int{1, 10, 100, 500, 3_000} {
		payload := inputs[0].request(events)
		b.Run(fmt.Sprintf("records=%d", events), func(b *testing.B) { perEvent(b, events, payload, ways(b)[1]) })
	}
}

// Time grows with the size of an event, and no faster: MB/s says how many bytes of a request are read in a second.
func BenchmarkSize(b *testing.B) {
	for _, kilobytes := range []int{1, 10, 100, 1_000} {
		const member = `{"x":"some text","y":[1,2,3.5,true]},`
		data := `{"type":"app_error","message":"m","unknown":[` + strings.Repeat(member, 1_000*kilobytes/len(member))
		payload := request(strings.TrimSuffix(data, ",") + "]}")
		b.Run(fmt.Sprintf("kilobytes=%d", kilobytes), func(b *testing.B) { perEvent(b, 1, payload, ways(b)[1]) })
	}
}

// perEvent answers a request again and again and reports what each of its events takes, in processor time.
func perEvent(b *testing.B, events int, payload []byte, w way) {
	b.SetBytes(int64(len(payload)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := used(b)
	for b.Loop() {
		if err := w.answer(payload); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N * events)
	took := float64((used(b) - begin).Nanoseconds()) / n
	runtime.ReadMemStats(&after)
	b.ReportMetric(took, "cpu-ns/event")
	b.ReportMetric(1e9/took, "events/cpu-s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/event")
}
