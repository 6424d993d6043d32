package vtl

import (
	"errors"
	"fmt"
)

// method is a method of a kind of value, with how many arguments it takes.
type method struct {
	least, most int
	call        func(r *run, on value, a *accessor, args []value) (value, error)
}

func find(methods map[string]*method, owner string, a *accessor) (*method, error) {
	m, ok := methods[a.name]
	if !ok {
		return nil, fmt.Errorf("%s has no method %s that is supported", owner, a.name)
	}
	if n := len(a.args); n < m.least || n > m.most {
		return nil, fmt.Errorf("%s of %s with %d arguments is not supported", a.name, owner, n)
	}
	return m, nil
}

// call calls a method of v, which is not null. Velocity takes a call of what is no method for null; that hides a mistake, so it is an
// error here.
func call(r *run, v value, a *accessor, args []value) (value, error) {
	methods := scalarMethods
	switch v := v.(type) {
	case string:
		methods = stringMethods
	case *list:
		methods = listMethods
		if v.kind == view {
			methods = viewMethods
		}
	case *dict:
		methods = dictMethods
	case *entry:
		methods = entryMethods
	case object:
		return v.call(r, a, args)
	}
	m, err := find(methods, kindOf(v), a)
	if err != nil {
		return nil, err
	}
	result, err := m.call(r, v, a, args)
	if err != nil {
		err = fmt.Errorf("%s: %w", a.name, err)
	}
	return result, err
}

func toString(r *run, on value, _ *accessor, _ []value) (value, error) {
	return r.stringOf(on)
}

// equals is Java's: values of different classes are never equal.
func equals(r *run, on value, _ *accessor, args []value) (value, error) {
	if args[0] == nil || kindOf(on) != kindOf(args[0]) {
		return false, nil
	}
	return r.equal(on, args[0], 0)
}

var scalarMethods = map[string]*method{
	"toString": {0, 0, toString},
	"equals":   {1, 1, equals},
	"intValue": {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) {
		n, _, integer, _ := numeric(on)
		if !integer {
			return nil, errors.New("only an integer's is supported")
		}
		return n, nil
	}},
}

var entryMethods = map[string]*method{
	"getKey":   {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) { return on.(*entry).key.value(), nil }},
	"getValue": {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) { return on.(*entry).value(), nil }},
	"toString": {0, 0, toString},
}

// textArgument answers an argument that Java wants as a String.
func textArgument(args []value, i int) (string, error) {
	s, ok := args[i].(string)
	if !ok {
		return "", fmt.Errorf("argument %d must be a string, not %s", i+1, kindOf(args[i]))
	}
	return s, nil
}

// intArgument answers an argument that Java wants as an int.
func intArgument(args []value, i int) (int, error) {
	n, _, integer, _ := numeric(args[i])
	if !integer || int64(int32(n)) != n {
		return 0, fmt.Errorf("argument %d must be an integer, not %s", i+1, kindOf(args[i]))
	}
	return int(n), nil
}
