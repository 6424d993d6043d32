package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// account is where the accepted events are. It adds up when accepted = rows + quarantined + in flight.
type account struct {
	accepted, rows, quarantined, inFlight int64 // events; a record that cannot be read counts as one

	again                            int64 // of the rows, those that did not arrive on their first attempt
	requests, takenRequests, records int   // sent; of these answered with 2xx; records accepted
	faults                           []string
}

func (a *account) addsUp() bool { return a.accepted == a.rows+a.quarantined+a.inFlight }

// err is nil if the account adds up, and everything else was as it should be too.
func (a *account) err() error {
	var errs []error
	if !a.addsUp() {
		errs = append(errs, errors.New("the account does not add up"))
	}
	for _, f := range a.faults {
		errs = append(errs, errors.New(f))
	}
	return errors.Join(errs...)
}

func (a *account) sentence() string {
	verdict := "it adds up"
	if !a.addsUp() {
		verdict = "it does not add up"
	}
	return fmt.Sprintf("accepted %d = rows %d + quarantined %d + in flight %d: %s", a.accepted, a.rows, a.quarantined, a.inFlight, verdict)
}

// balance makes the account. Each of its four numbers is counted where the events are, none is worked out from the others.
func (l *ledger) balance(f *found) *account {
	l.match(f)
	a := &account{requests: len(l.exchanges), records: len(l.records), rows: int64(len(f.rows)), quarantined: int64(len(f.kept))}
	for _, e := range l.exchanges {
		if e.accepted() {
			a.takenRequests++
		}
	}
	for _, r := range l.records {
		a.accepted += int64(len(r.events))
	}
	for _, r := range f.rows {
		if r.attempt > 0 {
			a.again++
		}
	}
	a.inFlight = l.inFlight()
	a.faults = l.faults
	return a
}

// inFlight counts the events that are on their way. The links count records and messages; which ones these are, and how many events they
// hold, is known when exactly so many records are in neither table, or when the dlq function's messages, which stand for any number of
// records, can account for the others.
func (l *ledger) inFlight() int64 {
	events, missing := l.missing()
	c, err := l.found.state.counts()
	if err != nil {
		l.fault("the links' counts: %v", err)
		return 0
	}
	if taken := int64(len(l.records)) + l.found.redriven; c.stored != taken {
		l.fault("the stream took %d records, the answers and the dlq function's own say %d", c.stored, taken)
	}
	if c.onTheWay == missing || c.messages > 0 && c.onTheWay < missing {
		return int64(len(events))
	}
	l.fault("the links have %s on their way, but %d accepted are in neither table", plural(c.onTheWay, "record"), missing)
	for _, e := range events[:min(len(events), 5)] {
		l.fault("%s is in neither (event id %q)", e.where(), e.id)
	}
	return min(c.onTheWay, int64(len(events)))
}

// missing are the events that are in neither the table nor the quarantine, and how many records they are of.
func (l *ledger) missing() (events []*sentEvent, records int64) {
	for _, r := range l.records {
		before := len(events)
		for _, e := range r.events {
			if e.row == nil && e.kept == nil {
				events = append(events, e)
			}
		}
		if len(events) > before {
			records++
		}
	}
	return events, records
}

// counts are what the links say together.
type counts struct {
	stored   int64 // records that the streams have taken
	onTheWay int64 // those of them that are not delivered yet
	messages int64 // in queues
}

func (s *state) counts() (c counts, err error) {
	for id, r := range s.Resources {
		var link struct {
			Records     int64 `json:"records"`
			RecordsRead int64 `json:"recordsRead"`
			Buffered    int64 `json:"buffered"`
			InFlight    int64 `json:"inFlight"`
			Visible     int64 `json:"visible"`
			Delayed     int64 `json:"delayed"`
		}
		switch r.Type {
		case "AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream", "AWS::SQS::Queue":
			if err := json.Unmarshal(s.Links[id], &link); err != nil {
				return c, fmt.Errorf("%s: %w", id, err)
			}
		}
		if r.Type == "AWS::SQS::Queue" {
			c.messages += link.Visible + link.InFlight + link.Delayed
			continue
		}
		c.stored += link.Records
		c.onTheWay += link.Records - link.RecordsRead + link.Buffered + link.InFlight
	}
	return c, nil
}

// plural says how many, as in "1 event" and "2 events".
func plural[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}

// thousands writes a number with commas, as in 14,169.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return strings.TrimSpace(text)
}
