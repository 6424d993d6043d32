// Package transform answers a Firehose batch: one verdict per record, same ids, same order, whatever the input.
//
// A record whose events are all valid is Ok, and its data is one row a line. A record with an invalid event, or without
// any, is ProcessingFailed; Firehose keeps the original in its error output, where the dlq function takes the good
// events from it. The transform is pure: it reads no clock, no network and no state, so that a batch which Firehose
// sends again is answered the same.
package transform

import (
	"context"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
)

// Judge says what becomes of an event; it is *[event.Judge].
type Judge interface {
	// AppendRow appends the event's row to dst if the event is valid, and leaves dst as it was if it is not.
	AppendRow(dst, data []byte, o event.Origin) ([]byte, event.Outcome)
}

// Transform is safe for concurrent use if its judge and its recorder are.
type Transform struct {
	judge    Judge
	recorder Recorder
	limit    int // bytes of an answer
}

// New returns a Transform that tells the recorder what it did.
func New(judge Judge, recorder Recorder) *Transform {
	return &Transform{judge: judge, recorder: recorder, limit: firehose.AnswerLimit}
}

// Invoke answers the request in payload. It is the one method of a Lambda handler of bytes. An error is about the whole
// batch, which Firehose then sends again: the payload is no request, or has more records than an answer can hold.
func (t *Transform) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	request, err := firehose.ParseRequest(payload)
	if err != nil {
		return nil, err
	}
	answer, err := firehose.NewAnswer(request.Records, t.limit)
	if err != nil {
		return nil, err
	}
	r := run{Transform: t, batch: newBatch(len(request.Records), len(payload))}
	for i := range request.Records {
		if r.record(ctx, &request.Records[i], answer.Room()) {
			r.batch.Ok++
			answer.Ok(r.rows)
		} else {
			r.batch.Failed++
			answer.Fail()
		}
	}
	bytes := answer.Bytes()
	r.batch.BytesOut = len(bytes)
	t.recorder.Batch(ctx, r.batch)
	return bytes, nil
}
