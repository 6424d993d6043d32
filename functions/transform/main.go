// Command transform is the Lambda function that Firehose calls with each batch of records: it answers with the rows of
// the events table.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/caarlos0/env/v11"

	"hydrant/pkg/event"
	"hydrant/pkg/telemetry"
)

// settings are the function's environment variables. Where Powertools for AWS Lambda has a name for one, it is that.
type settings struct {
	Namespace telemetry.Namespace `env:"POWERTOOLS_METRICS_NAMESPACE" envDefault:"hydrant"`
	Service   telemetry.Service   `env:"POWERTOOLS_SERVICE_NAME" envDefault:"transform"`
	Trace     bool                `env:"POWERTOOLS_TRACE_ENABLED" envDefault:"false"`
	Samples   uint8               `env:"REJECTION_SAMPLES" envDefault:"5"` // logged of a batch
}

func main() {
	log := telemetry.NewLogger()
	if err := run(log); err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
}

// run takes batches until Lambda ends the process.
func run(log *slog.Logger) error {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return fmt.Errorf("the environment variables: %w", err)
	}
	judge, err := event.NewJudge()
	if err != nil {
		return fmt.Errorf("the catalogue of events: %w", err)
	}
	// A batch is a few large buffers and next to no garbage: to collect early costs nothing, and halves the memory that it takes.
	debug.SetGCPercent(20)
	lambda.StartWithOptions(&function{
		judge:   judge,
		log:     log,
		metrics: telemetry.NewMetrics(os.Stdout, s.Namespace, s.Service, log),
		tracer:  telemetry.NewTracer(s.Trace, log),
		samples: int(s.Samples),
		names:   names(event.Columns()),
	})
	return nil
}
