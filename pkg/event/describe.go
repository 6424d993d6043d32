package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Description is the catalogue in words, for documentation.
type Description struct {
	Common []Field // of every type
	Own    []Field // columns that hydrant sets and no producer can
	Types  []Type
}

// Type describes a type of event.
type Type struct {
	Name    string
	Doc     string  // one sentence
	Fields  []Field // without the common ones
	Example string  // a valid event, a JSON object as the catalogue has it, with the common fields before the type's own
}

// Field describes a field of an event, or a member of one.
type Field struct {
	Name     string // as in items[].sku
	JSON     string // as in "array of objects"
	Column   string // "" for a member: it has no column of its own
	Glue     string
	Required bool
	Default  string // JSON text, or words for what depends on the event; "" is none
	Rules    string // in words, "" if every value of its JSON type and of its column is good
	Doc      string // one sentence, "" for some members
}

// commonExample is what the examples of all types have in common.
const commonExample = `"event_id": "3f0e9a52-77b1-4f6e-9d0c-1a2b3c4d5e6f", "occurred_at": "2025-11-22T09:30:00.250Z",
 "user_id": "user-1204", "session_id": "s-58c1"`

// Describe returns the catalogue in words. Its error has a line for each type and field that documentation could not explain: a sentence is
// missing, or the example is not valid. None of these keeps a Judge from its work.
func Describe() (Description, error) {
	c, err := compileOnce()
	if err != nil {
		return Description{}, err
	}
	return c.describe(catalogue)
}

func (c *compiled) describe(kinds []kind) (Description, error) {
	fields, defaults := c.bare.fields, c.bare.prototype
	d := Description{
		Common: describe(fields[:fieldReceivedAt], defaults, ""),
		Own:    describe(fields[fieldReceivedAt:], defaults[fieldReceivedAt:], ""),
	}
	for i := range d.Common {
		if words := dynamicDefaults[d.Common[i].Name]; words != "" {
			d.Common[i].Default = words
		}
	}
	errs := undocumented("(any)", slices.Concat(d.Common, d.Own))
	for _, k := range kinds {
		p := c.plans[k.name]
		t := Type{Name: k.name, Doc: k.doc, Fields: describe(p.fields[len(fields):], p.prototype[len(fields):], "")}
		if t.Doc == "" {
			errs = append(errs, fmt.Errorf("event type %s: it lacks a sentence that says what it is", k.name))
		}
		errs = append(errs, undocumented(k.name, t.Fields)...)
		var err error
		if t.Example, err = c.example(k); err != nil {
			errs = append(errs, err)
		}
		d.Types = append(d.Types, t)
	}
	return d, errors.Join(errs...)
}

// undocumented names the fields that have a column but no sentence.
func undocumented(kind string, fields []Field) (errs []error) {
	for _, f := range fields {
		if f.Column != "" && f.Doc == "" {
			errs = append(errs, fmt.Errorf("event type %s, field %s: it lacks a doc tag, which is its column's comment too", kind, f.Name))
		}
	}
	return errs
}

// example is a whole event of the kind, which its own rules must not refuse and of which they must know every field.
func (c *compiled) example(k kind) (string, error) {
	members, ok := strings.CutPrefix(strings.TrimSpace(k.example), "{")
	if !ok || !jsontext.Value(k.example).IsValid() {
		return "", fmt.Errorf("event type %s: its example is no JSON object", k.name)
	}
	whole := fmt.Sprintf("{\"type\": %q, %s", k.name, commonExample)
	if strings.TrimSpace(members) != "}" {
		whole += ",\n "
	}
	whole += members
	j := &Judge{compiled: c}
	j.drafts.New = func() any { return new(draft) }
	_, out := j.AppendRow(nil, []byte(whole), Origin{ReceivedAt: latest})
	var errs []error
	for _, r := range out.Rejections {
		errs = append(errs, fmt.Errorf("event type %s, field %s: its example breaks the rule %s (%s)", k.name, r.Field, r.Rule, r.Reason))
	}
	if out.Unknown > 0 {
		errs = append(errs, fmt.Errorf("event type %s: its example has %d fields that the type does not know", k.name, out.Unknown))
	}
	return whole, errors.Join(errs...)
}

// describe describes fields, which are those of an event or, if path leads to it, of an object in one. Only the former have columns.
func describe(fields []field, defaults []cell, path string) (all []Field) {
	for i := range fields {
		f := &fields[i]
		described := Field{Name: path + f.name, JSON: f.jsonWords(), Glue: f.glue, Required: f.required, Rules: f.ruleWords(), Doc: f.doc}
		if path == "" {
			described.Column = f.column
		}
		if defaults[i].state == filled {
			described.Default = string(new(draft).appendValue(nil, f, &defaults[i]))
		}
		all = append(all, described)
		switch {
		case f.form == object:
			all = append(all, describe(f.object.fields, f.object.prototype, path+f.name+".")...)
		case f.form == list && f.element.form == object:
			all = append(all, describe(f.element.object.fields, f.element.object.prototype, path+f.name+"[].")...)
		}
	}
	return all
}

var jsonWords = map[form]string{
	text: "string", integer: "integer", number: "number", boolean: "boolean", object: "object", texts: "object of strings",
	timestamp: "RFC 3339 string, or integer (epoch milliseconds)",
}

func (f *field) jsonWords() string {
	if f.form != list {
		return jsonWords[f.form]
	}
	if f.element.form == timestamp {
		return "array of times, each an " + jsonWords[timestamp]
	}
	return "array of " + jsonWords[f.element.form] + "s"
}
