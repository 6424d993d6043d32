package vtl

import (
	"errors"
	"strconv"
	"strings"
)

// path is a JSONPath: $ and then .name, ['name'], [0], [-1], [*], .*, ..name or ..*. Filters, slices, unions and functions are refused.
type path struct{ steps []pathStep }

type pathStep struct {
	kind  byte // 'n' name, 'i' index, '*' all, 'd' name at any depth, 'a' all at any depth
	name  string
	index int
}

// pathError is a JSONPath that is not supported. It names the path only where that stands in the template, not where a request made it.
type pathError struct {
	path  string
	cause error
}

func (e *pathError) Error() string {
	if e.path == "" {
		return "the JSONPath is not supported: " + e.cause.Error()
	}
	return "the JSONPath " + strconv.Quote(e.path) + " is not supported: " + e.cause.Error()
}

var errPath = errors.New(`it is made of $, .name, ['name'], [0], [-1], [*], .*, ..name and ..*`)

func parsePath(s string) (*path, error) {
	if s == "" || s[0] != '$' {
		return nil, errors.New("it begins with $")
	}
	p := &path{}
	for i := 1; i < len(s); {
		step, n, err := parseStep(s[i:])
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, step)
		i += n
	}
	return p, nil
}

// parseStep reads one step, and answers how long it is.
func parseStep(s string) (pathStep, int, error) {
	if s[0] == '[' {
		return parseBracket(s)
	}
	kinds, dots := "n*", 1
	if strings.HasPrefix(s, "..") {
		kinds, dots = "da", 2
	}
	end := dots
	for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || s[end] >= 0x80 || strings.IndexByte("_-", s[end]) >= 0) {
		end++
	}
	switch {
	case s[0] != '.':
		return pathStep{}, 0, errPath
	case end > dots:
		return pathStep{kind: kinds[0], name: s[dots:end]}, end, nil
	case strings.HasPrefix(s[dots:], "*"):
		return pathStep{kind: kinds[1]}, dots + 1, nil
	}
	return pathStep{}, 0, errPath
}

func parseBracket(s string) (pathStep, int, error) {
	if strings.HasPrefix(s, "[*]") {
		return pathStep{kind: '*'}, len("[*]"), nil
	}
	if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
		end := strings.IndexByte(s[2:], s[1])
		if end < 0 || !strings.HasPrefix(s[2+end+1:], "]") || strings.Contains(s[2:2+end], `\`) {
			return pathStep{}, 0, errPath
		}
		return pathStep{kind: 'n', name: s[2 : 2+end]}, 2 + end + 2, nil
	}
	inside, _, closed := strings.Cut(s[1:], "]")
	index, err := strconv.ParseInt(inside, 10, 32)
	if !closed || err != nil || inside[0] == '+' {
		return pathStep{}, 0, errPath
	}
	return pathStep{kind: 'i', index: int(index)}, len(inside) + 2, nil
}

// find answers what the path leads to from root. many says that the path can find several, so that its result is a list.
func (p *path) find(r *run, root *element) (found []*element, many bool, err error) {
	found = []*element{root}
	for _, step := range p.steps {
		if !many {
			many = step.kind != 'n' && step.kind != 'i'
			if many && len(found) == 0 {
				return nil, false, nil
			}
		}
		var next []*element
		for _, e := range found {
			if next, err = step.from(r, e, next); err != nil {
				return nil, false, err
			}
		}
		found = next
	}
	return found, many, nil
}

// from appends what the step finds in e.
func (s pathStep) from(r *run, e *element, to []*element) ([]*element, error) {
	if err := r.step(1); err != nil {
		return nil, err
	}
	e.take()
	switch s.kind {
	case 'n':
		if m := e.member(s.name); m != nil {
			to = append(to, m)
		}
		return to, nil
	case 'i':
		i := s.index
		if i < 0 {
			i += len(e.items)
		}
		if e.text[0] == '[' && i >= 0 && i < len(e.items) {
			to = append(to, &e.items[i])
		}
		return to, nil
	}
	for i := range e.items {
		if s.kind != 'd' || e.names != nil && e.names[i] == s.name {
			to = append(to, &e.items[i])
		}
	}
	if err := r.step(len(e.items)); err != nil || s.kind == '*' {
		return to, err
	}
	for i := range e.items {
		var err error
		if to, err = s.from(r, &e.items[i], to); err != nil {
			return nil, err
		}
	}
	return to, nil
}
