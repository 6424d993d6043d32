package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"hydrant/pkg/telemetry"
	"hydrant/pkg/telemetry/xraytest"
)

const (
	trace  = "1-5759e988-bd862e3fe1be46a994272793"
	parent = "53995c3f42cd8ad8"
	traced = "Root=" + trace + ";Parent=" + parent + ";Sampled=1"
)

// The SDK reads its environment before main, so each case is a process of its own: this test's, which then traces three batches and a broken
// one for each header that it is given.
func TestMain(m *testing.M) {
	headers, ok := os.LookupEnv("TEST_TRACE_HEADERS")
	if !ok {
		os.Exit(m.Run())
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	tracer := telemetry.NewTracer(os.Getenv("TEST_TRACE") != "off", log)
	for header := range strings.SplitSeq(headers, "\n") {
		ctx := context.Background()
		if header != "none" {
			//lint:ignore SA1029 it is the key that aws-lambda-go has
			ctx = context.WithValue(ctx, "x-amzn-trace-id", header)
		}
		for range 3 {
			_, segment := tracer.Begin(ctx, "batch")
			segment.Annotate("records", 7)
			segment.End(nil)
		}
		_, segment := tracer.Begin(ctx, "broken")
		segment.End(errors.New("no batch"))
	}
	fmt.Println("done")
}

// runTraced answers what the process printed.
func runTraced(t *testing.T, environment ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestSubsegment(t *testing.T) {
	daemon := xraytest.Listen(t)
	out := runTraced(t, daemon.Setting(), "TEST_TRACE_HEADERS="+traced+";Lineage=1:a87bd80c:0")
	got := daemon.Received(t)
	if len(got) != 4 || out != "done\n" {
		t.Fatalf("printed %q and sent %q", out, got)
	}
	for i, datagram := range got {
		header, body, _ := strings.Cut(datagram, "\n")
		var s struct {
			TraceID     string `json:"trace_id"`
			ParentID    string `json:"parent_id"`
			ID          string
			Type, Name  string
			Start       float64 `json:"start_time"`
			End         float64 `json:"end_time"`
			InProgress  bool    `json:"in_progress"`
			Fault       bool
			Annotations map[string]float64
			Cause       struct{ Exceptions []struct{ Message string } }
		}
		if err := json.Unmarshal([]byte(body), &s); err != nil || header != `{"format": "json", "version": 1}` {
			t.Fatalf("%v: %s", err, datagram)
		}
		if s.TraceID != trace || s.ParentID != parent || len(s.ID) != 16 || s.Type != "subsegment" || s.Start == 0 || s.End < s.Start || s.InProgress {
			t.Errorf("sent %s", body)
		}
		if i < 3 && (s.Name != "batch" || s.Annotations["records"] != 7 || s.Fault) {
			t.Errorf("sent %s", body)
		}
		if i == 3 && (s.Name != "broken" || !s.Fault || len(s.Cause.Exceptions) != 1 || s.Cause.Exceptions[0].Message != "no batch") {
			t.Errorf("sent %s", body)
		}
	}
}

func TestNothingIsTraced(t *testing.T) {
	const decided, undecided = "Root=" + trace + ";Parent=" + parent + ";Sampled=", "Root=" + trace + ";Parent=" + parent
	headers := strings.Join([]string{
		"none",
		"",
		decided + "0",
		decided + "?",
		undecided,
		"Root=" + trace + ";Sampled=1",
		"Parent=" + parent + ";Sampled=1",
		"Root=1-5759e988-bd862e3f;Parent=" + parent + ";Sampled=1",
		"Root=2" + trace[1:] + ";Parent=" + parent + ";Sampled=1",
		"Root=" + trace + ";Parent=53995c3f42cd8adx;Sampled=1",
		"Root=" + trace + ";Parent=" + parent + "00;Sampled=1",
		";;=;=",
		"\x01\xff" + strings.Repeat("Root=;", 1_000),
	}, "\n")
	for name, environment := range map[string][]string{
		"when it is off":      {"TEST_TRACE=off", "TEST_TRACE_HEADERS=" + traced},
		"when the SDK is off": {"AWS_XRAY_SDK_DISABLED=true", "TEST_TRACE_HEADERS=" + traced},
		"by default":          {"TEST_TRACE_HEADERS=" + headers},
		"to panic":            {"TEST_TRACE_HEADERS=" + headers, "AWS_XRAY_CONTEXT_MISSING=RUNTIME_ERROR"},
		"to log":              {"TEST_TRACE_HEADERS=" + headers, "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR"},
		"to ignore":           {"TEST_TRACE_HEADERS=" + headers, "AWS_XRAY_CONTEXT_MISSING=IGNORE_ERROR"},
		"to do anything":      {"TEST_TRACE_HEADERS=" + headers, "AWS_XRAY_CONTEXT_MISSING=anything"},
	} {
		t.Run(name, func(t *testing.T) {
			daemon := xraytest.Listen(t)
			out := runTraced(t, append(environment, daemon.Setting())...)
			if got := daemon.Received(t); len(got) != 0 || out != "done\n" {
				t.Errorf("printed %q and sent %q", out, got)
			}
		})
	}
}

// Neither a daemon that does not listen nor one that cannot be reached stops the work. The log says so once.
func TestNoDaemon(t *testing.T) {
	gone := xraytest.Listen(t)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	for name, setting := range map[string]string{"nobody listens": gone.Setting(), "no such host": "AWS_XRAY_DAEMON_ADDRESS=240.0.0.1:2000"} {
		t.Run(name, func(t *testing.T) {
			out := runTraced(t, setting, "TEST_TRACE_HEADERS="+traced)
			log, found := strings.CutSuffix(out, "done\n")
			if !found || strings.Count(log, "\n") > 1 {
				t.Errorf("printed %q", out)
			}
			for line := range bytes.Lines([]byte(log)) {
				if !json.Valid(line) || !bytes.Contains(line, []byte(`"level":"WARN","msg":"traces are not kept"`)) {
					t.Errorf("printed %q", line)
				}
			}
		})
	}
}
