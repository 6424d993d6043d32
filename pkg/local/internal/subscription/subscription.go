package subscription

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/sqs"
)

// Events are sent in batches. CloudWatch Logs does not say how large they are; these stay under Lambda's limit for asynchronous events.
const (
	batchEvents = 1000
	batchBytes  = 512 << 10
	batchWindow = time.Second
)

// Queue keeps log events until they are sent. It takes messages of any size.
type Queue interface {
	sqs.Source
	Send(s sqs.Sending) (string, error)
	Delete(handle string) error
	DueNow(inFlight bool) (int, error)
}

// Invoke accepts an event for a function, given by its ARN.
type Invoke func(function string, payload []byte) (requestID string, err error)

// Stats counts what was done since the start.
type Stats struct {
	Events  int64 `json:"events"` // log events, for each filter
	Batches int64 `json:"batches"`
}

// Service sends log events to functions. What was put survives the process until it is sent.
type Service struct {
	filters  map[string][]Config // by log group
	account  string
	queue    Queue
	invoke   Invoke
	failed   func(error)
	consumer *sqs.Consumer

	sequence, events, batches atomic.Int64
}

// New makes a service, which works from Start to Stop. failed is told of what goes wrong here.
func New(filters []Config, accountID string, queue Queue, invoke Invoke, failed func(error)) *Service {
	s := &Service{filters: map[string][]Config{}, account: accountID, queue: queue, invoke: invoke, failed: failed}
	for _, f := range filters {
		s.filters[f.LogGroup] = append(s.filters[f.LogGroup], f)
	}
	s.consumer = &sqs.Consumer{
		Source: queue, Workers: 1, Max: batchEvents, MaxBytes: batchBytes, Window: batchWindow, Handle: s.handle, Failed: failed,
	}
	return s
}

// Start begins to send; what an earlier run was at is due at once.
func (s *Service) Start() error {
	if _, err := s.queue.DueNow(true); err != nil {
		return err
	}
	s.consumer.Start()
	return nil
}

// Stop ends that.
func (s *Service) Stop(ctx context.Context) { s.consumer.Stop(ctx) }

// Quiet says whether no log event waits.
func (s *Service) Quiet() bool { return s.consumer.Quiet() }

// Hurry sends what is being gathered.
func (s *Service) Hurry() { s.consumer.Hurry() }

// Stats answers the counts.
func (s *Service) Stats() Stats { return Stats{s.events.Load(), s.batches.Load()} }

// Reset empties the counts.
func (s *Service) Reset() {
	for _, n := range []*atomic.Int64{&s.events, &s.batches} {
		n.Store(0)
	}
}

// place says where a log event belongs.
type place struct{ Filter, Function, Group, Stream string }

// logEvent is an event in a document.
type logEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // Unix milliseconds
	Message   string `json:"message"`
}

const attributeName = "place"

// Put takes a log event. One of a group without a filter is left alone.
func (s *Service) Put(group, stream string, at time.Time, message string) error {
	for _, f := range s.filters[group] {
		// CloudWatch's ids are decimal numbers of 56 digits that rise with time.
		e := logEvent{fmt.Sprintf("%013d%043d", at.UnixMilli(), s.sequence.Add(1)), at.UnixMilli(), message}
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		where, err := json.Marshal(place{f.Name, f.FunctionARN, group, stream})
		if err != nil {
			return err
		}
		if _, err := s.queue.Send(sqs.Sending{Body: string(body), Attributes: map[string]sqs.Attribute{attributeName: {DataType: "Binary", BinaryValue: where}}}); err != nil {
			return err
		}
		s.events.Add(1)
	}
	return nil
}

// handle sends a batch: one document for each filter and log stream in it.
func (s *Service) handle(_ context.Context, batch []sqs.Message) {
	var places []string
	groups := map[string][]sqs.Message{}
	for _, m := range batch {
		where := string(m.Attributes[attributeName].BinaryValue)
		if groups[where] == nil {
			places = append(places, where)
		}
		groups[where] = append(groups[where], m)
	}
	for _, where := range places {
		if err := s.send(where, groups[where]); err != nil {
			s.failed(err)
			return
		}
	}
}

func (s *Service) send(where string, messages []sqs.Message) error {
	var p place
	if err := json.Unmarshal([]byte(where), &p); err != nil {
		return err
	}
	events := make([]json.RawMessage, len(messages))
	for i, m := range messages {
		events[i] = json.RawMessage(m.Body)
	}
	payload, err := document(p, s.account, events)
	if err != nil {
		return err
	}
	if _, err := s.invoke(p.Function, payload); err != nil {
		return fmt.Errorf("subscription filter %s: %w", p.Filter, err)
	}
	s.batches.Add(1)
	for _, m := range messages {
		if err := s.queue.Delete(m.ReceiptHandle); err != nil {
			return err
		}
	}
	return nil
}

// document is what a function gets: JSON, zipped, in base64 ("Log group-level subscription filters", the example with Lambda).
func document(p place, account string, events []json.RawMessage) ([]byte, error) {
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	err := json.NewEncoder(zip).Encode(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": account, "logGroup": p.Group, "logStream": p.Stream,
		"subscriptionFilters": []string{p.Filter}, "logEvents": events,
	})
	if err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]map[string][]byte{"awslogs": {"data": text.Bytes()}})
}
