package event

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// appendObject appends an object with the members that have a value, in the order of the plan's columns. The plan's fields have their cells
// in cells: in the draft's, or in the prototype of an object that was not sent.
func (d *draft) appendObject(dst []byte, p *plan, cells []cell) []byte {
	dst = append(dst, '{')
	empty := true
	for _, i := range p.order {
		if cells[i].state == absent {
			continue
		}
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		dst = append(dst, p.fields[i].prefix...)
		dst = d.appendValue(dst, &p.fields[i], &cells[i])
	}
	return append(dst, '}')
}

func (d *draft) appendValue(dst []byte, f *field, c *cell) []byte {
	switch f.form {
	case text:
		return c.appendText(dst)
	case integer:
		return strconv.AppendInt(dst, c.number, 10)
	case number:
		return jsontext.AppendFloat(dst, c.float, f.bits)
	case boolean:
		return strconv.AppendBool(dst, c.number != 0)
	case timestamp:
		return appendTimestamp(dst, c.number)
	case object:
		if c.state == filled {
			return d.appendObject(dst, f.object, f.object.prototype)
		}
		return d.appendObject(dst, f.object, d.cells[c.first:c.first+len(f.object.fields)])
	case list:
		return d.appendList(dst, f, c)
	default:
		return d.appendTexts(dst, c)
	}
}

func (d *draft) appendList(dst []byte, f *field, c *cell) []byte {
	dst = append(dst, '[')
	for e := c.first; e != 0; e = d.cells[e].next {
		if e != c.first {
			dst = append(dst, ',')
		}
		dst = d.appendValue(dst, f.element, &d.cells[e])
	}
	return append(dst, ']')
}

func (d *draft) appendTexts(dst []byte, c *cell) []byte {
	dst = append(dst, '{')
	for e := c.first; e < c.first+2*c.count; e += 2 {
		if e != c.first {
			dst = append(dst, ',')
		}
		dst = append(d.cells[e].appendText(dst), ':')
		dst = d.cells[e+1].appendText(dst)
	}
	return append(dst, '}')
}

func (c *cell) appendText(dst []byte) []byte {
	if c.verbatim {
		return append(append(append(dst, '"'), c.text...), '"')
	}
	return appendText(dst, c.text)
}
