package event

// Reason says why an event, or a whole record of events, was refused. The list is closed and its codes never change: they are a metric's
// dimension, a column of the quarantine and what a producer's client may switch on.
type Reason string

// The reasons for which an event is refused. Each has its sentence in Reasons.
const (
	Missing       Reason = "missing"
	WrongType     Reason = "wrong_type"
	OutOfRange    Reason = "out_of_range"
	TooLong       Reason = "too_long"
	TooShort      Reason = "too_short"
	TooMany       Reason = "too_many"
	TooFew        Reason = "too_few"
	InvalidFormat Reason = "invalid_format"
	NotAllowed    Reason = "not_allowed"
	InFuture      Reason = "in_future"
	DuplicateName Reason = "duplicate_name"
	TooDeep       Reason = "too_deep"
	UnknownType   Reason = "unknown_type"
)

// The reasons for which a whole record is refused, whatever events are in it. Package record, which knows nothing of this one, says the
// first three in the same words.
const (
	InvalidJSON     Reason = "invalid_json"
	Empty           Reason = "empty"
	InvalidEnvelope Reason = "invalid_envelope"
	NotBase64       Reason = "not_base64"
	NoRecordID      Reason = "no_record_id"
	AnswerFull      Reason = "answer_full"
	Panicked        Reason = "panic"
)

// A ReasonText is a reason with the sentence that explains it.
type ReasonText struct {
	Reason   Reason
	Record   bool // it is about a whole record, not one event
	Sentence string
}

// Reasons returns the closed list, in the order in which documentation shows it.
func Reasons() []ReasonText {
	return []ReasonText{
		{Missing, false, "A required field is absent or null, or an element of a list is null."},
		{WrongType, false, "The value is of another JSON type than the field; integers are written without point or exponent."},
		{OutOfRange, false, "The number or the time lies outside the field's range, or does not fit its column."},
		{TooLong, false, "The text has more characters than the field takes."},
		{TooShort, false, "The text has fewer characters than the field needs."},
		{TooMany, false, "The list or the object has more members than the field takes."},
		{TooFew, false, "The list or the object has fewer members than the field needs."},
		{InvalidFormat, false, "The value is not in the form that the field's rule asks for: a URL, a language, a code, an RFC 3339 time, ..."},
		{NotAllowed, false, "The value is none of those that the field takes."},
		{InFuture, false, "The event says that it happened too long after it was received."},
		{DuplicateName, false, "One object has two members of the same name."},
		{TooDeep, false, "Objects and arrays are nested more than 32 levels deep, counted from the event."},
		{UnknownType, false, "No event type of the catalogue has this name."},
		{InvalidJSON, true, "The text is no JSON."},
		{Empty, true, "There is no event in it."},
		{InvalidEnvelope, true, "The record says that it is hydrant's own, but is not made as hydrant makes them."},
		{NotBase64, true, "Firehose sent the record without data, or with data that is no base64."},
		{NoRecordID, true, "Firehose sent the record without an id, so there is no telling which record a row would belong to."},
		{AnswerFull, true, "Its rows no longer fit the answer to Firehose. The events may all be valid: the record itself is kept in Firehose's error output."},
		{Panicked, true, "Judging it made the program panic. That is a mistake in hydrant; the log has the stack."},
	}
}
