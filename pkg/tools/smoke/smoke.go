package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/tools/internal/progress"
)

// smoke is one run against a stack.
type smoke struct {
	options  *options
	stack    stack
	judge    *event.Judge
	progress *progress.Line

	facts  *facts
	sender *sender
	run    string
	began  time.Time
	ledger *ledger
	report *report
}

// play sends, waits, checks and probes. An error means that it could not ask; what is wrong with the stack stands in the report.
func (s *smoke) play(ctx context.Context) (*report, error) {
	s.progress.Say("asking what is deployed")
	var err error
	if s.facts, err = s.stack.facts(ctx); err != nil {
		return nil, err
	}
	within := s.options.within
	if within == 0 {
		if within, err = s.facts.deadline(); err != nil {
			return nil, err
		}
	}
	if s.sender, err = newSender(s.facts); err != nil {
		return nil, err
	}
	described, err := event.Describe()
	if err != nil {
		return nil, err
	}
	s.began = time.Now()
	s.run = newRun(s.began)
	s.ledger = &ledger{judge: s.judge}
	s.report = &report{Stack: s.options.stack, Name: s.facts.name, API: s.facts.api, Authorization: s.sender.authorization, Run: s.run, OK: true}
	if err := s.refusals(ctx); err != nil {
		return nil, err
	}
	if err := s.send(ctx, (&composer{run: s.run, types: described.Types}).compose()); err != nil {
		return nil, err
	}
	waited, err := s.wait(ctx, within)
	if err != nil {
		return nil, err
	}
	if err := s.judgeAll(ctx, waited); err != nil {
		return nil, err
	}
	if !s.options.withoutProbes {
		if err := s.probe(ctx); err != nil {
			return nil, err
		}
	}
	s.report.Seconds = time.Since(s.began).Round(time.Second / 10).Seconds()
	return s.report, ctx.Err()
}

// refusals are requests of which nothing is accepted.
func (s *smoke) refusals(ctx context.Context) error {
	for _, try := range []struct {
		what   string
		call   call
		status int
		code   string
	}{
		{"GET /health", call{method: http.MethodGet, route: "/health", withoutCredential: true, withoutKey: true}, 200, ""},
		{"a body that is no JSON", call{route: "/record", body: []byte(`{"Data": `)}, 400, "InvalidBody"},
		{"a member that there is not", call{route: "/record", body: []byte(`{"Data":{},"Date":{}}`)}, 400, "InvalidBody"},
	} {
		s.progress.Say("sending " + try.what)
		a, err := s.sender.send(ctx, try.call)
		if err != nil {
			return err
		}
		c := check{Name: try.what, Saw: a.String(), RequestID: a.RequestID, OK: true}
		if a.status != try.status || a.Code != try.code || a.RequestID == "" {
			c.fail("it was answered with %s, and ought to be with %d %s", a, try.status, try.code)
		}
		s.report.add(c)
	}
	return nil
}

// send sends the requests one after the other and enters what is accepted.
func (s *smoke) send(ctx context.Context, all []*sending) error {
	for i, what := range all {
		s.progress.Say(fmt.Sprintf("sending request %d of %d", i+1, len(all)))
		c, err := what.call()
		if err != nil {
			return err
		}
		x := &exchange{sending: what}
		if x.answer, err = s.sender.send(ctx, c); err != nil {
			return err
		}
		s.ledger.exchanges = append(s.ledger.exchanges, x)
		if x.accepted() {
			if err := x.enter(s.judge); err != nil {
				return err
			}
		}
	}
	return nil
}

// The pauses between two looks into the tables.
const (
	firstPause = time.Second
	mostPause  = 15 * time.Second
)

// wait looks into the tables until every event was seen, or until the time is over. It answers how long that took.
func (s *smoke) wait(ctx context.Context, within time.Duration) (time.Duration, error) {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	s.progress.Say(fmt.Sprintf("waiting for %s", plural(len(s.ledger.unseen()), "event")))
	for pause := newPause(firstPause, mostPause); ; {
		err := s.stack.hasten(bounded)
		if err == nil {
			err = s.ledger.look(bounded, s.stack, s.began)
		}
		unseen := len(s.ledger.unseen())
		if err == nil && unseen == 0 {
			return time.Since(began), nil
		}
		if err == nil {
			s.progress.Say(fmt.Sprintf("waiting for %d of %s, for %s at most", unseen, plural(len(s.ledger.events()), "event"), (within - time.Since(began)).Round(time.Second)))
			err = pause.wait(bounded)
		}
		if ctx.Err() == nil && bounded.Err() != nil { // the time is over, whatever it was that noticed
			return time.Since(began), s.ledger.look(ctx, s.stack, s.began)
		}
		if err != nil {
			return 0, err
		}
	}
}

// judgeAll makes a check of each request, and the account of them all.
func (s *smoke) judgeAll(ctx context.Context, waited time.Duration) error {
	var failures map[string]failure
	hint := ""
	if unseen := s.ledger.unseen(); len(unseen) > 0 {
		s.progress.Say("looking for what is in no table")
		failures, hint = s.evidence(ctx, unseen)
	}
	var a account
	for _, x := range s.ledger.exchanges {
		c := check{Name: x.what, RequestID: x.answer.RequestID, OK: true}
		if !x.accepted() {
			c.fail("it was answered with %s, and ought to be accepted", x.answer)
		}
		places := map[string]int{}
		failure, failed := failures[x.answer.RequestID]
		var unseen []string
		for _, e := range x.events {
			a.Accepted++
			a.Copies += max(0, len(e.landed)-1)
			switch {
			case len(e.landed) > 0:
				a.Events++
				places["in the table"]++
			case len(e.kept) > 0:
				a.Quarantined++
				places["in the quarantine"]++
			case failed:
				a.InFlight++
				places["in flight"]++
			default:
				a.NotSeen++
				places["not seen"]++
			}
			if !e.seen() {
				unseen = append(unseen, e.id)
			}
			if x.question != "" {
				continue // its probe judges
			}
			for _, fault := range s.ledger.faults(e) {
				c.fail("event %s: %s. Ask where it is: %s", e.id, fault, s.stack.where(x.answer.RequestID))
			}
		}
		if len(unseen) > 0 {
			why := ""
			if failed {
				why = fmt.Sprintf("; the record failed with %s (%s), and that is not dealt with yet", failure.code, failure.object)
			}
			c.fail("in neither table after %s: %s%s. Ask where: %s", waited.Round(time.Second), strings.Join(unseen, ", "), why, s.stack.where(x.answer.RequestID))
		}
		if len(x.events) > 0 {
			c.Saw = counted(places)
		}
		s.report.add(c)
	}
	a.Requests = len(s.ledger.exchanges)
	s.report.Account, s.report.Hint, s.report.Waited = a, hint, waited.Round(time.Second/10).Seconds()
	c := check{Name: "copies are known by their event_id", OK: true}
	s.copies(&c)
	s.report.add(c)
	if len(s.ledger.strangers) > 0 {
		c := check{Name: "nothing is there that was not sent", Saw: plural(len(s.ledger.strangers), "row")}
		c.Faults = s.ledger.strangers
		s.report.add(c)
	}
	return ctx.Err()
}

// copies holds the two requests that sent the same event against one another.
func (s *smoke) copies(c *check) {
	byID := map[string]map[string]bool{} // request ids by event id
	for _, e := range s.ledger.events() {
		for _, r := range e.landed {
			if byID[e.id] == nil {
				byID[e.id] = map[string]bool{}
			}
			byID[e.id][r.text("request_id")] = true
		}
	}
	twice := 0
	for _, requests := range byID {
		if len(requests) > 1 {
			twice++
		}
	}
	c.Saw = fmt.Sprintf("%s of two requests, under one id", plural(twice, "event"))
	if twice != 1 {
		c.fail("one event was sent by two requests, and the table has %d that came with two", twice)
	}
}

// evidence looks where events may be that are in no table: it answers what failed, by request id, and a sentence.
func (s *smoke) evidence(ctx context.Context, unseen []*sentEvent) (map[string]failure, string) {
	var words, ids []string
	for _, e := range unseen {
		if id := e.of.answer.RequestID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	failures, err := s.facts.failures(ctx, ids, s.began)
	words = append(words, fmt.Sprintf("error objects have %d of these requests", len(failures)))
	if err != nil {
		words[0] = fmt.Sprintf("the error objects could not be read (%v)", err)
	}
	for _, id := range []string{dlqQueue, dlqDeadLetter} {
		q, err := s.facts.queue(ctx, id)
		if err != nil {
			words = append(words, fmt.Sprintf("%s could not be asked (%v)", id, err))
			continue
		}
		words = append(words, fmt.Sprintf("%s holds %s", id, plural(q.all(), "message")))
	}
	return failures, "What is not seen may be in the stream or in Firehose's buffers yet. " + strings.ToUpper(words[0][:1]) + strings.Join(words, ", ")[1:] + "."
}

// counted writes numbers behind what they count.
func counted(places map[string]int) string {
	var words []string
	for place, n := range places {
		words = append(words, fmt.Sprintf("%d %s", n, place))
	}
	slices.Sort(words)
	slices.Reverse(words)
	return strings.Join(words, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// probe runs the probes of docs/unproven.md.
func (s *smoke) probe(ctx context.Context) error {
	for _, p := range probes {
		v := verdict{NotRun, "by hand: " + p.how}
		if p.run != nil {
			s.progress.Say("probing " + p.line)
			v = p.run(ctx, s)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.report.addProbe(probed{p.line, v.result, v.saw, p.run == nil})
	}
	return nil
}

// notRun makes a verdict of an error: a question that could not be asked settles nothing.
func notRun(err error) verdict {
	var missing notHere
	if errors.As(err, &missing) {
		return verdict{NotRun, missing.Error()}
	}
	return verdict{NotRun, err.Error()}
}
