package transform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/record"
)

// run is one batch on its way.
type run struct {
	*Transform
	batch Batch
	data  []byte // of the record at hand, as its rows are
	rows  []byte
}

// record puts the record's rows into r.rows, at most room bytes of them, and says whether the record is good.
func (r *run) record(ctx context.Context, in *firehose.Record, room int) (good bool) {
	defer func() {
		if p := recover(); p != nil {
			good = r.fail(in, event.Panicked)
			r.recorder.Panic(ctx, kind(p), debug.Stack())
		}
	}()
	data, ok := in.Data(r.data)
	switch {
	case !ok:
		return r.fail(in, event.NotBase64)
	case len(in.ID) <= len(`""`):
		return r.fail(in, event.NoRecordID)
	}
	r.data = data
	// Rows are somewhat larger than events. To let them grow bit by bit would take several times the memory.
	r.rows = slices.Grow(r.rows[:0], min(room, len(data)/4*5+1<<10))
	rec, err := record.Open(data, source(in))
	if err != nil {
		fault, _ := errors.AsType[*record.Fault](err) // Open returns no other
		return r.fail(in, event.Reason(fault.Reason))
	}
	return r.events(in, &rec, room)
}

// events judges all of a record's events, also behind a bad one: each is to be counted.
func (r *run) events(in *firehose.Record, rec *record.Record, room int) bool {
	good := true
	origin := event.Origin{
		ReceivedAt: rec.ReceivedAt,
		Producer:   rec.Producer,
		RequestID:  rec.RequestID,
		Attempt:    rec.Attempt,
	}
	n := 0
	for i, data := range rec.Events() {
		origin.EventID = rec.EventID(i)
		var outcome event.Outcome
		r.rows, outcome = r.judge.AppendRow(r.rows, data, origin)
		r.batch.count(&outcome)
		n++
		for _, rejection := range outcome.Rejections {
			good = false
			r.batch.reject(Sample{outcome.Type, rejection, 0, in.ID, in.Sequence, rec.RequestID, rec.Index, i})
		}
		if !good {
			r.rows = r.rows[:0]
		}
		if len(r.rows) > room {
			return r.fail(in, event.AnswerFull) // without growing the rows any further
		}
	}
	if good {
		r.batch.Rows += n
	}
	return good
}

// fail notes why a whole record fails.
func (r *run) fail(in *firehose.Record, why event.Reason) bool {
	r.batch.reject(Sample{Rejection: event.Rejection{Reason: why}, RecordID: in.ID, Sequence: in.Sequence, Index: -1})
	return false
}

// source is where Kinesis has the record. A record without a sequence number (a Firehose stream that has no Kinesis
// stream as source) is told from others by its record id, which Firehose repeats when it sends a batch again.
func source(in *firehose.Record) record.Source {
	s := record.Source{Shard: in.Shard, Sequence: in.Sequence, Subsequence: in.Subsequence, ArrivedAt: in.ArrivedAt}
	if s.Sequence == "" {
		s.Sequence = string(in.ID)
	}
	return s
}

// kind says what a panic was about. Only the runtime's own words are safe: another value may hold an event.
func kind(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}
