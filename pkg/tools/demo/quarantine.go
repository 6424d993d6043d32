package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"hydrant/pkg/event"
)

// quarantine is the Glue table of what could not land.
const quarantine = "quarantine"

// kept is a row of the quarantine: an event, or a record that cannot be read.
type kept struct {
	EventID    string    `json:"event_id"`
	Type       string    `json:"type"`
	RequestID  string    `json:"request_id"`
	ReceivedAt time.Time `json:"received_at"`
	Attempt    int       `json:"attempt"`
	Stage      string    `json:"stage"`
	Code       string    `json:"code"`
	Reasons    []reason  `json:"reasons"`
	Data       string    `json:"data"`
	Raw        []byte    `json:"raw"` // base64; what there is instead of data

	sent *sentEvent
}

type reason struct{ Field, Rule, Reason string }

func (f *found) readKept(line []byte) error {
	k := &kept{}
	if err := json.Unmarshal(line, k); err != nil {
		return fmt.Errorf("a row of the quarantine: %w", err)
	}
	f.kept = append(f.kept, k)
	return nil
}

// countRedriven asks where the requests are whose records failed, and counts the records in the stream that are not on their first attempt.
func (c *client) countRedriven(ctx context.Context, f *found) error {
	asked := map[string]bool{"": true}
	for _, x := range f.failures {
		for _, id := range x.requestIDs {
			if asked[id] {
				continue
			}
			asked[id] = true
			answer, err := c.control(ctx, http.MethodGet, "where?id="+url.QueryEscape(id))
			if err != nil {
				return err
			}
			for line := range lines(answer) {
				var seen struct {
					Place   string
					Attempt int
				}
				if err := json.Unmarshal(line, &seen); err != nil {
					return fmt.Errorf("where: %w", err)
				}
				if seen.Place == "stream" && seen.Attempt > 0 {
					f.redriven++
				}
			}
		}
	}
	return nil
}

// matchKept finds the event that a row of the quarantine holds, and wants it to be there for good reason.
func (l *ledger) matchKept(k *kept, take func(requestID, eventID string) *sentEvent) {
	if k.sent = take(k.RequestID, k.EventID); k.sent == nil {
		l.fault("quarantine: event %s of request %s: nobody sent it, or it is elsewhere too", k.EventID, k.RequestID)
		return
	}
	e := k.sent
	e.kept = k
	if e.failures != k.Attempt+1 {
		l.fault("%s: quarantined after attempt %d, and %s failed it", e.where(), k.Attempt, plural(e.failures, "error object"))
	}
	switch against := l.rejections(k); {
	case len(k.Reasons) == 0:
		l.fault("%s: quarantined without a reason", e.where())
	case len(against) > 0 && !slices.Equal(k.Reasons, against):
		l.fault("%s: the quarantine's reasons are not what the catalogue has against it", e.where())
	case len(against) == 0 && e.data != nil && k.Code == processingFailed && k.Reasons[0].Field != "":
		l.fault("%s: the quarantine has reasons, and the catalogue has nothing against it", e.where())
	}
}

// processingFailed is the code for a record that the function answered with ProcessingFailed.
const processingFailed = "Lambda.ProcessingFailedStatus"

// rejections are what the catalogue has against the event, judged at the time at which its record was received.
func (l *ledger) rejections(k *kept) []reason {
	if k.sent.data == nil {
		return nil
	}
	_, outcome := l.judge.AppendRow(nil, k.sent.data, event.Origin{ReceivedAt: k.ReceivedAt.UnixMilli(), EventID: k.sent.derivedID})
	var all []reason
	for _, r := range outcome.Rejections {
		all = append(all, reason{r.Field, r.Rule, string(r.Reason)})
	}
	return all
}

func (d *demo) quarantine(l *ledger) {
	d.page.heading(fmt.Sprintf("QUARANTINE %d", len(l.found.kept)), "of events that cannot land as they are, with the reasons")
	for _, k := range l.found.kept {
		where := "nobody sent it"
		if k.sent != nil {
			where = k.sent.where()
		}
		kind, text := k.Type, []byte(k.Data)
		if k.Data == "" {
			kind, text = "a record", k.Raw
		} else if value, err := readNode(text); err == nil && kind == "" {
			kind = value.get("type").said() // which the catalogue does not know
		}
		d.page.line(0, word{printable(cmp.Or(kind, "no type")), bold}, word{printable(k.EventID), plain}, word{"from " + where, faint})
		d.page.line(3, word{excerpt(text), faint})
		d.page.paragraph(3, 3, reasonWords(k.Reasons))
		d.page.paragraph(3, 3, []word{
			{"stage=" + printable(k.Stage), faint},
			{"code=" + printable(k.Code), faint},
			{fmt.Sprintf("attempt=%d", k.Attempt), faint},
			{"request_id=" + printable(k.RequestID), faint},
		})
	}
}

// reasonWords are reasons in words: the field, the reason and the rule that is broken.
func reasonWords(reasons []reason) []word {
	var parts [][]word
	for _, r := range reasons {
		part := []word{{printable(cmp.Or(r.Field, "the event")), bold}, {printable(r.Reason), red}}
		if r.Rule != "" {
			part = append(part, word{"(" + printable(r.Rule) + ")", plain})
		}
		parts = append(parts, part)
	}
	return join(parts)
}
