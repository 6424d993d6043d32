// Package record reads what travels in the Kinesis stream: events, and the envelope that says where they came from.
//
// An envelope is a JSON object with a member hydrant, written by the API's mapping template or by the dlq function:
//
//	{"hydrant":1, "request_id":"…", "index":0, "received_at":1732269600123, "producer":"…", "attempt":0,
//	 "event_ids":["…"], "data":<the events>}        or "raw":"<base64 of bytes that stay untouched>" in place of data
//
// Anything else is a bare record, put into the stream by a producer itself: one event, an array of events, or several
// JSON values one after the other. What an event is, and whether it is a good one, is not known here.
package record

// Direct is the producer of bare records, Anonymous that of an envelope which names none.
const (
	Direct    = "direct"
	Anonymous = "anonymous"
)

// Source is what Kinesis knows of a record.
type Source struct {
	Shard, Sequence string
	Subsequence     int64 // the place in a record that the Kinesis Producer Library aggregated
	ArrivedAt       int64 // Unix milliseconds
}

// Record is one stream record, opened.
type Record struct {
	RequestID  string // the RequestId of the answer that the producer got; "" is absent
	Index      int    // the place in its PutRecords request; -1 is absent
	ReceivedAt int64  // Unix milliseconds
	Producer   string
	Attempt    int      // how often it was sent round again
	EventIDs   []string // parallel to the events; "" where there is no valid id
	Direct     bool     // a bare record

	source Source
	events []byte // JSON values one after the other, known to be valid
	values int    // how many
}

// Fault says why a record could not be opened. Neither field holds anything of the record.
type Fault struct {
	Reason string // InvalidEnvelope, InvalidJSON or Empty
	Detail string
}

// The reasons of a [Fault]: metric dimensions and log fields, so a closed list.
const (
	InvalidEnvelope = "invalid_envelope"
	InvalidJSON     = "invalid_json"
	Empty           = "empty"
)

func (f *Fault) Error() string { return f.Reason + ": " + f.Detail }
