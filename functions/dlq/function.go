package main

import (
	"context"

	"hydrant/pkg/dlq"
	"hydrant/pkg/telemetry"
)

// settings are the function's environment variables. Where Powertools for AWS Lambda has a name for one, it is that.
type settings struct {
	Stream           string              `env:"STREAM_NAME,required,notEmpty"`
	Queue            string              `env:"QUEUE_URL,required,notEmpty"`
	Bucket           string              `env:"BUCKET_NAME,required,notEmpty"`
	Quarantine       string              `env:"QUARANTINE_PREFIX" envDefault:"quarantine/"`
	Redriven         string              `env:"REDRIVEN_PREFIX" envDefault:"redriven/"`
	MaxAttempts      int                 `env:"MAX_ATTEMPTS" envDefault:"6"`
	RecordsPerSecond int                 `env:"REDRIVE_RECORDS_PER_SECOND" envDefault:"500"`
	Namespace        telemetry.Namespace `env:"POWERTOOLS_METRICS_NAMESPACE" envDefault:"hydrant"`
	Service          telemetry.Service   `env:"POWERTOOLS_SERVICE_NAME" envDefault:"dlq"`
	Trace            bool                `env:"POWERTOOLS_TRACE_ENABLED" envDefault:"false"`
}

func (s *settings) dlq() dlq.Settings {
	return dlq.Settings{
		Bucket: s.Bucket, Quarantine: s.Quarantine, Redriven: s.Redriven, MaxAttempts: s.MaxAttempts, RecordsPerSecond: s.RecordsPerSecond,
	}
}

// function traces invocations.
type function struct {
	dlq    *dlq.DLQ
	tracer *telemetry.Tracer
}

// Invoke answers one invocation. What it fails with, if it does, aws-lambda-go puts into the log.
func (f *function) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	ctx, segment := f.tracer.Begin(ctx, "dlq")
	defer func() { segment.End(err) }()
	return f.dlq.Invoke(ctx, payload)
}
