package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// hydrants are the columns that no producer can set.
var hydrants = []string{"received_at", "producer", "request_id", "attempt", "extra"}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkAppendRow holds AppendRow to what is true of any input.
func checkAppendRow(t failer, j *Judge, data []byte) {
	t.Helper()
	sent := bytes.Clone(data)
	got, out := j.AppendRow([]byte("before"), data, origin)
	again, outAgain := j.AppendRow([]byte("before"), data, origin)
	if !bytes.Equal(data, sent) {
		t.Fatalf("the event was changed: %q became %q", sent, data)
	}
	if !bytes.Equal(got, again) || fmt.Sprint(out) != fmt.Sprint(outAgain) {
		t.Fatalf("%q is judged twice in two ways:\n%s%+v\n%s%+v", data, got, out, again, outAgain)
	}
	if !bytes.HasPrefix(got, []byte("before")) || !slices.Contains(append(Types(), ""), out.Type) || len(out.Rejections) > maxRejections {
		t.Fatalf("%q: %s%+v", data, got, out)
	}
	checkVerdict(t, data, out)
	if len(out.Rejections) > 0 {
		if string(got) != "before" {
			t.Fatalf("%q is refused, but dst is %q", data, got)
		}
		return
	}
	checkRow(t, j, data, got[len("before"):], out)
}

// checkVerdict compares the verdict on the text with encoding/json's.
func checkVerdict(t failer, data []byte, out Outcome) {
	t.Helper()
	reasons := map[Reason]bool{}
	for _, r := range out.Rejections {
		reasons[r.Reason] = true
		if !utf8.ValidString(r.Field) || r.Rule == "" || !slices.ContainsFunc(Reasons(), func(k ReasonText) bool { return k.Reason == r.Reason }) {
			t.Fatalf("%q: rejection %+v", data, r)
		}
	}
	valid := json.Valid(data)
	if valid && (reasons[InvalidJSON] || reasons[Empty]) {
		t.Fatalf("%q is JSON to encoding/json, and refused: %+v", data, out)
	}
	if !valid && !reasons[InvalidJSON] && !reasons[Empty] && !reasons[TooDeep] {
		t.Fatalf("%q is no JSON to encoding/json, but: %+v", data, out)
	}
}

// checkRow compares a row with the event as encoding/json reads it, and judges the row's own members again.
func checkRow(t failer, j *Judge, data, row []byte, out Outcome) {
	t.Helper()
	line, terminated := bytes.CutSuffix(row, []byte("\n"))
	if !terminated || bytes.Contains(line, []byte("\n")) || !utf8.Valid(row) {
		t.Fatalf("%q: the row is no line of UTF-8: %q", data, row)
	}
	event, members := objectOf(t, data), objectOf(t, line)
	if extra, ok := members["extra"].(string); ok != (out.Unknown > 0) || ok && !json.Valid([]byte(extra)) {
		t.Fatalf("%q: %d unknown, extra %v", data, out.Unknown, members["extra"])
	}
	if members["type"] != out.Type || members["event_id"] != out.EventID || !columnOrder(line) {
		t.Fatalf("%q: the row %s of %+v", data, line, out)
	}
	known := j.plans[out.Type].byName
	for name, value := range event {
		if _, ok := known[name]; ok && !same(name, value, members[name]) {
			t.Fatalf("%q: %s is %v, in the row %v", data, name, value, members[name])
		}
	}
	for _, name := range hydrants {
		delete(members, name)
	}
	own, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	second, outSecond := j.AppendRow(nil, own, origin)
	if len(outSecond.Rejections) > 0 {
		t.Fatalf("%q: its row is refused: %s: %+v", data, own, outSecond)
	}
	membersSecond := objectOf(t, second)
	for _, name := range hydrants {
		delete(membersSecond, name)
	}
	if fmt.Sprint(membersSecond) != fmt.Sprint(members) {
		t.Fatalf("%q: its row judged again differs:\n%s\n%s", data, second, row)
	}
}

func objectOf(t failer, data []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var members map[string]any
	if err := d.Decode(&members); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return members
}

// same reports whether what was sent is what the row has. A row may have more: defaults; it lacks nulls and what the type does not know.
func same(name string, sent, row any) bool {
	switch sent := sent.(type) {
	case nil:
		return true
	case json.Number:
		if text, ok := row.(string); ok { // a time
			ms, err := sent.Int64()
			return err == nil && text == time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		number, ok := row.(json.Number)
		return ok && sameNumber(string(sent), string(number))
	case string:
		if name == "occurred_at" {
			at, err := time.Parse(time.RFC3339Nano, sent)
			return err == nil && row == at.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		}
		return sent == row
	case []any:
		elements, ok := row.([]any)
		return ok && len(elements) == len(sent) && !slices.ContainsFunc(elements, func(e any) bool { return e == nil }) &&
			slices.EqualFunc(sent, elements, func(s, r any) bool { return same("", s, r) })
	case map[string]any:
		members, ok := row.(map[string]any)
		for name, value := range sent {
			member, there := members[name]
			ok = ok && (!there || same(name, value, member)) && (there || value == nil || name != "width" && name != "sku")
		}
		return ok
	}
	return sent == row
}

func sameNumber(a, b string) bool {
	if i, err := strconv.ParseInt(a, 10, 64); err == nil {
		if j, err := strconv.ParseInt(b, 10, 64); err == nil {
			return i == j
		}
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// columnOrder reports whether the members of a row stand in the order of the columns.
func columnOrder(row []byte) bool {
	columns := Columns()
	last := -1
	d := json.NewDecoder(bytes.NewReader(row))
	_, _ = d.Token()
	for d.More() {
		name, err := d.Token()
		at := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
		var value json.RawMessage
		if err != nil || at <= last || d.Decode(&value) != nil {
			return false
		}
		last = at
	}
	return true
}

func FuzzAppendRow(f *testing.F) {
	for _, event := range smallest {
		f.Add([]byte(event))
		for _, value := range []string{`null`, `-0`, `1e3`, `"\ud83d\u0000"`, `{"a":null,"b":"c","b":1}`, `[null,{"sku":"a","unit_price":1,"x":[1.0]}]`, "\"\xff\""} {
			for _, name := range []string{"x", "items", "context", "viewport", "occurred_at", "extra", "total"} {
				f.Add([]byte(strings.Replace(event, `{`, `{"`+name+`":`+value+`,`, 1)))
			}
		}
	}
	for _, event := range kilobytes {
		f.Add([]byte(event))
	}
	for _, text := range []string{"", " ", "null", "[]", `{"type":"page_view`, `{"type":7}`, "\ufeff{}", deep(40), strings.Repeat("[", 20_000)} {
		f.Add([]byte(text))
	}
	j := judge(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkAppendRow(t, j, data) })
}

// Events made of the catalogue's own names and of values near its limits: they get past the syntax more often than mutated bytes do.
func TestAppendRowOnGeneratedEvents(t *testing.T) {
	j := judge(t)
	names := []string{"x", "URL", "received_at", "sku", "a/b", "\x00"}
	for _, c := range Columns() {
		names = append(names, c.Name)
	}
	value := rapid.OneOf(
		rapid.SampledFrom([]string{
			`null`, `true`, `false`, `0`, `-0`, `1`, `7`, `65535`, `1.5`, `1e3`, `"EUR"`, `"KR"`, `"https://a.example/"`, `"card"`, `"tv"`, `"info"`,
			`"2026-11-22T09:30:00.5+09:00"`, `1795339800500`, `""`, `"\ud83d"`, "\"\xff\"", `{"width":3,"height":null,"depth":1}`,
			`[{"sku":"a","unit_price":1,"gift":[null]},{"sku":"b","unit_price":2,"quantity":null}]`, `{"a":"b","c":null}`, `{"a":1}`, `[]`, `{}`,
		}),
		rapid.Custom(func(t *rapid.T) string { return quote(rapid.String().Draw(t, "text")) }),
		rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.Int().Draw(t, "number")) }),
	)
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(Types()).Draw(t, "type")
		var b strings.Builder
		b.WriteString(strings.TrimSuffix(smallest[kind], "}"))
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			fmt.Fprintf(&b, ",%s:%s", quote(rapid.SampledFrom(names).Draw(t, "name")), value.Draw(t, "value"))
		}
		data := []byte(b.String() + "}")
		checkAppendRow(t, j, data)
		if _, out := j.AppendRow(nil, data, origin); len(out.Rejections) == 0 {
			valid++
		}
	})
	if valid < 10 {
		t.Errorf("only %d generated events were valid: the check saw next to no rows", valid)
	}
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2026-11-22T09:30:00.123Z", "2024-02-29T23:59:60+23:59", "2026-11-22T09:30:00,1Z", "0000-01-01T00:00:00-00:00", "9999-12-31T23:59:59.999999999Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTimestamp([]byte(s))
		want, err := time.Parse(time.RFC3339, s)
		if ok && (err != nil || got != want.UnixMilli()) {
			t.Fatalf("%q is read as %d, by Go as %v, %v", s, got, want, err)
		}
		// Go takes a comma, an hour of one digit, and offsets of 24 hours or with 60 minutes; else it must agree.
		lax := strings.Contains(s, ",") || len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' ||
			strings.HasSuffix(s, ":60") || strings.HasSuffix(s, "24:"+s[len(s)-2:])
		if !ok && err == nil && !lax {
			t.Fatalf("%q is refused, but Go reads %v", s, want)
		}
	})
}
