package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// input is an invocation's payload: exactly one of its members is there.
type input struct {
	messages []message
	log      *string // base64 of gzip
	redrive  *RedriveRequest
}

func (in *input) kind() string {
	switch {
	case in.messages != nil:
		return "messages"
	case in.redrive != nil:
		return "redrive"
	}
	return "error_log"
}

// message is one of the queue ("Using Lambda with Amazon SQS", AWS Lambda Developer Guide).
type message struct {
	ID     string `json:"messageId"`
	Body   string `json:"body"`
	Source string `json:"eventSource"`
}

// ErrInput says what an invocation may bring.
var ErrInput = errors.New(`expected one of: {"Records":[...]} with messages of the function's queue (eventSource aws:sqs), {"awslogs":{"data":...}} ` +
	`from the subscription to Firehose's error log, {"redrive":{...}} from an operator`)

// parseInput tells the inputs apart. The error wraps ErrInput and holds nothing of the payload but names of a redrive request.
func parseInput(payload []byte) (input, error) {
	var shape struct {
		Records *[]message
		Logs    *struct {
			Data *string `json:"data"`
		} `json:"awslogs"`
		Redrive json.RawMessage `json:"redrive"`
	}
	if err := json.Unmarshal(payload, &shape); err != nil {
		return input{}, fmt.Errorf("%w: this is no JSON object, or its members are of other types", ErrInput)
	}
	var in input
	shapes := 0
	if shape.Records != nil {
		shapes++
		in.messages = *shape.Records
		if in.messages == nil {
			in.messages = []message{}
		}
		for _, m := range in.messages {
			if m.Source != "aws:sqs" || m.ID == "" {
				return input{}, fmt.Errorf("%w: there are Records that are no messages of a queue (S3 notifications come through the queue)", ErrInput)
			}
		}
	}
	if shape.Logs != nil && shape.Logs.Data != nil {
		shapes++
		in.log = shape.Logs.Data
	}
	if shape.Redrive != nil {
		shapes++
		request, err := parseRedrive(shape.Redrive)
		if err != nil {
			return input{}, fmt.Errorf("%w: redrive: %w", ErrInput, err)
		}
		in.redrive = &request
	}
	if shapes != 1 {
		return input{}, fmt.Errorf("%w: this has %d of them", ErrInput, shapes)
	}
	return in, nil
}

// lines are those lines of an error object that one message stands for.
type lines struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Offset is where the first of them begins, in bytes of the text, and Line its number, counted from 0.
	Offset int64 `json:"offset,omitempty"`
	Line   int64 `json:"line,omitempty"`
	// Due is a set of lines, those whose time has come when the message is visible: bit i of byte i/8 stands for line Line+i. Without it,
	// all lines are meant, from the first to the object's last, and none was looked at before.
	Due []byte `json:"due,omitempty"`
}

// ours marks the messages that the function sends itself.
type ours struct {
	Version int    `json:"hydrant_dlq"`
	Lines   *lines `json:"lines"`
}

const messageVersion = 1

func (l *lines) body() (string, error) {
	b, err := json.Marshal(ours{messageVersion, l})
	return string(b), err
}

// notification is S3's ("Event message structure", Amazon S3 User Guide).
type notification struct {
	Source string `json:"eventSource"`
	Name   string `json:"eventName"`
	S3     struct {
		Bucket struct{ Name string }
		Object struct{ Key string }
	} `json:"s3"`
}

var errMessage = errors.New("expected a notification of S3 that an object was created, its s3:TestEvent, or lines that were to wait")

// parseBody returns the lines that a message stands for: none for S3's test event and for events other than an object's creation. The error
// wraps errMessage.
func parseBody(body string) ([]lines, error) {
	var shape struct {
		ours
		Records []notification
		Service string
		Event   string
	}
	d := json.NewDecoder(strings.NewReader(body))
	if err := d.Decode(&shape); err != nil || d.More() {
		return nil, fmt.Errorf("%w: this is no JSON object, or its members are of other types", errMessage)
	}
	switch {
	case shape.Event == "s3:TestEvent": // sent once, when notifications are configured
		return nil, nil
	case shape.Version == messageVersion && shape.Lines != nil:
		l := *shape.Lines
		if l.Bucket == "" || l.Key == "" || l.Offset < 0 || l.Line < 0 {
			return nil, fmt.Errorf("%w: these lines are of no object, or begin nowhere", errMessage)
		}
		return []lines{l}, nil
	case shape.Records != nil:
		return parseNotifications(shape.Records)
	}
	return nil, fmt.Errorf("%w: this is something else", errMessage)
}

func parseNotifications(records []notification) ([]lines, error) {
	var all []lines
	for _, r := range records {
		// "The object key name value is URL encoded" (ibid.), a space as a plus sign.
		key, err := url.QueryUnescape(r.S3.Object.Key)
		switch {
		case r.Source != "aws:s3":
			return nil, fmt.Errorf("%w: these records are not S3's", errMessage)
		case !strings.HasPrefix(r.Name, "ObjectCreated:"):
			continue
		case err != nil || key == "" || r.S3.Bucket.Name == "":
			return nil, fmt.Errorf("%w: a record names no object", errMessage)
		}
		all = append(all, lines{Bucket: r.S3.Bucket.Name, Key: key})
	}
	return all, nil
}

// RedriveRequest asks for rows of the quarantine to be sent round again. Filters that are absent let everything pass.
type RedriveRequest struct {
	From     time.Time `json:"from"` // the first moment of quarantined_at
	To       time.Time `json:"to"`   // the first moment behind the last
	Reason   string    `json:"reason"`
	Code     string    `json:"code"`
	Producer string    `json:"producer"`
	Type     string    `json:"type"`
	Limit    int       `json:"limit"`   // rows to be sent at most; 0 is no limit
	DryRun   *bool     `json:"dry_run"` // true if absent: nothing is sent, the answer says what would be
}

func (r *RedriveRequest) dry() bool { return r.DryRun == nil || *r.DryRun }

// parseRedrive refuses what it does not know: a mistyped filter must not let everything pass.
func parseRedrive(data []byte) (RedriveRequest, error) {
	var r RedriveRequest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("an object of from, to (RFC 3339), reason, code, producer, type, limit, dry_run, all of them optional: %w", err)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return r, errors.New("an object, not null")
	}
	if r.Limit < 0 {
		return r, errors.New("limit is 0 (none) or more")
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return r, errors.New("from has to be before to")
	}
	return r, nil
}
