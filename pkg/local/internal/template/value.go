// Package template reads a SAM template and resolves it: parameters, conditions and intrinsic functions are evaluated, and what is
// left is a tree of values that still know the line they were written on.
package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pos is a place in a template file; lines and columns count from 1.
type Pos struct{ Line, Column int }

// Kind says what a Value is.
type Kind int

// The kinds of value that a resolved template holds.
const (
	Null Kind = iota
	Scalar
	List
	Map
)

// Value is a resolved piece of a template: what stands there after parameters, conditions and intrinsic functions, and where.
type Value struct {
	Kind Kind
	// Text is a scalar exactly as it was written or computed: "0123" stays "0123", "yes" stays "yes".
	Text string
	// Quoted says that a scalar can only be text: it was quoted, or a function such as Fn::Sub made it. An unquoted scalar is a
	// number or a boolean where YAML 1.2's core schema reads it so.
	Quoted  bool
	Items   []*Value // of a List
	Members []Member // of a Map, in the order of the file
	File    string
	Pos     Pos
	// Path leads from the template's root to the value, as "Resources.Api.Properties.Name".
	Path string

	secret bool // a scalar that holds a NoEcho parameter's value, which no error may show
}

// Member is one name and value of a Map.
type Member struct {
	Name  string
	Pos   Pos // of the name
	Value *Value
}

// Get answers the member called name, or nil if v is no Map or has no such member.
func (v *Value) Get(name string) *Value {
	if v == nil || v.Kind != Map {
		return nil
	}
	for _, m := range v.Members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Error is a fault in a template, with its place.
type Error struct {
	File    string
	Pos     Pos
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Column, e.Message)
}

// Errorf makes an *Error at v's place; the message begins with v's path.
func (v *Value) Errorf(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if v.Path != "" {
		message = strings.TrimPrefix(v.Path, "Resources.") + ": " + message
	}
	return &Error{File: v.File, Pos: v.Pos, Message: message}
}

// Without answers a copy of a Map less the members called names; what is no Map is answered as it is.
func (v *Value) Without(names ...string) *Value {
	if v == nil || v.Kind != Map {
		return v
	}
	out := *v
	out.Members = nil
	for _, m := range v.Members {
		if !slices.Contains(names, m.Name) {
			out.Members = append(out.Members, m)
		}
	}
	return &out
}

// plain is a scalar's text as CloudFormation turns it into a string.
func (v *Value) plain() string { return plainText(v.Text, v.Quoted) }

// what names v in an error message.
func (v *Value) what() string {
	switch {
	case v == nil:
		return "nothing"
	case v.Kind == Null:
		return "null"
	case v.Kind == List:
		return "a list"
	case v.Kind == Map:
		return "a map"
	case v.secret:
		return "a text that is not shown, since a NoEcho parameter is in it"
	default:
		return strconv.Quote(shorten(v.Text))
	}
}
