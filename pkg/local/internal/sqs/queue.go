package sqs

import (
	"container/heap"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// Queue is one queue of the template. It is safe for concurrent use.
type Queue struct {
	service *Service
	config  QueueConfig

	mu       sync.Mutex
	log      *recordlog.Log
	messages map[string]*entry
	order    dues
	bytes    int64         // of the messages' bodies and attributes
	tidyAt   int64         // the log's size at which it may be worth tidying
	changed  chan struct{} // closed when a message may have become due
	counts   counts
}

type counts struct{ sent, received, deleted, moved, expired int64 }

// Sending is what a sender says of a message.
type Sending struct {
	Body       string
	Delay      *time.Duration // nil: the queue's own
	Attributes map[string]Attribute
	Trace      string // AWSTraceHeader
}

// Config answers the queue's properties.
func (q *Queue) Config() QueueConfig { return q.config }

// scaled is how long a time that SQS counts lasts here.
func (q *Queue) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / q.service.config.TimeScale)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Send stores a message and answers its id. The error is a *fault where the message is at fault.
func (q *Queue) Send(s Sending) (id string, err error) {
	ids, err := q.sendAll([]Sending{s})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// sendAll stores messages in one write: all of them or none.
func (q *Queue) sendAll(all []Sending) ([]string, error) {
	now := time.Now()
	headers, bodies := make([]header, len(all)), make([]string, len(all))
	for i, s := range all {
		if err := q.check(&s); err != nil {
			return nil, err
		}
		delay := q.config.Delay
		if s.Delay != nil {
			delay = *s.Delay
		}
		headers[i] = header{state: state{Due: now.Add(q.scaled(delay)).UnixMilli()}, Sent: now.UnixMilli(), Attributes: s.Attributes, Trace: s.Trace}
		bodies[i] = s.Body
	}
	ids := make([]string, len(all))
	for i := range ids {
		ids[i] = newID()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.store(ids, headers, bodies); err != nil {
		return nil, err
	}
	q.counts.sent += int64(len(all))
	return ids, nil
}

// check refuses what SendMessage refuses, and cleans the body.
func (q *Queue) check(s *Sending) (err error) {
	if s.Body == "" {
		return missingParameter("MessageBody")
	}
	if q.config.Private {
		return nil
	}
	if s.Delay != nil && (*s.Delay < 0 || *s.Delay > MaxDelay) {
		return invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", int64(s.Delay.Seconds()))
	}
	if err := checkAttributes(s.Attributes); err != nil {
		return err
	}
	if s.Body, err = cleanBody(s.Body); err != nil {
		return err
	}
	return q.config.limit(s.Body, s.Attributes)
}

// store writes messages and wakes those who wait for them. The lock is held.
func (q *Queue) store(ids []string, headers []header, bodies []string) error {
	records := make([]recordlog.Entry, len(ids))
	for i := range ids {
		var err error
		if records[i], err = encodeMessage(headers[i], ids[i], bodies[i]); err != nil {
			return err
		}
	}
	at, err := q.log.AppendAt(time.Now().UnixMilli(), records...)
	if err != nil {
		return err
	}
	for i, h := range headers {
		q.add(&entry{state: h.state, id: ids[i], sent: h.Sent, at: at, size: len(bodies[i]) + attributesSize(h.Attributes)})
		at.Index++
		at.Offset += recordlog.FrameBytes(records[i])
	}
	q.wake()
	return q.tidy()
}

func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Receiving is how a consumer wants messages.
type Receiving struct {
	Max        int
	MaxBytes   int            // of bodies and attributes; 0: any. One message is answered however large
	Visibility *time.Duration // nil: the queue's own
	Wait       time.Duration  // for the first message
}

// Receive answers messages that are due, and hides them for the visibility timeout. None: the wait is over.
func (q *Queue) Receive(ctx context.Context, r Receiving) ([]Message, error) {
	deadline := time.Now().Add(r.Wait)
	for {
		q.mu.Lock()
		messages, dead, err := q.take(r)
		q.mu.Unlock()
		err = errors.Join(err, q.bury(dead))
		if err != nil || len(messages) > 0 {
			return messages, err
		}
		if wait := time.Until(deadline); wait <= 0 {
			return nil, nil
		} else if due, err := q.Await(ctx, wait); err != nil || !due {
			return nil, err
		}
	}
}

func (q *Queue) nextDue() (time.Time, bool) {
	if len(q.order) == 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(q.order[0].Due), true
}

// take picks what is due: messages to be answered, and dead letters, which their redrive policy sends elsewhere. The lock is held.
func (q *Queue) take(r Receiving) (_ []Message, dead []*entry, err error) {
	now := time.Now().UnixMilli()
	var picked []*entry
	size := 0
	for len(picked) < r.Max && len(q.order) > 0 && q.order[0].Due <= now {
		e := q.order[0]
		switch {
		case q.expired(e, now):
			if err := q.drop(e); err != nil {
				return nil, nil, err
			}
			q.counts.expired++
			continue
		case q.config.DeadLetterARN != "" && e.Receives >= q.config.MaxReceiveCount:
			// Out of sight while it moves; if that fails it is tried again.
			e.Due = now + burialTime.Milliseconds()
			heap.Fix(&q.order, 0)
			dead = append(dead, e)
			continue
		}
		if size += e.size; r.MaxBytes > 0 && size > r.MaxBytes && len(picked) > 0 {
			break
		}
		heap.Pop(&q.order)
		picked = append(picked, e)
	}
	messages, err := q.hide(picked, r.Visibility, now)
	for _, e := range picked {
		heap.Push(&q.order, e)
	}
	return messages, dead, err
}

// burialTime is how long a dead letter is out of sight while it moves.
const burialTime = 5 * time.Second

// hide notes that messages are received, and reads them. The lock is held, and the messages are not in the order.
func (q *Queue) hide(picked []*entry, visibility *time.Duration, now int64) (messages []Message, err error) {
	timeout := q.config.Visibility
	if visibility != nil {
		timeout = *visibility
	}
	before := make([]state, len(picked))
	for i, e := range picked {
		before[i] = e.state
	}
	defer func() {
		if err != nil {
			messages = nil
			for i, e := range picked {
				e.state = before[i]
			}
		}
	}()
	records := make([]recordlog.Entry, len(picked))
	for i, e := range picked {
		e.Receives++
		e.Due = now + q.scaled(timeout).Milliseconds()
		if e.First == 0 {
			e.First = now
		}
		h, body, err := q.load(e)
		if err != nil {
			return nil, err
		}
		if records[i], err = encodeState(e); err != nil {
			return nil, err
		}
		messages = append(messages, Message{
			ID: e.id, Body: body, ReceiptHandle: q.handle(e), Attributes: h.Attributes, Trace: h.Trace, Source: h.Source,
			Sent: h.Sent, FirstReceived: e.First, Receives: e.Receives,
		})
	}
	if len(records) == 0 {
		return nil, nil
	}
	if _, err := q.log.Append(now, records...); err != nil {
		return nil, err
	}
	q.counts.received += int64(len(messages))
	return messages, nil
}

func (q *Queue) expired(e *entry, now int64) bool {
	return now-e.sent > q.config.Retention.Milliseconds()
}

// drop removes a message for good. The lock is held.
func (q *Queue) drop(e *entry) error {
	if _, err := q.log.Append(time.Now().UnixMilli(), recordlog.Entry{Key: opDelete + e.id}); err != nil {
		return err
	}
	q.remove(e)
	return q.tidy()
}

// bury moves messages to the dead-letter queue. They keep their ids and the time at which they were sent, from which the other queue's
// retention counts ("Setting-up dead-letter queue retention"). A process that is killed between the two writes leaves a message in both.
func (q *Queue) bury(dead []*entry) error {
	if len(dead) == 0 {
		return nil
	}
	grave := q.service.ByARN(q.config.DeadLetterARN)
	for _, e := range dead {
		q.mu.Lock()
		h, body, err := q.load(e)
		q.mu.Unlock()
		if err != nil {
			return err
		}
		h.Source = q.config.ARN
		h.state = state{Due: time.Now().UnixMilli()}
		grave.mu.Lock()
		if grave.messages[e.id] == nil {
			err = grave.store([]string{e.id}, []header{h}, []string{body})
			grave.counts.sent++
		}
		grave.mu.Unlock()
		if err != nil {
			return err
		}
		q.mu.Lock()
		if q.messages[e.id] == e {
			err = q.drop(e)
			q.counts.moved++
		}
		q.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// handle is the receipt of a message's latest receive.
func (q *Queue) handle(e *entry) string {
	return base64.StdEncoding.EncodeToString([]byte(q.config.Name + "\n" + e.id + "\n" + strconv.Itoa(e.Receives)))
}

// find answers the message of a receipt handle, nil if it is gone or was received again since: SQS may then ignore a delete, and to
// ignore it loses nothing.
func (q *Queue) find(handle string) (*entry, error) {
	text, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(text), "\n")
	if err != nil || len(parts) != 3 || parts[0] != q.config.Name {
		return nil, &fault{"ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid."}
	}
	e := q.messages[parts[1]]
	if e == nil || strconv.Itoa(e.Receives) != parts[2] {
		return nil, nil
	}
	return e, nil
}

// Delete removes the message of a receipt handle, which need not be there any more.
func (q *Queue) Delete(handle string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.find(handle)
	if err != nil || e == nil {
		return err
	}
	q.counts.deleted++
	return q.drop(e)
}

// ChangeVisibility has a message that is in flight be due after the given time from now.
func (q *Queue) ChangeVisibility(handle string, timeout time.Duration) error {
	if timeout < 0 || timeout > MaxVisibility {
		return invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.", int64(timeout.Seconds()))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.find(handle)
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	if e == nil || e.Due <= now {
		return &fault{"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message referred to is not in flight."}
	}
	return q.reschedule(e, now+q.scaled(timeout).Milliseconds())
}

// reschedule sets when a message is due. The lock is held.
func (q *Queue) reschedule(e *entry, due int64) error {
	e.Due = due
	record, err := encodeState(e)
	if err != nil {
		return err
	}
	if _, err := q.log.Append(time.Now().UnixMilli(), record); err != nil {
		return err
	}
	heap.Fix(&q.order, e.place)
	q.wake()
	return nil
}

// Purge removes every message.
func (q *Queue) Purge() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages, q.order, q.bytes = map[string]*entry{}, nil, 0
	return q.log.Reset()
}

// expire removes what is older than the retention.
func (q *Queue) expire(now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range append([]*entry(nil), q.order...) {
		if q.expired(e, now.UnixMilli()) {
			if err := q.drop(e); err != nil {
				return err
			}
			q.counts.expired++
		}
	}
	return nil
}
