// Package event says what an event is: the catalogue of types, and the judgement of one event by it.
//
// An event goes through four steps, always in this order: it is decoded, what is absent gets its default, what was sent is validated, and the
// row is encoded. A row is one JSON object of the table's columns, ended by a newline, as Firehose's record format conversion reads it. What
// the conversion would refuse is refused here, where it still can be explained.
//
// To add a type of event see catalogue.go; nothing else has to be touched.
package event

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
)

// Judge judges events. It is safe for concurrent use.
type Judge struct {
	*compiled
	drafts sync.Pool
}

// compiled is a catalogue made ready for use.
type compiled struct {
	rules   *rules
	plans   map[string]*plan
	bare    *plan // of an event whose type is not known: what is common to all
	types   []string
	columns []Column
}

// Outcome is what became of one event.
type Outcome struct {
	Type       string      // the catalogue's name, "" when unknown
	EventID    string      // the event's own if it is valid, else the origin's
	Unknown    int         // fields that the type does not know; counted for valid events
	Rejections []Rejection // empty: the event is valid. At most 20
}

// Rejection says what is wrong with one value of an event. It never holds the value.
type Rejection struct {
	Field  string // a JSON Pointer (RFC 6901) into the event; "" is the event itself
	Rule   string // the rule that is broken with its parameter, as in max=512
	Reason Reason
}

// NewJudge compiles the catalogue. Its error has a line for each mistake in it, with the type and the field.
func NewJudge() (*Judge, error) { return newJudge(compileOnce()) }

func newJudge(c *compiled, err error) (*Judge, error) {
	if err != nil {
		return nil, err
	}
	return &Judge{compiled: c, drafts: sync.Pool{New: func() any { return new(draft) }}}, nil
}

func compile(kinds []kind) (*compiled, error) {
	r, err := newRules()
	if err != nil {
		return nil, err
	}
	c := &compiled{rules: r, plans: map[string]*plan{}}
	t := &table{owner: map[string]string{}, place: map[string]int{}}
	var errs []error
	add := func(name string, shapes ...reflect.Type) *plan {
		compiler := &compiler{rules: r, where: []string{name}}
		p := compiler.plan(slices.Concat(commonShapes, shapes)...)
		errs = append(errs, compiler.errs...)
		errs = append(errs, t.add(name, p)...)
		return p
	}
	c.bare = add("(any)")
	for _, k := range kinds {
		if !glueName.MatchString(k.name) || c.plans[k.name] != nil {
			errs = append(errs, fmt.Errorf("event type %q: the name is there twice, or not lower case letters, digits and underscores", k.name))
			continue
		}
		p := add(k.name, k.shape)
		p.name, c.plans[k.name] = k.name, p
		c.types = append(c.types, k.name)
	}
	c.columns = t.columns
	return c, errors.Join(errs...)
}

// AppendRow judges the one JSON value in data. If it is a valid event it appends its row to dst, one JSON object and a newline; if not, dst
// comes back as it was. It neither changes nor keeps data.
func (j *Judge) AppendRow(dst, data []byte, o Origin) ([]byte, Outcome) {
	d := j.drafts.Get().(*draft)
	defer func() {
		d.reset()
		j.drafts.Put(d)
	}()
	d.begin(data, o)
	p, known := j.plans[string(d.typeName(j.plans))]
	if !known {
		p, d.bare = j.bare, true
	}
	if rule, reason := d.judge(j.rules, p); rule != "" {
		return dst, Outcome{EventID: o.EventID, Rejections: []Rejection{{Rule: rule, Reason: reason}}}
	}
	return d.finish(dst, p)
}

// judge decodes and validates the event. It returns a rule and a reason if the event is no JSON text; then nothing else is to be said of it.
func (d *draft) judge(r *rules, p *plan) (rule string, reason Reason) {
	if d.scan.End() {
		return "json", Empty
	}
	if !d.decode(p) {
		// The scanner has a limit too, 10,000 levels, beyond which it does not look whether the rest is JSON.
		if levels(d.data) > maxLevels {
			return "depth", TooDeep
		}
		return "json", InvalidJSON
	}
	if len(d.cells) > 0 {
		d.validate(r, p, 0)
		if d.bare && d.cells[fieldType].state == sent {
			d.push(p.fields[fieldType].step)
			d.reject("catalogue", UnknownType)
		}
	}
	return "", ""
}

// finish fills in what hydrant knows and appends the row of an event that has no rejections.
func (d *draft) finish(dst []byte, p *plan) ([]byte, Outcome) {
	out := Outcome{Type: p.name, EventID: d.origin.EventID, Rejections: d.rejections}
	if len(d.cells) > 0 && d.cells[fieldEventID].state == sent {
		out.EventID = string(d.cells[fieldEventID].text)
	}
	if len(d.rejections) > 0 {
		return dst, out
	}
	out.Unknown = d.unknown
	d.fill()
	dst = d.appendObject(dst, p, d.cells[:len(p.fields)])
	return append(dst, '\n'), out
}

// fill sets the dynamic defaults and hydrant's own columns.
func (d *draft) fill() {
	o := &d.origin
	d.set(fieldEventID, cell{text: d.keep(o.EventID)}, d.cells[fieldEventID].state == absent)
	d.set(fieldOccurredAt, cell{number: o.ReceivedAt}, d.cells[fieldOccurredAt].state == absent)
	d.set(fieldReceivedAt, cell{number: o.ReceivedAt}, true)
	d.set(fieldProducer, cell{text: d.keep(o.Producer)}, o.Producer != "")
	d.set(fieldRequestID, cell{text: d.keep(o.RequestID)}, o.RequestID != "")
	d.set(fieldAttempt, cell{number: int64(min(o.Attempt, math.MaxInt32))}, true) // what does not fit the column would lose the row
	d.set(fieldExtra, cell{text: d.extra}, len(d.extra) > 0)
}

// keep makes a cell's text of a string of hydrant's own.
func (d *draft) keep(s string) []byte {
	d.own = append(d.own, s...)
	return d.own[len(d.own)-len(s):]
}

func (d *draft) set(at int, c cell, really bool) {
	if really {
		c.state = filled
		d.cells[at] = c
	}
}
