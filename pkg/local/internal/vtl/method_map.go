package vtl

import (
	"errors"
	"fmt"
)

var dictMethods = map[string]*method{
	"size":          {0, 0, dictSize},
	"isEmpty":       {0, 0, dictIsEmpty},
	"get":           {1, 1, dictGet},
	"getOrDefault":  {2, 2, dictGetOrDefault},
	"put":           {2, 2, dictPut},
	"putAll":        {1, 1, dictPutAll},
	"remove":        {1, 1, dictRemove},
	"clear":         {0, 0, dictClear},
	"containsKey":   {1, 1, dictContainsKey},
	"containsValue": {1, 1, dictContainsValue},
	"keySet":        {0, 0, dictKeySet},
	"values":        {0, 0, dictValues},
	"entrySet":      {0, 0, dictEntrySet},
	"toString":      {0, 0, toString},
	"equals":        {1, 1, equals},
}

func dictSize(_ *run, on value, _ *accessor, _ []value) (value, error) {
	return int64(len(on.(*dict).keys)), nil
}

func dictIsEmpty(_ *run, on value, _ *accessor, _ []value) (value, error) {
	return len(on.(*dict).keys) == 0, nil
}

func dictGet(_ *run, on value, _ *accessor, args []value) (value, error) {
	k, ok := keyOf(args[0])
	if !ok {
		return nil, nil
	}
	v, _ := on.(*dict).get(k)
	return v, nil
}

func dictGetOrDefault(_ *run, on value, _ *accessor, args []value) (value, error) {
	if k, ok := keyOf(args[0]); ok {
		if v, found := on.(*dict).get(k); found {
			return v, nil
		}
	}
	return args[1], nil
}

// dictPut answers the old value, which a template prints unless it captures it with #set.
func dictPut(_ *run, on value, _ *accessor, args []value) (value, error) {
	k, ok := keyOf(args[0])
	if !ok {
		return nil, fmt.Errorf("%s cannot be a map's key", kindOf(args[0]))
	}
	return on.(*dict).put(k, args[1]), nil
}

func dictPutAll(r *run, on value, _ *accessor, args []value) (value, error) {
	more, ok := args[0].(*dict)
	if !ok {
		return nil, errors.New("its argument must be a map, not " + kindOf(args[0]))
	}
	if err := r.step(len(more.keys)); err != nil {
		return nil, err
	}
	for i, k := range more.keys {
		on.(*dict).put(k, more.at(i))
	}
	return nil, nil
}

func dictRemove(r *run, on value, _ *accessor, args []value) (value, error) {
	d := on.(*dict)
	k, ok := keyOf(args[0])
	if !ok {
		return nil, nil
	}
	return d.remove(k), r.step(len(d.keys))
}

func dictClear(_ *run, on value, _ *accessor, _ []value) (value, error) {
	*on.(*dict) = dict{}
	return nil, nil
}

func dictContainsKey(_ *run, on value, _ *accessor, args []value) (value, error) {
	k, ok := keyOf(args[0])
	return ok && on.(*dict).find(k) >= 0, nil
}

func dictContainsValue(r *run, on value, _ *accessor, args []value) (value, error) {
	i, err := (&list{items: on.(*dict).vals}).position(r, args[0])
	return i >= 0, err
}

// collect makes a view of a map.
func collect(r *run, d *dict, item func(i int) value) (value, error) {
	if err := r.step(len(d.keys)); err != nil {
		return nil, err
	}
	items := make([]value, len(d.keys))
	for i := range items {
		items[i] = item(i)
	}
	return &list{kind: view, items: items}, nil
}

func dictKeySet(r *run, on value, _ *accessor, _ []value) (value, error) {
	d := on.(*dict)
	return collect(r, d, func(i int) value { return d.keys[i].value() })
}

func dictValues(r *run, on value, _ *accessor, _ []value) (value, error) {
	d := on.(*dict)
	return collect(r, d, d.at)
}

func dictEntrySet(r *run, on value, _ *accessor, _ []value) (value, error) {
	d := on.(*dict)
	return collect(r, d, func(i int) value { return &entry{d, d.keys[i]} })
}
