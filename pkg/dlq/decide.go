package dlq

import (
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
)

// The reasons of the quarantine that are not about an event: each is the Reason of a row's one rejection. With package event's they are
// metric dimensions and a column, so the list is closed.
const (
	AttemptsExhausted event.Reason = "attempts_exhausted"
	NotRetryable      event.Reason = "not_retryable"
	UnknownCode       event.Reason = "unknown_code"
	TooLarge          event.Reason = "too_large"
	NoErrorLine       event.Reason = "no_error_line"
)

// Reasons returns the list of those, for documentation.
func Reasons() []event.ReasonText {
	return []event.ReasonText{
		{Reason: AttemptsExhausted, Record: true, Sentence: "It was sent round as often as it may be, and failed each time."},
		{Reason: NotRetryable, Record: true, Sentence: "It would meet with the same error again, whenever it was sent."},
		{Reason: UnknownCode, Record: true, Sentence: "Firehose failed it with an error code that hydrant does not know; such a code counts as permanent."},
		{Reason: TooLarge, Record: true, Sentence: "With the envelope that it travels in, it is larger than what the stream and Firehose take."},
		{Reason: NoErrorLine, Record: true, Sentence: "The line of the error object is not one as Firehose writes them; the line itself is kept."},
	}
}

// found is what the current catalogue says of an event, or of a whole record where that is all there is.
type found int

const (
	valid found = iota
	invalid
	unreadable // no JSON, no event in it, a broken envelope, a panic: nothing that another attempt or another catalogue would change
)

// situation is all that a decision depends on.
type situation struct {
	code        firehose.Code
	attempt     int // that the record came with
	maxAttempts int
	found       found
	fits        bool // within what the stream and Firehose take
}

// decision is what becomes of an event.
type decision struct {
	round   bool          // it goes round again: as
	attempt int           // this one,
	delay   time.Duration // that long after it failed

	// It is quarantined: for this reason, or, if there is none, for those that the catalogue gave.
	reason event.Reason
}

// decide is the one place where it is decided what becomes of an event that Firehose could not deliver.
func decide(s situation) decision {
	switch {
	case s.found == unreadable:
		return decision{}
	case !s.code.Known:
		return decision{reason: UnknownCode}
	case s.code.Remedy == firehose.Keep:
		return decision{reason: NotRetryable}
	case s.code.Remedy == firehose.Judge && s.found == invalid:
		return decision{}
	case s.attempt >= s.maxAttempts:
		return decision{reason: AttemptsExhausted}
	case !s.fits:
		return decision{reason: TooLarge}
	}
	next := s.attempt + 1
	return decision{round: true, attempt: next, delay: delay(next)}
}

// delays are how long each attempt waits; those behind the last wait as long as it. Six of them are 51 minutes, so that an outage of half an
// hour passes without a quarantined event, and 15 minutes are what SQS delays a message at most (DelaySeconds).
var delays = []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute}

func delay(attempt int) time.Duration { return delays[min(attempt, len(delays))-1] }
