package event

import (
	"bytes"
	"strconv"

	"hydrant/pkg/jsonscan"
)

// typeName is the event's type, nil if it has none that is text. It leaves the event's mistakes to decode, which reads it again.
func (d *draft) typeName(plans map[string]*plan) []byte {
	if rest, ok := bytes.CutPrefix(d.data, []byte(`{"type":"`)); ok { // as nearly every producer writes it: no need to read it twice
		if name, _, ok := bytes.Cut(rest, []byte(`"`)); ok && plans[string(name)] != nil {
			return name
		}
	}
	return typeText(d.data)
}

// TypeText answers the type that an event names, whether or not the catalogue has it; "" if it names none.
func TypeText(data []byte) string { return string(typeText(data)) }

func typeText(data []byte) []byte {
	s := jsonscan.New(data)
	if s.Peek() != '{' {
		return nil
	}
	for s.Enter(); s.More('}'); {
		if name, _ := jsonscan.Unquote(s.Name()); string(name) != "type" {
			s.Value()
			continue
		}
		if s.Peek() != '"' {
			return nil
		}
		name, _ := jsonscan.Unquote(s.String())
		return name
	}
	return nil
}

// decode reads the whole event by its type's plan into the draft's cells, from the first on, and what the type does not know into extra.
// What is wrong with its values it notes as rejections. It returns false if the event is no JSON text.
func (d *draft) decode(p *plan) bool {
	d.push(nil)
	if d.scan.Peek() == '{' {
		d.object(p)
		d.close(&d.way[0])
	} else {
		d.skip()
		d.reject("object", WrongType)
	}
	return d.scan.End() && !d.scan.Failed()
}

// skip reads the next value without a use for it.
func (d *draft) skip() { d.measure(d.scan.Value()) }

// measure rejects a value that, where it stands, nests too deep.
func (d *draft) measure(raw []byte) {
	if above := len(d.way) - 1; above+levels(raw) > maxLevels {
		d.reject("depth", TooDeep)
	}
}

// scalar reads the next value, which, if it is a string, may be plain.
func (d *draft) scalar() (raw []byte, plain bool) {
	if d.scan.Peek() == '"' {
		return d.scan.String()
	}
	return d.scan.Value(), false
}

// object reads an object's members into new cells and returns the first one.
func (d *draft) object(p *plan) (first int) {
	first, names := len(d.cells), len(d.names)
	d.cells = append(d.cells, p.prototype...)
	for d.scan.Enter(); d.scan.More('}'); {
		name, _ := jsonscan.Unquote(d.scan.Name())
		d.push(name)
		if i, known := p.byName[string(name)]; known {
			d.member(&p.fields[i], first+i)
		} else {
			d.stranger(name, d.repeated(first, names, name))
		}
		d.pop()
	}
	d.names = d.names[:names]
	d.require(p, first)
	return first
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
			d.push(p.fields[i].step)
			d.reject("required", Missing)
			d.pop()
		}
	}
}

// member reads the value of a field that the type knows into its cell.
func (d *draft) member(f *field, at int) {
	if d.cells[at].named {
		d.reject("unique_names", DuplicateName)
		d.skip()
		return
	}
	d.cells[at].named = true
	if d.scan.Peek() == 'n' { // null is as good as absent: the default stays
		d.scan.Value()
		return
	}
	d.value(f, at)
}

// value reads a value into the cell at.
func (d *draft) value(f *field, at int) {
	switch kind := d.scan.Peek(); {
	case f.form == object && kind == '{':
		first := d.object(f.object)
		d.cells[at].state, d.cells[at].first = sent, first
	case f.form == texts && kind == '{':
		d.texts(f, at)
	case f.form == list && kind == '[':
		d.list(f, at)
	default:
		c := &d.cells[at]
		c.state = d.read(f, c)
	}
}

// read reads a scalar into a cell and says what the cell's state is to be.
func (d *draft) read(f *field, c *cell) state {
	raw, plain := d.scalar()
	if raw == nil { // no JSON, so nothing else is to be said of it
		return refused
	}
	if rule, reason := f.scan(raw, plain, c); rule != "" {
		d.reject(rule, reason)
		d.measure(raw)
		return refused
	}
	return sent
}

// list reads an array. More elements than its rule takes are counted and not kept, which bounds the memory for a hostile event.
func (d *draft) list(f *field, at int) {
	d.cells[at].state, d.way[len(d.way)-1].array = sent, true
	count, last := 0, 0
	for d.scan.Enter(); d.scan.More(']'); count++ {
		d.pushElement(count)
		if f.most > 0 && count >= f.most {
			d.skip()
		} else {
			last = d.element(f.element, at, last)
		}
		d.pop()
	}
	d.cells[at].count = count
}

// element reads one element into a new cell and links it behind last, the element before, or as the first of the list at.
func (d *draft) element(f *field, at, last int) (cellAt int) {
	cellAt = len(d.cells)
	d.cells = append(d.cells, cell{})
	if last == 0 {
		d.cells[at].first = cellAt
	} else {
		d.cells[last].next = cellAt
	}
	if d.scan.Peek() == 'n' { // an element cannot be absent: those behind it would move up
		d.reject("required", Missing)
		d.skip()
	} else {
		d.value(f, cellAt)
	}
	return cellAt
}

// texts reads an object of strings: for each member a cell with its name and one with its value.
func (d *draft) texts(f *field, at int) {
	first, names, count := len(d.cells), len(d.names), 0
	for d.scan.Enter(); d.scan.More('}'); {
		name, verbatim := jsonscan.Unquote(d.scan.Name())
		d.push(name)
		if d.repeated(-at, names, name) {
			d.reject("unique_names", DuplicateName)
		}
		if d.scan.Peek() == 'n' { // a null counts for nothing here
			d.scan.Value()
		} else {
			count++
			value := cell{}
			value.state = d.read(f.element, &value)
			if f.most == 0 || count <= f.most {
				d.cells = append(d.cells, cell{state: sent, text: name, verbatim: verbatim}, value)
			}
		}
		d.pop()
	}
	d.names = d.names[:names]
	c := &d.cells[at]
	c.state, c.first, c.count = sent, first, count
}

// scan reads raw, the text of one JSON value, into a scalar's cell; a string may be plain. It returns what raw should have been, "" if it is
// that, and why it is not.
func (f *field) scan(raw []byte, plain bool, c *cell) (rule string, reason Reason) {
	isNumber := raw[0] == '-' || isDigit(raw[0])
	isInteger := isNumber && !bytes.ContainsAny(raw, ".eE")
	switch {
	case f.form == text && raw[0] == '"':
		c.text, c.verbatim = jsonscan.Unquote(raw, plain)
		return "", ""
	case f.form == boolean && (raw[0] == 't' || raw[0] == 'f'):
		c.number = 0
		if raw[0] == 't' {
			c.number = 1
		}
		return "", ""
	case f.form == integer && isInteger:
		return f.scanInteger(raw, c)
	case f.form == number && isNumber:
		var err error
		if c.float, err = strconv.ParseFloat(string(raw), f.bits); err != nil { // its syntax is right, so it is too large
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

func (f *field) scanInteger(raw []byte, c *cell) (rule string, reason Reason) {
	var err error
	if c.number, err = strconv.ParseInt(string(raw), 10, f.bits); err != nil { // its syntax is right, so it does not fit the column
		return f.glue, OutOfRange
	}
	return "", ""
}

func scanTimestamp(raw []byte, plain bool, c *cell) (rule string, reason Reason) {
	var err error
	if raw[0] != '"' {
		c.number, err = strconv.ParseInt(string(raw), 10, 64)
	} else {
		said, _ := jsonscan.Unquote(raw, plain)
		var ok bool
		if c.number, ok = parseTimestamp(said); !ok {
			return "timestamp", InvalidFormat
		}
	}
	if err != nil || c.number < earliest || c.number > latest {
		return "years=2000-2100", OutOfRange
	}
	return "", ""
}

// levels is how deep arrays and objects are nested in a JSON text.
func levels(raw []byte) int {
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
