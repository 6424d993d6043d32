package record

import (
	"bytes"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope holds the members of an envelope as JSON text; nil is absent.
type envelope struct {
	version, requestID, index, receivedAt, producer, attempt, eventIDs, data, raw []byte
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

// mayHoldEnvelope spares nearly every bare record the search for a member hydrant: it can stand there only as it is or
// with an escape in it.
func mayHoldEnvelope(data []byte) bool {
	return bytes.Contains(data, []byte(`"hydrant"`)) || bytes.Contains(data, []byte(`\u`))
}

func isEnvelope(value []byte) bool {
	if value[0] != '{' {
		return false
	}
	for name := range members(value) {
		if string(unquote(name)) == "hydrant" {
			return true
		}
	}
	return false
}

func readEnvelope(object []byte) (envelope, error) {
	var e envelope
	var unknown map[string]struct{}
	for name, value := range members(object) {
		name = unquote(name)
		place := e.member(name)
		if place == nil {
			if _, seen := unknown[string(name)]; seen {
				return e, &Fault{InvalidEnvelope, "a duplicate member"}
			}
			if unknown == nil {
				unknown = make(map[string]struct{})
			}
			unknown[string(name)] = struct{}{}
			continue
		}
		if *place != nil {
			return e, &Fault{InvalidEnvelope, "a duplicate member"}
		}
		*place = value
	}
	return e, e.check()
}

func (e *envelope) check() error {
	switch attempt, ok := integer(e.attempt); {
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
	for c := (cursor{text: array, left: 1}); c.next(); {
		id := text(c.value())
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
	return string(unquote(value))
}

// unquote returns what a JSON string says: a part of it where nothing is escaped, else a copy.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if plain(inner) {
		return inner
	}
	// The error tells of ill-formed UTF-8, which has become U+FFFD in the copy.
	copied, _ := jsontext.AppendUnquote(nil, quoted)
	return copied
}

func plain(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
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
