package transform_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

// corpus are records on which the baseline and the transform are compared. An event in it has one mistake at most, or several that validator
// finds.
var corpus = map[string]string{
	"the smallest page_view":   view,
	"the smallest app_error":   fault,
	"the smallest purchase":    order(`"coupon":""`),
	"a page_view of 1 KB":      kilobyte(7),
	"50 of them":               enveloped(array(0, 50)),
	"several, on lines":        view + "\n" + fault + "\r\n" + order(`"coupon":""`),
	"an array and an event":    "[" + view + "," + fault + "]" + view2,
	"no event":                 ``,
	"an empty array":           `[]`,
	"not JSON":                 `{"type":"page_view"`,
	"not an object":            `[7]`,
	"null":                     `null`,
	"a type that is no text":   `{"type":7}`,
	"an unknown type":          `{"type":"nope","test":true}`,
	"a missing type":           `{"url":"https://a.example/"}`,
	"all that is required":     `{"type":"purchase"}`,
	"nulls":                    `{"type":"page_view","url":"https://a.example/","title":null,"device":null,"viewport":null,"context":null,"test":null,"occurred_at":null}`,
	"a null in a context":      viewed(`"context":{"a":null,"b":"c"}`),
	"an empty context":         viewed(`"context":{}`),
	"a required null":          `{"type":"page_view","url":null}`,
	"an explicit false":        viewed(`"interactive":false`),
	"an explicit zero":         order(`"tax":0`),
	"unknown fields":           viewed(`"colour":"red","size":[1.0,1e3,{"a":"\u0041"}],"URL":7,"received_at":"x","viewport":{"Width":1,"width":2,"depth":null}`),
	"unknown in items":         `{"type":"purchase","order_id":"1","currency":"EUR","total":1,"items":[{"sku":"a","unit_price":1},{"sku":"b","unit_price":2,"gift":true},{"sku":"c","unit_price":3}]}`,
	"text that is no UTF-8":    viewed("\"title\":\"a\xffb\\ud83d\\u0000\",\"x\":\"\xff\""),
	"a name twice":             viewed(`"title":"a","title":"b"`),
	"a name twice in unknown":  viewed(`"x":{"a":1,"a":2}`),
	"a name twice in context":  viewed(`"context":{"a":"1","a":"2"}`),
	"33 levels":                viewed(`"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32)),
	"32 levels":                viewed(`"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31)),
	"an envelope":              enveloped(view),
	"an envelope with ids":     `{"hydrant":1,"event_ids":["A","b c",7],"data":[` + strings.Repeat(viewed(`"load_ms":1`)+",", 3) + view2 + `]}`,
	"an envelope of slips":     `{"hydrant":1,"request_id":7,"index":"x","received_at":true,"producer":"","data":` + viewed(`"load_ms":1`) + `}`,
	"a raw envelope":           `{"hydrant":1,"raw":"` + base64.StdEncoding.EncodeToString([]byte(view+view2)) + `"}`,
	"raw that is no base64":    `{"hydrant":1,"raw":"%"}`,
	"raw that is no text":      `{"hydrant":1,"raw":7}`,
	"raw that is no JSON":      `{"hydrant":1,"raw":"Jw=="}`,
	"raw and data":             `{"hydrant":1,"raw":"e30=","data":{}}`,
	"an envelope without data": `{"hydrant":1}`,
	"another version":          `{"hydrant":2,"data":[]}`,
	"a bad attempt":            `{"hydrant":1,"attempt":-1,"data":` + view + `}`,
	"an attempt":               `{"hydrant":1,"attempt":3,"data":` + view + `}`,
	"an envelope and an event": enveloped(view) + view,
	"two envelopes":            enveloped(enveloped(view)),
}

// viewed is the smallest page_view with more members, order the smallest purchase.
func viewed(members string) string {
	return `{"type":"page_view","url":"https://a.example/",` + members + `}`
}

func order(members string) string {
	return `{"type":"purchase","order_id":"1","currency":"EUR","items":[{"sku":"a","unit_price":5}],"total":5,` + members + `}`
}

// values are tried for every field of the catalogue.
var values = []string{
	`null`, `true`, `0`, `-0`, `-1`, `1`, `1.0`, `1e3`, `1e999`, `65535`, `65536`, `2147483648`, `9223372036854775808`, `600000.5`, `1795339800500`,
	`1732269600999`, `1732356001000`, `""`, `"a"`, `"GB"`, `"gb"`, `"EUR"`, `"card"`, `"tv"`, `"info"`, `"en-GB"`, `"no tag!"`, `"https://a.example/b?c=%20#d"`,
	`"ftp://a.example/"`, `"https://"`, `"2024-11-22T09:30:00.1239+09:00"`, `"2024-11-22 09:30:00Z"`, `"1999-12-31T23:59:59Z"`, `"2024-11-24T00:00:00Z"`,
	`"` + strings.Repeat("é", 64) + `"`, `"` + strings.Repeat("é", 65) + `"`, `"` + strings.Repeat("x", 513) + `"`, `"https://a.example/` + strings.Repeat("x", 2031) + `"`,
	`[]`, `{}`, `[null]`, `[{"sku":"b","unit_price":1,"quantity":null}]`, `[{"sku":"b","unit_price":1,"quantity":0}]`, `[{"sku":"b"}]`, `{"width":1}`, `{"height":65536}`,
	`{"a":"b"}`, `{"":"b"}`, `{"a":1}`, `[` + strings.Repeat(`{"sku":"b","unit_price":1},`, 200) + `{"sku":"b","unit_price":1}]`,
}

// The baseline has the rules of the transform: rows equal as JSON values, verdicts, and reasons.
func TestBaselineAgrees(t *testing.T) {
	two := newPair(t)
	for name, data := range corpus {
		t.Run(name, func(t *testing.T) { two.check(t, data) })
	}
	for _, column := range event.Columns() {
		for _, value := range values {
			for _, smallest := range []string{view, fault, order(`"coupon":""`)} {
				two.check(t, withMember(t, smallest, column.Name, value))
			}
		}
	}
}

func withMember(t testing.TB, object, name, value string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	members[name] = json.RawMessage(value)
	all, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestBaselineAgreesOnGeneratedEvents(t *testing.T) {
	two := newPair(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			b, _ := json.Marshal(rapid.String().Draw(t, "text")) // no text is refused
			return string(b)
		})
		members := []string{`"type":"page_view"`, `"url":"https://a.example/"`}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z/~é]{1,4}`), 0, 4, rapid.ID).Draw(t, "strangers") {
			members = append(members, fmt.Sprintf("%q:%s", name, rapid.OneOf(text, rapid.SampledFrom(values)).Draw(t, "value")))
		}
		members = append(members, fmt.Sprintf(`"title":%s,"load_ms":%d,"context":{"a":%s}`,
			text.Draw(t, "title"), rapid.IntRange(-1, 600_001).Draw(t, "load_ms"), text.Draw(t, "context")))
		two.check(t, "{"+strings.Join(rapid.Permutation(members).Draw(t, "order"), ",")+"}")
	})
}

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// pair is the transform and the baseline.
type pair struct {
	ours   *transform.Transform
	theirs *baseline
	spy    *spy
}

func newPair(t testing.TB) pair {
	s := &spy{}
	return pair{transform.New(judge(t), s), newBaseline(true), s}
}

func (p pair) check(t tester, data string) {
	t.Helper()
	p.spy.batches = nil
	payload := request(data)
	ours, err := p.ours.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	theirs, reasons, err := p.theirs.Invoke(payload)
	if err != nil {
		t.Fatal(err)
	}
	got, want := rowsOf(t, ours), rowsOf(t, theirs)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%.2000s:\n    ours %.2000v\nbaseline %.2000v", data, got, want)
	}
	if got, want := slices.Sorted(maps.Keys(p.spy.batches[0].Reasons)), slices.Compact(slices.Sorted(slices.Values(reasons))); !slices.Equal(got, want) {
		t.Errorf("%.2000s: ours gives the reasons %v, the baseline %v", data, got, want)
	}
}

// rowsOf are an answer's results, each with its rows as JSON values, the text of extra decoded too.
func rowsOf(t tester, answer []byte) (all []any) {
	t.Helper()
	var a struct {
		Records []struct {
			RecordID, Result string
			Data             []byte
		}
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Records {
		all = append(all, r.RecordID, r.Result)
		for d := decoder(r.Data); ; {
			var row map[string]any
			if err := d.Decode(&row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v: %q", err, r.Data)
			}
			if extra, ok := row["extra"].(string); ok {
				var value any
				if err := decoder([]byte(extra)).Decode(&value); err != nil {
					t.Fatalf("extra: %v: %q", err, extra)
				}
				row["extra"] = value
			}
			all = append(all, row)
		}
	}
	return all
}

// decoder keeps the text of numbers: 1 and 1.0 are two texts.
func decoder(data []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d
}
