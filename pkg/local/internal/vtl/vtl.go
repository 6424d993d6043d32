// Package vtl renders mapping templates: API Gateway's dialect of Apache Velocity 1.x, with $input, $util, $context and
// $stageVariables. The dialect differs from Velocity's where API Gateway was seen to differ: an undefined reference prints nothing,
// and in a condition only the boolean false is false.
//
// A template is parsed once and rendered by many goroutines at a time. Rendering untrusted input is bounded in output, work, loops
// and nesting (limits.go). What the dialect does not have, or what nobody has seen API Gateway do, is an *Error with its line and
// column: from Parse where the text shows it, from Render otherwise. Nothing is skipped in silence.
package vtl

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Request is what a template sees of a call.
type Request struct {
	// Body is $input's payload; an empty one reads as {}. Bytes that are not UTF-8 read as U+FFFD, as a Java string holds them.
	Body []byte
	// Path, Query and Header are what $input.params() finds, in this order; names are matched exactly.
	Path, Query, Header map[string]string
	StageVariables      map[string]string
	// Context is $context: nested map[string]any with strings (or numbers, booleans, nil) as leaves. Templates write into its
	// members requestOverride and responseOverride, which are made when they are missing: a string, int64, float64 or bool at each
	// leaf. It may be nil when no template sets an override.
	Context map[string]any
}

// Error is a fault in a template, or of a template on one request, with its place; Line and Column count from 1, Column in
// characters. The message never holds what the request said. Unwrap answers ErrBody where the request's body was at fault.
type Error struct {
	Template     string
	Line, Column int
	Message      string
	cause        error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Template, e.Line, e.Column, e.Message)
}

func (e *Error) Unwrap() error { return e.cause }

// ErrBody is the cause of an *Error of a template that reads the body as JSON when it is none.
var ErrBody = errors.New("the body is not valid JSON")

// Template is a parsed mapping template. It is safe for concurrent use.
type Template struct {
	name, source string
	body         block
	slots        int
}

// Parse reads a mapping template; name is what errors call it. The error is an *Error.
func Parse(name, source string) (*Template, error) {
	t := &Template{name: name, source: source}
	p := &parser{source: source, template: t, names: newNames()}
	if len(source) > maxTemplate {
		return nil, t.errorAt(0, fmt.Errorf("the template is longer than API Gateway's limit of %d bytes", maxTemplate))
	}
	body, end, err := p.block(nil)
	if err == nil && end != nil {
		err = p.errorf(end.pos, "#%s without #if, #foreach, #define or #macro before it", end.word)
	}
	if err != nil {
		return nil, err
	}
	t.body, t.slots = body, p.names.count()
	return t, nil
}

// Render renders the template for one request. The error is an *Error. Overrides that the template sets are written into r.Context,
// also when rendering fails later.
func (t *Template) Render(r *Request) ([]byte, error) {
	run := newRun(t, r)
	defer run.end()
	if err := t.body.render(run); err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	return bytes.Clone(validUTF8(run.out)), nil
}

// errorAt gives err the place of a byte offset in the template, unless it has one.
func (t *Template) errorAt(offset int, err error) error {
	var placed *Error
	if errors.As(err, &placed) || errors.Is(err, errStop) {
		return err
	}
	before := t.source[:min(offset, len(t.source))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &Error{Template: t.name, Line: line, Column: column, Message: err.Error(), cause: errors.Unwrap(err)}
}
