package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"hydrant/functions/internal/runtimetest"
	"hydrant/pkg/telemetry/xraytest"
)

const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func TestTrace(t *testing.T) {
	daemon := xraytest.Listen(t)
	f := runtimetest.Start(t, "POWERTOOLS_TRACE_ENABLED=true", daemon.Setting())
	f.Trace = header
	f.Invoke(t, batch(`[{"type":"page_view","url":"https://a.example/","colour":1},{"type":"page_view","url":"https://b.example/"}]`, "%"))
	f.Invoke(t, []byte(`{"Records":["`+canary+`"]}`))
	got := daemon.Received(t)
	if len(got) != 2 {
		t.Fatalf("sent %q", got)
	}
	var ok, failed struct {
		Name        string
		Annotations map[string]int
		Fault       bool
	}
	for i, s := range []any{&ok, &failed} {
		_, body, _ := strings.Cut(got[i], "\n")
		if err := json.Unmarshal([]byte(body), s); err != nil || strings.Contains(body, canary) {
			t.Fatalf("%v: %s", err, body)
		}
	}
	for name, want := range map[string]int{"records": 2, "ok": 1, "failed": 1, "events": 2, "rows": 2, "unknown_fields": 1} {
		if ok.Annotations[name] != want {
			t.Errorf("%s is %d, want %d", name, ok.Annotations[name], want)
		}
	}
	if ok.Name != "batch" || ok.Fault || failed.Name != "batch" || !failed.Fault {
		t.Errorf("sent %q", got)
	}
}

// Whatever the trace header and the environment, batches are answered; and what is not to be traced, is not.
func TestNoTrace(t *testing.T) {
	for name, environment := range map[string][]string{
		"off":                      {"POWERTOOLS_TRACE_ENABLED=false"},
		"off by default":           {},
		"not asked for":            {"POWERTOOLS_TRACE_ENABLED=true", "header="},
		"with a malformed header":  {"POWERTOOLS_TRACE_ENABLED=true", "header=Root=;Sampled=1;=;;" + canary},
		"of a trace not kept":      {"POWERTOOLS_TRACE_ENABLED=true", "header=" + strings.Replace(header, "Sampled=1", "Sampled=0", 1)},
		"with a strategy to panic": {"POWERTOOLS_TRACE_ENABLED=true", "header=x", "AWS_XRAY_CONTEXT_MISSING=RUNTIME_ERROR"},
		"with an unknown strategy": {"POWERTOOLS_TRACE_ENABLED=true", "header=x", "AWS_XRAY_CONTEXT_MISSING=anything"},
	} {
		t.Run(name, func(t *testing.T) {
			daemon := xraytest.Listen(t)
			f := runtimetest.Start(t, append(environment, daemon.Setting())...)
			f.Trace = header
			if i := slices.IndexFunc(environment, func(s string) bool { return strings.HasPrefix(s, "header=") }); i >= 0 {
				f.Trace = strings.TrimPrefix(environment[i], "header=")
			}
			for range 3 {
				got := f.Invoke(t, batch("%"))
				checkOutput(t, printed(t, f), got.ID)
			}
			if got := daemon.Received(t); len(got) > 0 {
				t.Errorf("sent %q", got)
			}
		})
	}
}

func TestTraceWithoutDaemon(t *testing.T) {
	daemon := xraytest.Listen(t)
	if err := daemon.Close(); err != nil {
		t.Fatal(err)
	}
	f := runtimetest.Start(t, "POWERTOOLS_TRACE_ENABLED=true", daemon.Setting())
	f.Trace = header
	warnings := 0
	for range 5 {
		got := f.Invoke(t, batch(`{"type":"page_view","url":"https://a.example/"}`))
		output := printed(t, f)
		if strings.Contains(output[0], "traces are not kept") {
			warnings++
			output = output[1:]
		}
		checkOutput(t, output, got.ID)
	}
	if warnings > 1 {
		t.Errorf("the log says %d times that there is no daemon", warnings)
	}
}
