package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"hydrant/pkg/transform"
)

// recorder writes one log line for each batch: what `fields` of a CloudWatch Logs Insights query finds.
type recorder struct{ log *slog.Logger }

func (r recorder) Batch(ctx context.Context, b transform.Batch) {
	r.log.LogAttrs(ctx, slog.LevelInfo, "batch",
		slog.Int("records", b.Records),
		slog.Int("ok", b.Ok),
		slog.Int("failed", b.Failed),
		slog.Int("events", b.Events),
		slog.Int("rows", b.Rows),
		slog.Int("unknown_fields", b.UnknownFields),
		slog.Int("bytes_in", b.BytesIn),
		slog.Int("bytes_out", b.BytesOut),
		slog.Attr{Key: "types", Value: slog.GroupValue(types(b)...)},
		slog.Attr{Key: "reasons", Value: slog.GroupValue(reasons(b)...)},
	)
}

func types(b transform.Batch) []slog.Attr {
	var attrs []slog.Attr
	for _, name := range slices.Sorted(maps.Keys(b.Types)) {
		count := b.Types[name]
		if name == "" {
			name = "unknown"
		}
		attrs = append(attrs, slog.Group(name, slog.Int("valid", count.Valid), slog.Int("invalid", count.Invalid)))
	}
	return attrs
}

func reasons(b transform.Batch) []slog.Attr {
	var attrs []slog.Attr
	for _, reason := range slices.Sorted(maps.Keys(b.Reasons)) {
		attrs = append(attrs, slog.Int(string(reason), b.Reasons[reason]))
	}
	return attrs
}

func (r recorder) Panic(ctx context.Context, kind string, stack []byte) {
	r.log.LogAttrs(ctx, slog.LevelError, "panic on a record", slog.String("panic", kind), slog.String("stack", string(stack)))
}
