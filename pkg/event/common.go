package event

// common are the fields that every type has.
type common struct {
	Type          string    `json:"type" validate:"required" doc:"What kind of event it is: a name of the catalogue."`
	EventID       string    `json:"event_id" validate:"min=1,max=64,identifier" doc:"Identifies the event: copies of one event have one id."`
	OccurredAt    Timestamp `json:"occurred_at" validate:"not_after_receipt=24h" doc:"When it happened; when it was received, if its producer did not say."`
	UserID        string    `json:"user_id" validate:"min=1,max=128" doc:"Who it happened to."`
	SessionID     string    `json:"session_id" validate:"min=1,max=128" doc:"The session that it happened in."`
	SchemaVersion int32     `json:"schema_version" default:"1" validate:"min=1,max=1000" doc:"The producer's version of the type."`
	Test          bool      `json:"test" default:"false" doc:"Whether it is a test, not the real thing."`
}

// provenance are the columns that hydrant sets and no producer can: a member of one of these names goes to extra.
type provenance struct {
	ReceivedAt Timestamp `json:"received_at" doc:"When it arrived at the API, or at the stream if it was written there directly."`
	Producer   string    `json:"producer" doc:"Who sent it: the authorizer's principal, the IAM role or user, anonymous, or direct."`
	RequestID  string    `json:"request_id" doc:"The RequestId of the answer that the producer got; none if it was written to the stream directly."`
	Attempt    int32     `json:"attempt" doc:"How often it had been sent round again."`
	Extra      string    `json:"extra" doc:"A JSON object of the members that the type does not know."`
}

// The fields of common and provenance that code sets or asks for: their places in every plan, since every type begins with these two.
const (
	fieldType = iota
	fieldEventID
	fieldOccurredAt
	_ // user_id
	_ // session_id
	_ // schema_version
	_ // test
	fieldReceivedAt
	fieldProducer
	fieldRequestID
	fieldAttempt
	fieldExtra
)

// dynamicDefaults are, in words for documentation, what common fields become that are absent and have no default tag: see fill.
var dynamicDefaults = map[string]string{
	"event_id":    "an id derived from the event's place in the stream",
	"occurred_at": "the time of receipt",
}

// Origin is what an event does not say itself: where its record came from.
type Origin struct {
	ReceivedAt int64  // Unix milliseconds, of the years 2000-2100
	Producer   string // who sent it
	RequestID  string // "" is absent: a record that was written to the stream directly has none
	Attempt    int    // how often it was sent round again, 0 or more
	EventID    string // the id that the event has if it does not bring a valid one itself
}
