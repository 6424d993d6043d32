package eventsource

import (
	"bytes"
	"encoding/json"

	"hydrant/pkg/local/internal/sqs"
)

// An event is a payload of a synchronous invocation, with everything that is around its messages.
const (
	maxEvent = 6_291_456
	envelope = 64 << 10
)

// record is a message in an event ("Using Lambda with Amazon SQS", example event).
type record struct {
	MessageID         string               `json:"messageId"`
	ReceiptHandle     string               `json:"receiptHandle"`
	Body              string               `json:"body"`
	Attributes        map[string]string    `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
	MD5OfBody         string               `json:"md5OfBody"`
	EventSource       string               `json:"eventSource"`
	EventSourceARN    string               `json:"eventSourceARN"`
	AWSRegion         string               `json:"awsRegion"`
}

type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// event answers the payload for as many of the messages, from the first, as it has room for: one at least.
func (m *Mapping) event(messages []sqs.Message) (event []byte, n int, err error) {
	event = []byte(`{"Records":[`)
	for n < len(messages) {
		one, err := m.record(&messages[n])
		if err != nil {
			return nil, 0, err
		}
		if n > 0 {
			if len(event)+len(one)+len(",]}") > maxEvent {
				break
			}
			event = append(event, ',')
		}
		event = append(event, one...)
		n++
	}
	return append(event, "]}"...), n, nil
}

func (m *Mapping) record(message *sqs.Message) ([]byte, error) {
	r := record{
		MessageID: message.ID, ReceiptHandle: message.ReceiptHandle, Body: message.Body, MD5OfBody: message.MD5OfBody(),
		Attributes: message.SystemAttributes(m.place.AccountID), MessageAttributes: map[string]attribute{},
		EventSource: "aws:sqs", EventSourceARN: m.cfg.QueueARN, AWSRegion: m.place.Region,
	}
	for name, a := range message.Attributes {
		r.MessageAttributes[name] = attribute{a.StringValue, a.BinaryValue, []string{}, []string{}, a.DataType}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(r)
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), err
}

// partial reads the answer of a function that reports batch item failures: it says which messages failed. sound is false where the answer
// is none and the whole batch counts as failed.
//
// "Implementing partial batch responses" lists both: a whole success is an empty or null batchItemFailures list, an empty or null
// response; a whole failure is invalid JSON, and an itemIdentifier that is empty, null, of a wrong key or unknown. Of other members without
// batchItemFailures it says nothing: a misspelt list must not delete what failed, so that is a failure here.
func partial(answer []byte, ids map[string]bool) (failed func(id string) bool, sound bool) {
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	if len(bytes.TrimSpace(answer)) == 0 {
		return none, true
	}
	var response map[string]json.RawMessage
	if err := json.Unmarshal(answer, &response); err != nil {
		return all, false
	}
	list, found := response["batchItemFailures"]
	if !found {
		if len(response) > 0 {
			return all, false
		}
		return none, true
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return all, false
	}
	names := map[string]bool{}
	for _, item := range items {
		var id string
		if err := json.Unmarshal(item["itemIdentifier"], &id); err != nil || !ids[id] {
			return all, false
		}
		names[id] = true
	}
	return func(id string) bool { return names[id] }, true
}
