package vtl

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// document is a JSON text. It is checked and made compact once; objects and arrays in it are taken apart when they are needed, and once.
type document struct {
	run  *run
	root element
}

// element is a value in a document: its compact text, and its members once it was taken apart.
type element struct {
	doc   *document
	text  string
	open  bool
	names []string // of an object's items
	items []element
	index map[string]int // nil while there are few items
}

var errDepth = errors.New("the JSON text is nested too deep")

// readJSON reads one JSON value. Numbers and strings stay as they are written, escapes included, so a lone surrogate survives. Of two
// members with one name the last value stands in the first one's place, as Java's maps have it.
func readJSON(r *run, s []byte) (*document, error) {
	if err := r.make(len(s)); err != nil {
		return nil, err
	}
	options := []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true)}
	compact, err := jsontext.AppendFormat(r.work[:0], s, options...)
	twice := errors.Is(err, jsontext.ErrDuplicateName)
	if twice {
		compact, err = jsontext.AppendFormat(compact[:0], s, append(options, jsontext.AllowDuplicateNames(true))...)
	}
	if err != nil {
		return nil, err
	}
	r.work = compact
	d := &document{run: r}
	d.root = element{doc: d, text: string(compact)}
	if tooDeep(d.root.text) {
		return nil, errDepth
	}
	if twice {
		d.root = element{doc: d, text: string(d.root.once(compact[:0:0]))}
	}
	return d, nil
}

func tooDeep(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = skipString(s, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// skipString answers where the string that begins at i ends.
func skipString(s string, i int) int {
	for end := i + 1; ; end++ {
		end += strings.IndexByte(s[end:], '"')
		escapes := end
		for s[escapes-1] == '\\' {
			escapes--
		}
		if (end-escapes)%2 == 0 {
			return end + 1
		}
	}
}

// skip answers where the value that begins at i ends.
func skip(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = skipString(s, i) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// take takes an object or array apart.
func (e *element) take() {
	if e.open {
		return
	}
	e.open = true
	if e.text[0] != '{' && e.text[0] != '[' {
		return
	}
	e.doc.run.made += len(e.text)
	for i := 1; i < len(e.text)-1; i++ { // i++ is the comma
		if e.text[0] == '{' {
			end := skipString(e.text, i)
			e.names = append(e.names, unquote(e.text[i:end]))
			i = end + 1
		}
		end := skip(e.text, i)
		e.items = append(e.items, element{doc: e.doc, text: e.text[i:end]})
		i = end
	}
	if len(e.names) > fewKeys {
		e.index = make(map[string]int, len(e.names))
		for i, name := range e.names {
			e.index[name] = i
		}
	}
}

// member answers the member of an object, or nil.
func (e *element) member(name string) *element {
	e.take()
	if e.index != nil {
		if i, ok := e.index[name]; ok {
			return &e.items[i]
		}
		return nil
	}
	for i := range e.names {
		if e.names[i] == name {
			return &e.items[i]
		}
	}
	return nil
}

// once appends the element's text with each name once in each object.
func (e *element) once(b []byte) []byte {
	e.take()
	if len(e.items) == 0 {
		return append(b, e.text...)
	}
	last := make(map[string]int, len(e.names))
	for i, name := range e.names {
		last[name] = i
	}
	b = append(b, e.text[0])
	first := true
	for i := range e.items {
		item := &e.items[i]
		if e.text[0] == '{' {
			j, unseen := last[e.names[i]]
			if !unseen {
				continue
			}
			delete(last, e.names[i])
			item = &e.items[j]
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if e.text[0] == '{' {
			b = append(appendQuoted(b, e.names[i]), ':')
		}
		b = item.once(b)
	}
	return append(b, e.text[len(e.text)-1])
}

// value answers the element as a template uses it: anew each time, so what a template changes is its own copy.
func (e *element) value() value {
	switch e.text[0] {
	case 'n':
		return nil
	case 't', 'f':
		return e.text == "true"
	case '"':
		return unquote(e.text)
	case '[':
		return &list{kind: fromJSON, items: e.values()}
	case '{':
		d := &dict{vals: e.values()}
		d.keys = make([]key, len(e.names))
		for i, name := range e.names {
			d.keys[i] = key{name, 's'}
		}
		if len(d.keys) > fewKeys {
			d.reindex()
		}
		return d
	}
	return number(e.text)
}

func (e *element) values() []value {
	e.take()
	items := make([]value, len(e.items))
	for i := range items {
		items[i] = &e.items[i]
	}
	e.doc.run.made += 16 * len(items)
	return items
}

// unquote answers the text of a JSON string. The string is valid, but may have lone surrogates.
func unquote(s string) string {
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		switch at := strings.IndexByte("bfnrt", s[i]); {
		case at >= 0:
			b = append(b, "\b\f\n\r\t"[at])
		case s[i] == 'u':
			n, _ := strconv.ParseUint(s[i+1:i+5], 16, 16)
			b = appendUnit(b, uint16(n))
			i += 4
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}
