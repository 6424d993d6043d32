package vtl

import (
	"errors"
	"slices"
)

var listMethods = map[string]*method{
	"size":     {0, 0, listSize},
	"isEmpty":  {0, 0, listIsEmpty},
	"contains": {1, 1, listContains},
	"indexOf":  {1, 1, listIndexOf},
	"get":      {1, 1, listGet},
	"set":      {2, 2, listSet},
	"add":      {1, 2, listAdd},
	"addAll":   {1, 1, listAddAll},
	"remove":   {1, 1, listRemove},
	"clear":    {0, 0, listClear},
	"toString": {0, 0, toString},
	"equals":   {1, 1, equals},
}

// viewMethods are those of keySet, values and entrySet.
var viewMethods = map[string]*method{
	"size":     {0, 0, listSize},
	"isEmpty":  {0, 0, listIsEmpty},
	"contains": {1, 1, listContains},
	"toString": {0, 0, toString},
}

var errFixed = errors.New("an array cannot grow or shrink")

func listSize(_ *run, on value, _ *accessor, _ []value) (value, error) {
	return int64(len(on.(*list).items)), nil
}

func listIsEmpty(_ *run, on value, _ *accessor, _ []value) (value, error) {
	return len(on.(*list).items) == 0, nil
}

// position answers where v stands in the list, or -1.
func (l *list) position(r *run, v value) (int, error) {
	for i := range l.items {
		item := l.at(i)
		if (item == nil) != (v == nil) || v != nil && kindOf(v) != kindOf(item) {
			if err := r.step(1); err != nil {
				return 0, err
			}
			continue
		}
		if same, err := r.equal(item, v, 0); err != nil || same {
			return i, err
		}
	}
	return -1, nil
}

func listContains(r *run, on value, _ *accessor, args []value) (value, error) {
	i, err := on.(*list).position(r, args[0])
	return i >= 0, err
}

func listIndexOf(r *run, on value, _ *accessor, args []value) (value, error) {
	i, err := on.(*list).position(r, args[0])
	return int64(i), err
}

func listGet(_ *run, on value, _ *accessor, args []value) (value, error) {
	i, err := intArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return on.(*list).element(int64(i))
}

func listSet(_ *run, on value, _ *accessor, args []value) (value, error) {
	i, err := intArgument(args, 0)
	if err != nil {
		return nil, err
	}
	l := on.(*list)
	old, err := l.element(int64(i))
	if err == nil {
		l.items[i] = args[1]
	}
	return old, err
}

func listAdd(_ *run, on value, _ *accessor, args []value) (value, error) {
	l := on.(*list)
	if l.kind == fromArray {
		return nil, errFixed
	}
	if len(args) == 1 {
		l.items = append(l.items, args[0])
		return true, nil
	}
	i, err := intArgument(args, 0)
	if err != nil {
		return nil, err
	}
	if i < 0 || i > len(l.items) {
		return nil, errors.New("the index is outside the list")
	}
	l.items = slices.Insert(l.items, i, args[1])
	return nil, nil
}

func listAddAll(r *run, on value, _ *accessor, args []value) (value, error) {
	l := on.(*list)
	more, ok := args[0].(*list)
	if !ok {
		return nil, errors.New("its argument must be a list, not " + kindOf(args[0]))
	}
	if l.kind == fromArray {
		return nil, errFixed
	}
	if err := r.step(len(more.items)); err != nil {
		return nil, err
	}
	l.items = append(l.items, more.items...)
	return len(more.items) > 0, nil
}

// listRemove removes by index where the argument is an integer, as Java does for an int, else the first equal element.
func listRemove(r *run, on value, _ *accessor, args []value) (value, error) {
	l := on.(*list)
	if l.kind == fromArray {
		return nil, errFixed
	}
	if err := r.step(len(l.items)); err != nil {
		return nil, err
	}
	if _, _, integer, _ := numeric(args[0]); integer {
		i, err := intArgument(args, 0)
		if err != nil {
			return nil, err
		}
		old, err := l.element(int64(i))
		if err == nil {
			l.items = slices.Delete(l.items, i, i+1)
		}
		return old, err
	}
	i, err := l.position(r, args[0])
	if err != nil || i < 0 {
		return false, err
	}
	l.items = slices.Delete(l.items, i, i+1)
	return true, nil
}

func listClear(_ *run, on value, _ *accessor, _ []value) (value, error) {
	l := on.(*list)
	if l.kind == fromArray {
		return nil, errFixed
	}
	l.items = nil
	return nil, nil
}
