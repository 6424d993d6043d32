package firehose

import (
	"errors"
	"fmt"
	"strings"

	"hydrant/pkg/jsonscan"
)

// LogEvent is one event of a delivery stream's error log ("Monitor Amazon Data Firehose Using CloudWatch Logs", Amazon Data Firehose
// Developer Guide). It says that something failed and carries none of the data; when failures are many, Firehose logs a sample of them.
type LogEvent struct {
	Code    string
	Message string // it may quote a record, so it belongs in no log
	Stream  string // the delivery stream's ARN
}

// ErrNoLogEvent says that a message of the error log is no JSON object with an error code.
var ErrNoLogEvent = errors.New("not an event of Firehose's error log, which is a JSON object with errorCode")

// ParseLogEvent reads the message of one log event. The error wraps [ErrNoLogEvent] and holds nothing of the message.
func ParseLogEvent(message []byte) (LogEvent, error) {
	p := parser{Scanner: jsonscan.New(message)}
	if p.Peek() != '{' {
		return LogEvent{}, ErrNoLogEvent
	}
	var e LogEvent
	for p.Enter(); p.More('}'); {
		switch strings.ToLower(string(p.name())) {
		case "errorcode":
			p.first(&e.Code)
		case "message":
			p.first(&e.Message)
		case "deliverystreamarn":
			p.first(&e.Stream)
		default:
			p.Value()
		}
	}
	err := p.end()
	switch {
	case err != nil:
		return LogEvent{}, fmt.Errorf("%w: %w", ErrNoLogEvent, err)
	case e.Code == "":
		return LogEvent{}, ErrNoLogEvent
	}
	return e, nil
}
