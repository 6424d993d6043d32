package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// account is where the accepted events are. It adds up when accepted = rows + failed + in flight.
type account struct {
	accepted, rows, failed, inFlight int64 // events; a record that cannot be read counts as one

	requests, takenRequests, records int // sent; of these answered with 2xx; records accepted
	faults                           []string
}

func (a *account) addsUp() bool { return a.accepted == a.rows+a.failed+a.inFlight }

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
	return fmt.Sprintf("accepted %d = rows %d + failed %d + in flight %d: %s", a.accepted, a.rows, a.failed, a.inFlight, verdict)
}

// balance makes the account. Each of its four numbers is counted where the events are, none is worked out from the others.
func (l *ledger) balance(f *found) *account {
	l.match(f)
	a := &account{requests: len(l.exchanges), records: len(l.records), rows: int64(len(f.rows))}
	for _, e := range l.exchanges {
		if e.accepted() {
			a.takenRequests++
		}
	}
	for _, r := range l.records {
		a.accepted += int64(len(r.events))
	}
	for _, x := range f.failures {
		a.failed += int64(x.count)
		l.checkFailure(x)
	}
	a.inFlight = l.inFlight()
	a.faults = l.faults
	return a
}

// checkFailure wants a reason for what the function refused: Firehose's own code for it says nothing.
func (l *ledger) checkFailure(x *failure) {
	if x.code != processingFailed || x.err != nil || len(x.sent) == 0 {
		return
	}
	for _, e := range x.sent {
		if len(l.rejections(x, e)) > 0 {
			return
		}
	}
	l.fault("%s: the function refused it, and the catalogue has nothing against it", x.sent[0].where())
}

// processingFailed is the code for a record that the function answered with ProcessingFailed.
const processingFailed = "Lambda.ProcessingFailedStatus"

// inFlight counts the events that are on their way. The links count records; which ones these are, and how many events they hold, is known
// when exactly so many records are neither in the table nor in an error object.
func (l *ledger) inFlight() int64 {
	events, missing := l.missing()
	stored, onTheWay, err := l.found.state.counts()
	if err != nil {
		l.fault("the links' counts: %v", err)
		return 0
	}
	if stored != int64(len(l.records)) {
		l.fault("the stream took %d records, the answers say %d", stored, len(l.records))
	}
	if onTheWay == missing {
		return int64(len(events))
	}
	l.fault("the links have %s on their way, but %d accepted are in neither the table nor an error object", plural(onTheWay, "record"), missing)
	for _, e := range events[:min(len(events), 5)] {
		l.fault("%s is in neither (event id %q)", e.where(), e.id)
	}
	return min(onTheWay, int64(len(events)))
}

// missing are the events that are in neither the table nor an error object, and how many records they are of.
func (l *ledger) missing() (events []*sentEvent, records int64) {
	for _, r := range l.records {
		before := len(events)
		for _, e := range r.events {
			if e.row == nil && e.failure == nil {
				events = append(events, e)
			}
		}
		if len(events) > before {
			records++
		}
	}
	return events, records
}

// counts are the records that the streams have taken, and those of them that are not delivered yet.
func (s *state) counts() (stored, onTheWay int64, err error) {
	for id, r := range s.Resources {
		if r.Type != "AWS::Kinesis::Stream" && r.Type != "AWS::KinesisFirehose::DeliveryStream" {
			continue
		}
		var link struct {
			Records     int64 `json:"records"`
			RecordsRead int64 `json:"recordsRead"`
			Buffered    int64 `json:"buffered"`
			InFlight    int64 `json:"inFlight"`
		}
		if err := json.Unmarshal(s.Links[id], &link); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", id, err)
		}
		stored += link.Records
		onTheWay += link.Records - link.RecordsRead + link.Buffered + link.InFlight
	}
	return stored, onTheWay, nil
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
