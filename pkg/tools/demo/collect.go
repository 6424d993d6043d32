package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hydrant/pkg/record"
)

// table is the Glue table that events end in.
const table = "events"

// state is what the runner says of itself.
type state struct {
	Data      string                     `json:"data"`
	Resources map[string]resource        `json:"resources"` // by logical id
	Links     map[string]json.RawMessage `json:"links"`     // by logical id
}

type resource struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// found is what the runner holds when everything is delivered.
type found struct {
	state    *state
	rows     []*row
	failures []*failure
	kept     []*kept  // in the quarantine
	log      []string // lines of Firehose's error log: code and message
	redriven int64    // records that the dlq function has put into the stream
}

// row is a row of the table.
type row struct {
	json                 []byte
	value                *node
	requestID, eventID   string
	receivedAt, producer string
	attempt              int
	sent                 *sentEvent // what it was made of; nil if nobody sent that
}

// failure is a line of one of Firehose's error objects.
type failure struct {
	object        string // s3://bucket/key
	code, message string
	record        record.Record // opened from rawData: as it was when it failed
	err           error         // why it cannot be opened
	attempt       int           // that failed
	requestIDs    []string      // of its events, parallel to them, or of the whole record
	count         int           // events; a record that cannot be read counts as one
	sent          []*sentEvent  // those, as far as they were sent
}

// collect has the runner deliver everything and reads where it went.
func (c *client) collect(ctx context.Context) (*found, error) {
	f := &found{state: &state{}}
	answer, err := c.control(ctx, http.MethodPost, "flush")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, f.state); err != nil {
		return nil, fmt.Errorf("the runner's state: %w", err)
	}
	for _, what := range []struct {
		path string
		read func(line []byte) error
	}{{"tables/" + table, f.readRow}, {"tables/" + quarantine, f.readKept}, {"errors", f.readError}} {
		if answer, err = c.control(ctx, http.MethodGet, what.path); err != nil {
			return nil, err
		}
		for line := range lines(answer) {
			if err := what.read(line); err != nil {
				return nil, err
			}
		}
	}
	return f, c.countRedriven(ctx, f)
}

func lines(text []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

// control asks one of the runner's control paths.
func (c *client) control(ctx context.Context, method, path string) ([]byte, error) {
	status, answer, err := c.do(ctx, method, c.aws+"/_hydrant/"+path, nil, deliverWithin)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s /_hydrant/%s was answered with %d: %s", method, path, status, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

func (f *found) readRow(line []byte) error {
	value, err := readNode(line)
	if err != nil {
		return fmt.Errorf("a row of the table: %w", err)
	}
	r := &row{
		json: line, value: value,
		requestID: value.get("request_id").said(), eventID: value.get("event_id").said(),
		receivedAt: value.get("received_at").said(), producer: value.get("producer").said(),
	}
	if attempt := value.get("attempt"); attempt != nil {
		if err := json.Unmarshal([]byte(attempt.text), &r.attempt); err != nil {
			return fmt.Errorf("a row's attempt: %w", err)
		}
	}
	f.rows = append(f.rows, r)
	return nil
}

// readError reads a line of the runner's errors: one of an error object, or one of the error log.
func (f *found) readError(line []byte) error {
	var wire struct {
		Object string       `json:"object"`
		Error  *errorRecord `json:"error"`
		Log    *struct {
			ErrorCode string `json:"errorCode"`
			Message   string `json:"message"`
		} `json:"log"`
	}
	if err := json.Unmarshal(line, &wire); err != nil {
		return fmt.Errorf("a line of Firehose's errors: %w", err)
	}
	if wire.Error != nil {
		f.failures = append(f.failures, wire.Error.failure(wire.Object))
	}
	if wire.Log != nil {
		f.log = append(f.log, wire.Log.ErrorCode+": "+wire.Log.Message)
	}
	return nil
}

// errorRecord is a line of an error object. Its code has two spellings: errorCode where the function is at fault, lastErrorCode where the
// conversion is (Amazon Data Firehose Developer Guide, "Handle data delivery failures" and "Handle errors in record format conversion").
type errorRecord struct {
	RawData          []byte `json:"rawData"` // base64
	ErrorCode        string `json:"errorCode"`
	ErrorMessage     string `json:"errorMessage"`
	LastErrorCode    string `json:"lastErrorCode"`
	LastErrorMessage string `json:"lastErrorMessage"`
}

func (e *errorRecord) failure(object string) *failure {
	f := &failure{
		object: object,
		code:   cmp.Or(e.ErrorCode, e.LastErrorCode), message: cmp.Or(e.ErrorMessage, e.LastErrorMessage),
	}
	f.record, f.err = record.Open(e.RawData, record.Source{ArrivedAt: time.Now().UnixMilli()})
	f.attempt, f.requestIDs = f.record.Attempt, []string{f.record.RequestID}
	if f.err != nil {
		f.count = 1
		return f
	}
	if f.record.Direct {
		f.readRows()
	}
	for range f.record.Events() {
		f.count++
	}
	return f
}

// readRows reads what the conversion refused: rows, which say themselves where they came from.
func (f *failure) readRows() {
	f.requestIDs = nil
	for _, text := range f.record.Events() {
		var row struct {
			RequestID string `json:"request_id"`
			Attempt   int
		}
		_ = json.Unmarshal(text, &row) // what is no row is counted, and sent by nobody
		f.attempt, f.requestIDs = row.Attempt, append(f.requestIDs, row.RequestID)
	}
}
