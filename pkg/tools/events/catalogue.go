package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"hydrant/pkg/event"
)

// kind is a type of event: its name, and its fields as the members of one object.
type kind struct {
	name string
	root *field
}

// field is a field of an event or a member of one, with values that it may have.
type field struct {
	name, column string // column is "" for a member
	glue         string // Glue's type
	required     bool
	fallback     string   // its value where it is absent, as JSON; "" is none
	words        []string // values that its rules name
	members      []*field // of an object, or of the objects in a list
	pool         []value  // of what has no members
	most         int      // how many elements a list may have
}

// value is one that a field may have: the JSON text that is sent, and what becomes of it, "" if nothing does.
type value struct{ sent, row string }

var named = regexp.MustCompile("`([^`]+)`")

// readCatalogue answers the types, with what their fields may hold.
func readCatalogue() ([]kind, error) {
	d, err := event.Describe()
	if err != nil {
		return nil, err
	}
	judge, err := event.NewJudge()
	if err != nil {
		return nil, err
	}
	var kinds []kind
	var errs []error
	for _, t := range d.Types {
		k := kind{name: t.Name, root: &field{glue: "struct<>"}}
		for _, f := range append(append([]event.Field(nil), d.Common...), t.Fields...) {
			k.root.add(strings.Split(f.Name, "."), f)
		}
		p := &prober{judge: judge, example: t.Example, r: rand.New(rand.NewPCG(0, 0))}
		p.fill(k.root, nil)
		errs = append(errs, p.errs...)
		kinds = append(kinds, k)
	}
	return kinds, errors.Join(errs...)
}

// add puts a described field at its place: items[].sku below items.
func (f *field) add(path []string, d event.Field) {
	name := strings.TrimSuffix(path[0], "[]")
	if len(path) > 1 {
		for _, m := range f.members {
			if m.name == name {
				m.add(path[1:], d)
			}
		}
		return
	}
	added := &field{name: name, column: d.Column, glue: d.Glue, required: d.Required, fallback: d.Default}
	if !json.Valid([]byte(d.Default)) {
		added.fallback = "" // words: it depends on the event
	}
	for _, match := range named.FindAllStringSubmatch(d.Rules, -1) {
		added.words = append(added.words, match[1])
	}
	f.members = append(f.members, added)
}

func (f *field) isList() bool { return strings.HasPrefix(f.glue, "array<") }

// prober finds out which values are valid: it puts each into a valid event and asks the judge.
type prober struct {
	judge   *event.Judge
	example string
	r       *rand.Rand
	errs    []error
}

// arrival is when the events that the judge is asked about arrive: before any that is really sent.
const arrival = 1767225600000 // 2026-01-01T00:00:00Z

func (p *prober) valid(path []string, literal string) bool {
	data := replace(json.RawMessage(p.example), path, literal)
	_, out := p.judge.AppendRow(nil, data, event.Origin{ReceivedAt: arrival, EventID: "e"})
	return len(out.Rejections) == 0
}

// replace is the object with the value at the path replaced: below a list, in a list of one element.
func replace(object json.RawMessage, path []string, literal string) json.RawMessage {
	if len(path) == 0 {
		return json.RawMessage(literal)
	}
	if path[0] == "[]" {
		var list []json.RawMessage
		if json.Unmarshal(object, &list) != nil || len(list) == 0 {
			list = []json.RawMessage{json.RawMessage("{}")}
		}
		return append(append(json.RawMessage("["), replace(list[0], path[1:], literal)...), ']')
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil || members == nil {
		members = map[string]json.RawMessage{}
	}
	members[path[0]] = replace(members[path[0]], path[1:], literal)
	out := []byte{'{'}
	for name, v := range members { // json.Marshal would mend the text of the literal
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted(name)...), ':'), v...)
	}
	return append(out, '}')
}

// find is the example's value at the path, as replace takes it.
func find(object json.RawMessage, path []string) json.RawMessage {
	for _, name := range path {
		if name == "[]" {
			var list []json.RawMessage
			if json.Unmarshal(object, &list) != nil || len(list) == 0 {
				return nil
			}
			object = list[0]
			continue
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(object, &members) != nil {
			return nil
		}
		object = members[name]
	}
	return object
}

// fill finds values for a field and all below it.
func (p *prober) fill(f *field, path []string) {
	if f.isList() {
		element := string(find(json.RawMessage(p.example), append(path[:len(path):len(path)], "[]")))
		f.most = greatest(1, 10_000, func(n int64) bool {
			return p.valid(path, "["+strings.TrimSuffix(strings.Repeat(element+",", int(n)), ",")+"]")
		})
		path = append(path[:len(path):len(path)], "[]")
	}
	if len(f.members) > 0 {
		for _, m := range f.members {
			p.fill(m, append(path[:len(path):len(path)], m.name))
		}
		return
	}
	for _, v := range p.candidates(f, path) {
		if p.valid(path, v.sent) {
			f.pool = append(f.pool, v)
		}
	}
	if len(f.pool) == 0 {
		p.errs = append(p.errs, fmt.Errorf("%s: no value was found that it may have: its example is missing", strings.Join(path, ".")))
	}
}

// greatest is the greatest number up to most that is good, if all are between least, which is, and it.
func greatest(least, most int64, good func(int64) bool) int {
	for least < most {
		// Neither the difference nor the sum of two int64 need be one.
		middle := most - int64(uint64(most-least)/2)
		if good(middle) {
			least = middle
		} else {
			most = middle - 1
		}
	}
	return int(least)
}
