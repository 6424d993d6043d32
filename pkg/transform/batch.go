package transform

import (
	"context"

	"hydrant/pkg/event"
)

// Recorder is told what was done. None of what it gets holds a value of an event's; but a rejection's field may have a name that its producer
// has made up, in a map or beside the fields of the type.
type Recorder interface {
	// Batch is called once for each answer.
	Batch(ctx context.Context, b Batch)
	// Panic is called when reading a record panicked: kind says what with, stack where.
	Panic(ctx context.Context, kind string, stack []byte)
}

// Batch counts what became of a batch.
type Batch struct {
	Records, Ok, Failed int
	Events              int                  // judged; a record that could not be read has none
	Rows                int                  // answered; the valid events of failed records are not among them
	UnknownFields       int                  // fields that their event's type does not know
	Types               map[string]Count     // judged events by type; "" is an event without a type of the catalogue
	Reasons             map[event.Reason]int // rejections of events, and of whole records
	Samples             []Sample             // of rejections, no two alike; at most MaxSamples
	BytesIn, BytesOut   int
}

// MaxSamples bounds what a batch of nothing but rejections costs.
const MaxSamples = 20

// Sample is a rejection, and where the first one like it was: with the same type, field, rule and reason.
type Sample struct {
	Type string // of the event, "" when unknown or when it is a whole record that was refused
	event.Rejection
	Count int

	RecordID  []byte // Firehose's, a JSON string
	Sequence  string // of the record in the Kinesis stream, "" without one
	RequestID string // in which the record came to the API, "" if it was written to the stream directly
	Index     int    // the record's place in that request, -1 if it is not known
	Event     int    // the event's place in the record
}

// Count counts a type's events.
type Count struct{ Valid, Invalid int }

func newBatch(records, bytes int) Batch {
	return Batch{Records: records, BytesIn: bytes, Types: make(map[string]Count)}
}

func (b *Batch) count(o *event.Outcome) {
	b.Events++
	b.UnknownFields += o.Unknown
	c := b.Types[o.Type]
	if len(o.Rejections) == 0 {
		c.Valid++
	} else {
		c.Invalid++
	}
	b.Types[o.Type] = c
}

// reject counts a rejection like s.
func (b *Batch) reject(s Sample) {
	if b.Reasons == nil { // most batches have none
		b.Reasons = make(map[event.Reason]int)
	}
	b.Reasons[s.Reason]++
	for i := range b.Samples {
		if known := &b.Samples[i]; known.Rejection == s.Rejection && known.Type == s.Type {
			known.Count++
			return
		}
	}
	if len(b.Samples) < MaxSamples {
		s.Count = 1
		b.Samples = append(b.Samples, s)
	}
}
