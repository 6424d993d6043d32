package main

import (
	"context"
	"log/slog"
	"time"

	"hydrant/pkg/telemetry"
	"hydrant/pkg/transform"
)

// function answers batches and reports each.
type function struct {
	judge   transform.Judge
	log     *slog.Logger
	metrics *telemetry.Metrics
	tracer  *telemetry.Tracer
	samples int
	names   map[string]bool // those that the log may quote
}

// Invoke answers one batch. What it fails with, if it does, aws-lambda-go puts into the log.
func (f *function) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	ctx, segment := f.tracer.Begin(ctx, "batch")
	defer func() { segment.End(err) }()
	return transform.New(f.judge, &report{f, segment, time.Now()}).Invoke(ctx, payload)
}

// report is the recorder of one batch.
type report struct {
	*function
	segment *telemetry.Segment
	began   time.Time
}

// Batch writes a line with the batch's metrics, behind one for each sampled kind of rejection.
func (r *report) Batch(ctx context.Context, b transform.Batch) {
	elapsed := time.Since(r.began)
	r.logSamples(ctx, b.Samples)
	r.metrics.Write(ctx, "batch", metrics(b, elapsed)...)
	for name, n := range map[string]int{
		"records": b.Records, "ok": b.Ok, "failed": b.Failed, "events": b.Events, "rows": b.Rows, "unknown_fields": b.UnknownFields,
	} {
		r.segment.Annotate(name, n)
	}
}

// Panic says where a record's panic was. The record is among the batch's samples.
func (r *report) Panic(ctx context.Context, kind string, stack []byte) {
	r.log.LogAttrs(ctx, slog.LevelError, "panic on a record", slog.String("panic", kind), slog.String("stack", string(stack)))
}
