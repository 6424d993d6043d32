// Command dlq is the Lambda function that decides what becomes of the records that Firehose could not deliver.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/caarlos0/env/v11"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
	"hydrant/pkg/telemetry"
)

func main() {
	log := telemetry.NewLogger()
	if err := run(log); err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
}

// run takes invocations until Lambda ends the process.
func run(log *slog.Logger) error {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return fmt.Errorf("the environment variables: %w", err)
	}
	judge, err := event.NewJudge()
	if err != nil {
		return fmt.Errorf("the catalogue of events: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return fmt.Errorf("the configuration of the AWS clients: %w", err)
	}
	d, err := dlq.New(s.dlq(), judge, newObjects(cfg), newStream(cfg, s.Stream), newQueue(cfg, s.Queue), &recorder{
		log:     log,
		metrics: telemetry.NewMetrics(os.Stdout, s.Namespace, s.Service, log),
	})
	if err != nil {
		return fmt.Errorf("the environment variables: %w", err)
	}
	lambda.StartWithOptions(&function{d, telemetry.NewTracer(s.Trace, log)})
	return nil
}
