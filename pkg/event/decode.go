package event

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// typeName is the event's type, "" if it has none that is text. It leaves the event's mistakes to decode, which reads it again.
func (d *draft) typeName(plans map[string]*plan) string {
	if rest, ok := strings.CutPrefix(d.text, `{"type":"`); ok { // as nearly every producer writes it: no need to read it twice
		if name, _, ok := strings.Cut(rest, `"`); ok && plans[name] != nil {
			return name
		}
	}
	d.read()
	if tok, err := d.decoder.ReadToken(); err != nil || tok.Kind() != jsontext.KindBeginObject {
		return ""
	}
	for d.decoder.PeekKind() == jsontext.KindString {
		name, err := d.raw()
		if err != nil {
			return ""
		}
		if unquote(name, d.plain) != "type" {
			if d.decoder.SkipValue() != nil {
				return ""
			}
			continue
		}
		if value, err := d.raw(); err == nil && value[0] == '"' {
			return unquote(value, d.plain)
		}
		return ""
	}
	return ""
}

// decode reads the whole event by its type's plan into the draft's cells, from the first on, and what the type does not know into extra.
// What is wrong with its values it notes as rejections; an error means that the event is no JSON text.
func (d *draft) decode(p *plan) error {
	d.push(step{})
	if d.decoder.PeekKind() == jsontext.KindBeginObject {
		if _, err := d.object(p); err != nil {
			return err
		}
		d.close(&d.way[0])
	} else if err := d.skip(); err != nil {
		return err
	} else {
		d.reject("object", WrongType)
	}
	if _, err := d.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the event")
	}
	return nil
}

// raw reads the next value or name; its text stays good for as long as the draft's does.
func (d *draft) raw() (string, error) {
	v, err := d.decoder.ReadValue()
	end := int(d.decoder.InputOffset())
	return d.text[end-len(v) : end], err
}

// skip reads the next value without a use for it.
func (d *draft) skip() error {
	raw, err := d.raw()
	if err == nil {
		d.measure(raw)
	}
	return err
}

// measure rejects a value that, where it stands, nests too deep.
func (d *draft) measure(raw string) {
	if d.decoder.StackDepth()+levels(raw) > maxLevels {
		d.reject("depth", TooDeep)
	}
}

// object reads an object's members into new cells and returns the first one.
func (d *draft) object(p *plan) (first int, err error) {
	if _, err := d.decoder.ReadToken(); err != nil {
		return 0, err
	}
	first, names := len(d.cells), len(d.names)
	d.cells = append(d.cells, p.prototype...)
	for d.decoder.PeekKind() != jsontext.KindEndObject {
		quoted, err := d.raw()
		if err != nil {
			return first, err
		}
		name := unquote(quoted, d.plain)
		d.push(step{name: name})
		if i, known := p.byName[name]; known {
			err = d.member(&p.fields[i], first+i)
		} else {
			err = d.stranger(name, d.repeated(first, names, name))
		}
		if err != nil {
			return first, err
		}
		d.pop()
	}
	d.names = d.names[:names]
	d.require(p, first)
	_, err = d.decoder.ReadToken()
	return first, err
}

// pop ends a step, and in extra the value that it may have begun there.
func (d *draft) pop() {
	last := len(d.way) - 1
	d.close(&d.way[last])
	d.way = d.way[:last]
}

// require rejects what has to be in an object and is not.
func (d *draft) require(p *plan, first int) {
	for _, i := range p.required {
		if d.cells[first+i].state == absent {
			d.push(step{name: p.fields[i].name})
			d.reject("required", Missing)
			d.pop()
		}
	}
}

// member reads the value of a field that the type knows into its cell.
func (d *draft) member(f *field, at int) error {
	if d.cells[at].named {
		d.reject("unique_names", DuplicateName)
		return d.skip()
	}
	d.cells[at].named = true
	if d.decoder.PeekKind() == jsontext.KindNull { // is as good as absent: the default stays
		_, err := d.decoder.ReadToken()
		return err
	}
	return d.value(f, at)
}

// value reads a value into the cell at.
func (d *draft) value(f *field, at int) error {
	switch kind := d.decoder.PeekKind(); {
	case f.form == object && kind == jsontext.KindBeginObject:
		first, err := d.object(f.object)
		d.cells[at].state, d.cells[at].first = sent, first
		return err
	case f.form == texts && kind == jsontext.KindBeginObject:
		return d.texts(f, at)
	case f.form == list && kind == jsontext.KindBeginArray:
		return d.list(f, at)
	}
	raw, err := d.raw()
	if err != nil {
		return err
	}
	c := &d.cells[at]
	c.state = sent
	if rule, reason := f.scan(raw, d.plain, c); rule != "" {
		c.state = refused
		d.reject(rule, reason)
		d.measure(raw)
	}
	return nil
}

// list reads an array. More elements than its rule takes are counted and not kept, which bounds the memory for a hostile event.
func (d *draft) list(f *field, at int) error {
	if _, err := d.decoder.ReadToken(); err != nil {
		return err
	}
	d.cells[at].state, d.way[len(d.way)-1].array = sent, true
	count, last := 0, 0
	for d.decoder.PeekKind() != jsontext.KindEndArray {
		d.push(step{index: count, element: true})
		count++
		switch {
		case f.most > 0 && count > f.most:
			if err := d.skip(); err != nil {
				return err
			}
		default:
			if err := d.element(f.element, at, last); err != nil {
				return err
			}
			last = d.cells[at].next
		}
		d.pop()
	}
	d.cells[at].count, d.cells[at].next = count, 0
	_, err := d.decoder.ReadToken()
	return err
}

// element reads one element into a new cell and links it behind last, the element before, or as the first of the list at. While its list is
// read, the list's own next says which element is the newest.
func (d *draft) element(f *field, at, last int) error {
	cellAt := len(d.cells)
	d.cells = append(d.cells, cell{})
	if last == 0 {
		d.cells[at].first = cellAt
	} else {
		d.cells[last].next = cellAt
	}
	d.cells[at].next = cellAt
	if d.decoder.PeekKind() == jsontext.KindNull { // an element cannot be absent: those behind it would move up
		d.reject("required", Missing)
		return d.skip()
	}
	return d.value(f, cellAt)
}

// texts reads an object of strings: for each member a cell with its name and one with its value.
func (d *draft) texts(f *field, at int) error {
	if _, err := d.decoder.ReadToken(); err != nil {
		return err
	}
	first, names, count := len(d.cells), len(d.names), 0
	for d.decoder.PeekKind() != jsontext.KindEndObject {
		quoted, err := d.raw()
		if err != nil {
			return err
		}
		name := unquote(quoted, d.plain)
		d.push(step{name: name})
		raw, err := d.raw()
		if err != nil {
			return err
		}
		if d.repeated(-at, names, name) {
			d.reject("unique_names", DuplicateName)
		}
		if raw != "null" { // a null counts for nothing here
			count++
			d.textsMember(f, name, raw, count)
		}
		d.pop()
	}
	d.names = d.names[:names]
	c := &d.cells[at]
	c.state, c.first, c.count = sent, first, count
	_, err := d.decoder.ReadToken()
	return err
}

// textsMember keeps the count-th member of an object of strings.
func (d *draft) textsMember(f *field, name, raw string, count int) {
	value := cell{state: sent}
	if rule, reason := f.element.scan(raw, d.plain, &value); rule != "" {
		value.state = refused
		d.reject(rule, reason)
		d.measure(raw)
	}
	if f.most == 0 || count <= f.most {
		d.cells = append(d.cells, cell{state: sent, text: name}, value)
	}
}

// scan reads raw, the text of one JSON value, into a scalar's cell; plain is unquote's. It returns what raw should have been, "" if it is
// that, and why it is not.
func (f *field) scan(raw string, plain bool, c *cell) (rule string, reason Reason) {
	isNumber := raw[0] == '-' || isDigit(raw[0])
	isInteger := isNumber && !strings.ContainsAny(raw, ".eE")
	switch {
	case f.form == text && raw[0] == '"':
		c.text = unquote(raw, plain)
		return "", ""
	case f.form == boolean && (raw == "true" || raw == "false"):
		c.number = 0
		if raw == "true" {
			c.number = 1
		}
		return "", ""
	case f.form == integer && isInteger:
		return f.scanInteger(raw, c)
	case f.form == number && isNumber:
		var err error
		if c.float, err = strconv.ParseFloat(raw, f.bits); err != nil { // its syntax is right, so it is too large
			return f.glue, OutOfRange
		}
		return "", ""
	case f.form == timestamp && (raw[0] == '"' || isInteger):
		return scanTimestamp(raw, plain, c)
	}
	return formNames[f.form], WrongType
}

var formNames = map[form]string{
	text: "string", integer: "integer", number: "number", boolean: "boolean", timestamp: "timestamp",
	object: "object", list: "array", texts: "object",
}

func (f *field) scanInteger(raw string, c *cell) (rule string, reason Reason) {
	var err error
	if c.number, err = strconv.ParseInt(raw, 10, f.bits); err != nil { // its syntax is right, so it does not fit the column
		return f.glue, OutOfRange
	}
	return "", ""
}

func scanTimestamp(raw string, plain bool, c *cell) (rule string, reason Reason) {
	var err error
	if raw[0] != '"' {
		c.number, err = strconv.ParseInt(raw, 10, 64)
	} else if ms, ok := parseTimestamp(unquote(raw, plain)); ok {
		c.number = ms
	} else {
		return "timestamp", InvalidFormat
	}
	if err != nil || c.number < earliest || c.number > latest {
		return "years=2000-2100", OutOfRange
	}
	return "", ""
}

// levels is how deep arrays and objects are nested in a JSON text.
func levels(raw string) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
