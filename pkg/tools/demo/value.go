package main

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a JSON value with its members in their order.
type node struct {
	kind    jsontext.Kind
	text    string   // what a string says; the literal of anything else that is no object or array
	members []member // of an object
	items   []*node  // of an array
}

type member struct {
	name  string
	value *node
}

// readNode reads the one JSON value in data. Of two members of one name the first counts.
func readNode(data []byte) (*node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return decode(d)
}

func decode(d *jsontext.Decoder) (*node, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: token.Kind()}
	switch n.kind {
	default:
		n.text = token.String()
		return n, nil
	case '{', '[':
	}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		name := ""
		if n.kind == '{' {
			token, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			name = token.String()
		}
		value, err := decode(d)
		if err != nil {
			return nil, err
		}
		if n.kind == '{' {
			n.members = append(n.members, member{name, value})
		} else {
			n.items = append(n.items, value)
		}
	}
	_, err = d.ReadToken()
	return n, err
}

// get answers the member of that name; nil if there is none, or it is null, which is absent in an event.
func (n *node) get(name string) *node {
	if value := n.find(name); value != nil && value.kind != 'n' {
		return value
	}
	return nil
}

// find answers the member of that name, null or not; nil if there is none.
func (n *node) find(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// item answers the element at i; nil if there is none.
func (n *node) item(i int) *node {
	if n == nil || i >= len(n.items) || n.items[i].kind == 'n' {
		return nil
	}
	return n.items[i]
}

// said is what a string says, "" for anything else.
func (n *node) said() string {
	if n == nil || n.kind != '"' {
		return ""
	}
	return n.text
}

// equal says whether two values are the same: members in any order, numbers by their value. nil, which is absent, is like nothing else.
func equal(a, b *node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.kind != b.kind || len(a.members) != len(b.members) || len(a.items) != len(b.items) {
		return false
	}
	for _, m := range a.members {
		if !equal(m.value, b.find(m.name)) {
			return false
		}
	}
	for i, item := range a.items {
		if !equal(item, b.items[i]) {
			return false
		}
	}
	return a.text == b.text || a.kind == '0' && sameNumber(a.text, b.text)
}

// equalJSON says whether two texts hold the same JSON: API Gateway leaves out the spaces of what it passes on.
func equalJSON(a, b *node) bool {
	x, errX := readNode([]byte(a.said()))
	y, errY := readNode([]byte(b.said()))
	if errX != nil || errY != nil {
		return equal(a, b)
	}
	return equal(x, y)
}

func sameNumber(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y && !(isInteger(a) && isInteger(b))
}

// isInteger says whether a number's literal has neither point nor exponent. Two of these are the same only if they are spelled so: a
// float64 does not hold every 64-bit integer.
func isInteger(literal string) bool {
	_, err := strconv.ParseInt(literal, 10, 64)
	return err == nil
}
