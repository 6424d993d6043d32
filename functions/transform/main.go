// Command transform is the Lambda function that Firehose calls with each batch of records: it answers with the rows of
// the events table.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

func main() {
	log := slog.New(lambdacontext.NewLogHandler())
	if err := run(log); err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
}

// run takes batches until Lambda ends the process.
func run(log *slog.Logger) error {
	judge, err := event.NewJudge()
	if err != nil {
		return fmt.Errorf("the catalogue of events: %w", err)
	}
	lambda.StartWithOptions(transform.New(judge, recorder{log}))
	return nil
}
