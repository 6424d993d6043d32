package dlq

import (
	"context"

	"hydrant/pkg/event"
)

// Recorder is told what was done. None of what it gets holds anything of an event's content.
type Recorder interface {
	// Report is called once for each invocation whose input was understood.
	Report(ctx context.Context, r Report)
	// Problem is called for what was not done, and for a line that made the program panic.
	Problem(ctx context.Context, p Problem)
}

// Problem is something that somebody may have to look at.
type Problem struct {
	Doing   string // what was being done
	Message string // the queue's id of the message that will be delivered again; "" if there is none
	Object  string // "" if it is about none
	Line    int64  // counted from 1; 0 if it is about none
	Err     error
	Stack   string // of a panic
}

// Report counts what an invocation did.
type Report struct {
	Input            string // messages, error_log or redrive
	Messages, Failed int    // failed messages are delivered again
	Objects, Gone    int    // error objects read, and objects that were not there any more
	Lines            int    // dealt with; those that wait are not among them
	Waiting          int    // lines put off
	Handed           int    // objects whose rest was left to another invocation
	Records          int    // sent round
	Events           int    // in those records
	Refusals         int    // by the stream: these records were sent again
	Quarantined      int    // events, or records that could not be read
	Repeated         int    // quarantine objects that were there already
	Panics           int
	LogEvents        int
	Codes            map[string]int       // lines of error objects, by Firehose's error code
	Logged           map[string]int       // events of the error log, likewise
	Attempts         map[int]int          // records sent round, by the attempt they are
	Reasons          map[event.Reason]int // quarantined events, by reason; one may have several
	Redriven         int                  // rows of the quarantine that were sent round
}

func newReport(input string) Report {
	return Report{
		Input: input, Codes: map[string]int{}, Logged: map[string]int{}, Attempts: map[int]int{}, Reasons: map[event.Reason]int{},
	}
}

// UnnamedCode is counted in place of what cannot be an error code, so that no other text gets into logs and metrics.
const UnnamedCode = "unnamed"

const maxCode = 100

func codeName(s string) string {
	if s == "" || len(s) > maxCode {
		return UnnamedCode
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return UnnamedCode
		}
	}
	return s
}
