package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Metrics writes documents of the embedded metric format, one a line, from which CloudWatch Logs makes metrics without a call to its API:
// "Specification: Embedded metric format" (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
// It is safe for concurrent use.
type Metrics struct {
	namespace Namespace
	service   Service
	lines     slog.Handler
	log       *slog.Logger
}

// NewMetrics returns metrics that are written to w, in the namespace and with the one dimension Service. What cannot be a metric is left
// out, and the log names it.
func NewMetrics(w io.Writer, namespace Namespace, service Service, log *slog.Logger) *Metrics {
	// Metrics do not depend on the level of the log, nor on its format: the line must be JSON and nothing else.
	options := &slog.HandlerOptions{Level: slog.Level(math.MinInt), ReplaceAttr: lambdacontext.ReplaceAttr}
	return &Metrics{namespace: namespace, service: service, lines: slog.NewJSONHandler(w, options), log: log}
}

// Metric is one value of a metric.
type Metric struct {
	Name  string // 1 to 255 printable ASCII characters; no two metrics of a line have the same
	Unit  Unit
	Value float64 // finite
}

// Unit is a unit of CloudWatch's (CloudWatch API Reference, "MetricDatum").
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Bytes        Unit = "Bytes"
	Microseconds Unit = "Microseconds"
)

// maxMetrics is how many metrics one directive may have. A document may have many directives.
const maxMetrics = 100

// directive is a MetricDirective of the specification.
type directive struct {
	Namespace  Namespace
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit Unit
}

// metadata is the member "_aws", which makes a line of JSON a document of the format.
type metadata struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

// Write writes one line with all the metrics. It is a line of the log too, of the level INFO, with the message and the requestId.
func (m *Metrics) Write(ctx context.Context, message string, metrics ...Metric) {
	now := time.Now()
	aws := metadata{Timestamp: now.UnixMilli()}
	values := make([]slog.Attr, 0, len(metrics))
	written := make(map[string]bool, len(metrics))
	for _, metric := range metrics {
		if err := metric.check(written); err != nil {
			m.log.LogAttrs(ctx, slog.LevelError, "a metric is left out", slog.String("metric", metric.Name), slog.Any("error", err))
			continue
		}
		if len(written)%maxMetrics == 0 {
			aws.CloudWatchMetrics = append(aws.CloudWatchMetrics, directive{Namespace: m.namespace, Dimensions: [][]string{{serviceKey}}})
		}
		written[metric.Name] = true
		last := &aws.CloudWatchMetrics[len(aws.CloudWatchMetrics)-1]
		last.Metrics = append(last.Metrics, definition{metric.Name, metric.Unit})
		values = append(values, slog.Float64(metric.Name, metric.Value))
	}
	line := slog.NewRecord(now, slog.LevelInfo, message, 0)
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		line.AddAttrs(slog.String(requestIDKey, lc.AwsRequestID))
	}
	if len(aws.CloudWatchMetrics) > 0 { // or else the line has none, and is but a line of the log
		line.AddAttrs(slog.Any(awsKey, aws), slog.String(serviceKey, string(m.service)))
	}
	line.AddAttrs(values...)
	_ = m.lines.Handle(ctx, line) // if the log cannot be written there is no place to say so
}

const (
	awsKey       = "_aws"
	serviceKey   = "Service"
	requestIDKey = "requestId"
)

// A document has its dimensions, its metrics and the log line's own members side by side. slog's names for time and message are those
// that lambdacontext.ReplaceAttr would rename.
var taken = map[string]bool{
	awsKey: true, serviceKey: true, requestIDKey: true, "timestamp": true, slog.LevelKey: true, "message": true, slog.TimeKey: true, slog.MessageKey: true,
}

func (m *Metric) check(written map[string]bool) error {
	switch {
	case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return errors.New("not a finite number")
	case math.Abs(m.Value) > maxValue:
		return errors.New("not within CloudWatch's range of -2^360 to 2^360")
	case !isName(m.Name, maxName) || m.Name[0] == ':':
		return errors.New("not a metric's name: 1 to 255 printable ASCII characters, no colon first")
	case taken[m.Name] || written[m.Name]:
		return errors.New("the line has another member of this name")
	}
	return nil
}

// The limits of names and values (CloudWatch API Reference, "MetricDatum" and "PutMetricData"). Those of the format are wider.
const maxName = 255

var maxValue = math.Ldexp(1, 360)

// isName says whether s is printable ASCII, and neither empty nor blank.
func isName(s string, most int) bool {
	beyond := func(r rune) bool { return r < ' ' || r > '~' }
	return len(s) <= most && strings.TrimSpace(s) != "" && strings.IndexFunc(s, beyond) < 0
}

// Namespace is where CloudWatch keeps an application's metrics.
type Namespace string

// UnmarshalText takes what CloudWatch takes (CloudWatch API Reference, "PutMetricData").
func (n *Namespace) UnmarshalText(text []byte) error {
	s := string(text)
	other := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("./-_#: ", r))
	}
	if !isName(s, maxName) || strings.IndexFunc(s, other) >= 0 || s[0] == ':' || strings.HasPrefix(s, "AWS/") {
		return errors.New("a metrics namespace has 1 to 255 letters, digits and ./-_#: and begins neither with a colon nor with AWS/")
	}
	*n = Namespace(s)
	return nil
}

// Service is the value of the dimension that tells the metrics of one function of a stack from those of others.
type Service string

// UnmarshalText takes what CloudWatch takes (CloudWatch API Reference, "Dimension").
func (s *Service) UnmarshalText(text []byte) error {
	const most = 1024
	if !isName(string(text), most) || text[0] == ':' {
		return errors.New("a service has 1 to 1024 printable ASCII characters, no colon first")
	}
	*s = Service(text)
	return nil
}
