package main_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"hydrant/functions/internal/runtimetest"
)

// The most memory that the program has taken, over what it takes before its first invocation, as a multiple of the request's size.
func BenchmarkMemory(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("only Linux says how much memory a program has taken at most")
	}
	for _, megabytes := range []int{1, 2, 3, 4, 5} {
		b.Run(fmt.Sprintf("request=%dMB", megabytes), func(b *testing.B) {
			payload := events(megabytes * 1e6)
			var before, peak int
			for b.Loop() {
				before, peak = memory(b, payload)
			}
			b.ReportMetric(float64(before)/1e6, "MB-before")
			b.ReportMetric(float64(peak)/1e6, "MB-peak")
			b.ReportMetric(float64(peak-before)/float64(len(payload)), "times-request")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// memory is how many bytes a new process takes at most before its first invocation, and when it has answered a few requests.
func memory(b *testing.B, payload []byte) (before, peak int) {
	b.Helper()
	f := runtimetest.New()
	api := httptest.NewServer(f.RuntimeAPI())
	defer api.Close()
	cmd := runtimetest.Command(api.URL)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := cmd.Process.Kill(); err != nil {
			b.Error(err)
		}
		_ = cmd.Wait() // it was killed
	}()
	<-f.Polled
	before = most(b, cmd.Process.Pid)
	for range 5 {
		if got := f.Invoke(b, payload); got.Path != "response" || bytes.Contains(got.Body, []byte("ProcessingFailed")) {
			b.Fatalf("%s: %.200s", got.Path, got.Body)
		}
	}
	return before, most(b, cmd.Process.Pid)
}

// most is the most memory that a process has had, in bytes.
func most(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(rest, "kB")
	kilobytes, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}

// events is a request of about so many bytes, in records of 1 KB.
func events(size int) []byte {
	const event = `{"type":"app_error","event_id":"e-%d","message":"%s"}`
	var request bytes.Buffer
	request.WriteString(`{"records":[`)
	for i := 0; request.Len() < size-1600; i++ {
		if i > 0 {
			request.WriteByte(',')
		}
		data := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, event, i, strings.Repeat("out of water ", 75)))
		fmt.Fprintf(&request, `{"recordId":"%d","approximateArrivalTimestamp":1732269600500,"data":"%s"}`, i, data)
	}
	request.WriteString(`]}`)
	return request.Bytes()
}
