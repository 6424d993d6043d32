// Package telemetry writes what a function did in the forms that CloudWatch and X-Ray read: log lines, metrics in the embedded metric
// format, and subsegments of Lambda's trace. It is for the deployed programs, which hand the packages that they wire a recorder of their own.
//
// Nothing in it can fail an invocation: a metric that is none is left out, a trace that cannot be kept is not kept, and the log says so.
package telemetry

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// levelKey names the variable with the level of the log: DEBUG, INFO (the default), WARN or ERROR, as Powertools for AWS Lambda reads it. It is not
// Lambda's own, since by its ApplicationLogLevel Lambda drops lines after they were written, and those of metrics are at INFO ("Log-level
// filtering", Lambda Developer Guide).
const levelKey = "POWERTOOLS_LOG_LEVEL"

// NewLogger returns a logger that writes as the function's LoggingConfig asks for: each line has a timestamp, a level, a message and, for
// a call with an invocation's context, its requestId. Lines below the level of POWERTOOLS_LOG_LEVEL, or below Lambda's own, are left out. It
// becomes the default, so that what libraries print through package log has the same form: aws-lambda-go prints there, as text, what an
// invocation failed with.
func NewLogger() *slog.Logger {
	least, text := slog.LevelInfo, os.Getenv(levelKey)
	err := least.UnmarshalText([]byte(strings.TrimSpace(text)))
	log := slog.New(leveled{lambdacontext.NewLogHandler(), least})
	if text != "" && err != nil {
		log.Warn("no level of the log, so it is INFO", "variable", levelKey, "value", text)
	}
	slog.SetLogLoggerLevel(slog.LevelError)
	slog.SetDefault(log)
	return log
}

// leveled leaves out what is below a level.
type leveled struct {
	slog.Handler
	least slog.Level
}

func (h leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.least && h.Handler.Enabled(ctx, level)
}

func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(attrs), h.least}
}

func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.least}
}
