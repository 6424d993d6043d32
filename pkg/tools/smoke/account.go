package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// sentEvent is an event that was accepted, and where it was seen.
type sentEvent struct {
	of        *exchange
	data      []byte
	derivedID string // the id that it has if it brings none
	id        string
	landed    []row // of the events table
	kept      []row // of the quarantine
}

func (e *sentEvent) seen() bool { return len(e.landed)+len(e.kept) > 0 }

// exchange is a request with its answer.
type exchange struct {
	*sending
	answer *answer
	events []*sentEvent // accepted
}

// accepted tells whether the answer says that everything was accepted, in the form that docs/api.md has.
func (x *exchange) accepted() bool {
	a := x.answer
	if a.status != 200 || a.RequestID == "" {
		return false
	}
	if !x.batch {
		return a.SequenceNumber != ""
	}
	for _, r := range a.Records {
		if r.SequenceNumber == "" {
			return false
		}
	}
	return len(a.Records) == len(x.records)
}

// enter makes the account of a request that was accepted: it reads each record as the transform will, in the envelope that the API's
// mapping writes.
func (x *exchange) enter(judge *event.Judge) error {
	requestID, err := json.Marshal(x.answer.RequestID)
	if err != nil {
		return err
	}
	arrive := x.arrive
	if arrive == nil {
		arrive = x.records
	}
	for i, events := range arrive {
		data, err := json.Marshal(events)
		if !x.arrays {
			data, err = events[0], nil
		}
		if err != nil {
			return err
		}
		now := x.answer.at.UnixMilli()
		opened, err := record.Open(fmt.Appendf(nil, `{"hydrant":1,"request_id":%s,"index":%d,"data":%s}`, requestID, i, data), record.Source{ArrivedAt: now})
		if err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		for place, text := range opened.Events() {
			e := &sentEvent{of: x, data: bytes.Clone(text), derivedID: opened.EventID(place)}
			_, outcome := judge.AppendRow(nil, text, event.Origin{ReceivedAt: now, EventID: e.derivedID})
			e.id = outcome.EventID
			x.events = append(x.events, e)
		}
	}
	return nil
}

// account is where everything is that was accepted.
type account struct {
	Requests    int `json:"requests"`
	Accepted    int `json:"accepted"` // events
	Events      int `json:"events"`   // of them in the events table, however often
	Quarantined int `json:"quarantined"`
	InFlight    int `json:"in_flight"` // in neither, and in an error object
	NotSeen     int `json:"not_seen"`  // in neither, and in no error object
	Copies      int `json:"copies"`    // rows beside an event's first
}

// ledger holds what was accepted against what is found.
type ledger struct {
	judge     *event.Judge
	exchanges []*exchange
	strangers []string // rows of our requests that nobody sent
}

func (l *ledger) events() (all []*sentEvent) {
	for _, x := range l.exchanges {
		all = append(all, x.events...)
	}
	return all
}

func (l *ledger) requestIDs() (all []string) {
	for _, x := range l.exchanges {
		if len(x.events) > 0 {
			all = append(all, x.answer.RequestID)
		}
	}
	return all
}

func (l *ledger) unseen() (all []*sentEvent) {
	for _, e := range l.events() {
		if !e.seen() {
			all = append(all, e)
		}
	}
	return all
}

// look asks both tables, and enters what they have. What an earlier look has found is found anew.
func (l *ledger) look(ctx context.Context, s stack, since time.Time) error {
	ids := l.requestIDs()
	if len(ids) == 0 {
		return nil
	}
	landed, err := s.rows(ctx, eventsTable(), ids, since)
	if err != nil {
		return err
	}
	kept, err := s.rows(ctx, quarantineTable, ids, since)
	if err != nil {
		return err
	}
	l.enter(landed, kept)
	return nil
}

func (l *ledger) enter(landed, kept []row) {
	l.strangers = nil
	open := map[[2]string]*sentEvent{}
	for _, e := range l.events() {
		e.landed, e.kept = nil, nil
		open[[2]string{e.of.answer.RequestID, e.id}] = e
	}
	for where, rows := range map[string][]row{eventsTable().name: landed, quarantineTable.name: kept} {
		for _, r := range rows {
			e := open[[2]string{r.text("request_id"), r.text("event_id")}]
			switch {
			case e == nil:
				l.strangers = append(l.strangers, fmt.Sprintf("the table %s has an event %s of the request %s, which did not send it", where, r.text("event_id"), r.text("request_id")))
			case where == quarantineTable.name:
				e.kept = append(e.kept, r)
			default:
				e.landed = append(e.landed, r)
			}
		}
	}
	slices.Sort(l.strangers)
}

// faults are what is wrong with an event that was seen, in sentences.
func (l *ledger) faults(e *sentEvent) (all []string) {
	if !e.seen() {
		return nil
	}
	for _, r := range e.landed {
		all = append(all, l.rowFault(e, r))
	}
	for _, r := range e.kept {
		all = append(all, l.keptFault(e, r))
	}
	if len(e.landed) > 0 && len(e.kept) > 0 {
		all = append(all, "it is in both tables")
	}
	return slices.Compact(slices.DeleteFunc(all, func(s string) bool { return s == "" }))
}

// rowFault holds a row against the one that the catalogue makes of the event as it was sent.
func (l *ledger) rowFault(e *sentEvent, got row) string {
	text, outcome := l.judge.AppendRow(nil, e.data, event.Origin{
		ReceivedAt: got.number("received_at"), Producer: got.text("producer"), RequestID: e.of.answer.RequestID,
		Attempt: int(got.number("attempt")), EventID: e.derivedID,
	})
	if len(outcome.Rejections) > 0 {
		return fmt.Sprintf("it is in the table, and the catalogue refuses it: %s", because(outcome))
	}
	want, err := eventsTable().fromJSON(text)
	if err != nil {
		return err.Error()
	}
	for _, c := range eventsTable().columns {
		a, b := got[c.name], want[c.name]
		if c.name == "extra" { // how API Gateway writes a number is a question of its own
			a, b = inside(a), inside(b)
		}
		if !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("column %s is %s, and ought to be %s", c.name, shown(got[c.name]), shown(want[c.name]))
		}
	}
	return ""
}

// because says what the catalogue has against an event.
func because(o event.Outcome) string {
	text := ""
	for i, r := range o.Rejections {
		if i > 0 {
			text += ", "
		}
		text += cmp.Or(r.Field, "the event") + " " + string(r.Reason)
	}
	return text
}

// inside is the JSON in a text.
func inside(text any) (value any) {
	s, _ := text.(string)
	if json.Unmarshal([]byte(s), &value) != nil {
		return text
	}
	return value
}

// mostShown is as much of a value as a sentence holds. What was sent are smoke's own events.
const mostShown = 80

func shown(value any) string {
	if value == nil {
		return "null"
	}
	text := []rune(fmt.Sprintf("%#v", value))
	if len(text) > mostShown {
		return string(text[:mostShown]) + "…"
	}
	return string(text)
}

// keptFault holds a row of the quarantine against what the catalogue has against the event.
func (l *ledger) keptFault(e *sentEvent, got row) string {
	received, err := time.Parse(time.RFC3339, got.text("received_at"))
	if err != nil {
		return fmt.Sprintf("in the quarantine its received_at is %q", got.text("received_at"))
	}
	_, outcome := l.judge.AppendRow(nil, e.data, event.Origin{ReceivedAt: received.UnixMilli(), EventID: e.derivedID})
	if len(outcome.Rejections) == 0 {
		return fmt.Sprintf("it is valid, and in the quarantine: %s after attempt %d, %s", got.text("code"), got.number("attempt"), shown(got["reasons"]))
	}
	want := []any{}
	for _, r := range outcome.Rejections {
		want = append(want, map[string]any{"field": r.Field, "rule": r.Rule, "reason": string(r.Reason)})
	}
	if !reflect.DeepEqual(got["reasons"], any(want)) {
		return fmt.Sprintf("its reasons in the quarantine are %s, and ought to be %s", shown(got["reasons"]), shown(want))
	}
	if !reflect.DeepEqual(inside(got["data"]), inside(string(e.data))) {
		return "what the quarantine holds is not what was sent"
	}
	return ""
}
