package event

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Restore turns a row back into its event and the origin that the event had: what record format conversion refuses is the row, and what
// can be sent again is the event. The event's members have their values as the row has them, defaults among them; what stands in extra is put
// back in its place. Judged with the origin it gives the same row again. ok is false if data is no row as AppendRow writes them.
func (j *Judge) Restore(data []byte) (e []byte, o Origin, ok bool) {
	row, err := parseTree(data)
	if err != nil || row.kind != '{' {
		return nil, Origin{}, false
	}
	p, known := j.plans[row.member("type").text()]
	if !known {
		return nil, Origin{}, false
	}
	var extra *tree
	event := &tree{kind: '{'}
	seen := 0
	for i, name := range row.names {
		value := row.values[i]
		at := slices.IndexFunc(p.fields, func(f field) bool { return f.column == name })
		switch {
		case at < 0:
			return nil, Origin{}, false
		case at < fieldReceivedAt || at > fieldExtra:
			event.add(p.fields[at].name, p.fields[at].restore(value))
			continue
		case at == fieldReceivedAt:
			at, err := time.Parse(rowTime, value.text())
			o.ReceivedAt, ok = at.UnixMilli(), err == nil
			seen++
		case at == fieldAttempt:
			o.Attempt, err = strconv.Atoi(string(value.raw))
			ok = err == nil && o.Attempt >= 0
			seen++
		case at == fieldProducer:
			o.Producer, ok = value.text(), true
		case at == fieldRequestID:
			o.RequestID, ok = value.text(), true
		default:
			extra, err = parseTree([]byte(value.text()))
			ok = err == nil && extra.kind == '{'
		}
		if !ok {
			return nil, Origin{}, false
		}
	}
	o.EventID = event.member("event_id").text()
	if seen != 2 || o.EventID == "" || !event.merge(extra) {
		return nil, Origin{}, false
	}
	return event.append(nil), o, true
}

// restore gives the members of objects in a column their own names again.
func (f *field) restore(value *tree) *tree {
	switch {
	case f.form == object && value.kind == '{':
		named := &tree{kind: '{'}
		for i, column := range value.names {
			name, member := column, value.values[i]
			if at := slices.IndexFunc(f.object.fields, func(m field) bool { return m.column == column }); at >= 0 {
				name, member = f.object.fields[at].name, f.object.fields[at].restore(member)
			}
			named.add(name, member)
		}
		return named
	case f.form == list && value.kind == '[':
		elements := &tree{kind: '['}
		for _, e := range value.values {
			elements.add("", f.element.restore(e))
		}
		return elements
	}
	return value
}

// rowTime is how rows have times.
const rowTime = "2006-01-02T15:04:05.000Z"

// quotedText is what a JSON string says. The error would tell of ill-formed UTF-8, which becomes U+FFFD, as in rows.
func quotedText(quoted []byte) string {
	text, _ := jsontext.AppendUnquote(nil, quoted)
	return string(text)
}

// tree is a JSON value whose objects and arrays can be changed.
type tree struct {
	kind   jsontext.Kind
	raw    jsontext.Value // of what is neither object nor array
	names  []string       // of an object
	values []*tree        // its members' values, or an array's elements
}

var errTree = errors.New("not one JSON value, or nested too deep")

func parseTree(data []byte) (*tree, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	t, err := readTree(d, maxLevels+1) // extra, as text, is one level less deep than where it belongs
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errTree
	}
	return t, nil
}

func readTree(d *jsontext.Decoder, levels int) (*tree, error) {
	t := &tree{kind: d.PeekKind()}
	if t.kind != '{' && t.kind != '[' {
		v, err := d.ReadValue()
		t.raw = slices.Clone(v)
		return t, err
	}
	if levels == 0 {
		return nil, errTree
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for k := d.PeekKind(); k != '}' && k != ']'; k = d.PeekKind() {
		name := ""
		if t.kind == '{' {
			quoted, err := d.ReadValue()
			if err != nil {
				return nil, err
			}
			name = quotedText(quoted)
		}
		value, err := readTree(d, levels-1)
		if err != nil {
			return nil, err
		}
		t.add(name, value)
	}
	_, err := d.ReadToken()
	return t, err
}

// add adds a member, or, to an array, an element.
func (t *tree) add(name string, value *tree) {
	if t.kind == '{' {
		t.names = append(t.names, name)
	}
	t.values = append(t.values, value)
}

// member is the value of a member, nil if there is none.
func (t *tree) member(name string) *tree {
	if i := slices.Index(t.names, name); i >= 0 {
		return t.values[i]
	}
	return nil
}

// text is what a JSON string says, "" if t is none.
func (t *tree) text() string {
	if t == nil || t.kind != '"' {
		return ""
	}
	return quotedText(t.raw)
}

// merge puts into t what stands in extra: members that t lacks, and elements, where null stands for one of which everything is known. It
// returns false if the two do not fit each other.
func (t *tree) merge(extra *tree) bool {
	if extra == nil {
		return true
	}
	if t.kind != extra.kind || t.kind == '[' && len(extra.values) > len(t.values) {
		return false
	}
	for i, value := range extra.values {
		switch {
		case t.kind == '[' && value.kind == 'n':
		case t.kind == '[':
			if !t.values[i].merge(value) {
				return false
			}
		default:
			if own := t.member(extra.names[i]); own == nil {
				t.add(extra.names[i], value)
			} else if !own.merge(value) {
				return false
			}
		}
	}
	return t.kind == '{' || t.kind == '['
}

func (t *tree) append(dst []byte) []byte {
	switch t.kind {
	case '{', '[':
		dst = append(dst, byte(t.kind))
		for i, value := range t.values {
			if i > 0 {
				dst = append(dst, ',')
			}
			if t.kind == '{' {
				dst, _ = jsontext.AppendQuote(dst, t.names[i])
				dst = append(dst, ':')
			}
			dst = value.append(dst)
		}
		return append(dst, byte(t.kind)+2) // in ASCII, } is 2 behind {, and ] is 2 behind [
	}
	return append(dst, t.raw...)
}
