package vtl

import (
	"fmt"
	"maps"
	"slices"
)

// contextMap is $context, or a map within it.
type contextMap struct{ members map[string]any }

func (c *contextMap) kind() string { return "$context" }

func (c *contextMap) property(_ *run, name string) (value, error) {
	return fromGo(c.members[name])
}

// fromGo makes a template's value of a leaf or map of Request.Context.
func fromGo(v any) (value, error) {
	switch v := v.(type) {
	case nil, string, bool, int64, float64:
		return v, nil
	case int:
		return int64(v), nil
	case map[string]any:
		return &contextMap{v}, nil
	case map[string]string:
		return dictOf(v), nil
	}
	return nil, fmt.Errorf("a %T in $context is not supported", v)
}

func (c *contextMap) call(r *run, a *accessor, args []value) (value, error) {
	m, err := find(contextMethods, "$context", a)
	if err != nil {
		return nil, err
	}
	return m.call(r, c, a, args)
}

var contextMethods = map[string]*method{
	"get": {1, 1, func(r *run, on value, _ *accessor, args []value) (value, error) {
		name, ok := args[0].(string)
		if !ok {
			return nil, nil
		}
		return on.(*contextMap).property(r, name)
	}},
	"containsKey": {1, 1, func(_ *run, on value, _ *accessor, args []value) (value, error) {
		name, ok := args[0].(string)
		_, found := on.(*contextMap).members[name]
		return ok && found, nil
	}},
	"size": {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) {
		return int64(len(on.(*contextMap).members)), nil
	}},
	"isEmpty": {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) {
		return len(on.(*contextMap).members) == 0, nil
	}},
	"keySet": {0, 0, func(r *run, on value, _ *accessor, _ []value) (value, error) {
		l := &list{kind: view}
		for _, name := range slices.Sorted(maps.Keys(on.(*contextMap).members)) {
			l.items = append(l.items, name)
		}
		return l, r.step(len(l.items))
	}},
}

// overrides are the members of $context that a template can set, by depth; "*" is any name ("Override your API's request and response
// parameters and status codes for REST APIs").
var overrides = map[string]map[string]bool{
	"responseOverride": {"status": false, "header": true},
	"requestOverride":  {"header": true, "path": true, "querystring": true},
}

// override sets $context.responseOverride.status, $context.responseOverride.header.X and the like.
func (ref *reference) override(r *run, c *contextMap, v value) error {
	names, err := ref.overrideNames(r)
	if err != nil {
		return err
	}
	kind, known := map[string]bool(nil), false
	if len(names) >= 2 {
		kind = overrides[names[0]]
		var deep bool
		deep, known = kind[names[1]]
		known = known && (deep && len(names) == 3 || !deep && len(names) == 2)
	}
	if !known {
		return fmt.Errorf("of $context only responseOverride.status, responseOverride.header.NAME and requestOverride.header, .path and " +
			".querystring.NAME can be set")
	}
	leaf, err := toGo(v)
	if err != nil {
		return err
	}
	if c.members == nil {
		c.members = map[string]any{}
		r.request.Context = c.members
	}
	at := c.members
	for _, name := range names[:len(names)-1] {
		next, ok := at[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	last := names[len(names)-1]
	if _, done := at[last]; done {
		return fmt.Errorf("the same override is set twice, which API Gateway answers with a 5XX: set a variable, and the override once")
	}
	at[last] = leaf
	return nil
}

// overrideNames answers the names behind $context.
func (ref *reference) overrideNames(r *run) ([]string, error) {
	var names []string
	for i := range ref.path {
		a := &ref.path[i]
		if a.name != "" {
			if a.call {
				return nil, fmt.Errorf("a method call within an override is not supported")
			}
			names = append(names, a.name)
			continue
		}
		index, err := a.args[0].eval(r)
		if err != nil {
			return nil, err
		}
		name, ok := index.(string)
		if !ok {
			return nil, fmt.Errorf("the name of an override is a string, not %s", kindOf(index))
		}
		names = append(names, name)
	}
	return names, nil
}

// toGo makes a leaf of Request.Context of a value.
func toGo(v value) (any, error) {
	switch v := v.(type) {
	case string:
		return validString(v), nil
	case bool, int64, float64:
		return v, nil
	case number:
		n, f, integer, _ := numeric(v)
		if integer {
			return n, nil
		}
		return f, nil
	}
	return nil, fmt.Errorf("an override takes a string or a number, not %s", kindOf(v))
}
