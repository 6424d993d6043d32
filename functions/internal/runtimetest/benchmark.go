package runtimetest

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// BenchmarkInit measures from the start of the program, with these variables besides Lambda's, to its first poll of the Runtime API. That is
// the init that Lambda waits for and bills.
func BenchmarkInit(b *testing.B, environment ...string) {
	f := New()
	api := httptest.NewServer(f.RuntimeAPI())
	b.Cleanup(api.Close)
	var times []time.Duration
	for b.Loop() {
		cmd := Command(api.URL, environment...)
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		<-f.Polled
		times = append(times, time.Since(began))
		if err := cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	slices.Sort(times)
	b.ReportMetric(milliseconds(times[len(times)/2]), "ms-median")
	b.ReportMetric(milliseconds(times[0]), "ms-fastest")
	b.ReportMetric(0, "ns/op") // with the time to end it
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
