// Package glue describes tables as the AWS Glue Data Catalog does: columns with Hive types, and where the table's objects lie.
package glue

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the outermost constructor of a Type.
type Kind int

// The types of the Glue Data Catalog that the runner can write to Parquet. binary, decimal and uniontype are refused by ParseType.
const (
	String Kind = iota // also char(n) and varchar(n)
	Boolean
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Timestamp
	Date
	Array
	Map
	Struct
)

// Type is a Hive type, for example map<string,array<int>>.
type Type struct {
	Kind   Kind
	Elem   *Type   // an Array's elements, a Map's values
	Fields []Field // of a Struct
	text   string
}

// Field is a member of a struct type.
type Field struct {
	Name string
	Type Type
}

// String answers the type as Glue spells it.
func (t Type) String() string { return t.text }

// Column is a column of a table.
type Column struct {
	Name    string
	Type    Type
	Comment string
}

// Table is what the runner needs to know of an AWS::Glue::Table.
type Table struct {
	LogicalID, CatalogID, Database, Name string
	Columns, PartitionKeys               []Column
	Location                             string // s3://bucket/prefix/
	Parameters                           map[string]string
}

var primitives = map[string]Kind{
	"string": String, "boolean": Boolean, "tinyint": TinyInt, "smallint": SmallInt, "int": Int, "integer": Int,
	"bigint": BigInt, "float": Float, "double": Double, "timestamp": Timestamp, "date": Date,
}

// maxNesting bounds how deep a type may nest; Glue's own limit on a column type is 131,072 characters, and no table needs more levels.
const maxNesting = 32

// ParseType reads a column type as the Glue Data Catalog spells it, in any case: "struct<width:int,height:int>". The error says what
// was expected and at which character.
func ParseType(s string) (Type, error) {
	p := typeParser{text: strings.ToLower(s)}
	t, err := p.parse(0)
	if err == nil && p.at < len(p.text) {
		err = p.errorf("expected the end of the type")
	}
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

type typeParser struct {
	text string
	at   int
}

func (p *typeParser) errorf(format string, args ...any) error {
	return fmt.Errorf("column type %q, character %d: %s", p.text, p.at+1, fmt.Sprintf(format, args...))
}

func (p *typeParser) parse(depth int) (Type, error) {
	if depth > maxNesting {
		return Type{}, p.errorf("nested more than %d levels deep", maxNesting)
	}
	start := p.at
	word := p.word()
	t, err := Type{}, error(nil)
	switch word {
	case "array":
		t.Kind = Array
		t.Elem, err = p.element(depth)
	case "map":
		t.Kind = Map
		t.Elem, err = p.mapValue(depth)
	case "struct":
		t.Kind = Struct
		t.Fields, err = p.fields(depth)
	case "char", "varchar":
		t.Kind = String
		err = p.length()
	default:
		kind, ok := primitives[word]
		if !ok {
			p.at = start
			return t, p.errorf("the type %q is not supported by the local runner", word)
		}
		t.Kind = kind
	}
	t.text = p.text[start:p.at]
	return t, err
}

// word reads letters, digits and underscores, which is also what a struct's member may be called.
func (p *typeParser) word() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && c < 0x80 {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

func (p *typeParser) expect(c byte) error {
	if p.at >= len(p.text) || p.text[p.at] != c {
		return p.errorf("expected %q", c)
	}
	p.at++
	return nil
}

func (p *typeParser) element(depth int) (*Type, error) {
	if err := p.expect('<'); err != nil {
		return nil, err
	}
	t, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	return &t, p.expect('>')
}

// mapValue reads <string,V>: JSON object keys are text, so a map with other keys has nothing to hold.
func (p *typeParser) mapValue(depth int) (*Type, error) {
	if err := p.expect('<'); err != nil {
		return nil, err
	}
	key, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	if key.Kind != String {
		return nil, p.errorf("a map's keys must be string, not %s", key)
	}
	if err := p.expect(','); err != nil {
		return nil, err
	}
	t, err := p.parse(depth + 1)
	if err != nil {
		return nil, err
	}
	return &t, p.expect('>')
}

func (p *typeParser) fields(depth int) ([]Field, error) {
	if err := p.expect('<'); err != nil {
		return nil, err
	}
	var fields []Field
	for {
		name := p.word()
		if name == "" {
			return nil, p.errorf("expected the name of a struct's member")
		}
		for _, f := range fields {
			if f.Name == name {
				return nil, p.errorf("the struct has two members called %q", name)
			}
		}
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		t, err := p.parse(depth + 1)
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{name, t})
		if p.at < len(p.text) && p.text[p.at] == ',' {
			p.at++
			continue
		}
		return fields, p.expect('>')
	}
}

func (p *typeParser) length() error {
	if err := p.expect('('); err != nil {
		return err
	}
	if n, err := strconv.Atoi(p.word()); err != nil || n < 1 {
		return p.errorf("expected a length of 1 or more")
	}
	return p.expect(')')
}
