package main_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// From the start of the process to its first poll of the Runtime API, which is the init that Lambda waits for and bills; with X-Ray on. The
// goal is 15 ms.
func BenchmarkInit(b *testing.B) {
	bootstrap, err := build()
	if err != nil {
		b.Fatal(err)
	}
	polled := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case polled <- struct{}{}:
			<-r.Context().Done()
		case <-r.Context().Done():
		}
	}))
	b.Cleanup(api.Close)
	var times []time.Duration
	for b.Loop() {
		cmd := command(bootstrap, api.URL, "http://127.0.0.1:1")
		cmd.Env = append(cmd.Env, "POWERTOOLS_TRACE_ENABLED=true", "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000")
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		<-polled
		times = append(times, time.Since(began))
		if err := cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1e3, "ms-median")
	b.ReportMetric(float64(times[0].Microseconds())/1e3, "ms-fastest")
	b.ReportMetric(0, "ns/op") // with the time to end it
}
