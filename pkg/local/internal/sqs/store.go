package sqs

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// A queue's log has three kinds of record, told apart by the first byte of the key; the message's id is the rest of it.
const (
	opMessage = "m" // data: header, line feed, body
	opState   = "s" // data: state
	opDelete  = "d"
)

// state is what changes about a message while it is in a queue.
type state struct {
	Receives int   `json:"receives,omitempty"`
	First    int64 `json:"first,omitempty"` // first received, Unix milliseconds
	Due      int64 `json:"due"`             // when it can be received (again), Unix milliseconds
}

// header is what is kept of a message before its body.
type header struct {
	state
	Sent       int64                `json:"sent"`             // Unix milliseconds
	Source     string               `json:"source,omitempty"` // ARN of the queue that it was a dead letter of
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Trace      string               `json:"trace,omitempty"` // AWSTraceHeader
}

// entry is what memory holds of a message.
type entry struct {
	state
	id    string
	sent  int64
	at    recordlog.Position
	size  int // of body and attributes
	place int // in the heap
}

// dues has every message of a queue, the one that is due first at the top.
type dues []*entry

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return d[i].Due < d[j].Due || d[i].Due == d[j].Due && d[i].at.Index < d[j].at.Index
}

func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *dues) Push(x any) {
	e := x.(*entry)
	e.place = len(*d)
	*d = append(*d, e)
}

func (d *dues) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return e
}

func encodeMessage(h header, id, body string) (recordlog.Entry, error) {
	data, err := json.Marshal(h)
	if err != nil {
		return recordlog.Entry{}, err
	}
	return recordlog.Entry{Key: opMessage + id, Data: append(append(data, '\n'), body...)}, nil
}

func decodeMessage(r recordlog.Record) (h header, id, body string, err error) {
	head, text, found := bytes.Cut(r.Data, []byte{'\n'})
	if !found || len(r.Key) < 2 {
		return header{}, "", "", fmt.Errorf("record %d is no message", r.Index)
	}
	err = json.Unmarshal(head, &h)
	return h, r.Key[1:], string(text), err
}

func encodeState(e *entry) (recordlog.Entry, error) {
	data, err := json.Marshal(e.state)
	return recordlog.Entry{Key: opState + e.id, Data: data}, err
}

// recover learns from the log which messages there are.
func (q *Queue) recover() error {
	position := q.log.Oldest()
	for {
		records, err := q.log.Read(&position, 1000, 1<<20)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return nil
		}
		for _, r := range records {
			if err := q.replay(r); err != nil {
				return err
			}
		}
	}
}

func (q *Queue) replay(r recordlog.Record) error {
	if r.Key == "" {
		return fmt.Errorf("record %d has no key", r.Index)
	}
	id := r.Key[1:]
	known := q.messages[id]
	switch r.Key[:1] {
	case opMessage:
		h, _, body, err := decodeMessage(r)
		if err != nil {
			return err
		}
		if known != nil { // written once more, by tidy
			q.remove(known)
		}
		q.add(&entry{state: h.state, id: id, sent: h.Sent, at: r.At, size: len(body) + attributesSize(h.Attributes)})
	case opState:
		if known == nil {
			return nil
		}
		if err := json.Unmarshal(r.Data, &known.state); err != nil {
			return fmt.Errorf("record %d: %w", r.Index, err)
		}
		heap.Fix(&q.order, known.place)
	case opDelete:
		if known != nil {
			q.remove(known)
		}
	}
	return nil
}

func (q *Queue) add(e *entry) {
	q.messages[e.id] = e
	q.bytes += int64(e.size)
	heap.Push(&q.order, e)
}

func (q *Queue) remove(e *entry) {
	delete(q.messages, e.id)
	q.bytes -= int64(e.size)
	heap.Remove(&q.order, e.place)
}

// load reads a message from the log.
func (q *Queue) load(e *entry) (h header, body string, err error) {
	at := e.at
	records, err := q.log.Read(&at, 1, 1)
	if err != nil {
		return header{}, "", err
	}
	if len(records) == 0 || records[0].Index != e.at.Index {
		return header{}, "", fmt.Errorf("message %s is not where it was stored", e.id)
	}
	h, _, body, err = decodeMessage(records[0])
	return h, body, err
}

// A log is written anew when it has tidyBytes, and tidyFactor times what its messages need.
const (
	tidyBytes  = 16 << 20
	tidyFactor = 4
)

// tidy drops what the log holds of messages that are gone. Those that stay are written once more at its end first.
func (q *Queue) tidy() error {
	size := q.log.Bytes()
	if len(q.messages) == 0 && size > segmentBytes {
		return q.log.Reset()
	}
	if size < q.tidyAt || size < tidyFactor*q.bytes {
		return nil
	}
	all := slices.Collect(maps.Values(q.messages)) // more than the order has, while messages are being received
	sort.Slice(all, func(i, j int) bool { return all[i].at.Index < all[j].at.Index })
	from := q.log.Tip().Index
	for _, e := range all {
		h, body, err := q.load(e)
		if err != nil {
			return err
		}
		h.state = e.state
		record, err := encodeMessage(h, e.id, body)
		if err != nil {
			return err
		}
		if e.at, err = q.log.AppendAt(time.Now().UnixMilli(), record); err != nil {
			return err
		}
	}
	heap.Init(&q.order)
	err := q.log.Drop(from)
	// Many small messages need more than their bodies: without this each write would begin it again.
	q.tidyAt = max(tidyBytes, 2*q.log.Bytes())
	return err
}
