package record

import (
	"bytes"
	"math"
	"time"

	"hydrant/pkg/jsonscan"
)

// envelope holds the members of an envelope as JSON text; nil is absent.
type envelope struct {
	version, requestID, index, receivedAt, producer, attempt, eventIDs, data, raw []byte

	strangers int  // members that an envelope does not know
	twice     bool // a member that it knows is there twice
}

// member returns where the value of the member of that name belongs, or nil if the envelope knows no such member.
func (e *envelope) member(name []byte) *[]byte {
	switch string(name) {
	case "hydrant":
		return &e.version
	case "request_id":
		return &e.requestID
	case "index":
		return &e.index
	case "received_at":
		return &e.receivedAt
	case "producer":
		return &e.producer
	case "attempt":
		return &e.attempt
	case "event_ids":
		return &e.eventIDs
	case "data":
		return &e.data
	case "raw":
		return &e.raw
	}
	return nil
}

// readEnvelope reads the object that comes next; it is an envelope if it has a version.
func readEnvelope(scan *jsonscan.Scanner) envelope {
	var e envelope
	for scan.Enter(); scan.More('}'); {
		name, _ := jsonscan.Unquote(scan.Name())
		place := e.member(name)
		value := scan.Value()
		switch {
		case place == nil:
			e.strangers++
		case *place != nil:
			e.twice = true
		default:
			*place = value
		}
	}
	return e
}

// twins reports whether an object has two members of one name.
func twins(object []byte) bool {
	seen := map[string]struct{}{}
	scan := jsonscan.New(object)
	scan.Peek()
	for scan.Enter(); scan.More('}'); {
		name, _ := jsonscan.Unquote(scan.Name())
		if _, ok := seen[string(name)]; ok {
			return true
		}
		seen[string(name)] = struct{}{}
		scan.Value()
	}
	return false
}

// check takes the envelope's own text: members that it does not know must not stand there twice either.
func (e *envelope) check(object []byte) error {
	switch attempt, ok := integer(e.attempt); {
	case e.twice || e.strangers > 1 && twins(object):
		return &Fault{InvalidEnvelope, "a duplicate member"}
	case string(e.version) != "1":
		return &Fault{InvalidEnvelope, "hydrant is not 1"}
	case e.data != nil && e.raw != nil:
		return &Fault{InvalidEnvelope, "both data and raw"}
	case e.data == nil && e.raw == nil:
		return &Fault{InvalidEnvelope, "neither data nor raw"}
	case e.raw != nil && e.raw[0] != '"':
		return &Fault{InvalidEnvelope, "raw is no text"}
	// The attempts are what ends a record's way round: one that cannot be counted on must not start at 0 again. More
	// than an int holds would not fit the column attempt.
	case e.attempt != nil && (!ok || attempt < 0 || attempt > math.MaxInt32):
		return &Fault{InvalidEnvelope, "attempt is no integer >= 0"}
	}
	return nil
}

var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// record gives the members their meaning. What is missing or makes no sense has a fallback, so that a slip in the
// provenance does not cost the events.
func (e *envelope) record(s Source) Record {
	r := Record{
		RequestID:  text(e.requestID),
		Index:      -1,
		ReceivedAt: s.ArrivedAt,
		Producer:   text(e.producer),
		EventIDs:   eventIDs(e.eventIDs),
		source:     s,
	}
	if n, ok := integer(e.index); ok && n >= 0 {
		r.Index = int(n)
	}
	if n, ok := integer(e.receivedAt); ok && n >= earliest && n <= latest {
		r.ReceivedAt = n
	}
	if n, ok := integer(e.attempt); ok {
		r.Attempt = int(n)
	}
	if r.Producer == "" {
		r.Producer = Anonymous
	}
	return r
}

func eventIDs(array []byte) []string {
	if len(array) == 0 || array[0] != '[' {
		return nil
	}
	var ids []string
	scan := jsonscan.New(array)
	for scan.Enter(); scan.More(']'); {
		id := text(scan.Value())
		if !validID(id) {
			id = ""
		}
		ids = append(ids, id)
	}
	return ids
}

// text returns what the JSON string in value says, "" if it is none.
func text(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	said, _ := jsonscan.Unquote(value, false)
	return string(said)
}

// integer returns the integer that a JSON value is: a literal without point and exponent, within 64 bits.
func integer(value []byte) (int64, bool) {
	digits := bytes.TrimPrefix(value, []byte("-"))
	if len(digits) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	if len(digits) < len(value) {
		n = -n
	}
	return n, true
}
