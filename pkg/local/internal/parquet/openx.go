package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"

	"hydrant/pkg/local/internal/glue"
)

// The codes that Firehose gives a record it cannot convert.
const (
	ParseError    = "DataFormatConversion.ParseError"
	MalformedData = "DataFormatConversion.MalformedData"
)

// DataError says why a record could not be converted, in the code and words of Firehose's error objects. Like Firehose's own, the
// message may quote the value at fault: it belongs into an error object, not into a log.
type DataError struct{ Code, Message string }

func (e *DataError) Error() string { return e.Code + ": " + e.Message }

func mismatch(format string, args ...any) error {
	return &DataError{MalformedData, "Data does not match the schema. " + fmt.Sprintf(format, args...)}
}

// converter turns JSON documents into Parquet rows. It is used for one record after the other, never by two goroutines.
type converter struct {
	columns []glue.Field
	index   map[string]int // JSON key → column
	options Options
	leaves  int

	decoders []*decoder // one for each level of nesting, used again
	depth    int
	cells    [][]parquet.Value // of the rows converted since clear, by Parquet column
	whole    []int             // how many of them are of whole records
	slots    []jsontext.Value  // a stack of the values of the structs in hand
	text     []byte            // unquoted strings
}

// decoder is a jsontext.Decoder with the buffer it reads: from a bytes.Buffer it does not copy.
type decoder struct {
	jsontext.Decoder
	buffer bytes.Buffer
}

func newConverter(columns []glue.Column, o Options) converter {
	c := converter{columns: fieldsOf(columns), index: map[string]int{}, options: o}
	for i, f := range c.columns {
		key := f.Name
		if mapped, ok := o.ColumnToJSONKey[f.Name]; ok {
			key = mapped
		}
		c.index[key] = i
		c.leaves += leaves(f.Type)
	}
	c.cells, c.whole = make([][]parquet.Value, c.leaves), make([]int, c.leaves)
	return c
}

// record adds the rows of one record's documents to the cells, which point into data, and answers their number; with an error it adds
// none.
func (c *converter) record(data []byte) (rows int, err error) {
	for i, cell := range c.cells {
		c.whole[i] = len(cell)
	}
	if rows, err = c.documents(data); err != nil {
		for i, n := range c.whole {
			c.cells[i] = c.cells[i][:n]
		}
		return 0, err
	}
	return rows, nil
}

func (c *converter) documents(data []byte) (n int, err error) {
	c.depth, c.slots = 0, c.slots[:0]
	d := c.open(data)
	defer c.close()
	for ; ; n++ {
		kind := d.PeekKind()
		if kind == jsontext.KindInvalid {
			break
		}
		if kind != '{' {
			return n, c.notAnObject(d)
		}
		if err := c.object(d, data, c.columns, c.index); err != nil {
			return n, err
		}
		if err := c.fields(c.columns, c.slots, 0, 0, 0); err != nil {
			return n, err
		}
		c.slots = c.slots[:0]
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return n, malformed(err)
	}
	if n == 0 {
		return n, &DataError{MalformedData, "The record was empty or contained only whitespace."}
	}
	return n, nil
}

// clear empties the cells. Nobody may use what they pointed to any more.
func (c *converter) clear() {
	for i := range c.cells {
		c.cells[i] = c.cells[i][:0]
	}
	c.text = c.text[:0]
}

func (c *converter) notAnObject(d *jsontext.Decoder) error {
	kind := d.PeekKind()
	if _, err := d.ReadValue(); err != nil {
		return malformed(err)
	}
	if kind == '[' {
		return mismatch("Data is not JSONObject but an array")
	}
	return &DataError{MalformedData, "The input JSON contained a primitive at the top level. The top level must be an object or array."}
}

// fields writes a struct's members, absent ones as null, from column on.
func (c *converter) fields(fields []glue.Field, values []jsontext.Value, column, repetition, definition int) error {
	for i, f := range fields {
		if err := c.value(f.Type, values[i], place{column, repetition, definition, 0}); err != nil {
			return err
		}
		column += leaves(f.Type)
	}
	return nil
}

// place is where a value goes: its first Parquet column and its levels there (Dremel's), and how many repeated groups are around it.
type place struct{ column, repetition, definition, repeated int }

func (c *converter) value(t glue.Type, v jsontext.Value, p place) error {
	if len(v) == 0 || v[0] == 'n' {
		c.null(t, p)
		return nil
	}
	switch t.Kind {
	case glue.Struct:
		return c.structure(t, v, p)
	case glue.Array:
		return c.array(t, v, p)
	case glue.Map:
		return c.mapping(t, v, p)
	}
	value, err := c.primitive(t.Kind, v)
	if err != nil {
		return err
	}
	c.cells[p.column] = append(c.cells[p.column], value.Level(p.repetition, p.definition+1, p.column))
	return nil
}

func (c *converter) null(t glue.Type, p place) {
	for i := range leaves(t) {
		c.cells[p.column+i] = append(c.cells[p.column+i], parquet.NullValue().Level(p.repetition, p.definition, p.column+i))
	}
}

func (c *converter) structure(t glue.Type, v jsontext.Value, p place) error {
	start := len(c.slots)
	defer func() { c.slots = c.slots[:start] }()
	d := c.open(v)
	defer c.close()
	var err error
	switch v[0] {
	case '{':
		err = c.object(d, v, t.Fields, nil)
	case '[':
		err = c.positions(d, v, len(t.Fields))
	default:
		return mismatch("Data is not JSONObject but a primitive")
	}
	if err != nil {
		return err
	}
	p.definition++
	for i, f := range t.Fields {
		if err := c.value(f.Type, c.slots[start+i], p); err != nil {
			return err
		}
		p.column += leaves(f.Type)
	}
	return nil
}

// object reads an object's members into slots pushed on the stack, one for each field; what the table does not know is dropped.
func (c *converter) object(d *jsontext.Decoder, data []byte, fields []glue.Field, index map[string]int) error {
	start := len(c.slots)
	for range fields {
		c.slots = append(c.slots, nil)
	}
	return c.members(d, data, func(name, value []byte) error {
		i := -1
		if index != nil {
			if n, ok := index[string(name)]; ok {
				i = n
			}
		} else {
			for n := range fields {
				if fields[n].Name == string(name) {
					i = n
				}
			}
		}
		if i < 0 {
			return nil
		}
		if c.slots[start+i] != nil {
			// Two keys that differ in case only. Taking either would lose the other.
			return mismatch("Duplicate key after lower-casing")
		}
		c.slots[start+i] = value
		return nil
	})
}

// positions fills a struct from an array, member by member, as the OpenX SerDe does; elements beyond the last member are dropped.
func (c *converter) positions(d *jsontext.Decoder, data []byte, n int) error {
	start := len(c.slots)
	for range n {
		c.slots = append(c.slots, nil)
	}
	i := 0
	return c.elements(d, data, func(value []byte) error {
		if i < n {
			c.slots[start+i] = value
		}
		i++
		return nil
	})
}

// array writes a list. A value that is no array becomes a list of one, as in the OpenX SerDe.
func (c *converter) array(t glue.Type, v jsontext.Value, p place) error {
	element := place{p.column, p.repetition, p.definition + 2, p.repeated + 1}
	if v[0] != '[' {
		return c.value(*t.Elem, v, element)
	}
	d := c.open(v)
	defer c.close()
	empty := true
	err := c.elements(d, v, func(value []byte) error {
		empty = false
		err := c.value(*t.Elem, value, element)
		element.repetition = element.repeated
		return err
	})
	if err == nil && empty {
		p.definition++
		c.null(t, p)
	}
	return err
}

func (c *converter) mapping(t glue.Type, v jsontext.Value, p place) error {
	if v[0] != '{' {
		return mismatch("Data is not JSONObject but an array or a primitive")
	}
	entry := place{p.column + 1, p.repetition, p.definition + 2, p.repeated + 1}
	var seen map[string]bool
	empty := true
	d := c.open(v)
	defer c.close()
	err := c.members(d, v, func(name, value []byte) error {
		empty = false
		if c.options.CaseInsensitive || c.options.ConvertDots {
			if seen[string(name)] {
				return mismatch("Duplicate key after lower-casing")
			}
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[string(name)] = true
		}
		key := parquet.ByteArrayValue(name).Level(entry.repetition, entry.definition, p.column)
		c.cells[p.column] = append(c.cells[p.column], key)
		err := c.value(*t.Elem, value, entry)
		entry.repetition = entry.repeated
		return err
	})
	if err == nil && empty {
		p.definition++
		c.null(t, p)
	}
	return err
}
