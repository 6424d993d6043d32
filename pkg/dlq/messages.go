package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// batchResponse is a partial batch response ("Handling errors for an SQS event source in Lambda", AWS Lambda Developer Guide).
type batchResponse struct {
	Failures []itemFailure `json:"batchItemFailures"`
}

type itemFailure struct {
	ID string `json:"itemIdentifier"`
}

// messages deals with a batch. What is not reported as failed, SQS deletes.
func (j *job) messages(work, whole context.Context, batch []message) ([]byte, error) {
	response := batchResponse{Failures: []itemFailure{}}
	j.report.Messages = len(batch)
	for _, m := range batch {
		if err := j.message(work, whole, m); err != nil {
			j.report.Failed++
			response.Failures = append(response.Failures, itemFailure{m.ID})
			j.recorder.Problem(whole, Problem{Doing: "a message of the queue, which will be delivered again", Message: m.ID, Err: err})
		}
	}
	return json.Marshal(response)
}

// message does all that a message stands for. Where it names several objects, one that fails does not keep the others back.
func (j *job) message(work, whole context.Context, m message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			j.report.Panics++
			err = fmt.Errorf("panic: %s", kind(p))
			j.recorder.Problem(whole, Problem{Doing: "a message", Message: m.ID, Err: err, Stack: string(debug.Stack())})
		}
	}()
	all, err := parseBody(m.Body)
	if err != nil {
		return err
	}
	var errs []error
	for i := range all {
		if err := j.object(work, whole, &all[i]); err != nil {
			errs = append(errs, fmt.Errorf("object %s in %s: %w", all[i].Key, all[i].Bucket, err))
		}
	}
	return errors.Join(errs...)
}

// object deals with the lines of one error object.
func (j *job) object(work, whole context.Context, l *lines) error {
	if j.timeIsOver() {
		return errNoTime
	}
	for _, prefix := range []string{j.settings.Quarantine, j.settings.Redriven} {
		if strings.HasPrefix(l.Key, prefix) {
			return errors.New("it is hydrant's own, not an error object of Firehose's: look at the bucket's notifications")
		}
	}
	p := newPass(j, l)
	err := p.run(work)
	if errors.Is(err, ErrNotFound) {
		// Lifecycle rules or somebody have deleted it: there is nothing that another delivery could find.
		j.report.Gone++
		j.recorder.Problem(whole, Problem{Doing: "an error object that is not there any more", Object: l.Key, Err: ErrNotFound})
		return nil
	}
	if err == nil {
		return p.handOver(whole)
	}
	// What was done stays done if the rest can be left to a message of its own; if nothing was, SQS counts the failure.
	if !p.advanced() {
		return err
	}
	if !errors.Is(err, errNoTime) {
		j.recorder.Problem(whole, Problem{Doing: "an error object, whose rest is tried again", Object: l.Key, Line: p.done.line + 1, Err: err})
	}
	j.report.Handed++
	return errors.Join(p.handOver(whole), p.leaveRest(whole))
}

// kind says what a panic was about. Only the runtime's own words are safe: another value may hold an event.
func kind(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}
