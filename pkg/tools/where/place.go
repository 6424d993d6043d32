package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// place is one that an id was seen in. Members that a place does not have are "" or 0.
type place struct {
	Kind     string   `json:"place"`
	Resource string   `json:"resource"`
	Shard    string   `json:"shard"`
	Sequence string   `json:"sequence"`
	At       int64    `json:"at"` // Unix milliseconds
	Object   string   `json:"object"`
	Line     int      `json:"line"`
	Message  string   `json:"message"`
	Receives int      `json:"receives"`
	Attempt  *int     `json:"attempt"`
	Code     string   `json:"code"`
	Reasons  []reason `json:"reasons"`

	moment string // At, as it is printed, where it came as text
}

type reason struct {
	Field  string `json:"field"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

func (r reason) String() string {
	text := r.Reason
	if r.Rule != "" {
		text += " (" + r.Rule + ")"
	}
	return strings.TrimSpace(r.Field + " " + text)
}

// String is one line, and another one for the reasons.
func (p place) String() string {
	words := []string{fmt.Sprintf("%-10s", p.Kind)}
	add := func(format string, value any, there bool) {
		if there {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	moment := p.moment
	if p.At > 0 {
		moment = time.UnixMilli(p.At).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	add("%s", moment, moment != "")
	if p.Attempt != nil {
		add("attempt %d", *p.Attempt, true)
	}
	add("%s", p.Code, p.Code != "")
	add("%s", p.Resource, p.Resource != "" && !strings.Contains(p.Object, p.Resource))
	add("%s", p.Shard, p.Shard != "")
	add("%s", p.Sequence, p.Sequence != "")
	add("message %s", p.Message, p.Message != "")
	add("received %d times", p.Receives, p.Receives > 0)
	add("%s", p.Object, p.Object != "")
	add("line %d", p.Line, p.Line > 0)
	text := strings.Join(words, "  ")
	if len(p.Reasons) > 0 {
		var all []string
		for _, r := range p.Reasons {
			all = append(all, r.String())
		}
		text += "\n" + strings.Repeat(" ", 12) + strings.Join(all, ", ")
	}
	return text
}

// readPlaces reads JSON lines.
func readPlaces(d *json.Decoder) (places []place, err error) {
	for d.More() {
		var p place
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, nil
}

// The tables, as the saved query and as the runner name them.
func (p place) landed() bool {
	return p.Kind == "events" || p.Kind == "table" && p.Resource == "EventsTable"
}

func (p place) quarantined() bool {
	return p.Kind == "quarantine" || p.Kind == "table" && p.Resource == "QuarantineTable"
}

func (p place) redriven() bool {
	return p.Kind == "redriven" || p.Kind == "table" && p.Resource == "RedrivenTable"
}

// verdict is what the places come to, in words. A request has as many events as were sent in it, and each has a row of its own.
func verdict(places []place) string {
	var landed, quarantined, others []place
	redriven := false
	for _, p := range places {
		switch {
		case p.landed():
			landed = append(landed, p)
		case p.quarantined():
			quarantined = append(quarantined, p)
		case p.redriven():
			redriven = true
		default:
			others = append(others, p)
		}
	}
	var words []string
	if len(landed) > 0 {
		words = append(words, "in the events table"+rows(landed)+attempts(landed))
	}
	if len(quarantined) > 0 {
		text := "in the quarantine" + rows(quarantined) + reasons(quarantined)
		if redriven {
			text += ", and was sent round again"
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return "on its way" + attempts(others)
	}
	return strings.Join(words, "; ")
}

func rows(places []place) string {
	if len(places) == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d rows)", len(places))
}

// attempts are the last that is known, or from which to which.
func attempts(places []place) string {
	var all []int
	for _, p := range places {
		if p.Attempt != nil {
			all = append(all, *p.Attempt)
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case places[0].landed() && slices.Min(all) != slices.Max(all):
		return fmt.Sprintf(", on the attempts %d to %d", slices.Min(all), slices.Max(all))
	}
	return fmt.Sprintf(", on attempt %d", slices.Max(all))
}

// reasons are those of all rows, each once.
func reasons(places []place) string {
	var all []string
	for _, p := range places {
		for _, r := range p.Reasons {
			if !slices.Contains(all, r.String()) {
				all = append(all, r.String())
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}
