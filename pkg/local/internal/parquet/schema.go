// Package parquet turns records of JSON into Parquet files with the columns of a Glue table, by the rules of the OpenX JSON SerDe that
// Amazon Data Firehose's format conversion uses, and reads such files back.
package parquet

import (
	"cmp"
	"slices"

	"github.com/parquet-go/parquet-go"

	"hydrant/pkg/local/internal/glue"
)

// orderedGroup is a Group whose fields keep the order of the Glue table: a plain Group sorts them by name.
type orderedGroup struct {
	parquet.Group
	order map[string]int
}

func (g orderedGroup) Fields() []parquet.Field {
	fields := slices.Clone(g.Group.Fields())
	slices.SortFunc(fields, func(a, b parquet.Field) int { return cmp.Compare(g.order[a.Name()], g.order[b.Name()]) })
	return fields
}

func newGroup(fields []glue.Field) parquet.Node {
	g := orderedGroup{parquet.Group{}, map[string]int{}}
	for i, f := range fields {
		g.Group[f.Name] = node(f.Type)
		g.order[f.Name] = i
	}
	return g
}

// node answers the Parquet node of a Glue type. Everything is optional, as in files that Hive and Firehose write: any value of a row,
// of a list or of a map may be absent.
func node(t glue.Type) parquet.Node {
	switch t.Kind {
	case glue.Struct:
		return parquet.Optional(newGroup(t.Fields))
	case glue.Array:
		return parquet.Optional(parquet.List(node(*t.Elem)))
	case glue.Map:
		return parquet.Optional(parquet.Map(parquet.String(), node(*t.Elem)))
	default:
		return parquet.Optional(leaf(t.Kind))
	}
}

func leaf(k glue.Kind) parquet.Node {
	switch k {
	case glue.Boolean:
		return parquet.Leaf(parquet.BooleanType)
	case glue.TinyInt:
		return parquet.Int(8)
	case glue.SmallInt:
		return parquet.Int(16)
	case glue.Int:
		return parquet.Int(32)
	case glue.BigInt:
		return parquet.Int(64)
	case glue.Float:
		return parquet.Leaf(parquet.FloatType)
	case glue.Double:
		return parquet.Leaf(parquet.DoubleType)
	case glue.Timestamp:
		// Not adjusted to UTC: Athena and Hive read such a column as their timestamp without a zone.
		return parquet.TimestampAdjusted(parquet.Microsecond, false)
	case glue.Date:
		return parquet.Date()
	default:
		return parquet.String()
	}
}

// leaves counts the Parquet columns under a type.
func leaves(t glue.Type) int {
	switch t.Kind {
	case glue.Struct:
		n := 0
		for _, f := range t.Fields {
			n += leaves(f.Type)
		}
		return n
	case glue.Array:
		return leaves(*t.Elem)
	case glue.Map:
		return 1 + leaves(*t.Elem)
	default:
		return 1
	}
}

func fieldsOf(columns []glue.Column) []glue.Field {
	fields := make([]glue.Field, len(columns))
	for i, c := range columns {
		fields[i] = glue.Field{Name: c.Name, Type: c.Type}
	}
	return fields
}
