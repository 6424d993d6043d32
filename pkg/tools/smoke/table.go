package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/event"
)

// table is one of the stack's tables, with the columns that are read of it.
type table struct {
	name    string
	columns []column
}

// column has the type that Glue gives it.
type column struct{ name, glue string }

// row has a value for each column that is not null: a string; an int64 for whole numbers, and for timestamps as Unix milliseconds; a
// float64; a bool; or what encoding/json makes of an array, a map or a struct.
type row map[string]any

func (r row) text(column string) string {
	text, _ := r[column].(string)
	return text
}

func (r row) number(column string) int64 {
	n, _ := r[column].(int64)
	return n
}

func eventsTable() table {
	t := table{name: "events"}
	for _, c := range event.Columns() {
		t.columns = append(t.columns, column{c.Name, c.Type})
	}
	return t
}

var quarantineTable = table{name: "quarantine", columns: []column{
	{"event_id", "string"},
	{"type", "string"},
	{"producer", "string"},
	{"request_id", "string"},
	{"received_at", "string"},
	{"attempt", "int"},
	{"stage", "string"},
	{"code", "string"},
	{"reasons", "array<struct<field:string,rule:string,reason:string>>"},
	{"data", "string"},
	{"raw", "string"},
	{"source_object", "string"},
	{"source_line", "bigint"},
}}

// query asks for the rows of some requests in Athena's SQL. Every column comes as a text that fromCells reads: of a struct Athena itself
// prints {a=1}, which cannot be read back.
func (t table) query(requestIDs []string, since, now time.Time) string {
	var columns []string
	for _, c := range t.columns {
		name := `"` + c.name + `"`
		text := name
		switch {
		case c.complex():
			text = "json_format(CAST(" + name + " AS JSON))"
		case c.glue != "string":
			text = "CAST(" + name + " AS VARCHAR)"
		}
		columns = append(columns, text+" AS "+name)
	}
	days, hours := hours(since, now)
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + t.name +
		" WHERE dt IN (" + literals(days) + ") AND hour IN (" + literals(hours) + ") AND request_id IN (" + literals(requestIDs) + ")"
}

// literals are texts in SQL, with commas between.
func literals(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, "'"+strings.ReplaceAll(text, "'", "''")+"'")
	}
	return strings.Join(all, ", ")
}

func (c column) complex() bool { return strings.ContainsRune(c.glue, '<') }

func (t table) column(name string) (column, bool) {
	for _, c := range t.columns {
		if c.name == name {
			return c, true
		}
	}
	return column{}, false
}

// fromCells reads a row of Athena's answer. A null has no text.
func (t table) fromCells(columns []string, cells []*string) (row, error) {
	r := row{}
	for i, cell := range cells {
		if cell == nil || i >= len(columns) {
			continue
		}
		c, known := t.column(columns[i])
		if !known {
			continue
		}
		value, err := c.fromText(*cell)
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", t.name, c.name, err)
		}
		r[c.name] = value
	}
	return r, nil
}

// fromText reads what the query makes of a value.
func (c column) fromText(text string) (any, error) {
	switch c.glue {
	case "string":
		return text, nil
	case "boolean":
		return strconv.ParseBool(text)
	case "timestamp":
		t, err := time.Parse("2006-01-02 15:04:05.999999999", strings.TrimSuffix(text, " UTC"))
		return t.UnixMilli(), err
	case "double":
		return strconv.ParseFloat(text, 64)
	case "tinyint", "smallint", "int", "bigint":
		return strconv.ParseInt(text, 10, 64)
	}
	if !c.complex() {
		return nil, fmt.Errorf("a value of the type %s cannot be read", c.glue)
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	shape, err := parseShape(c.glue)
	if err != nil {
		return nil, err
	}
	return shape.named(value), nil
}

// fromJSON reads a row that is a JSON object, as the catalogue and the runner write it. Members that are no columns are left out.
func (t table) fromJSON(text []byte) (row, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a row is more than one value", t.name)
	}
	r := row{}
	for _, c := range t.columns {
		if members[c.name] == nil {
			continue
		}
		value, err := c.fromValue(members[c.name])
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", t.name, c.name, err)
		}
		r[c.name] = value
	}
	return r, nil
}

func (c column) fromValue(value any) (any, error) {
	switch v := value.(type) {
	case string:
		if c.glue == "timestamp" {
			t, err := time.Parse(time.RFC3339, v)
			return t.UnixMilli(), err
		}
		if c.glue == "string" {
			return v, nil
		}
	case bool:
		if c.glue == "boolean" {
			return v, nil
		}
	case json.Number:
		if c.glue != "string" && c.glue != "boolean" && c.glue != "timestamp" {
			return c.fromText(v.String())
		}
	default:
		if c.complex() {
			return plain(v), nil
		}
	}
	return nil, fmt.Errorf("%T is no value of the type %s", value, c.glue)
}

// plain makes float64 of the numbers in a value.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		n, _ := v.Float64() // what is too large is an infinity, and equal to nothing that was sent
		return n
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return value
}

// shape is a type of Glue's, as far as the names in structs go.
type shape struct {
	names   []string // of a struct's members
	members []shape  // of a struct; one for an array's elements, or for a map's values
	is      byte     // s, a, m, or 0 for what has no parts
}

// named gives the members of structs their names where they have none: a CAST of a row to JSON was an array in Athena's engine version 2.
// Members that are null are left out, as the rows have them.
func (s shape) named(value any) any {
	switch v := value.(type) {
	case []any:
		if s.is == 's' {
			object := map[string]any{}
			for i, member := range v {
				if i < len(s.names) {
					object[s.names[i]] = member
				}
			}
			return s.named(object)
		}
		if s.is == 'a' {
			for i := range v {
				v[i] = s.members[0].named(v[i])
			}
		}
	case map[string]any:
		for name, member := range v {
			switch {
			case s.is == 'm':
				v[name] = s.members[0].named(member)
			case s.is == 's' && member == nil:
				delete(v, name)
			case s.is == 's':
				for i := range s.names {
					if s.names[i] == name {
						v[name] = s.members[i].named(member)
					}
				}
			}
		}
	}
	return value
}

// mostDeep bounds the nesting of a type.
const mostDeep = 50

var errShape = errors.New("the type cannot be read")

func parseShape(glue string) (shape, error) {
	s, rest, err := shapeOf(glue, mostDeep)
	if err == nil && rest != "" {
		err = errShape
	}
	return s, err
}

// shapeOf reads a type and answers what stands behind it.
func shapeOf(text string, deep int) (s shape, rest string, err error) {
	if deep == 0 {
		return s, "", errShape
	}
	word := text
	if end := strings.IndexAny(text, "<>,:"); end >= 0 {
		word = text[:end]
	}
	if word == "" {
		return s, "", errShape
	}
	rest, compound := strings.CutPrefix(text[len(word):], "<")
	if !compound {
		return s, text[len(word):], nil
	}
	s.is = word[0]
	for {
		name := ""
		if word == "struct" {
			var found bool
			if name, rest, found = strings.Cut(rest, ":"); !found || name == "" {
				return s, "", errShape
			}
		}
		var member shape
		if member, rest, err = shapeOf(rest, deep-1); err != nil {
			return s, "", err
		}
		s.names, s.members = append(s.names, name), append(s.members, member)
		if rest == "" {
			return s, "", errShape
		}
		end := rest[0]
		rest = rest[1:]
		if end == '>' {
			break
		}
		if end != ',' {
			return s, "", errShape
		}
	}
	switch {
	case word == "struct":
	case word == "array" && len(s.members) == 1:
	case word == "map" && len(s.members) == 2:
		s.members = s.members[1:]
	default:
		return s, "", errShape
	}
	return s, rest, nil
}
