package faults

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"hydrant/pkg/local/internal/lambda"
)

// Invoker is Lambda's Invoke, as firehose.Invoker says.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
}

// WrapInvoker answers an invoker whose functions fail. logicalID answers that of a function by its name or ARN.
func (s *Set) WrapInvoker(next Invoker, logicalID func(function string) string) Invoker {
	return faultyInvoker{s, next, logicalID}
}

type faultyInvoker struct {
	set       *Set
	next      Invoker
	logicalID func(string) string
}

const defaultWithinMs = 100

func (i faultyInvoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	h := i.set.draw(lambdaPrefix + i.logicalID(function))
	if h == nil {
		return i.next.Invoke(ctx, function, payload)
	}
	switch h.Kind {
	case Throttle:
		return nil, "", &lambda.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: http.StatusTooManyRequests}
	case Error:
		return unhandled("Fault", "a fault that was asked for")
	case Crash:
		return unhandled("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")
	case Timeout:
		return unhandled("Sandbox.Timedout", "Error: Task timed out")
	case Kill:
		return i.kill(ctx, h, function, payload)
	}
	answer, functionError, err := i.next.Invoke(ctx, function, payload)
	if err != nil || functionError != "" {
		return answer, functionError, err
	}
	switch h.Kind {
	case Lost:
		return unhandled("Sandbox.Timedout", "Error: Task timed out")
	case TooLarge:
		return unhandled("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes).")
	case Garbage:
		return []byte(`{"records":[{"recordId":`), "", nil
	}
	return recount(answer, h), "", nil
}

func unhandled(errorType, message string) ([]byte, string, error) {
	return mustJSON(map[string]string{"errorType": errorType, "errorMessage": message}), "Unhandled", nil
}

// kill ends the function's process at some moment of its work, if it is not done before.
func (i faultyInvoker) kill(ctx context.Context, h *hit, function string, payload []byte) ([]byte, string, error) {
	within := h.WithinMs
	if within == 0 {
		within = defaultWithinMs
	}
	cut, cancel := context.WithTimeout(ctx, time.Duration(h.random.Float64()*float64(within)*float64(time.Millisecond)))
	defer cancel()
	answer, functionError, err := i.next.Invoke(cut, function, payload)
	if err != nil && cut.Err() != nil && ctx.Err() == nil {
		return unhandled("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")
	}
	return answer, functionError, err
}

// recount takes a record from an answer, or has one in it twice. An answer without records stays as it is.
func recount(answer []byte, h *hit) []byte {
	var document map[string]json.RawMessage
	var records []json.RawMessage
	if json.Unmarshal(answer, &document) != nil || json.Unmarshal(document["records"], &records) != nil || len(records) == 0 {
		return answer
	}
	at := h.random.IntN(len(records))
	if h.Kind == TooMany {
		records = append(records, records[at])
	} else {
		records = append(records[:at], records[at+1:]...)
	}
	document["records"] = mustJSON(records)
	return mustJSON(document)
}
