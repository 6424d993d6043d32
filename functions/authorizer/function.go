package main

import (
	"context"
	"errors"
	"log/slog"

	"hydrant/pkg/authorizer"
	"hydrant/pkg/telemetry"
)

// function answers events, in a subsegment of the trace each.
type function struct {
	authorizer *authorizer.Authorizer
	tracer     *telemetry.Tracer
}

// Invoke answers one event. Its error's text is API Gateway's to read, and goes out as it is.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, segment := f.tracer.Begin(ctx, "authorize")
	answer, err := f.authorizer.Invoke(ctx, payload)
	if errors.Is(err, authorizer.ErrUnauthorized) {
		segment.End(nil) // somebody else's mistake
	} else {
		segment.End(err)
	}
	return answer, err
}

// report writes what was decided, and how the keys are.
type report struct {
	log     *slog.Logger
	metrics *telemetry.Metrics
}

var _ authorizer.Recorder = (*report)(nil)

// Decided writes a line that says why, and one with the metrics. Lambda's own metric Errors counts those who are unauthorized, too: the
// alarm is on Faults.
func (r *report) Decided(ctx context.Context, d authorizer.Decision) {
	level := slog.LevelInfo
	if d.Verdict == authorizer.Fail {
		level = slog.LevelError
	}
	attributes := []slog.Attr{
		slog.String("verdict", string(d.Verdict)), slog.String("reason", string(d.Reason)), slog.String("kind", d.Kind),
		slog.String("producer", d.Producer), slog.String("label", d.Label),
	}
	if d.Stack != nil {
		attributes = append(attributes, slog.String("stack", string(d.Stack)))
	}
	r.log.LogAttrs(ctx, level, "decision", attributes...)
	r.metrics.Write(ctx, "decision",
		count("Decisions", true),
		count("Allowed", d.Verdict == authorizer.Allow),
		count("Denied", d.Verdict == authorizer.Deny),
		count("Unauthorized", d.Verdict == authorizer.Unauthorized),
		count("Faults", d.Verdict == authorizer.Fail),
		telemetry.Metric{Name: "Duration", Unit: telemetry.Microseconds, Value: float64(d.Elapsed.Nanoseconds()) / 1e3},
	)
}

// Refreshed writes the metric RefreshFailures, and why. A failure is no fault yet: what was read before serves on, for as long as it is kept.
func (r *report) Refreshed(ctx context.Context, f authorizer.Refresh) {
	kind := slog.String("kind", f.Kind)
	switch {
	case f.Err != nil:
		r.log.LogAttrs(ctx, slog.LevelWarn, "refresh failed", kind, slog.Any("error", f.Err))
	case f.Left > 0:
		r.log.LogAttrs(ctx, slog.LevelWarn, "entries left out", kind, slog.Int("count", f.Left))
	}
	r.metrics.Write(ctx, "refresh",
		count("Refreshes", true),
		count("RefreshFailures", f.Err != nil),
		telemetry.Metric{Name: "EntriesLeftOut", Unit: telemetry.Count, Value: float64(f.Left)},
		telemetry.Metric{Name: "RefreshDuration", Unit: telemetry.Microseconds, Value: float64(f.Elapsed.Nanoseconds()) / 1e3},
	)
}

func count(name string, happened bool) telemetry.Metric {
	m := telemetry.Metric{Name: name, Unit: telemetry.Count}
	if happened {
		m.Value = 1
	}
	return m
}
