package event

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// kind is one type of event: its name, and the Go struct that declares its fields.
type kind struct {
	name    string
	shape   reflect.Type
	doc     string // one sentence
	example string // the type's own members, as a JSON object
}

// define makes the struct T the type of event called name. What doc says in a sentence, example shows: an event with as many of the type's
// fields as go together, without the common ones.
func define[T any](name, doc, example string) kind {
	return kind{name, reflect.TypeFor[T](), doc, example}
}

// form is how a field's value is written in JSON and kept while its event is judged.
type form uint8

const (
	text form = iota + 1
	integer
	number
	boolean
	timestamp
	object
	list
	texts // an object of strings
)

// plan is what has to be known of a struct to read, judge and write it. It is compiled once; nothing is reflected upon afterwards.
type plan struct {
	name      string // of the type of events, "" for what is common to all and for objects within
	fields    []field
	byName    map[string]int // a member's name → its field: those that a producer may send
	required  []int
	prototype []cell // one for each field, holding its default: an object is read over a copy
	order     []int  // fields in the order of their columns
}

// field is what has to be known of one field.
type field struct {
	name     string
	step     []byte // the name, as a step of the way to the field's value
	column   string
	glue     string // its type in Glue
	doc      string
	prefix   string // `"column":`
	form     form
	bits     int // of integer and number
	required bool
	rules    string // validator's, for the value itself
	bounds   bounds // those of the rules that need no validator
	steady   bool   // it is a text, and nothing but the text decides whether it keeps the rules
	key      *field // the names of texts
	most     int    // list and texts: more members than this are not even kept; their number breaks rules
	object   *plan  // the members of object
	element  *field // of list and texts
}

// maxLevels is how deep objects and arrays may be nested, the event itself being the first level.
const maxLevels = 32

// maxNames is how long a name of Glue may be (AWS Glue API, "NameString").
const maxNames = 255

// commonShapes are the structs that every type begins with.
var commonShapes = []reflect.Type{reflect.TypeFor[common](), reflect.TypeFor[provenance]()}

// compiler turns structs into plans and notes everything that it does not like.
type compiler struct {
	rules  *rules
	where  []string // the type, then the fields that lead to what is being compiled
	within []reflect.Type
	errs   []error
}

func (c *compiler) errorf(format string, args ...any) {
	where := "event type " + c.where[0]
	if len(c.where) > 1 {
		where += ", field " + strings.Join(c.where[1:], ".")
	}
	c.errs = append(c.errs, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// plan compiles structs whose fields together are the members of one object.
func (c *compiler) plan(shapes ...reflect.Type) *plan {
	p := &plan{byName: map[string]int{}}
	for _, shape := range shapes {
		if shape.Kind() != reflect.Struct {
			c.errorf("%s is no struct", shape)
			continue
		}
		for i := range shape.NumField() {
			c.where = append(c.where, shape.Field(i).Name)
			c.field(p, shape.Field(i), shape != reflect.TypeFor[provenance]())
			c.where = c.where[:len(c.where)-1]
		}
	}
	if len(p.fields) == 0 && len(c.errs) == 0 {
		c.errorf("%s has no fields, and Glue has no type for an object without members", shapes[0])
	}
	return p
}

// field compiles one field and adds it to p.
func (c *compiler) field(p *plan, sf reflect.StructField, sendable bool) {
	t, err := parseTags(sf)
	if err != nil {
		c.errorf("%w", err)
		return
	}
	f, ok := c.value(sf.Type, t.rules)
	if !ok {
		return
	}
	f.name, f.step, f.column, f.doc, f.prefix = t.name, []byte(t.name), t.column, t.doc, `"`+t.column+`":`
	if _, taken := p.byName[f.name]; taken || slices.ContainsFunc(p.fields, func(o field) bool { return o.column == f.column || o.name == f.name }) {
		c.errorf("the name %q or the column %q is taken by another field or is one that hydrant sets", f.name, f.column)
		return
	}
	initial := cell{}
	if t.hasDefault {
		if initial, err = c.rules.fill(&f, t.fallback); err != nil {
			c.errorf("default %q: %w", t.fallback, err)
		}
	}
	if sendable {
		p.byName[f.name] = len(p.fields)
	}
	if f.required {
		p.required = append(p.required, len(p.fields))
	}
	p.order = append(p.order, len(p.fields))
	p.fields = append(p.fields, f)
	p.prototype = append(p.prototype, initial)
}

// value compiles what a field or an element of type t has to be known of, with its rules.
func (c *compiler) value(t reflect.Type, r fieldRules) (field, bool) {
	f := field{rules: r.own, required: r.required, most: r.most}
	switch {
	case t == reflect.TypeFor[Timestamp]():
		f.form, f.glue = timestamp, "timestamp"
	case scalars[t.Kind()].form != 0:
		s := scalars[t.Kind()]
		f.form, f.glue, f.bits = s.form, s.glue, s.bits
	case t.Kind() == reflect.Struct:
		return f, c.object(&f, t)
	case t.Kind() == reflect.Slice:
		return f, c.list(&f, t.Elem(), r)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String:
		f.form, f.glue = texts, "map<string,string>"
		f.key, f.element = &field{form: text, rules: r.keys}, &field{form: text, rules: r.elements}
	default:
		c.errorf("the Go type %s has no column type; catalogue.go lists those that have one", t)
		return f, false
	}
	if f.form != texts && r.dives {
		c.errorf("validate: dive is for lists and maps, not for %s", t)
		return f, false
	}
	return f, c.tryRules(&f)
}

var scalars = map[reflect.Kind]struct {
	form form
	glue string
	bits int
}{
	reflect.String:  {text, "string", 0},
	reflect.Bool:    {boolean, "boolean", 0},
	reflect.Int8:    {integer, "tinyint", 8},
	reflect.Int16:   {integer, "smallint", 16},
	reflect.Int32:   {integer, "int", 32},
	reflect.Int64:   {integer, "bigint", 64},
	reflect.Float32: {number, "float", 32},
	reflect.Float64: {number, "double", 64},
}

func (c *compiler) object(f *field, t reflect.Type) bool {
	if f.rules != "" {
		c.errorf("validate: an object takes no rule but required; its members have their own")
		return false
	}
	if slices.Contains(c.within, t) {
		c.errorf("%s contains itself, and a Glue type cannot", t)
		return false
	}
	c.within = append(c.within, t)
	defer func() { c.within = c.within[:len(c.within)-1] }()
	if len(c.within) >= maxLevels/2 { // a list of objects takes two levels
		c.errorf("%s is nested too deep", t)
		return false
	}
	f.form, f.object = object, c.plan(t)
	members := make([]string, len(f.object.fields))
	for i, m := range f.object.fields {
		members[i] = m.column + ":" + m.glue
	}
	f.glue = "struct<" + strings.Join(members, ",") + ">"
	return true
}

func (c *compiler) list(f *field, t reflect.Type, r fieldRules) bool {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		c.errorf("a list of %s has no column type; catalogue.go lists those that have one", t)
		return false
	}
	if r.keys != "" {
		c.errorf("validate: keys is for maps, not for lists")
		return false
	}
	element, ok := c.value(t, fieldRules{own: r.elements})
	if !ok {
		return false
	}
	f.form, f.element, f.glue = list, &element, "array<"+element.glue+">"
	return c.tryRules(f)
}

// tryRules has validator read f's rules and apply each to a zero value: it panics on a rule or a parameter that it does not know.
func (c *compiler) tryRules(f *field) bool {
	if err := c.rules.try(f.rules, f.form); err != nil {
		c.errorf("validate: %w", err)
		return false
	}
	f.bounds, f.steady = parseBounds(f.rules, f.form), f.form == text && !slices.ContainsFunc(splitList(f.rules), isCustom)
	return f.form != texts || c.tryRules(f.key) && c.tryRules(f.element)
}
