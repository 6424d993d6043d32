package vtl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// inputObject is $input.
type inputObject struct{}

func (inputObject) kind() string { return "$input" }

// property answers $input.body: the payload as text, and {} where it is empty.
func (inputObject) property(r *run, name string) (value, error) {
	if name != "body" {
		return nil, fmt.Errorf("$input.%s is not supported", name)
	}
	b := r.bodyBytes()
	return string(b), r.make(len(b))
}

func (r *run) bodyBytes() []byte {
	if len(r.request.Body) == 0 {
		return []byte("{}")
	}
	return mended(r.request.Body)
}

func (o inputObject) call(r *run, a *accessor, args []value) (value, error) {
	return callObject(r, o, inputMethods, a, args)
}

func callObject(r *run, o object, methods map[string]*method, a *accessor, args []value) (value, error) {
	m := a.method
	if m == nil {
		var err error
		if m, err = find(methods, o.kind(), a); err != nil {
			return nil, err
		}
	}
	v, err := m.call(r, o, a, args)
	if err != nil {
		err = fmt.Errorf("%s.%s: %w", o.kind(), a.name, err)
		if errors.Is(err, ErrBody) {
			err = fmt.Errorf("%s.%s: %w", o.kind(), a.name, ErrBody)
		}
	}
	return v, err
}

var inputMethods = map[string]*method{
	"json":   {1, 1, inputJSON},
	"path":   {1, 1, inputPath},
	"params": {0, 1, inputParams},
}

// lookUp evaluates a JSONPath on the body.
func (r *run) lookUp(a *accessor, args []value) (found []*element, many bool, err error) {
	if r.body == nil {
		if r.body, err = readJSON(r, r.bodyBytes()); err != nil {
			return nil, false, ErrBody
		}
	}
	p, ok := a.ready.(*path)
	if !ok {
		s, err := textArgument(args, 0)
		if err != nil {
			return nil, false, err
		}
		if p, err = parsePath(s); err != nil {
			return nil, false, &pathError{"", err}
		}
	}
	return p.find(r, &r.body.root)
}

// inputJSON answers what the path finds as JSON text: compact, names in their order, numbers and strings as they were sent. A path that
// finds nothing is the text "" with its quotes.
func inputJSON(r *run, _ value, a *accessor, args []value) (value, error) {
	found, many, err := r.lookUp(a, args)
	switch {
	case err != nil:
		return nil, err
	case many:
		return r.jsonList(found)
	case len(found) == 0:
		return `""`, nil
	}
	return found[0].text, nil
}

func (r *run) jsonList(found []*element) (value, error) {
	p := printer{r: r}
	err := p.jsonItems("[]", len(found), 0, func(i int) (string, value) { return "", found[i] })
	return string(p.out), err
}

// inputPath answers what the path finds as a value; what it does not find, and null, are null.
func inputPath(r *run, _ value, a *accessor, args []value) (value, error) {
	found, many, err := r.lookUp(a, args)
	switch {
	case err != nil:
		return nil, err
	case many:
		items := make([]value, len(found))
		for i, e := range found {
			items[i] = e
		}
		return &list{kind: fromJSON, items: items}, nil
	case len(found) == 0:
		return nil, nil
	}
	return found[0].value(), nil
}

// inputParams answers the map of path, querystring and header, or one parameter, looked for in this order; "" where there is none.
func inputParams(r *run, _ value, _ *accessor, args []value) (value, error) {
	if len(args) == 1 {
		name, err := textArgument(args, 0)
		if err != nil {
			return nil, err
		}
		for _, params := range []map[string]string{r.request.Path, r.request.Query, r.request.Header} {
			if v, ok := params[name]; ok {
				return v, nil
			}
		}
		return "", nil
	}
	if r.params == nil {
		r.params = &dict{}
		r.params.put(key{"path", 's'}, dictOf(r.request.Path))
		r.params.put(key{"querystring", 's'}, dictOf(r.request.Query))
		r.params.put(key{"header", 's'}, dictOf(r.request.Header))
	}
	return r.params, nil
}

// dictOf makes a map of texts, in the order of the names.
func dictOf(m map[string]string) *dict {
	d := &dict{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		d.put(key{name, 's'}, m[name])
	}
	return d
}

// stageObject is $stageVariables.
type stageObject struct{}

func (stageObject) kind() string { return "$stageVariables" }

func (stageObject) property(r *run, name string) (value, error) {
	if v, ok := r.request.StageVariables[name]; ok {
		return v, nil
	}
	return nil, nil
}

// call calls a map's method on a copy, so that put changes nothing.
func (stageObject) call(r *run, a *accessor, args []value) (value, error) {
	return call(r, dictOf(r.request.StageVariables), a, args)
}
