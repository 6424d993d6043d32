// Package dlq decides what becomes of every record that Firehose could not deliver: it goes round again, or it is quarantined with reasons.
//
// # Inputs
//
// An invocation brings messages of the function's queue, a piece of Firehose's error log, or an operator's [RedriveRequest]; they are told
// apart by their shape. A message of the queue is a notification of S3 about an error object, or a [lines] message that the function has sent
// itself: lines of an error object that were to wait.
//
// # Why nothing is lost
//
// The error object holds the only copy of its records; nothing here deletes or changes it. It is read in chunks, whose ends follow from its
// bytes alone. The order of writes for a chunk is
//
//  1. the quarantine objects of its quarantined events, under keys that are digests of what is in them and only if there are none;
//  2. its records to the stream, until each one is acknowledged;
//
// and for the lines read by one message, when their last chunk is done
//
//  3. messages to the queue: for the lines that have to wait, and for the rest of the object if time ran out;
//  4. the message itself is reported as done.
//
// SQS keeps a message that is not reported as done and delivers it again. So whatever ends the work between two of these writes, the message
// is there, all that it stands for is done again from its beginning, and every line ends in 1, 2 or 3 at least once: a line that was done is
// done twice, and a line that was not is done. The second time,
// 1 writes the same key again, which changes nothing, or, if what is decided has changed (a deployment between the two), another key; 2 sends
// copies with the same event ids; 3 makes a line due twice, with the same effect. Copies do not breed: an attempt is counted in the record and
// sent with one more than it came with, and beyond the bound there is no further one.
//
// The same holds for a redrive, where the quarantine object is what is kept, and the marker, which says that rows went, is written behind
// their acknowledgement.
package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hydrant/pkg/event"
)

// Settings are what a deployment may choose.
type Settings struct {
	Bucket     string
	Quarantine string // the prefix of quarantine objects, with a slash at its end
	Redriven   string // the prefix of the marker objects of redrives, likewise
	// MaxAttempts bounds how often a record is sent round again.
	MaxAttempts int
	// RecordsPerSecond is the pace of one process: the event source's MaximumConcurrency multiplies it.
	RecordsPerSecond int
}

// Judge is *[event.Judge].
type Judge interface {
	AppendRow(dst, data []byte, o event.Origin) ([]byte, event.Outcome)
	Restore(row []byte) (data []byte, o event.Origin, ok bool)
}

// DLQ is safe for concurrent use if what it was made of is.
type DLQ struct {
	settings Settings
	judge    Judge
	objects  Objects
	stream   Stream
	queue    Queue
	recorder Recorder
	pace     *pace
}

// New returns a DLQ. Its error says which setting makes no sense.
func New(s Settings, judge Judge, objects Objects, stream Stream, queue Queue, recorder Recorder) (*DLQ, error) {
	var errs []error
	for name, prefix := range map[string]string{"quarantine": s.Quarantine, "redriven": s.Redriven} {
		if len(prefix) < 2 || prefix[len(prefix)-1] != '/' {
			errs = append(errs, fmt.Errorf("the %s prefix has to be a name and a slash: %q", name, prefix))
		}
	}
	if s.MaxAttempts < 0 || s.MaxAttempts > 1000 {
		errs = append(errs, fmt.Errorf("attempts from 0 to 1000, not %d", s.MaxAttempts))
	}
	if s.RecordsPerSecond < 1 {
		errs = append(errs, fmt.Errorf("at least one record per second, not %d", s.RecordsPerSecond))
	}
	d := &DLQ{s, judge, objects, stream, queue, recorder, &pace{perSecond: s.RecordsPerSecond}}
	return d, errors.Join(errs...)
}

// Invoke answers an invocation. It is the one method of a Lambda handler of bytes. An error is about the input as a whole: it is none of
// those that are expected, or a redrive or a log could not be dealt with. Messages that were not finished are reported in the answer.
func (d *DLQ) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	in, err := parseInput(payload)
	if err != nil {
		return nil, err
	}
	job := &job{DLQ: d, report: newReport(in.kind())}
	job.limit(ctx)
	work, cancel := job.workContext(ctx)
	defer cancel()
	var answer []byte
	switch {
	case in.messages != nil:
		answer, err = job.messages(work, ctx, in.messages)
	case in.redrive != nil:
		answer, err = job.redrive(work, *in.redrive)
	default:
		answer, err = []byte("{}"), job.errorLog(in.log)
	}
	d.recorder.Report(ctx, job.report)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// job is one invocation.
type job struct {
	*DLQ
	report Report
	// begin is until when another chunk may be begun, finish until when one has to be done; the rest is for handing over.
	begin, finish time.Time
}

// The times that are kept back of an invocation's. Shorter ones than two minutes keep back a share of it.
const (
	reserveChunk = 20 * time.Second // to finish the chunk that is being worked on
	reserveHand  = 5 * time.Second  // to hand over what is not done
)

// limit divides the remaining time. A context without a deadline has no limits.
func (j *job) limit(ctx context.Context) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return
	}
	left := time.Until(deadline)
	j.finish = deadline.Add(-min(reserveHand, left/20))
	j.begin = j.finish.Add(-min(reserveChunk, left/5))
}

// workContext ends while there still is time to hand over.
func (j *job) workContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if j.finish.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, j.finish)
}

var errNoTime = errors.New("the invocation's time is over")

// timeIsOver reports whether it is too late to begin another chunk.
func (j *job) timeIsOver() bool { return !j.begin.IsZero() && !time.Now().Before(j.begin) }
