package event

// Reason says why an event, or a record of events, was refused. The list is closed and its codes never change: they are a metric's dimension,
// a column of the quarantine and what a producer's client may switch on.
type Reason string

// The reasons. Each has its sentence in Reasons.
const (
	Missing         Reason = "missing"
	WrongType       Reason = "wrong_type"
	OutOfRange      Reason = "out_of_range"
	TooLong         Reason = "too_long"
	TooShort        Reason = "too_short"
	TooMany         Reason = "too_many"
	TooFew          Reason = "too_few"
	InvalidFormat   Reason = "invalid_format"
	NotAllowed      Reason = "not_allowed"
	InFuture        Reason = "in_future"
	DuplicateName   Reason = "duplicate_name"
	TooDeep         Reason = "too_deep"
	UnknownType     Reason = "unknown_type"
	InvalidJSON     Reason = "invalid_json"
	Empty           Reason = "empty"
	InvalidEnvelope Reason = "invalid_envelope"
)

// A ReasonText is a reason with the sentence that explains it to a producer.
type ReasonText struct {
	Reason   Reason
	Sentence string
}

// Reasons returns the closed list, in the order in which documentation shows it.
func Reasons() []ReasonText {
	return []ReasonText{
		{Missing, "A required field is absent or null, or an element of a list is null."},
		{WrongType, "The value is of another JSON type than the field; integers are written without point or exponent."},
		{OutOfRange, "The number or the time lies outside the field's range, or does not fit its column."},
		{TooLong, "The text has more characters than the field takes."},
		{TooShort, "The text has fewer characters than the field needs."},
		{TooMany, "The list or the object has more members than the field takes."},
		{TooFew, "The list or the object has fewer members than the field needs."},
		{InvalidFormat, "The value is not in the form that the field's rule asks for: a URL, a language, a code, an RFC 3339 time, ..."},
		{NotAllowed, "The value is none of those that the field takes."},
		{InFuture, "The event says that it happened too long after it was received."},
		{DuplicateName, "One object has two members of the same name."},
		{TooDeep, "Objects and arrays are nested more than 32 levels deep, counted from the event."},
		{UnknownType, "No event type of the catalogue has this name."},
		{InvalidJSON, "The text is no JSON, or has something behind its one value."},
		{Empty, "There is no event in it."},
		{InvalidEnvelope, "The record says that it is hydrant's own, but is not made as hydrant makes them."},
	}
}
