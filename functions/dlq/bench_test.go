package main_test

import (
	"testing"

	"hydrant/functions/internal/runtimetest"
)

// From the start of the process to its first poll of the Runtime API, which is the init that Lambda waits for and bills; with X-Ray on. The
// goal is 15 ms.
func BenchmarkInit(b *testing.B) {
	runtimetest.BenchmarkInit(b, append(environment("http://127.0.0.1:1"), "POWERTOOLS_TRACE_ENABLED=true", "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000")...)
}
