package main

import (
	"slices"
	"strings"

	"hydrant/pkg/event"
)

// provenance are the columns that hydrant sets and no producer can.
var provenance = []string{"received_at", "producer", "request_id", "attempt", "extra"}

// rowWords writes a row as name=value, and marks what was filled in. The first words are the event's own, the others the columns that
// hydrant sets and the partition of the row's object.
func rowWords(row, sent *node) (own, others []word) {
	var known []string
	for _, c := range event.Columns() {
		known = append(known, c.Name)
	}
	for _, m := range row.members {
		switch {
		case m.name == "type" || m.name == "event_id" || m.name == "extra":
			// They have places of their own.
		case slices.Contains(provenance, m.name) || !slices.Contains(known, m.name):
			others = append(others, words(m.name+"=", m.value, nil, true, faint)...)
		default:
			own = append(own, words(m.name+"=", m.value, sent.get(m.name), false, plain)...)
		}
	}
	return own, others
}

// longest is as much of a value as is shown.
const longest = 72

// words writes a value behind its name. Where nothing was sent for it, it gets the mark of what was filled in, once for all that is in it;
// marked says that something around it has got one, or that it needs none.
func words(name string, value, sent *node, marked bool, s style) []word {
	if sent == nil && !marked {
		name, marked, s = "+"+name, true, green
	}
	var inner []word
	open, end := "{", "}"
	switch value.kind {
	case '"':
		return []word{{name + cut(quoted(value.text), longest), s}}
	case '{':
		for _, m := range value.members {
			inner = append(inner, words(m.name+"=", m.value, sent.get(m.name), marked, s)...)
		}
	case '[':
		open, end = "[", "]"
		for i, item := range value.items {
			inner = append(inner, words("", item, sent.item(i), marked, s)...)
		}
	default:
		return []word{{name + value.text, s}}
	}
	if len(inner) == 0 {
		return []word{{name + open + end, s}}
	}
	inner[0].text = name + open + inner[0].text
	inner[len(inner)-1].text += end
	return inner
}

// quoted writes a text so that it can be told where it ends.
func quoted(text string) string {
	clean := printable(text)
	if clean != text || text == "" || strings.ContainsAny(text, " {}[]\"") {
		return `"` + strings.ReplaceAll(clean, `"`, `\"`) + `"`
	}
	return text
}
