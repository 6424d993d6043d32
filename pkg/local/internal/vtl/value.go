package vtl

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// value is nil, a bool, an int64, a float64, a number, a string, a *list, a *dict, an *entry, or an object.
//
// A string holds what a Java string holds. It is UTF-8, and a surrogate that is alone stands in it as the three bytes that UTF-8 would
// have for it; validUTF8 makes U+FFFD of those where text leaves the template.
type value = any

// number is a number of a JSON text, as it is written there.
type number string

// object is what API Gateway puts into a template beside plain values.
type object interface {
	property(r *run, name string) (value, error)
	call(r *run, a *accessor, args []value) (value, error)
	kind() string
}

var errTooDeep = fmt.Errorf("lists and maps lie in each other more than %d deep, or one in itself", maxDepth)

// kindOf names a value's kind for messages.
func kindOf(v value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64, number:
		return "a number"
	case string:
		return "a string"
	case *list:
		return "a list"
	case *dict:
		return "a map"
	case *entry:
		return "a map's entry"
	case object:
		return v.kind()
	}
	return "a value"
}

// printer writes values as Java prints them, and the lists that JSON made as JSON.
type printer struct {
	r   *run
	out []byte
}

// room bounds what is printed into one text, and into all.
func (p *printer) room(n int) error {
	if len(p.out)+n > maxOutput {
		return fmt.Errorf("the template prints more than %d bytes", maxOutput)
	}
	return p.r.make(n)
}

func (p *printer) add(s string) error {
	err := p.room(len(s))
	if err == nil {
		p.out = append(p.out, s...)
	}
	return err
}

// print writes v as a reference at the top prints it: null is empty.
func (p *printer) print(v value) error {
	if v == nil {
		return nil
	}
	return p.java(v, 0)
}

func (p *printer) java(v value, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if err := p.r.step(1); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		return p.add("null")
	case bool:
		return p.add(strconv.FormatBool(v))
	case int64:
		return p.add(strconv.FormatInt(v, 10))
	case float64:
		return p.add(javaDouble(v))
	case number:
		return p.add(string(v))
	case string:
		return p.add(v)
	case *list:
		return p.list(v, depth)
	case *dict:
		return p.dict(v, depth)
	case *entry:
		return p.pair(v.key.value(), v.value(), depth)
	case object:
		return fmt.Errorf("%s cannot be printed", v.kind())
	}
	return errors.New("this value cannot be printed")
}

func (p *printer) pair(key, v value, depth int) error {
	if err := p.java(key, depth+1); err != nil {
		return err
	}
	if err := p.add("="); err != nil {
		return err
	}
	return p.java(v, depth+1)
}

func (p *printer) list(l *list, depth int) error {
	switch l.kind {
	case fromJSON:
		return p.json(l, depth)
	case fromArray:
		return errors.New("an array prints as its address in memory: print its elements")
	}
	for i := range l.items {
		if err := p.add([]string{"[", ", "}[min(i, 1)]); err != nil {
			return err
		}
		if l.items[i] == value(l) {
			if err := p.add("(this Collection)"); err != nil {
				return err
			}
			continue
		}
		if err := p.java(l.at(i), depth+1); err != nil {
			return err
		}
	}
	return p.add([]string{"[]", "]"}[min(len(l.items), 1)])
}

func (p *printer) dict(d *dict, depth int) error {
	for i := range d.keys {
		if err := p.add([]string{"{", ", "}[min(i, 1)]); err != nil {
			return err
		}
		v := d.at(i)
		if v == value(d) {
			v = "(this Map)"
		}
		if err := p.pair(d.keys[i].value(), v, depth); err != nil {
			return err
		}
	}
	return p.add([]string{"{}", "}"}[min(len(d.keys), 1)])
}

// json writes v as compact JSON.
func (p *printer) json(v value, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if err := p.r.step(1); err != nil {
		return err
	}
	switch v := v.(type) {
	case *element:
		return p.add(v.text)
	case string:
		quoted := appendQuoted(nil, v)
		return p.add(string(quoted))
	case *list:
		return p.jsonItems("[]", len(v.items), depth, func(i int) (string, value) { return "", v.items[i] })
	case *dict:
		return p.jsonItems("{}", len(v.keys), depth, func(i int) (string, value) {
			return string(appendQuoted(nil, v.keys[i].text)) + ":", v.vals[i]
		})
	case nil, bool, int64, float64, number:
		return p.java(v, depth)
	}
	return fmt.Errorf("%s has no JSON form", kindOf(v))
}

func (p *printer) jsonItems(brackets string, n, depth int, item func(i int) (string, value)) error {
	for i := range n {
		name, v := item(i)
		if err := p.add([]string{brackets[:1], ","}[min(i, 1)] + name); err != nil {
			return err
		}
		if err := p.json(v, depth+1); err != nil {
			return err
		}
	}
	if n == 0 {
		return p.add(brackets)
	}
	return p.add(brackets[1:])
}

// javaDouble writes f as Java's Double.toString does.
func javaDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// stringOf answers v as print writes it.
func (r *run) stringOf(v value) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	p := printer{r: r}
	if err := p.print(v); err != nil {
		return "", err
	}
	return string(p.out), nil
}
