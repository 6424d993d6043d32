// Package telemetry writes what a function did in the forms that CloudWatch and X-Ray read: log lines, metrics in the embedded metric
// format, and subsegments of Lambda's trace. It is for the deployed programs, which hand the packages that they wire a recorder of their own.
//
// Nothing in it can fail an invocation: a metric that is none is left out, a trace that cannot be kept is not kept, and the log says so.
package telemetry

import (
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLogger returns a logger that writes as the function's LoggingConfig asks for: each line has a timestamp, a level, a message and, for
// a call with an invocation's context, its requestId. It becomes the default, so that what libraries print through package log has the
// same form: aws-lambda-go prints there, as text, what an invocation failed with.
func NewLogger() *slog.Logger {
	log := slog.New(lambdacontext.NewLogHandler())
	slog.SetLogLoggerLevel(slog.LevelError)
	slog.SetDefault(log)
	return log
}
