package main

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/event"
)

// samples are the files under events/samples: an example of each type, and the smallest event of each type.
func samples(types []event.Type, smallest [][]byte) []file {
	var all []file
	for _, t := range types {
		all = append(all, file{path: "events/samples/" + t.Name + ".json", after: []byte(pretty(t.Example) + "\n")})
	}
	lines := bytes.Join(append(smallest[:len(smallest):len(smallest)], nil), []byte("\n"))
	return append(all, file{path: "events/samples/smallest.jsonl", after: lines})
}

// compact is valid JSON text without white space.
func compact(text string) string {
	v := jsontext.Value(text)
	if err := v.Compact(); err != nil {
		panic(err)
	}
	return string(v)
}

// pretty is valid JSON text as one would write it: what fits on a line stands on one. Numbers, text and the order of members stay.
func pretty(text string) string { return layout(jsontext.NewDecoder(strings.NewReader(text)), "") }

const width = 100

// layout lays out the next value of d, which is known to be valid. Lines behind its first one begin with indent.
func layout(d *jsontext.Decoder, indent string) string {
	kind := d.PeekKind()
	if kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		v, _ := d.ReadValue()
		return string(v)
	}
	_, _ = d.ReadToken()
	var parts []string
	for d.PeekKind() != jsontext.KindEndObject && d.PeekKind() != jsontext.KindEndArray {
		part := ""
		if kind == jsontext.KindBeginObject {
			name, _ := d.ReadValue()
			part = string(name) + ": "
		}
		parts = append(parts, part+layout(d, indent+"  "))
	}
	_, _ = d.ReadToken()
	first, last := "[", "]"
	if kind == jsontext.KindBeginObject {
		first, last = "{", "}"
	}
	line := first + strings.Join(parts, ", ") + last
	if indent != "" && !strings.Contains(line, "\n") && utf8.RuneCountInString(indent+line) <= width {
		return line
	}
	return first + "\n" + indent + "  " + strings.Join(parts, ",\n"+indent+"  ") + "\n" + indent + last
}
