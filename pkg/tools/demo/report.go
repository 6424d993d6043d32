package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The report comes in sections, in the order of an event's way. This file has them all but those about the runner itself (place.go).

func (d *demo) opening(s *state, requests int) {
	d.page.line(0, word{"hydrant", bold}, word{plural(requests, "request") + " of " + d.options.events + " through " + d.options.template + ", on this machine", plain})
	d.page.paragraph(0, 0, []word{{"api", faint}, {d.client.api, plain}, {" data", faint}, {short(s.Data), plain}})
}

func (d *demo) requests(exchanges []*exchange) {
	d.page.heading("REQUESTS", "and their answers")
	for _, e := range exchanges {
		d.page.line(0, word{e.title, bold}, word{"POST /" + e.route, plain})
		d.page.line(3, word{excerpt(e.body), faint})
		status := word{fmt.Sprint(e.status), green}
		if !e.accepted() {
			status.style = amber
		}
		d.page.paragraph(3, 7, append([]word{status}, e.outcome()...))
	}
}

// mostShards is as many of an answer's shards as are shown.
const mostShards = 4

// outcome is what the answer says, in words.
func (e *exchange) outcome() []word {
	var parts [][]word
	if e.said.Code != "" {
		parts = append(parts, append([]word{{printable(e.said.Code) + ":", bold}}, split(printable(e.said.Message))...))
	}
	if len(e.sent) > 0 {
		events := 0
		for _, r := range e.sent {
			events += len(r.events)
		}
		parts = append(parts, split(fmt.Sprintf("accepted %s in %s", plural(events, "event"), plural(len(e.sent), "record"))))
	}
	if len(e.said.Resend) > 0 {
		parts = append(parts, []word{{"Resend " + strings.ReplaceAll(fmt.Sprint(e.said.Resend), " ", ","), amber}})
	}
	label := "ShardId "
	var shards []word
	for i, id := range e.shards() {
		if i == mostShards {
			shards = append(shards, word{"…", plain})
			break
		}
		shards, label = append(shards, word{label + printable(id), plain}), ""
	}
	parts = append(parts, shards, []word{{"RequestId " + printable(e.said.RequestID), plain}})
	return join(parts)
}

// join puts a dot between the parts that are not empty.
func join(parts [][]word) []word {
	var words []word
	for _, part := range parts {
		if len(part) > 0 && len(words) > 0 {
			words[len(words)-1].text += " ·"
		}
		words = append(words, part...)
	}
	return words
}

func split(text string) []word {
	var words []word
	for w := range strings.FieldsSeq(text) {
		words = append(words, word{w, plain})
	}
	return words
}

// excerpt is a body on one line; it may be long.
func excerpt(body []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, body) == nil {
		return printable(compact.String())
	}
	return printable(strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "\uFFFD")), " "))
}

func (d *demo) rows(l *ledger) {
	d.page.heading(fmt.Sprintf("ROWS %d", len(l.found.rows)), "of the events table, as read back from the Parquet objects")
	d.page.line(0, word{"+", green}, word{"was not sent: a default, or derived from what is known of the request", plain})
	for _, r := range l.found.rows {
		where, sent := "nobody sent it", &node{}
		if r.sent != nil {
			where = r.sent.where()
			if n, err := readNode(r.sent.data); err == nil {
				sent = n
			}
		}
		id := word{printable(r.eventID), plain}
		if sent.get("event_id") == nil {
			id = word{"+" + id.text, green}
		}
		head := []word{{printable(r.value.get("type").said()), bold}, id, {"from " + where, faint}}
		if r.attempt > 0 {
			head = append(head, word{fmt.Sprintf("· arrived on attempt %d", r.attempt+1), amber})
		}
		d.page.line(0, head...)
		own, others := rowWords(r.value, sent)
		d.page.paragraph(3, 3, own)
		if extra := r.value.get("extra"); extra != nil {
			d.page.line(3, word{"extra=" + printable(extra.said()), amber})
		}
		d.page.paragraph(3, 3, others)
	}
}

func (d *demo) failures(l *ledger) {
	d.page.heading(fmt.Sprintf("FAILED %d", len(l.found.failures)), "records, in error objects, from where the dlq function took them")
	for _, x := range l.found.failures {
		where := "nobody sent it"
		if len(x.sent) > 0 {
			where = x.sent[0].record.exchange.title
		}
		again, kept := 0, 0
		for _, e := range x.sent {
			switch {
			case e.kept != nil && e.kept.Attempt == x.attempt:
				kept++
			case e.kept != nil || e.row != nil:
				again++
			}
		}
		d.page.paragraph(0, 3, slices.Concat([]word{{printable(x.code), red}, {"from " + where + ":", faint}}, fates(again, kept)))
		if x.code != processingFailed {
			d.page.paragraph(3, 3, split(printable(x.message)))
		}
	}
	for _, line := range l.found.log {
		d.page.paragraph(0, 3, append([]word{{"error log", red}}, split(printable(line))...))
	}
}

// fates says what became of the events of a failure.
func fates(again, kept int) []word {
	switch {
	case again == 0 && kept == 0:
		return split("on their way")
	case again == 0:
		return split(plural(kept, "event") + " quarantined")
	case kept == 0:
		return split(plural(again, "event") + " sent round again")
	}
	return split(fmt.Sprintf("%s sent round again, %s quarantined", plural(again, "event"), thousands(int64(kept))))
}

func (d *demo) account(a *account) {
	p := d.page
	p.heading("ACCOUNT", "of events; a record that cannot be read counts as one")
	entry := func(sign, name string, n int64, note string) {
		p.line(1, word{sign, bold}, word{fmt.Sprintf("%-11s", name), plain}, word{fmt.Sprintf("%6s", thousands(n)), bold}, word{" " + note, faint})
	}
	entry(" ", "accepted", a.accepted, fmt.Sprintf("in %s, by %d of %s", plural(a.records, "record"), a.takenRequests, plural(a.requests, "request")))
	rows := "in the table"
	if a.again > 0 {
		rows += fmt.Sprintf(", %s of them not on the first attempt", thousands(a.again))
	}
	entry("=", "rows", a.rows, rows)
	entry("+", "quarantined", a.quarantined, "in the quarantine, with the reasons")
	entry("+", "in flight", a.inFlight, "in the stream, Firehose's buffers and the dlq function's queue")
	verdict := word{"It adds up.", green}
	if !a.addsUp() {
		verdict = word{"It does not add up.", red}
	}
	p.line(1, verdict)
	for _, f := range a.faults {
		p.paragraph(1, 3, append([]word{{"!", red}}, split(printable(f))...))
	}
}

// next says what to try next. The addresses are those of make run, the stage is the template's.
func (d *demo) next(api string, took time.Duration) {
	stage := "/"
	if u, err := url.Parse(api); err == nil {
		stage = u.Path
	}
	d.page.heading("NEXT", "")
	for _, line := range []string{
		"make run     serve the same until Ctrl-C, and send from another terminal:",
		"  curl http://127.0.0.1:3000" + stage + "/record -H 'Content-Type: application/json' \\",
		`    -d '{"Data":{"type":"page_view","url":"https://www.example.com/"}}'`,
		"  curl -X POST http://127.0.0.1:4566/_hydrant/flush",
		"  curl http://127.0.0.1:4566/_hydrant/tables/" + table,
		"  curl http://127.0.0.1:4566/_hydrant/tables/" + quarantine,
		"make test    run every test",
		"make help    list the rest",
		"README.md    how to add a type of event, and how to deploy",
	} {
		fmt.Fprintln(d.page.w, " "+line) // not cut off: it is there to be pasted
	}
	fmt.Fprintln(d.page.w)
	d.page.line(0, word{fmt.Sprintf("The demo took %.1f s.", took.Seconds()), faint})
}

// short is a path as a person would write it: from here, if it lies below.
func short(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}
