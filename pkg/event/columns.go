package event

import (
	"fmt"
	"slices"
	"sync"
)

// Column is one column of the table of events, as Glue has it.
type Column struct {
	Name    string
	Type    string // as in "map<string,string>"
	Comment string
}

// Columns returns the columns of the table: those common to all types, those that hydrant sets, then the union of the types' in the order
// of the catalogue. It panics where NewJudge returns an error: the catalogue is broken.
func Columns() []Column { return slices.Clone(mustCompile().columns) }

// Types returns the names of the types of events, in the order of the catalogue. It panics as Columns does.
func Types() []string { return slices.Clone(mustCompile().types) }

var compileOnce = sync.OnceValues(func() (*compiled, error) { return compile(catalogue) })

func mustCompile() *compiled {
	c, err := compileOnce()
	if err != nil {
		panic(err)
	}
	return c
}

// table is the union of the columns of all types.
type table struct {
	columns []Column
	owner   map[string]string // column → the type that had it first
	place   map[string]int
}

// add adds the columns of a type's plan, and puts the plan's fields in the order of the table: rows have their members in column order.
func (t *table) add(name string, p *plan) (errs []error) {
	for _, f := range p.fields {
		i, known := t.place[f.column]
		if !known {
			t.place[f.column], t.owner[f.column] = len(t.columns), name
			t.columns = append(t.columns, Column{Name: f.column, Type: f.glue, Comment: f.doc})
			continue
		}
		if t.columns[i].Type != f.glue {
			errs = append(errs, fmt.Errorf("event type %s, field %s: column %s would be %s, but event type %s has it as %s",
				name, f.name, f.column, f.glue, t.owner[f.column], t.columns[i].Type))
		}
	}
	slices.SortFunc(p.order, func(a, b int) int { return t.place[p.fields[a].column] - t.place[p.fields[b].column] })
	return errs
}
