package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// sentRecord is a record that was sent and accepted.
type sentRecord struct {
	exchange *exchange
	index    int // in its request
	err      error
	events   []*sentEvent // one without data if the record cannot be read: it counts as one
}

// sentEvent is an event that was accepted, and what became of it.
type sentEvent struct {
	record    *sentRecord
	place     int    // in its record
	data      []byte // nil if the record cannot be read
	derivedID string // the id it has if it does not bring one itself
	id        string
	failures  int // error objects that it was in
	row       *row
	kept      *kept
}

// where says in a few words which event it is: the request, and the places in it where there are several.
func (e *sentEvent) where() string {
	text := e.record.exchange.title
	if len(e.record.exchange.said.Records) > 0 {
		text += fmt.Sprintf(", record %d", e.record.index+1)
	}
	if len(e.record.events) > 1 {
		text += fmt.Sprintf(", event %d", e.place+1)
	}
	return text
}

// ledger holds what was accepted against what was found.
type ledger struct {
	judge     *event.Judge
	exchanges []*exchange
	records   []*sentRecord // accepted, in the order in which they were sent
	found     *found
	faults    []string // what is not as it should be
}

func newLedger(judge *event.Judge, exchanges []*exchange) *ledger {
	l := &ledger{judge: judge, exchanges: exchanges}
	for _, e := range exchanges {
		l.checkAnswer(e)
		l.accept(e)
	}
	return l
}

func (l *ledger) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// accept enters what the answer says was accepted: everything where it is a 2xx, else the records that have a sequence number.
func (l *ledger) accept(e *exchange) {
	for i, data := range e.request.records() {
		stored := e.sequenceNumber(i) != ""
		if e.accepted() && !stored {
			l.fault("%s: answered with %d, but record %d has no SequenceNumber", e.title, e.status, i+1)
		}
		if e.accepted() || stored {
			sent := l.open(e, i, data)
			l.records, e.sent = append(l.records, sent), append(e.sent, sent)
		}
	}
}

// records are the Data of a request. A request that is not of that form has one record, which cannot be read.
func (r *request) records() []json.RawMessage {
	var body struct {
		Data    json.RawMessage
		Records []struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(r.body, &body); err != nil || body.Records == nil {
		return []json.RawMessage{body.Data}
	}
	var records []json.RawMessage
	for _, r := range body.Records {
		records = append(records, r.Data)
	}
	return records
}

// open reads the record as the transform will: in the envelope that the API's mapping writes.
func (l *ledger) open(e *exchange, index int, data json.RawMessage) *sentRecord {
	sent := &sentRecord{exchange: e, index: index}
	requestID, err := json.Marshal(e.said.RequestID)
	if err != nil {
		panic(err) // a string
	}
	envelope := fmt.Appendf(nil, `{"hydrant":1,"request_id":%s,"index":%d,"data":%s}`, requestID, index, data)
	now := time.Now().UnixMilli()
	opened, err := record.Open(envelope, record.Source{ArrivedAt: now})
	if err != nil {
		sent.err, sent.events = err, []*sentEvent{{record: sent, id: opened.EventID(0)}}
		return sent
	}
	for i, text := range opened.Events() {
		s := &sentEvent{record: sent, place: i, data: text, derivedID: opened.EventID(i)}
		_, outcome := l.judge.AppendRow(nil, text, event.Origin{ReceivedAt: now, EventID: s.derivedID})
		s.id = outcome.EventID
		sent.events = append(sent.events, s)
	}
	return sent
}

// checkAnswer holds an answer against the promises of docs/api.md that are for every answer.
func (l *ledger) checkAnswer(e *exchange) {
	switch {
	case e.said.RequestID == "":
		l.fault("%s: answered with %d, but without a RequestId", e.title, e.status)
	case !e.accepted() && e.said.Code == "":
		l.fault("%s: answered with %d, but without a Code", e.title, e.status)
	}
	if e.status >= 500 {
		l.fault("%s: answered with %d, which is the service's own failure", e.title, e.status)
	}
}

// match finds for each failure, each row and each event of the quarantine the event that it was made of.
func (l *ledger) match(f *found) {
	l.found = f
	open := map[[2]string][]*sentEvent{} // by request id and event id: one request may hold an id twice
	for _, r := range l.records {
		for _, e := range r.events {
			key := [2]string{r.exchange.said.RequestID, e.id}
			open[key] = append(open[key], e)
		}
	}
	for _, x := range f.failures {
		l.matchFailure(x, open)
	}
	take := func(requestID, eventID string) *sentEvent {
		key := [2]string{requestID, eventID}
		if len(open[key]) == 0 {
			return nil
		}
		e := open[key][0]
		open[key] = open[key][1:]
		return e
	}
	for _, r := range f.rows {
		if r.sent = take(r.requestID, r.eventID); r.sent == nil {
			l.fault("row %s of request %s: nobody sent it, or it is there twice", r.eventID, r.requestID)
			continue
		}
		r.sent.row = r
		l.checkRow(r)
	}
	for _, k := range f.kept {
		l.matchKept(k, take)
	}
	l.sort()
}

// sort puts what was found in the order in which it was sent; what nobody sent comes last.
func (l *ledger) sort() {
	order := map[*sentEvent]int{}
	for _, r := range l.records {
		for _, e := range r.events {
			order[e] = len(order)
		}
	}
	place := func(sent ...*sentEvent) int {
		if len(sent) == 0 || sent[0] == nil {
			return len(order)
		}
		return order[sent[0]]
	}
	slices.SortStableFunc(l.found.rows, func(a, b *row) int { return place(a.sent) - place(b.sent) })
	slices.SortStableFunc(l.found.kept, func(a, b *kept) int { return place(a.sent) - place(b.sent) })
	slices.SortStableFunc(l.found.failures, func(a, b *failure) int { return place(a.sent...) - place(b.sent...) })
}

// matchFailure finds the events of a failure. The function refuses a record as it came; what the conversion refuses are its rows.
func (l *ledger) matchFailure(x *failure, open map[[2]string][]*sentEvent) {
	used := map[*sentEvent]bool{}
	for i, id := range l.eventIDs(x) {
		at := x.requestIDs[min(i, len(x.requestIDs)-1)]
		for _, e := range open[[2]string{at, id}] {
			if used[e] || !x.record.Direct && e.record.index != x.record.Index {
				continue
			}
			used[e] = true
			e.failures++
			x.sent = append(x.sent, e)
			break
		}
	}
	if len(x.sent) != x.count {
		l.fault("%s: nobody sent %d of its events", x.object, x.count-len(x.sent))
	}
}

// eventIDs are those of a failure's events; of a record that cannot be read, its own.
func (l *ledger) eventIDs(x *failure) []string {
	if x.err != nil {
		return []string{x.record.EventID(0)}
	}
	var ids []string
	for i, text := range x.record.Events() {
		_, outcome := l.judge.AppendRow(nil, text, event.Origin{ReceivedAt: x.record.ReceivedAt, EventID: x.record.EventID(i)})
		ids = append(ids, outcome.EventID)
	}
	return ids
}

// checkRow holds a row against the one that the catalogue makes of the event as it was sent.
func (l *ledger) checkRow(r *row) {
	received, err := time.Parse(time.RFC3339, r.receivedAt)
	if err != nil {
		l.fault("row %s: received_at is %q", r.eventID, r.receivedAt)
		return
	}
	if r.attempt != r.sent.failures {
		l.fault("row %s: it says that it is of attempt %d, and %s failed it", r.eventID, r.attempt, plural(r.sent.failures, "error object"))
	}
	text, outcome := l.judge.AppendRow(nil, r.sent.data, event.Origin{
		ReceivedAt: received.UnixMilli(), Producer: r.producer, RequestID: r.requestID, Attempt: r.attempt, EventID: r.sent.derivedID,
	})
	if len(outcome.Rejections) > 0 {
		l.fault("row %s: the catalogue refuses the event as it was sent (%s)", r.eventID, outcome.Rejections[0].Reason)
		return
	}
	want, err := readNode(bytes.TrimSpace(text))
	if err != nil {
		l.fault("row %s: %v", r.eventID, err)
		return
	}
	for _, c := range event.Columns() {
		same := equal
		if c.Name == "extra" {
			same = equalJSON
		}
		if !same(r.value.get(c.Name), want.get(c.Name)) {
			l.fault("row %s: column %s is not what the catalogue makes of the event", r.eventID, c.Name)
		}
	}
}

// writeRows writes a JSON line for each row: {"file", "record", "event", "sent", "row"}; sent is the event's own text.
func (l *ledger) writeRows(path string) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, r := range l.found.rows {
		line := struct {
			File   string          `json:"file,omitempty"`
			Record int             `json:"record"`
			Event  int             `json:"event"`
			Sent   json.RawMessage `json:"sent,omitempty"`
			Row    json.RawMessage `json:"row"`
		}{Row: r.json}
		if e := r.sent; e != nil {
			line.File, line.Record, line.Event, line.Sent = e.record.exchange.file, e.record.index, e.place, e.data
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
