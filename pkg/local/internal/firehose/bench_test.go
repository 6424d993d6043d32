package firehose

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/kinesis"
)

// instant answers every record Ok with its own data, at next to no cost.
func instant(_ context.Context, request []byte) ([]byte, string, error) {
	answer := make([]byte, 0, len(request))
	answer = append(answer, `{"records":[`...)
	for rest := request; ; {
		_, after, found := bytes.Cut(rest, []byte(`{"recordId":"`))
		if !found {
			break
		}
		id, after, _ := bytes.Cut(after, []byte(`"`))
		_, after, _ = bytes.Cut(after, []byte(`"data":"`))
		data, after, _ := bytes.Cut(after, []byte(`"`))
		if answer[len(answer)-1] == '}' {
			answer = append(answer, ',')
		}
		answer = append(append(answer, `{"recordId":"`...), id...)
		answer = append(append(answer, `","result":"Ok","data":"`...), data...)
		answer = append(answer, `"}`...)
		rest = after
	}
	return append(answer, "]}"...), "", nil
}

// nowhere reads objects and forgets them.
type nowhere struct{ bytes int64 }

func (n *nowhere) Put(_ context.Context, _, _ string, body io.ReadSeeker, _ int64, _, _ string) error {
	copied, err := io.Copy(io.Discard, body)
	n.bytes += copied
	return err
}

// benchTable has 24 columns of the usual types, and benchEvent fills them with about 1 KB.
func benchTable(b *testing.B) *glue.Table {
	table := &glue.Table{Database: "db", Name: "events"}
	for i, name := range []string{"string", "string", "bigint", "double", "boolean", "timestamp", "string", "map<string,string>"} {
		kind, err := glue.ParseType(name)
		if err != nil {
			b.Fatal(err)
		}
		for j := range 3 {
			table.Columns = append(table.Columns, glue.Column{Name: fmt.Sprintf("c%d_%d", i, j), Type: kind})
		}
	}
	return table
}

func benchEvent(table *glue.Table, n int) string {
	var e strings.Builder
	for i, c := range table.Columns {
		values := []string{
			fmt.Sprintf(`"%s number %d"`, strings.Repeat("some text of the event ", 6), n), `"page_view"`, fmt.Sprint(n * 31), fmt.Sprintf("%d.5", n%1000), "true",
			`"2026-11-22T09:30:00.123Z"`, fmt.Sprintf(`"https://shop.example/%d?q=firehose"`, n), `{"k":"value","other":"value"}`,
		}
		fmt.Fprintf(&e, `%c"%s":%s`, "{,"[min(i, 1)], c.Name, values[i/3])
	}
	return e.String() + "}\n"
}

// One operation is 40,000 events of 1 KB from a filled stream of 64 shards to Parquet.
func BenchmarkStreamToParquet(b *testing.B) {
	for name, convert := range map[string]bool{"parquet": true, "plain": false} {
		b.Run(name, func(b *testing.B) { benchmarkDelivery(b, convert) })
	}
}

func benchmarkDelivery(b *testing.B, convert bool) {
	const events = 40_000
	table := benchTable(b)
	records := make([]string, events)
	for i := range records {
		records[i] = benchEvent(table, i)
	}
	s := openKinesis(b, b.TempDir(), 64)
	defer s.Close()
	putAll(b, s, records)
	b.SetBytes(int64(events * len(records[0])))
	b.ReportAllocs()
	out := &nowhere{}
	for b.Loop() {
		cfg := realConfig(b)
		cfg.BufferBytes = 64 << 20
		if convert {
			cfg.Convert = &Convert{Table: func() *glue.Table { return table }, Database: "db", Name: "events"}
		}
		if stats := deliver(b, cfg, s, function(instant), out); stats.Delivered != events {
			b.Fatalf("%+v", stats)
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(out.bytes)/float64(b.N*events), "stored-B/event")
}

// The function's answer is read in one pass; the careful reading is what every answer would cost otherwise.
func BenchmarkJudge(b *testing.B) {
	table := benchTable(b)
	batch := testBatch()
	batch.request = batch.request[:len(batch.request)-len(requestTail)]
	for i := range 1000 {
		batch.add("shardId-000000000000", &kinesis.Record{Sequence: fmt.Sprintf("%056d", i), Arrival: time.UnixMilli(1), PartitionKey: "k", Data: []byte(benchEvent(table, i))})
	}
	batch.seal()
	answer, _, _ := instant(b.Context(), batch.request)
	for name, judge := range map[string]func([]byte) bool{
		"quickly":   batch.judgeQuickly,
		"carefully": func(answer []byte) bool { return batch.judgeCarefully(answer) == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(answer)))
			for b.Loop() {
				if !judge(answer) {
					b.Fatal("the answer is not accepted")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
		})
	}
}
