package event

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"hydrant/pkg/jsonscan"
)

// state is where a cell's value comes from.
type state uint8

const (
	absent  state = iota
	filled        // by the default, or by hydrant
	sent          // by the producer
	refused       // sent, and rejected
)

// cell holds one value of the event that is being judged: a field, an element, a name. Which of its parts are in use follows from the
// field's form. Cells lie in one slice, the draft's, and refer to each other by index, so an event costs no allocation for each value.
type cell struct {
	state state
	named bool // its name was there, be it with null

	verbatim bool // the text is written as it was sent
	text     []byte
	number   int64 // of integer and timestamp; boolean: 0 or 1
	float    float64
	first    int // object: the cell of its first field; list: its first element; texts: its first name, with the value behind it, and so on
	next     int // an element of a list: the next one
	count    int // list and texts: how many members were sent, nulls among texts aside
}

// value is the cell's value as validator wants it.
func (c *cell) value(f form) any {
	switch f {
	case text:
		return string(c.text)
	case number:
		return c.float
	case boolean:
		return c.number != 0
	case list, texts:
		return make([]struct{}, c.count) // rules see how many there are; without fields it takes no memory
	default:
		return c.number
	}
}

// step is one step of the way from the event to the value that is being read or judged.
type step struct {
	name    []byte // of a member, or
	index   int    // of an element, where
	element bool

	array  bool // it leads to an array
	opened bool // extra has this value, an object or an array, and
	count  int  // so many of its members or elements
}

// draft is one event while it is being judged.
type draft struct {
	origin  Origin
	receipt receipt
	data    []byte // cells hold pieces of it
	scan    jsonscan.Scanner

	cells []cell
	way   []step   // from the event, whose own step is the first
	names [][]byte // unknown members' and texts' names in the objects that are being read
	many  map[objectName]struct{}
	own   []byte // texts of hydrant's own

	passing map[passing]struct{} // survives reset

	extra      []byte
	unknown    int
	bare       bool // the type is unknown, so no member is known to be unknown
	rejections []Rejection
}

// maxRejections is how many rejections of one event are reported: enough to mend it, and a bound on what hostile ones cost.
const maxRejections = 20

// maxPointerName is the longest name, in bytes, that a Rejection quotes: names may be the producer's text too.
const maxPointerName = maxNames

// begin takes up an event.
func (d *draft) begin(data []byte, o Origin) {
	d.origin, d.data, d.scan = o, data, jsonscan.New(data)
	d.receipt = receipt{Context: context.Background(), at: o.ReceivedAt}
}

// reset makes the draft as new, but for the memory that it has gathered; much memory is let go.
func (d *draft) reset() {
	if cap(d.cells) > 1<<12 || cap(d.names) > 1<<12 || cap(d.extra) > 1<<16 {
		*d = draft{}
		return
	}
	clear(d.cells) // of its references to the event, as all that follow
	clear(d.names)
	clear(d.way)
	d.cells, d.names, d.way, d.own, d.extra = d.cells[:0], d.names[:0], d.way[:0], d.own[:0], d.extra[:0]
	d.origin, d.data, d.scan, d.many, d.rejections = Origin{}, nil, jsonscan.Scanner{}, nil, nil
	d.unknown, d.bare = 0, false
}

func (d *draft) push(name []byte) { d.way = append(d.way, step{name: name}) }

func (d *draft) pushElement(index int) { d.way = append(d.way, step{index: index, element: true}) }

// reject notes that the value at the end of the way is refused.
func (d *draft) reject(rule string, reason Reason) {
	if len(d.rejections) < maxRejections {
		d.rejections = append(d.rejections, Rejection{Field: d.pointer(), Rule: rule, Reason: reason})
	}
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the way as a JSON Pointer (RFC 6901). It ends before a name that is too long to quote.
func (d *draft) pointer() string {
	var b strings.Builder
	for _, s := range d.way[1:] {
		if len(s.name) > maxPointerName {
			break
		}
		b.WriteByte('/')
		if s.element {
			b.WriteString(strconv.Itoa(s.index))
		} else {
			b.WriteString(escapePointer.Replace(string(s.name)))
		}
	}
	return b.String()
}

// objectName is a name in one of the objects that are being read.
type objectName struct {
	object int
	name   string
}

// fewNames is up to how many names looking at all of them is quicker than a map. Beyond it, a map is safe from objects made to be slow.
const fewNames = 16

// repeated reports whether an object has a member of this name already, and notes the name. The object's names begin at d.names[from];
// object is any number that no other object of this event has.
func (d *draft) repeated(object, from int, name []byte) bool {
	for _, other := range d.names[from:] {
		if bytes.Equal(other, name) {
			return true
		}
	}
	if len(d.names)-from < fewNames {
		d.names = append(d.names, name)
		return false
	}
	if _, ok := d.many[objectName{object, string(name)}]; ok {
		return true
	}
	if d.many == nil {
		d.many = map[objectName]struct{}{}
	}
	d.many[objectName{object, string(name)}] = struct{}{}
	return false
}
