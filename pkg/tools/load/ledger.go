package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// ledger knows what became of every event. Events are numbered from 0; each of several goroutines has a lane of its own, the numbers that
// leave the same remainder, so that none waits for another.
type ledger struct {
	size  int
	lanes []lane
}

// lane has the state of the events i, i+lanes, i+2*lanes, ...
type lane []state

type state = byte

const (
	refused state = iota
	accepted
	stored
)

func newLedger(size, lanes int) *ledger { return &ledger{size: size, lanes: make([]lane, lanes)} }

// number is that of the at-th event of a lane.
func (l *ledger) number(lane, at int) int64 { return int64(at)*int64(len(l.lanes)) + int64(lane) }

// account is what the rows of the table say.
type account struct {
	accepted, refused int64
	lost              int64 // accepted, and in no row
	twice             int64 // rows of an event that has another
	stray             int64 // rows of no event that was accepted
	altered           int64 // rows with other content than the event; a sample is looked at
	crashed           bool  // the runner was killed: Firehose may then deliver once more what was on its way
}

func (a *account) figures() []figure {
	return []figure{{
		"events lost, stored twice, stored unasked, altered",
		fmt.Sprintf("%s, %s, %s, %s", thousands(a.lost), thousands(a.twice), thousands(a.stray), thousands(a.altered)),
		"none", a.lost+a.twice+a.stray+a.altered == 0,
	}}
}

func (a *account) fault() error {
	var errs []error
	complain := func(n int64, what string) {
		if n > 0 {
			errs = append(errs, fmt.Errorf("%s %s", thousands(n), what))
		}
	}
	complain(a.lost, "accepted events are in no row")
	if !a.crashed {
		complain(a.twice, "rows are of events that have another row")
	}
	complain(a.stray, "rows are of events that were not accepted")
	complain(a.altered, "rows are not what was sent")
	return errors.Join(errs...)
}

// settle reads all rows of the table back and compares them with what was accepted.
func (l *ledger) settle(ctx context.Context, r *runner) (*account, error) {
	a := &account{}
	a.refused, a.accepted = l.count(refused), l.count(accepted)
	err := r.control(ctx, http.MethodGet, "tables/events", func(body io.Reader) error {
		rows := bufio.NewReaderSize(body, 1<<20)
		for n := 0; ; n++ {
			row, err := rows.ReadSlice('\n')
			if errors.Is(err, io.EOF) && len(row) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			l.enter(a, row, n%checkEvery == 0)
		}
	})
	a.lost = l.count(accepted)
	return a, err
}

func (l *ledger) count(s state) int64 {
	n := 0
	for _, lane := range l.lanes {
		n += bytes.Count(lane, []byte{s})
	}
	return int64(n)
}

// checkEvery says of how many rows one is compared with its event member by member.
const checkEvery = 100

// enter notes that there is a row.
func (l *ledger) enter(a *account, row []byte, compare bool) {
	number, ok := numberOf(row)
	lane, at := int(number%int64(len(l.lanes))), number/int64(len(l.lanes))
	if !ok || at >= int64(len(l.lanes[lane])) {
		a.stray++
		return
	}
	switch s := &l.lanes[lane][at]; *s {
	case refused:
		a.stray++
	case stored:
		a.twice++
	case accepted:
		*s = stored
	}
	if compare && !l.same(row, number) {
		a.altered++
	}
}

// content is what an event and its row have in common.
type content struct {
	Type, URL, Title, Referrer, Device, Language, Country string

	EventID    string `json:"event_id"`
	OccurredAt string `json:"occurred_at"`
	UserID     string `json:"user_id"`
	SessionID  string `json:"session_id"`
	Viewport   struct{ Width, Height int }
	LoadMS     float64 `json:"load_ms"`
	FirstVisit bool    `json:"first_visit"`
	Context    map[string]string
}

func (l *ledger) same(row []byte, number int64) bool {
	event := strings.ReplaceAll(newEvent(l.size), digits, fmt.Sprintf("%0*d", len(digits), number))
	var sent, got content
	return json.Unmarshal([]byte(event), &sent) == nil && json.Unmarshal(row, &got) == nil && reflect.DeepEqual(sent, got)
}
