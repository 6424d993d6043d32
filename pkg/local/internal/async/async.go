package async

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/lambda"
	"hydrant/pkg/local/internal/sqs"
)

// MaxPayload is the largest event: 256 KB until October 2025, 1 MB since ("Lambda quotas").
const MaxPayload = 1 << 20

// workers is how many events are handled at the same time. A function's own concurrency bounds them further.
const workers = 10

// Queue keeps events. It takes messages of any size.
type Queue interface {
	sqs.Source
	Send(s sqs.Sending) (string, error)
	Delete(handle string) error
	DueNow(inFlight bool) (int, error)
}

// Invoker is Lambda's synchronous Invoke, as firehose.Invoker says.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
}

// Publisher sends to a queue that is a destination.
type Publisher interface {
	Publish(queueARN, body string) error
}

// Stats counts what was done since the start.
type Stats struct {
	Accepted  int64 `json:"accepted"`
	Succeeded int64 `json:"succeeded"`
	Retried   int64 `json:"retried"`
	Failed    int64 `json:"failed"` // for good
}

// Service invokes functions asynchronously. Accepted events survive the process.
type Service struct {
	configs   map[string]Config // by the function's ARN
	queue     Queue
	invoker   Invoker
	publisher Publisher
	scale     float64
	failed    func(error)
	consumer  *sqs.Consumer

	accepted, succeeded, retried, lost atomic.Int64
}

// event is what is known of an event beside its payload.
type event struct {
	ID        string `json:"id"`
	Function  string `json:"function"` // ARN
	Accepted  int64  `json:"accepted"` // Unix milliseconds
	Errors    int    `json:"errors"`   // invocations that the function failed
	Throttles int    `json:"throttles"`
}

// New makes a service, which works from Start to Stop. scale is how many times as fast as told its waits pass. failed is told of what goes
// wrong here.
func New(configs []Config, queue Queue, invoker Invoker, publisher Publisher, scale float64, failed func(error)) *Service {
	s := &Service{configs: map[string]Config{}, queue: queue, invoker: invoker, publisher: publisher, scale: scale, failed: failed}
	for _, c := range configs {
		s.configs[c.FunctionARN] = c
	}
	s.consumer = &sqs.Consumer{Source: queue, Workers: workers, Max: 1, Handle: s.handle, Failed: failed}
	return s
}

// Start begins to work; what an earlier run was at is due at once.
func (s *Service) Start() error {
	if _, err := s.queue.DueNow(true); err != nil {
		return err
	}
	s.consumer.Start()
	return nil
}

// Stop ends the work. When ctx ends invocations are broken off, and come again at the next start.
func (s *Service) Stop(ctx context.Context) { s.consumer.Stop(ctx) }

// Quiet says whether no event is due or being handled.
func (s *Service) Quiet() bool { return s.consumer.Quiet() }

// Stats answers the counts.
func (s *Service) Stats() Stats {
	return Stats{s.accepted.Load(), s.succeeded.Load(), s.retried.Load(), s.lost.Load()}
}

// Reset empties the counts.
func (s *Service) Reset() {
	for _, n := range []*atomic.Int64{&s.accepted, &s.succeeded, &s.retried, &s.lost} {
		n.Store(0)
	}
}

// Invoke accepts an event for a function, given by its ARN, and answers the request's id. The error is a *lambda.Error where the event is
// at fault.
func (s *Service) Invoke(function string, payload []byte) (id string, err error) {
	if _, ok := s.configs[function]; !ok {
		return "", &lambda.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + function, Status: http.StatusNotFound}
	}
	if len(payload) > MaxPayload {
		message := fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(payload), MaxPayload)
		return "", &lambda.Error{Code: "RequestTooLargeException", Message: message, Status: http.StatusRequestEntityTooLarge}
	}
	e := event{ID: lambda.NewRequestID(), Function: function, Accepted: time.Now().UnixMilli()}
	if err := s.send(e, string(payload), 0); err != nil {
		return "", err
	}
	s.accepted.Add(1)
	return e.ID, nil
}

const attributeName = "event"

func (s *Service) send(e event, payload string, delay time.Duration) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = s.queue.Send(sqs.Sending{Body: payload, Delay: &delay, Attributes: map[string]sqs.Attribute{attributeName: {DataType: "Binary", BinaryValue: text}}})
	return err
}

// handle makes one attempt at an event.
func (s *Service) handle(ctx context.Context, batch []sqs.Message) {
	for _, m := range batch {
		var e event
		err := json.Unmarshal(m.Attributes[attributeName].BinaryValue, &e)
		if err == nil {
			err = s.attempt(ctx, e, m.Body)
		}
		if err == nil {
			err = s.queue.Delete(m.ReceiptHandle)
		}
		if err != nil && ctx.Err() == nil {
			s.failed(err)
		}
	}
}

// attempt invokes the function, and sees to what comes of it. The error says that the event has to stay where it is.
func (s *Service) attempt(ctx context.Context, e event, payload string) error {
	c := s.configs[e.Function]
	answer, functionError, err := s.invoker.Invoke(ctx, e.Function, []byte(payload))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	age := time.Duration(float64(time.Since(time.UnixMilli(e.Accepted))) * s.scale)
	switch {
	case err == nil && functionError == "":
		s.succeeded.Add(1)
		return nil
	case err == nil:
		e.Errors++
		if e.Errors > c.Retries {
			return s.bury(c, e, payload, "RetriesExhausted", functionError, answer)
		}
	default:
		e.Throttles++
	}
	wait := e.wait(err != nil)
	if age+wait > c.MaxAge {
		return s.bury(c, e, payload, "EventAgeExceeded", functionError, answer)
	}
	s.retried.Add(1)
	return s.send(e, payload, time.Duration(float64(wait)/s.scale))
}

// wait is how long until the next attempt: one and two minutes after function errors; after throttles and errors of the service from a
// second, growing, to five minutes ("How Lambda handles errors and retries with asynchronous invocation").
func (e *event) wait(throttled bool) time.Duration {
	const first, most = time.Second, 5 * time.Minute
	switch {
	case !throttled:
		return time.Duration(e.Errors) * time.Minute
	case e.Throttles > 9:
		return most
	}
	return min(most, first<<(e.Throttles-1))
}

// bury sends an event that failed for good to its destination ("Capturing records of Lambda asynchronous invocations").
func (s *Service) bury(c Config, e event, payload, condition, functionError string, answer []byte) error {
	s.lost.Add(1)
	if c.OnFailureARN == "" {
		return nil
	}
	record := map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": e.ID, "functionArn": e.Function + ":$LATEST", "condition": condition, "approximateInvokeCount": e.Errors + e.Throttles,
		},
		"requestPayload": asJSON(payload),
	}
	if functionError != "" {
		record["responseContext"] = map[string]any{"statusCode": http.StatusOK, "executedVersion": "$LATEST", "functionError": functionError}
		record["responsePayload"] = asJSON(string(answer))
	}
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return s.publisher.Publish(c.OnFailureARN, string(text))
}

// asJSON answers text that is JSON as it is, and other text as a JSON string.
func asJSON(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}
