package transform

import (
	"context"

	"hydrant/pkg/event"
)

// Recorder is told what was done. None of what it gets holds anything of an event's content.
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
	BytesIn, BytesOut   int
}

// Count counts a type's events.
type Count struct{ Valid, Invalid int }

func newBatch(records, bytes int) Batch {
	return Batch{Records: records, BytesIn: bytes, Types: make(map[string]Count), Reasons: make(map[event.Reason]int)}
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
	for _, r := range o.Rejections {
		b.Reasons[r.Reason]++
	}
}
