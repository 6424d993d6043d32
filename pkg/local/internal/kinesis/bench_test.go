package kinesis

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// kilobyte is a PutRecord body with 1 KB of data; key i goes to a shard of its own kind.
func kilobyte(i int) []byte {
	return fmt.Appendf(nil, `{"StreamName":"events","PartitionKey":"key-%d","Data":%q}`, i, b64(strings.Repeat("x", 1024)))
}

func benchService(b *testing.B) *Service {
	return newService(b, StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: 64})
}

func BenchmarkPutRecord(b *testing.B) {
	s := benchService(b)
	requests := make([][]byte, 1024)
	for i := range requests {
		requests[i] = kilobyte(i)
	}
	var n atomic.Int64
	b.ReportAllocs()
	b.SetBytes(1024)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if status, _, answer := s.Call(b.Context(), "PutRecord", requests[n.Add(1)%1024]); status != http.StatusOK {
				b.Errorf("%d %s", status, answer)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkPutRecords(b *testing.B) {
	s := benchService(b)
	var entries []string
	for i := range 100 {
		entries = append(entries, fmt.Sprintf(`{"PartitionKey":"key-%d","Data":%q}`, i, b64(strings.Repeat("x", 1024))))
	}
	request := []byte(`{"StreamName":"events","Records":[` + strings.Join(entries, ",") + `]}`)
	b.ReportAllocs()
	b.SetBytes(100 * 1024)
	for b.Loop() {
		if status, _, answer := s.Call(b.Context(), "PutRecords", request); status != http.StatusOK {
			b.Fatalf("%d %s", status, answer)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkReader(b *testing.B) {
	s := benchService(b)
	st, _ := s.Stream("events")
	for i := range 64_000 {
		if status, _, answer := s.Call(b.Context(), "PutRecord", kilobyte(i%1024)); status != http.StatusOK {
			b.Fatalf("%d %s", status, answer)
		}
	}
	b.ReportAllocs()
	b.SetBytes(1024)
	b.ResetTimer()
	for n := 0; n < b.N; {
		for _, shard := range st.Shards() {
			r, err := st.Reader(shard, "")
			if err != nil {
				b.Fatal(err)
			}
			for n < b.N {
				records, err := r.Read(500, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				if len(records) == 0 {
					break
				}
				n += len(records)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
