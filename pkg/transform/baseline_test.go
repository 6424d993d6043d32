package transform_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-playground/validator/v10"

	"hydrant/pkg/event"
)

// The baseline is the transform as Go programmers commonly write it, by the documentation of aws-lambda-go, encoding/json, validator and
// creasty/defaults. It has the rules of the real one and comes to the same rows, verdicts and reasons, which agree_test.go sees to. What it
// cannot do: a record whose data is no base64 fails its whole batch, the answer may become too large, and of an event's wrong types it names
// one.
type baseline struct {
	validate *validator.Validate
	strict   bool // look for names that stand twice, and for too many levels: most programs do not, and it would take a third longer
}

func newBaseline(strict bool) *baseline {
	v := validator.New(validator.WithRequiredStructEnabled())
	if err := v.RegisterValidation("identifier", isIdentifier); err != nil {
		panic(err)
	}
	return &baseline{v, strict}
}

// origin is where an event comes from.
type origin struct {
	receivedAt time.Time
	producer   string
	requestID  string
	attempt    int32
	eventID    string
}

// Invoke answers a request.
func (b *baseline) Invoke(payload []byte) (answer []byte, reasons []event.Reason, err error) {
	var request events.KinesisFirehoseEvent
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, nil, err
	}
	var response events.KinesisFirehoseResponse
	for _, record := range request.Records {
		out := events.KinesisFirehoseResponseRecord{RecordID: record.RecordID, Result: events.KinesisFirehoseTransformedStateOk}
		var why []event.Reason
		if out.Data, why = b.record(record); len(why) > 0 {
			out.Result, out.Data = events.KinesisFirehoseTransformedStateProcessingFailed, []byte{}
			reasons = append(reasons, why...)
		}
		response.Records = append(response.Records, out)
	}
	answer, err = json.Marshal(response)
	return answer, reasons, err
}

func (b *baseline) record(r events.KinesisFirehoseEventRecord) (rows []byte, reasons []event.Reason) {
	all, env, err := open(r.Data)
	if err != nil {
		return nil, []event.Reason{reasonOf(err)}
	}
	from := env.origin(r)
	for i, data := range all {
		from.eventID = env.id(r, i)
		row, why := b.event(data, from)
		reasons = append(reasons, why...)
		rows = append(append(rows, row...), '\n')
	}
	return rows, reasons
}

// envelope is what a record of the API wears. Its provenance is of any type: a slip in it does not cost the events.
type envelope struct {
	Version    json.RawMessage `json:"hydrant"`
	RequestID  any             `json:"request_id"`
	Index      any             `json:"index"`
	ReceivedAt any             `json:"received_at"`
	Producer   any             `json:"producer"`
	Attempt    json.RawMessage `json:"attempt"`
	EventIDs   any             `json:"event_ids"`
	Data       json.RawMessage `json:"data"`
	Raw        *string         `json:"raw"`

	attempt int32
}

// open returns the events in a record, and its envelope, nil for a bare record.
func open(data []byte) ([]json.RawMessage, *envelope, error) {
	values, err := split(data)
	if err != nil {
		return nil, nil, refusal(event.InvalidJSON)
	}
	var worn *envelope
	for _, value := range values {
		if value[0] != '{' {
			continue
		}
		var e envelope
		err := json.Unmarshal(value, &e)
		if e.Version == nil {
			continue
		}
		if worn = &e; err != nil || e.check() != nil || len(values) > 1 {
			return nil, nil, refusal(event.InvalidEnvelope)
		}
	}
	if worn != nil {
		values = []json.RawMessage{worn.Data}
	}
	if worn != nil && worn.Raw != nil {
		raw, err := base64.StdEncoding.DecodeString(*worn.Raw)
		if err != nil {
			return nil, nil, refusal(event.InvalidEnvelope)
		}
		if values, err = split(raw); err != nil {
			return nil, nil, refusal(event.InvalidJSON)
		}
	}
	all, err := flatten(values)
	return all, worn, err
}

// split reads JSON values that stand one after the other.
func split(data []byte) (values []json.RawMessage, err error) {
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}

func flatten(values []json.RawMessage) (all []json.RawMessage, err error) {
	for _, value := range values {
		if value[0] != '[' {
			all = append(all, value)
			continue
		}
		var array []json.RawMessage
		if err := json.Unmarshal(value, &array); err != nil {
			return nil, err
		}
		all = append(all, array...)
	}
	if len(all) == 0 {
		return nil, refusal(event.Empty)
	}
	return all, nil
}

func (e *envelope) check() error {
	if e.Attempt != nil {
		if err := json.Unmarshal(e.Attempt, &e.attempt); err != nil || e.attempt < 0 {
			return errors.New("attempt is no integer >= 0")
		}
	}
	if string(e.Version) != "1" || (e.Data == nil) == (e.Raw == nil) {
		return errors.New("not version 1, or not one of data and raw")
	}
	return nil
}

func (e *envelope) origin(r events.KinesisFirehoseEventRecord) origin {
	if e == nil {
		return origin{receivedAt: r.ApproximateArrivalTimestamp.Time, producer: "direct"}
	}
	o := origin{receivedAt: r.ApproximateArrivalTimestamp.Time, producer: "anonymous", attempt: e.attempt}
	o.requestID, _ = e.RequestID.(string)
	if s, ok := e.Producer.(string); ok && s != "" {
		o.producer = s
	}
	if ms, ok := e.ReceivedAt.(float64); ok && between2000And2100(time.UnixMilli(int64(ms))) {
		o.receivedAt = time.UnixMilli(int64(ms))
	}
	return o
}

// id is the id of event i, if it does not bring one itself.
func (e *envelope) id(r events.KinesisFirehoseEventRecord, i int) string {
	var b bytes.Buffer
	text := func(s string) {
		_ = binary.Write(&b, binary.BigEndian, uint64(len(s))) // a Buffer never fails
		b.WriteString(s)
	}
	index, requestID := -1.0, ""
	if e != nil {
		if ids, ok := e.EventIDs.([]any); ok && i < len(ids) {
			if id, ok := ids[i].(string); ok && identifier.MatchString(id) {
				return id
			}
		}
		requestID, _ = e.RequestID.(string)
		if n, ok := e.Index.(float64); ok {
			index = n
		}
	}
	if requestID != "" && index >= 0 {
		b.WriteByte('r')
		text(requestID)
		_ = binary.Write(&b, binary.BigEndian, uint64(index))
	} else {
		b.WriteByte('s')
		text(r.KinesisFirehoseRecordMetadata.ShardID)
		text(r.KinesisFirehoseRecordMetadata.SequenceNumber)
		_ = binary.Write(&b, binary.BigEndian, uint64(r.KinesisFirehoseRecordMetadata.SubsequenceNumber))
	}
	_ = binary.Write(&b, binary.BigEndian, uint64(i))
	sum := sha256.Sum256(b.Bytes())
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}
