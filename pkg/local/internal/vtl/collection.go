package vtl

import "slices"

// Kinds of list; they differ in how they print and in what they allow.
const (
	plain     = iota // a literal
	fromJSON         // prints as JSON
	fromArray        // what split answers: an array of fixed length
	view             // keySet, values, entrySet: no order to index
)

// list is an ordered collection. An item of a JSON array stays an *element until it is used.
type list struct {
	kind  int
	items []value
}

func (l *list) at(i int) value {
	l.items[i] = unwrap(l.items[i])
	return l.items[i]
}

// unwrap makes a value of a piece of a JSON text.
func unwrap(v value) value {
	if e, ok := v.(*element); ok {
		return e.value()
	}
	return v
}

// key is a map's key: a string, or a number or boolean by its text.
type key struct {
	text string
	kind byte // 's', 'n' or 'b'
}

func (k key) value() value {
	switch k.kind {
	case 'b':
		return k.text == "true"
	case 'n':
		return number(k.text)
	}
	return k.text
}

// keyOf answers the key that v is, if it can be one.
func keyOf(v value) (key, bool) {
	switch v := v.(type) {
	case string:
		return key{v, 's'}, true
	case bool, int64, number:
		p := printer{r: &run{}}
		err := p.print(v)
		kind := byte('n')
		if _, ok := v.(bool); ok {
			kind = 'b'
		}
		return key{string(p.out), kind}, err == nil
	}
	return key{}, false
}

// dict is a map that keeps the order in which its keys came, as Velocity's literals and JSON's objects do.
type dict struct {
	keys  []key
	vals  []value
	index map[key]int // nil while there are few keys
}

const fewKeys = 8

func (d *dict) find(k key) int {
	if d.index != nil {
		if i, ok := d.index[k]; ok {
			return i
		}
		return -1
	}
	return slices.Index(d.keys, k)
}

func (d *dict) at(i int) value {
	d.vals[i] = unwrap(d.vals[i])
	return d.vals[i]
}

func (d *dict) get(k key) (value, bool) {
	if i := d.find(k); i >= 0 {
		return d.at(i), true
	}
	return nil, false
}

// put answers the old value, or nil.
func (d *dict) put(k key, v value) value {
	if i := d.find(k); i >= 0 {
		old := d.at(i)
		d.vals[i] = v
		return old
	}
	d.keys, d.vals = append(d.keys, k), append(d.vals, v)
	switch {
	case d.index != nil:
		d.index[k] = len(d.keys) - 1
	case len(d.keys) > fewKeys:
		d.reindex()
	}
	return nil
}

func (d *dict) reindex() {
	d.index = make(map[key]int, 2*len(d.keys))
	for i, k := range d.keys {
		d.index[k] = i
	}
}

func (d *dict) remove(k key) value {
	i := d.find(k)
	if i < 0 {
		return nil
	}
	old := d.at(i)
	d.keys, d.vals = slices.Delete(d.keys, i, i+1), slices.Delete(d.vals, i, i+1)
	if d.index != nil {
		d.reindex()
	}
	return old
}

// entry is one key and value of a map, as entrySet answers it.
type entry struct {
	of  *dict
	key key
}

func (e *entry) value() value {
	v, _ := e.of.get(e.key)
	return v
}

// elements answers what #foreach goes through in v, and the map it belongs to if it does; ok is false where v is nothing to go through.
func elements(v value) (items *list, of *dict, ok bool) {
	switch v := v.(type) {
	case nil:
		return &list{}, nil, true
	case *list:
		return v, nil, true
	case *dict:
		return &list{kind: view, items: v.vals}, v, true
	}
	return nil, nil, false
}
