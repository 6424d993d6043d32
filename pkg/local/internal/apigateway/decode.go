package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/local/internal/template"
)

// look says how far a schema looks into a value. What no schema looks into is read for its grammar only, and an empty object or list
// stands for it: an event is mostly such, and building it would be most of what a request costs here.
type look struct {
	all     bool             // at everything
	names   bool             // at the names of an object's members
	members map[string]*look // into these members; they are looked at as far as to their kind in any case
	items   *look            // into the items of a list
	numbers bool             // at what a number is, not only that it is one
}

// looks answers how far the schema v looks. The models' own looks are in d.looks before they are known, since models may refer to
// each other in a circle.
func (d *document) look(v *template.Value) *look {
	if ref := v.Get("$ref"); ref != nil {
		return d.looks[ref.Text]
	}
	l := &look{}
	for _, m := range v.Members {
		switch m.Name {
		case "required", "minProperties", "maxProperties":
			l.names = true
		case "properties":
			l.names, l.members = true, map[string]*look{}
			for _, p := range m.Value.Members {
				l.members[p.Name] = d.look(p.Value)
			}
		case "additionalProperties":
			l.names, l.all = true, l.all || m.Value.Kind == template.Map
		case "items":
			switch {
			case m.Value.Kind != template.Map:
				l.all = true
			case len(m.Value.Members) > 0: // {} takes every item unseen
				l.items = d.look(m.Value)
			}
		case "allOf", "anyOf", "oneOf", "not":
			for _, choice := range choices(m.Value) {
				inner := d.look(choice)
				l.numbers = l.numbers || inner.numbers
				l.all = l.all || inner.all || inner.names || inner.items != nil || choice.Get("$ref") != nil
			}
		case "enum", "uniqueItems", "patternProperties", "additionalItems":
			l.all = true
		case "minimum", "maximum", "multipleOf":
			l.numbers = true
		case "type":
			l.numbers = l.numbers || bytes.Contains(m.Value.JSON(), []byte(`"integer"`))
		}
	}
	return l
}

// choices are the schemas of allOf and the like, or the one of not.
func choices(v *template.Value) []*template.Value {
	if v.Kind == template.List {
		return v.Items
	}
	return []*template.Value{v}
}

var (
	someObject = map[string]any{}
	someList   = []any{}
	someNumber = json.Number("0")
	errNotJSON = errors.New("not JSON")
	errNumber  = errors.New("a number is too long or too large to be checked")
)

// decode reads the whole of body as one JSON value, as far as l looks. Numbers keep their text; of members with the same name the last
// counts.
func decode(body []byte, l *look) (any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	value, err := l.decode(d)
	if errors.Is(err, errNumber) {
		return nil, errNumber
	}
	if err != nil {
		return nil, errNotJSON
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return value, nil
}

func (l *look) decode(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		if !l.all && !l.names {
			return someObject, d.SkipValue()
		}
		return l.object(d)
	case '[':
		if !l.all && l.items == nil {
			return someList, d.SkipValue()
		}
		return l.list(d)
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return token.Bool(), nil
	case '0':
		return l.number(token.String())
	}
	return token.String(), nil
}

// number keeps a number's text where a schema looks at it. A check takes time and memory by its length and exponent, so it is bounded: the
// bound is far above what any double holds.
func (l *look) number(text string) (any, error) {
	if !l.all && !l.numbers {
		return someNumber, nil
	}
	const most = 1000
	if len(text) > most {
		return nil, errNumber
	}
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		if exponent, err := strconv.Atoi(text[at+1:]); err != nil || exponent > most || exponent < -most {
			return nil, errNumber
		}
	}
	return json.Number(text), nil
}

// kindOnly looks at nothing but the kind of a value.
var kindOnly = &look{}

func (l *look) object(d *jsontext.Decoder) (any, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	object := map[string]any{}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		inside := l.members[name]
		if l.all {
			inside = l
		} else if inside == nil {
			inside = kindOnly
		}
		if object[name], err = inside.decode(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return object, err
}

func (l *look) list(d *jsontext.Decoder) (any, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	inside := l.items
	if l.all {
		inside = l
	}
	list := []any{}
	for kind := d.PeekKind(); kind != ']' && kind != 0; kind = d.PeekKind() {
		item, err := inside.decode(d)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := d.ReadToken()
	return list, err
}
