package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/event"
)

// result is what became of a seed's events.
type result struct {
	seed               uint64
	took               time.Duration
	outages            int
	requests, again    int
	sent, accepted     int
	stored, kept       int            // events that are in the events table, and in the quarantine, at least once
	copies             int            // rows of an event that has another
	attempts           map[int]int    // rows of the events table, by attempt
	codes              map[string]int // lines of error objects, by code
	struck             struck
	actions            map[string]int
	lost               []string // ids of accepted events that are nowhere
	faults             []string // what is not as it should be; empty: the seed has passed
	faultsNotSaid      int
	maxAttempts, bound int    // attempts of what lands; and of what is quarantined, which a redrive sends round once more
	folder             string // with what the runner kept
}

// account reads everything back and holds it against what was sent.
func (s *soaking) account(ctx context.Context, w *world, seed uint64) (*result, error) {
	r := &result{
		seed: seed, outages: len(s.plan.outages), requests: s.ledger.requests, again: s.ledger.again,
		attempts: map[int]int{}, codes: map[string]int{}, struck: s.struck, actions: s.actions, faults: s.ledger.faults,
	}
	state, err := s.runner.state(ctx)
	if err != nil {
		return nil, err
	}
	if r.maxAttempts, err = strconv.Atoi(state.Parameters["MaxAttempts"]); err != nil {
		return nil, fmt.Errorf("the parameter MaxAttempts: %w", err)
	}
	r.bound = r.maxAttempts + s.redriven
	b := &books{result: r, world: w, events: s.ledger.events}
	for path, read := range map[string]func([]byte) error{"tables/events": b.row, "tables/quarantine": b.quarantined, "errors": b.failure} {
		if err := s.runner.control(ctx, http.MethodGet, path, nil, eachLine(read)); err != nil {
			return nil, err
		}
	}
	if n, err := state.waiting(); n > 0 || err != nil {
		b.fault("%d messages still wait for the dlq function (%v)", n, err)
	}
	b.close()
	r.took = time.Since(s.began)
	return r, nil
}

func eachLine(read func([]byte) error) func(io.Reader) error {
	return func(body io.Reader) error {
		lines := bufio.NewReaderSize(body, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = read(line)
			}
			if err != nil {
				return err
			}
		}
	}
}

// books are closed when all that there is has been entered.
type books struct {
	*result
	*world
	events map[string]*sent
}

func (b *books) fault(format string, args ...any) {
	if len(b.faults) == mostFaults {
		b.faultsNotSaid++
		return
	}
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// row enters a row of the events table.
func (b *books) row(line []byte) error {
	var row struct {
		EventID    string    `json:"event_id"`
		RequestID  string    `json:"request_id"`
		Producer   string    `json:"producer"`
		ReceivedAt time.Time `json:"received_at"`
		Attempt    int       `json:"attempt"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return fmt.Errorf("a row of the events table: %w", err)
	}
	b.attempts[row.Attempt]++
	e := b.events[row.EventID]
	switch {
	case e == nil:
		b.fault("row %s: nobody sent it", row.EventID)
		return nil
	case !e.valid:
		b.fault("row %s: it is not valid", row.EventID)
		e.rows++
		return nil
	case row.Attempt > b.maxAttempts:
		b.fault("row %s: attempt %d of %d", row.EventID, row.Attempt, b.maxAttempts)
	}
	if e.rows++; e.rows > 1 {
		b.copies++
	}
	want, _ := b.judge.AppendRow(nil, e.text, event.Origin{
		ReceivedAt: row.ReceivedAt.UnixMilli(), Producer: row.Producer, RequestID: row.RequestID, Attempt: row.Attempt, EventID: e.id,
	})
	if column := difference(line, want); column != "" {
		b.fault("row %s, attempt %d: column %s is not what the catalogue makes of the event", row.EventID, row.Attempt, column)
	}
	return nil
}

// difference answers the first column in which two rows differ, "" if there is none. The partition's columns are in no row of the catalogue's.
func difference(got, want []byte) string {
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal(want, &b)); err != nil {
		return err.Error()
	}
	for _, c := range event.Columns() {
		x, y := a[c.Name], b[c.Name]
		if c.Name == "extra" { // API Gateway leaves out the spaces of what it passes on
			x, y = inside(x), inside(y)
		}
		if !reflect.DeepEqual(x, y) {
			return c.Name
		}
	}
	return ""
}

// inside is the JSON in a text.
func inside(text any) (value any) {
	s, _ := text.(string)
	if json.Unmarshal([]byte(s), &value) != nil {
		return text
	}
	return value
}

// quarantined enters a row of the quarantine.
func (b *books) quarantined(line []byte) error {
	var row struct {
		EventID string `json:"event_id"`
		Attempt int
		Code    string
		Reasons []struct{ Reason string }
		Data    *string
		Raw     []byte
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return fmt.Errorf("a row of the quarantine: %w", err)
	}
	e := b.events[row.EventID]
	if row.Data == nil {
		e = b.events[noteID(row.Raw)]
	}
	reason := "without a reason"
	if len(row.Reasons) > 0 {
		reason = row.Reasons[0].Reason
	}
	switch {
	case e == nil:
		b.fault("quarantine: %s (%s, %s): nobody sent it", row.EventID, row.Code, reason)
		return nil
	case e.valid:
		b.fault("quarantine: %s is valid, and there after attempt %d: %s, %s", e.id, row.Attempt, row.Code, reason)
	case len(row.Reasons) == 0:
		b.fault("quarantine: %s is there without a reason", e.id)
	case row.Attempt > b.bound:
		b.fault("quarantine: %s has attempt %d of %d", e.id, row.Attempt, b.bound)
	case row.Data != nil && *row.Data != string(e.text) && !reflect.DeepEqual(inside(*row.Data), inside(string(e.text))):
		b.fault("quarantine: %s is not what was sent", e.id)
	}
	e.kept++
	return nil
}

// noteID finds the id in what was no JSON: as it came, or in the envelope that it was sent round in.
func noteID(raw []byte) string {
	var envelope struct{ Raw []byte }
	for json.Unmarshal(raw, &envelope) == nil && envelope.Raw != nil {
		raw, envelope.Raw = envelope.Raw, nil
	}
	text, found := bytes.CutPrefix(raw, []byte(noteBegins))
	id, _, _ := bytes.Cut(text, []byte(" "))
	if !found {
		return ""
	}
	return string(id)
}

// failure enters a line of an error object.
func (b *books) failure(line []byte) error {
	var l struct {
		Error *struct {
			RawData                  []byte
			ErrorCode, LastErrorCode string
		}
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("a line of the errors: %w", err)
	}
	if l.Error == nil {
		return nil
	}
	b.codes[l.Error.ErrorCode+l.Error.LastErrorCode]++
	var record struct{ Attempt int }
	if json.Unmarshal(l.Error.RawData, &record) == nil && record.Attempt > b.bound {
		b.fault("an error object has a record of attempt %d of %d", record.Attempt, b.bound)
	}
	return nil
}

// close looks for what was accepted and is nowhere.
func (b *books) close() {
	for _, id := range slices.Sorted(maps.Keys(b.events)) {
		e := b.events[id]
		b.sent++
		if e.accepted {
			b.accepted++
		}
		if e.rows > 0 {
			b.stored++
		}
		if e.kept > 0 {
			b.kept++
		}
		if e.accepted && e.rows == 0 && e.kept == 0 {
			b.lost = append(b.lost, id)
		}
	}
	if n := len(b.lost); n > 0 {
		b.fault("%d of the accepted events LOST: %s", n, strings.Join(b.lost[:min(n, mostFaults)], ", "))
	}
}
