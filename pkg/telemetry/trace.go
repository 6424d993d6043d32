package telemetry

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"
)

// Tracer puts subsegments into the trace that Lambda keeps of an invocation. Lambda makes the segment, and its own daemon takes the
// subsegments over UDP ("Visualize Lambda function invocations using AWS X-Ray", Lambda Developer Guide): whether there is one, and
// whether it listens, makes no difference to the function.
//
// The X-Ray SDK is in maintenance. It is known to this file alone.
type Tracer struct{ on bool }

// NewTracer returns a tracer that traces if on. Call it once, before any invocation: what the SDK has to say is the process's, and goes
// to log from then on.
func NewTracer(on bool, log *slog.Logger) *Tracer {
	xray.SetLogger(&sdkLog{log: log})
	return &Tracer{on: on}
}

// Segment is a subsegment of the trace that is being made. Its methods do nothing on nil.
type Segment struct{ sdk *xray.Segment }

// Begin begins a subsegment. It answers nil, and ctx as it was, if the invocation is not traced.
func (t *Tracer) Begin(ctx context.Context, name string) (context.Context, *Segment) {
	if !t.on || !sampled(ctx) {
		return ctx, nil
	}
	ctx, sdk := xray.BeginSubsegment(ctx, name)
	if sdk == nil { // the SDK's way of saying that it has found no trace
		return ctx, nil
	}
	return ctx, &Segment{sdk}
}

// Annotate puts a number into the subsegment, by which traces can be searched. A name has letters, digits and underscores.
func (s *Segment) Annotate(name string, value int) {
	if s != nil {
		_ = s.sdk.AddAnnotation(name, value) // its one error is for what is neither number, text nor truth
	}
}

// End ends the subsegment and sends it. The error, if there is one, is what the function failed with.
func (s *Segment) End(err error) {
	if s != nil {
		s.sdk.Close(err)
	}
}

// sampled says whether the invocation's trace header names a trace that is kept: Root=1-<8>-<24>;Parent=<16>;Sampled=1 in hexadecimal
// digits ("X-Ray concepts", X-Ray Developer Guide). The SDK is not asked without one: AWS_XRAY_CONTEXT_MISSING may tell it to panic then,
// and with a value that it does not know it panics anyway.
func sampled(ctx context.Context) bool {
	text, ok := ctx.Value(xray.LambdaTraceHeaderKey).(string)
	if !ok {
		return false
	}
	h := header.FromString(text)
	root := strings.Split(h.TraceID, "-")
	return h.SamplingDecision == header.Sampled && len(root) == 3 && root[0] == "1" && isHex(root[1], 4) && isHex(root[2], 12) && isHex(h.ParentID, 8)
}

func isHex(s string, bytes int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == bytes
}

// sdkLog keeps the SDK from printing lines of its own. Without a daemon it would have one for each subsegment: the first says it all.
type sdkLog struct {
	log  *slog.Logger
	once sync.Once
}

func (l *sdkLog) Log(level xraylog.LogLevel, message fmt.Stringer) {
	if level >= xraylog.LogLevelWarn {
		l.once.Do(func() { l.log.Warn("traces are not kept", "error", message.String()) })
	}
}
