package main

import (
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/event"
)

// unknownFields counts the fields that their event's type does not know, by name. They are no mistake, but often a misspelt optional field.
type unknownFields struct {
	known map[string]map[string]bool // by type, the fields' names as in items[].sku
	names map[string]int
}

// maxNames is how many names are told apart, and otherNames what the rest is counted as.
const (
	maxNames   = 100
	otherNames = "(others)"
)

func newUnknownFields(names map[string]int) *unknownFields {
	u := &unknownFields{known: map[string]map[string]bool{}, names: names}
	catalogue, _ := event.Describe() // its mistakes are about documentation
	for _, t := range catalogue.Types {
		u.known[t.Name] = map[string]bool{}
		for _, f := range t.Fields {
			u.known[t.Name][f.Name] = true
		}
	}
	return u
}

// add counts the fields in a row's column extra.
func (u *unknownFields) add(kind string, row []byte) {
	var columns struct{ Extra string }
	if json.Unmarshal(row, &columns) == nil && columns.Extra != "" {
		u.members(u.known[kind], "", decoder(strings.NewReader(columns.Extra)))
	}
}

// members goes through an object of which the type knows some members; before is its name and a point.
func (u *unknownFields) members(known map[string]bool, before string, d *jsontext.Decoder) {
	_, _ = d.ReadToken() // d reads what the judge wrote: there are no errors
	for d.PeekKind() != jsontext.KindEndObject {
		name, _ := d.ReadToken()
		u.value(known, before+name.String(), d)
	}
	_, _ = d.ReadToken()
}

// value goes through a member of the column extra. One whose name the type knows is there for the sake of what is in it.
func (u *unknownFields) value(known map[string]bool, name string, d *jsontext.Decoder) {
	switch kind := d.PeekKind(); {
	case !known[name]:
		_ = d.SkipValue()
		u.count(name)
	case kind == jsontext.KindBeginObject:
		u.members(known, name+".", d)
	case kind == jsontext.KindBeginArray:
		_, _ = d.ReadToken()
		for d.PeekKind() != jsontext.KindEndArray {
			if d.PeekKind() == jsontext.KindBeginObject {
				u.members(known, name+"[].", d)
			} else {
				_ = d.SkipValue() // null: of this element everything is known
			}
		}
		_, _ = d.ReadToken()
	}
}

func (u *unknownFields) count(name string) {
	if _, there := u.names[name]; !there && len(u.names) >= maxNames {
		name = otherNames
	}
	u.names[name]++
}
