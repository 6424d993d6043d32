package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"pgregory.net/rapid"

	"hydrant/pkg/telemetry"
	"hydrant/pkg/telemetry/emftest"
)

func write(ctx context.Context, metrics ...telemetry.Metric) (line, log string) {
	var out, logged bytes.Buffer
	m := telemetry.NewMetrics(&out, "hydrant", "hydrant-dev-transform", slog.New(slog.NewJSONHandler(&logged, nil)))
	m.Write(ctx, "batch", metrics...)
	return out.String(), logged.String()
}

func TestLine(t *testing.T) {
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	line, log := write(ctx,
		telemetry.Metric{"Records", telemetry.Count, 3},
		telemetry.Metric{"BytesIn", telemetry.Bytes, 6_000_000},
		telemetry.Metric{"DurationPerRecord", telemetry.Microseconds, 12.25},
	)
	d, err := emftest.Check([]byte(line))
	if err != nil || log != "" {
		t.Fatalf("%v: %s%s", err, line, log)
	}
	if want := map[string]float64{"Records": 3, "BytesIn": 6e6, "DurationPerRecord": 12.25}; !maps.Equal(d.Metrics, want) {
		t.Errorf("metrics %v, want %v", d.Metrics, want)
	}
	if d.Units["BytesIn"] != "Bytes" || d.Units["DurationPerRecord"] != "Microseconds" || d.Dimensions["Service"] != "hydrant-dev-transform" {
		t.Errorf("got %+v", d)
	}
	for name, want := range map[string]string{"level": `"INFO"`, "message": `"batch"`, "requestId": `"id-1"`} {
		if got := string(d.Members[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if d.Members["timestamp"] == nil || !strings.Contains(line, `"BytesIn":6000000,`) {
		t.Errorf("got %s", line)
	}
}

// However many metrics and whatever they are called: one line, all of those that can be metrics, and the others in the log.
func TestAnyMetrics(t *testing.T) {
	name := rapid.OneOf(rapid.StringMatching(`[ -~]{0,12}`), rapid.String(), rapid.SampledFrom([]string{
		"Service", "_aws", "timestamp", "level", "message", "requestId", "time", "msg", ":a", "a b", `"`, `\`, " ", strings.Repeat("x", 256),
	}))
	value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1e21}))
	rapid.Check(t, func(rt *rapid.T) {
		var metrics []telemetry.Metric
		for i := range rapid.SampledFrom([]int{0, 1, 3, 99, 100, 101, 250}).Draw(rt, "plain metrics") {
			metrics = append(metrics, telemetry.Metric{fmt.Sprintf("m%d", i), telemetry.Count, float64(i)})
		}
		plain := len(metrics)
		for range rapid.IntRange(0, 10).Draw(rt, "odd metrics") {
			metrics = append(metrics, telemetry.Metric{name.Draw(rt, "name"), telemetry.Count, value.Draw(rt, "value")})
		}
		line, log := write(context.Background(), metrics...)
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			rt.Fatalf("not one line: %q", line)
		}
		if left := strings.Count(log, "\n"); left == len(metrics) {
			if emftest.Is([]byte(line)) || !json.Valid([]byte(line)) {
				rt.Fatalf("no metrics, and yet: %s", line)
			}
			return
		}
		d, err := emftest.Check([]byte(line))
		if err != nil {
			rt.Fatalf("%v: %s", err, line)
		}
		if got := len(d.Metrics) + strings.Count(log, "\n"); got != len(metrics) || len(d.Metrics) < plain {
			rt.Fatalf("%d metrics and %d lines of the log for %d: %s", len(d.Metrics), strings.Count(log, "\n"), len(metrics), line)
		}
		for _, m := range metrics[:plain] {
			if d.Metrics[m.Name] != m.Value {
				rt.Fatalf("%s is %v, want %v", m.Name, d.Metrics[m.Name], m.Value)
			}
		}
	})
}

func TestLinesDoNotMix(t *testing.T) {
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, "n", "s", slog.New(slog.DiscardHandler))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				m.Write(t.Context(), "batch", telemetry.Metric{"A", telemetry.Count, 1}, telemetry.Metric{"B", telemetry.Count, 2})
			}
		})
	}
	group.Wait()
	for line := range bytes.Lines(out.Bytes()) {
		if _, err := emftest.Check(line); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
}

func TestSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		text               string
		namespace, service bool
	}{
		"a word":                    {"hydrant", true, true},
		"a path":                    {"team/hydrant", true, true},
		"several words":             {"our hydrant #1", true, true},
		"nothing":                   {"", false, false},
		"blanks":                    {"  ", false, false},
		"AWS's own":                 {"AWS/Lambda", false, true},
		"a colon first":             {":hydrant", false, false},
		"brackets":                  {"hydrant(dev)", false, true},
		"a letter that is no ASCII": {"hydränt", false, false},
		"a newline":                 {"hydrant\n", false, false},
		"256 letters":               {strings.Repeat("x", 256), false, true},
		"1025 letters":              {strings.Repeat("x", 1025), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var namespace telemetry.Namespace
			if err := namespace.UnmarshalText([]byte(tc.text)); (err == nil) != tc.namespace || err == nil && string(namespace) != tc.text {
				t.Errorf("as a namespace: %q, %v", namespace, err)
			}
			var service telemetry.Service
			if err := service.UnmarshalText([]byte(tc.text)); (err == nil) != tc.service || err == nil && string(service) != tc.text {
				t.Errorf("as a service: %q, %v", service, err)
			}
		})
	}
}
