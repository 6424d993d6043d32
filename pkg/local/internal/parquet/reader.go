package parquet

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"

	"hydrant/pkg/local/internal/glue"
)

// Read calls row with each row of a Parquet file as one JSON object, its members in the order of columns. Columns are found by name;
// what is null or not in the file is left out. Timestamps read "2026-11-22T09:30:00.123Z". The bytes are row's only until it returns.
func Read(r io.ReaderAt, size int64, columns []glue.Column, row func(json []byte) error) error {
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		return fmt.Errorf("reading a Parquet file: %w", err)
	}
	// The file's own columns say where in it each column of the table begins.
	a := assembler{columns: columns, first: make([]int, len(columns))}
	for i, c := range columns {
		a.first[i] = -1
		for _, f := range file.Root().Columns() {
			if f.Name() == c.Name {
				a.first[i] = firstLeaf(f)
				if err := sameShape(f, c.Type, c.Name); err != nil {
					return err
				}
			}
		}
	}
	a.cells = make([][]parquet.Value, len(file.Schema().Columns()))
	for _, group := range file.RowGroups() {
		if err := a.group(group, row); err != nil {
			return err
		}
	}
	return nil
}

func firstLeaf(c *parquet.Column) int {
	for !c.Leaf() {
		c = c.Columns()[0]
	}
	return c.Index()
}

// sameShape says whether a column of a file can be read as the table's type: the physical types must agree, all the way down.
func sameShape(c *parquet.Column, t glue.Type, path string) error {
	want := []glue.Field{}
	switch t.Kind {
	case glue.Struct:
		want = t.Fields
	case glue.Array, glue.Map:
		if len(c.Columns()) != 1 {
			return fmt.Errorf("column %s of the Parquet file is no %s", path, t)
		}
		c = c.Columns()[0]
		if t.Kind == glue.Map {
			want = append(want, glue.Field{Name: "key"})
		}
		want = append(want, glue.Field{Name: "value", Type: *t.Elem})
	default:
		if !c.Leaf() || c.Type().Kind() != leaf(t.Kind).Type().Kind() {
			return fmt.Errorf("column %s of the Parquet file is no %s", path, t)
		}
		return nil
	}
	if len(c.Columns()) != len(want) {
		return fmt.Errorf("column %s of the Parquet file has %d members, not the %d of %s", path, len(c.Columns()), len(want), t)
	}
	for i, f := range want {
		if err := sameShape(c.Columns()[i], f.Type, path+"."+c.Columns()[i].Name()); err != nil {
			return err
		}
	}
	return nil
}

// assembler puts rows together again from the columns' values and their levels.
type assembler struct {
	columns []glue.Column
	first   []int
	cells   [][]parquet.Value // what is left of the row in hand, by Parquet column
	out     []byte
}

func (a *assembler) group(group parquet.RowGroup, row func([]byte) error) (err error) {
	rows := group.Rows()
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	batch := make([]parquet.Row, 64)
	for {
		n, readErr := rows.ReadRows(batch)
		for _, r := range batch[:n] {
			if err := row(a.row(r)); err != nil {
				return err
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("reading Parquet rows: %w", readErr)
		}
	}
}

func (a *assembler) row(r parquet.Row) []byte {
	r.Range(func(column int, values []parquet.Value) bool {
		a.cells[column] = values
		return true
	})
	a.out = append(a.out[:0], '{')
	for i, c := range a.columns {
		if a.first[i] >= 0 {
			a.member(c.Name, c.Type, place{a.first[i], 0, 0, 0})
		}
	}
	a.out = append(a.out, '}')
	return a.out
}

// member appends a value with its name, or nothing if it is null.
func (a *assembler) member(name string, t glue.Type, p place) {
	start := len(a.out)
	if a.out[start-1] != '{' {
		a.out = append(a.out, ',')
	}
	a.out = appendString(a.out, name)
	a.out = append(a.out, ':')
	if !a.value(t, p) {
		a.out = a.out[:start]
	}
}

// value appends one value and takes it off the cells. It answers false, and appends nothing, for null.
func (a *assembler) value(t glue.Type, p place) bool {
	defined := a.cells[p.column][0].DefinitionLevel()
	if defined <= p.definition {
		a.skip(t, p.column)
		return false
	}
	switch t.Kind {
	case glue.Struct:
		a.structure(t, p)
	case glue.Array, glue.Map:
		a.repeated(t, p, defined)
	default:
		a.primitive(t.Kind, a.cells[p.column][0])
		a.skip(t, p.column)
	}
	return true
}

func (a *assembler) skip(t glue.Type, column int) {
	for i := range leaves(t) {
		a.cells[column+i] = a.cells[column+i][1:]
	}
}

func (a *assembler) structure(t glue.Type, p place) {
	a.out = append(a.out, '{')
	p.definition++
	for _, f := range t.Fields {
		a.member(f.Name, f.Type, p)
		p.column += leaves(f.Type)
	}
	a.out = append(a.out, '}')
}

func (a *assembler) repeated(t glue.Type, p place, defined int) {
	open, end := byte('['), byte(']')
	if t.Kind == glue.Map {
		open, end = '{', '}'
	}
	a.out = append(a.out, open)
	if defined == p.definition+1 { // empty
		a.skip(t, p.column)
	} else {
		for first := true; first || len(a.cells[p.column]) > 0 && a.cells[p.column][0].RepetitionLevel() > p.repeated; first = false {
			if !first {
				a.out = append(a.out, ',')
			}
			a.element(t, place{p.column, 0, p.definition + 2, p.repeated + 1})
		}
	}
	a.out = append(a.out, end)
}

func (a *assembler) element(t glue.Type, p place) {
	if t.Kind == glue.Map {
		a.primitive(glue.String, a.cells[p.column][0])
		a.cells[p.column] = a.cells[p.column][1:]
		a.out = append(a.out, ':')
		p.column++
	}
	if !a.value(*t.Elem, p) {
		a.out = append(a.out, "null"...)
	}
}

func (a *assembler) primitive(k glue.Kind, v parquet.Value) {
	switch k {
	case glue.Boolean:
		a.out = strconv.AppendBool(a.out, v.Boolean())
	case glue.TinyInt, glue.SmallInt, glue.Int:
		a.out = strconv.AppendInt(a.out, int64(v.Int32()), 10)
	case glue.BigInt:
		a.out = strconv.AppendInt(a.out, v.Int64(), 10)
	case glue.Float:
		a.out = appendFloat(a.out, float64(v.Float()), 32)
	case glue.Double:
		a.out = appendFloat(a.out, v.Double(), 64)
	case glue.Timestamp:
		a.out = time.UnixMicro(v.Int64()).UTC().AppendFormat(append(a.out, '"'), timestampLayout(v.Int64()))
		a.out = append(a.out, '"')
	case glue.Date:
		a.out = time.Unix(int64(v.Int32())*86400, 0).UTC().AppendFormat(append(a.out, '"'), time.DateOnly)
		a.out = append(a.out, '"')
	default:
		a.out = appendString(a.out, string(v.ByteArray()))
	}
}

func timestampLayout(micro int64) string {
	if micro%1000 == 0 {
		return "2006-01-02T15:04:05.000Z"
	}
	return "2006-01-02T15:04:05.000000Z"
}

// appendFloat writes a finite number as JSON does, and what JSON has no number for as text.
func appendFloat(out []byte, f float64, size int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendString(out, strconv.FormatFloat(f, 'g', -1, size))
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(out, f, format, -1, size)
}

func appendString(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s) // its error is about UTF-8, which it has mended with U+FFFD
	return out
}
