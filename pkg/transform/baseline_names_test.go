package transform_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"sync"

	"hydrant/pkg/event"
)

// What encoding/json does not say of an object: which members its struct does not know, whether one stands there twice, how deep it is.

const maxLevels = 32

// known is the type of each member of the JSON objects that a struct stands for.
var known = func() func(t reflect.Type) map[string]reflect.Type {
	var cache sync.Map
	return func(t reflect.Type) map[string]reflect.Type {
		if names, ok := cache.Load(t); ok {
			return names.(map[string]reflect.Type)
		}
		names := map[string]reflect.Type{}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := bytes.Cut([]byte(f.Tag.Get("json")), []byte(",")); len(name) > 0 {
				names[string(name)] = f.Type
			}
		}
		cache.Store(t, names)
		return names
	}
}()

// isObject reports whether a struct type stands for a JSON object.
func isObject(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[moment]()
}

// strangers takes the members that t does not know out of an object, those in known members included. It returns them, nil if there are none.
func strangers(members map[string]json.RawMessage, t reflect.Type) (map[string]any, error) {
	var all map[string]any
	names := known(t)
	for name, value := range members {
		var unknown any
		var err error
		switch typ, ok := names[name]; {
		case !ok:
			unknown = value
			delete(members, name)
		case isObject(typ) && value[0] == '{':
			members[name], unknown, err = strangersIn(value, typ)
		case typ.Kind() == reflect.Slice && value[0] == '[':
			members[name], unknown, err = strangersInList(value, typ.Elem())
		}
		if err != nil {
			return nil, err
		}
		if unknown != nil {
			if all == nil {
				all = map[string]any{}
			}
			all[name] = unknown
		}
	}
	return all, nil
}

func strangersIn(object json.RawMessage, t reflect.Type) (rest json.RawMessage, unknown any, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, nil, err
	}
	all, err := strangers(members, t)
	if err != nil || all == nil {
		return object, nil, err
	}
	rest, err = json.Marshal(members)
	return rest, all, err
}

func strangersInList(array json.RawMessage, t reflect.Type) (rest json.RawMessage, unknown any, err error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(array, &elements); err != nil {
		return nil, nil, err
	}
	var all []any
	for i, e := range elements {
		if e[0] != '{' {
			continue
		}
		rest, unknown, err := strangersIn(e, t)
		if err != nil {
			return nil, nil, err
		}
		if elements[i] = rest; unknown != nil {
			all = append(all, make([]any, i-len(all))...)
			all = append(all, unknown)
		}
	}
	if all == nil {
		return array, nil, nil
	}
	rest, err = json.Marshal(elements)
	return rest, all, err
}

// walk refuses members that stand twice in an object that t knows, and more levels than an event may have.
func walk(data []byte, t reflect.Type) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return walkValue(d, t, 0)
}

func walkValue(d *json.Decoder, t reflect.Type, level int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if level++; (token == json.Delim('{') || token == json.Delim('[')) && level > maxLevels {
		return refusal(event.TooDeep)
	}
	switch token {
	case json.Delim('{'):
		err = walkMembers(d, t, level)
	case json.Delim('['):
		var element reflect.Type
		if t != nil && t.Kind() == reflect.Slice {
			element = t.Elem()
		}
		for err == nil && d.More() {
			err = walkValue(d, element, level)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = d.Token()
	}
	return err
}

func walkMembers(d *json.Decoder, t reflect.Type, level int) error {
	isMap := t != nil && t.Kind() == reflect.Map
	var names map[string]reflect.Type
	if t != nil && isObject(t) {
		names = known(t)
	}
	var seen []string
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // a name is nothing else
		if isMap || names != nil {
			if slices.Contains(seen, name) {
				return refusal(event.DuplicateName)
			}
			seen = append(seen, name)
		}
		if err := walkValue(d, names[name], level); err != nil {
			return err
		}
	}
	return nil
}
