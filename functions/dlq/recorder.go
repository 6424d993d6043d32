package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"hydrant/pkg/dlq"
	"hydrant/pkg/firehose"
	"hydrant/pkg/telemetry"
)

// recorder writes a line with metrics for each invocation, behind one for each error code that explains it.
type recorder struct {
	log     *slog.Logger
	metrics *telemetry.Metrics
}

func (r *recorder) Report(ctx context.Context, d dlq.Report) {
	r.explain(ctx, "error object", d.Codes)
	r.explain(ctx, "error log", d.Logged)
	r.metrics.Write(ctx, "dlq", metrics(d)...)
}

// explain says of each code what it means and what to do.
func (r *recorder) explain(ctx context.Context, found string, codes map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		c := firehose.Explain(name)
		r.log.LogAttrs(ctx, slog.LevelWarn, "firehose could not deliver",
			slog.String("code", name),
			slog.Int("count", codes[name]),
			slog.String("found_in", found),
			slog.Bool("known", c.Known),
			slog.String("stage", string(c.Stage)),
			slog.Bool("retryable", c.Retryable()),
			slog.String("cause", c.Cause),
			slog.String("action", c.Action),
			slog.String("see", c.Anchor()),
		)
	}
}

func (r *recorder) Problem(ctx context.Context, p dlq.Problem) {
	attrs := []slog.Attr{slog.String("with", p.Doing), slog.String("error", p.Err.Error())}
	for _, a := range []slog.Attr{slog.String("message_id", p.Message), slog.String("object", p.Object), slog.Int64("line", p.Line), slog.String("stack", p.Stack)} {
		if a.Value.String() != "" && a.Value.String() != "0" {
			attrs = append(attrs, a)
		}
	}
	r.log.LogAttrs(ctx, slog.LevelError, "problem", attrs...)
}

// metrics are an invocation's. Those of the first block are in each, so that shares can be told from them; the others are there where they are
// not 0: CloudWatch has its price for each metric and each hour in which it has a value. A code or a reason is the end of a metric's name, and
// comes from a closed list: what is not on it is counted together.
func metrics(d dlq.Report) []telemetry.Metric {
	all := []telemetry.Metric{
		count("Lines", d.Lines),
		count("RecordsSentRound", d.Records),
		count("EventsSentRound", d.Events),
		count("Quarantined", d.Quarantined),
		count("AttemptsExhausted", d.Reasons[dlq.AttemptsExhausted]),
		count("MessagesFailed", d.Failed),
	}
	for _, m := range []telemetry.Metric{
		count("LinesWaiting", d.Waiting),
		count("Messages", d.Messages),
		count("Objects", d.Objects),
		count("ObjectsGone", d.Gone),
		count("ObjectsHandedOver", d.Handed),
		count("RecordsRefused", d.Refusals),
		count("RowsRedriven", d.Redriven),
		count("Panics", d.Panics),
	} {
		if m.Value > 0 {
			all = append(all, m)
		}
	}
	all = append(all, byCode("ErrorLines.", d.Codes)...)
	all = append(all, byCode("ErrorLog.", d.Logged)...)
	for _, reason := range slices.Sorted(maps.Keys(d.Reasons)) {
		all = append(all, count("Quarantined."+string(reason), d.Reasons[reason]))
	}
	return all
}

func byCode(prefix string, codes map[string]int) []telemetry.Metric {
	counts := map[string]int{}
	for name, n := range codes {
		if !firehose.Explain(name).Known {
			name = "unknown"
		}
		counts[prefix+name] += n
	}
	var all []telemetry.Metric
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, count(name, counts[name]))
	}
	return all
}

func count(name string, n int) telemetry.Metric {
	return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
}
