package vtl

import (
	"errors"
	"fmt"
)

// eval follows the reference. What is missing on the way makes it null.
func (ref *reference) eval(r *run) (value, error) {
	if err := r.step(1); err != nil {
		return nil, r.fail(ref.pos, err)
	}
	v, err := ref.root(r)
	if err != nil {
		return nil, r.fail(ref.pos, err)
	}
	return ref.follow(r, v, len(ref.path))
}

func (ref *reference) root(r *run) (value, error) {
	v := r.vars[ref.slot]
	if d, ok := v.(*define); ok {
		return d.use(r)
	}
	return v, nil
}

// follow goes along the first n accessors.
func (ref *reference) follow(r *run, v value, n int) (value, error) {
	for i := range n {
		a := &ref.path[i]
		// Velocity evaluates no arguments of a call on null; the call is null.
		if v == nil {
			return nil, nil
		}
		next, err := a.apply(r, v)
		if err != nil {
			return nil, r.fail(a.pos, err)
		}
		v = next
	}
	return v, nil
}

func (a *accessor) apply(r *run, v value) (value, error) {
	if !a.call && a.args == nil {
		return property(r, v, a.name)
	}
	var few [3]value
	args := few[:0]
	for _, e := range a.args {
		arg, err := e.eval(r)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if !a.call {
		return at(r, v, args[0])
	}
	return call(r, v, a, args)
}

// property answers $v.name. What a list, a text or a number has no property of is null, as in Velocity.
func property(r *run, v value, name string) (value, error) {
	switch v := v.(type) {
	case *dict:
		found, _ := v.get(key{name, 's'})
		return found, nil
	case object:
		return v.property(r, name)
	case *entry:
		switch name {
		case "key":
			return v.key.value(), nil
		case "value":
			return v.value(), nil
		}
	case string:
		if name == "empty" {
			return v == "", nil
		}
	case *list:
		if name == "empty" {
			return len(v.items) == 0, nil
		}
	}
	if name == "class" || name == "bytes" {
		return nil, fmt.Errorf(".%s of %s is not supported", name, kindOf(v))
	}
	return nil, nil
}

// at answers $v[index].
func at(r *run, v, index value) (value, error) {
	switch v := v.(type) {
	case *list:
		n, _, integer, _ := numeric(index)
		if !integer || v.kind == view {
			return nil, nil
		}
		if n < 0 {
			n += int64(len(v.items))
		}
		return v.element(n)
	case *dict:
		if k, ok := keyOf(index); ok {
			found, _ := v.get(k)
			return found, nil
		}
	case object:
		if name, ok := index.(string); ok {
			return v.property(r, name)
		}
	}
	return nil, nil
}

func (l *list) element(n int64) (value, error) {
	if n < 0 || n >= int64(len(l.items)) {
		return nil, errors.New("the index is outside the list")
	}
	return l.at(int(n)), nil
}

// assign sets what the reference names; v is not null.
func (ref *reference) assign(r *run, v value) error {
	if len(ref.path) == 0 {
		r.vars[ref.slot] = v
		return nil
	}
	last := &ref.path[len(ref.path)-1]
	root, err := ref.root(r)
	if err != nil {
		return err
	}
	if c, ok := root.(*contextMap); ok {
		return ref.override(r, c, v)
	}
	holder, err := ref.follow(r, root, len(ref.path)-1)
	if err != nil {
		return err
	}
	name := value(last.name)
	if last.name == "" {
		if name, err = last.args[0].eval(r); err != nil {
			return err
		}
	}
	return r.fail(last.pos, assignTo(holder, name, v))
}

func assignTo(holder, name, v value) error {
	switch h := holder.(type) {
	case *dict:
		k, ok := keyOf(name)
		if !ok {
			return fmt.Errorf("%s cannot be a map's key", kindOf(name))
		}
		h.put(k, v)
		return nil
	case *list:
		n, _, integer, _ := numeric(name)
		if !integer || h.kind == view {
			break
		}
		if n < 0 {
			n += int64(len(h.items))
		}
		if _, err := h.element(n); err != nil {
			return err
		}
		h.items[n] = v
		return nil
	}
	return fmt.Errorf("%s has nothing of that name that can be assigned", kindOf(holder))
}
