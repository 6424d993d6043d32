package event

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestRestore(t *testing.T) {
	j, err := newJudge(compile([]kind{shaped[wide]("wide"), shaped[renamed]("renamed"), shaped[PageView]("page_view"), shaped[Purchase]("purchase")}))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"only what is required":         `{"type":"page_view","url":"https://a.example/"}`,
		"every common field":            `{"type":"page_view","event_id":"e-1","occurred_at":1732269600000,"user_id":"u","session_id":"s","schema_version":2,"test":true,"url":"https://a.example/"}`,
		"unknown fields at every depth": `{"type":"purchase","order_id":"1","currency":"EUR","total":1,"items":[{"sku":"a","unit_price":1},{"sku":"b","unit_price":2,"q":[{"z":1}]}],"colour":"red","x":{"a":[null,1e9]}}`,
		"unknown members of an object":  `{"type":"page_view","url":"https://a.example/","viewport":{"width":1,"depth":{"a":"é😀"}}}`,
		"fields of hydrant's own names": `{"type":"page_view","url":"https://a.example/","producer":"me","attempt":9,"extra":"{}","received_at":"never"}`,
		"a column of another name":      `{"type":"renamed","URL":"abc","url":1}`,
		"a map with awkward names":      `{"type":"page_view","url":"https://a.example/","context":{"producer":"x","a\"b":"c\\d"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			row, out := j.AppendRow(nil, []byte(data), origin)
			if len(out.Rejections) > 0 {
				t.Fatalf("refused: %+v", out)
			}
			checkRestore(t, j, row)
		})
	}
}

// checkRestore wants the event of a row to give the row again.
func checkRestore(t testing.TB, j *Judge, row []byte) {
	t.Helper()
	if len(row) == 0 {
		return
	}
	before := bytes.Clone(row)
	e, o, ok := j.Restore(row)
	if !ok || !bytes.Equal(before, row) {
		t.Fatalf("not restored: %s", row)
	}
	again, out := j.AppendRow(nil, e, o)
	if got, want := squeezed(t, again), squeezed(t, row); got != want {
		t.Fatalf("row    %s\nevent  %s\nbecame %s %+v", want, e, got, out)
	}
}

// squeezed is a row without the white space that extra may have kept.
func squeezed(t testing.TB, row []byte) string {
	t.Helper()
	var members map[string]json.RawMessage
	if len(row) == 0 {
		return ""
	}
	if err := json.Unmarshal(row, &members); err != nil {
		t.Fatal(err)
	}
	if text, ok := members["extra"]; ok {
		var extra string
		var b bytes.Buffer
		if err := json.Unmarshal(text, &extra); err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&b, []byte(extra)); err != nil {
			t.Fatal(err)
		}
		members["extra"], _ = json.Marshal(b.String())
	}
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNoRow(t *testing.T) {
	j, err := NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	const tail = `"received_at":"2024-11-22T10:00:00.123Z","producer":"p","attempt":1}`
	for name, row := range map[string]string{
		"nothing": "", "no object": "[]", "an event": `{"type":"page_view","url":"https://a.example/"}`, "cut off": `{"type":"page_view","event_id":"e`,
		"an unknown type":         `{"type":"x","event_id":"e",` + tail,
		"an unknown column":       `{"type":"page_view","event_id":"e","colour":"red",` + tail,
		"no id":                   `{"type":"page_view",` + tail,
		"another type's column":   `{"type":"page_view","event_id":"e","order_id":"1",` + tail,
		"a time that is none":     `{"type":"page_view","event_id":"e","received_at":"then","producer":"p","attempt":1}`,
		"an attempt that is none": `{"type":"page_view","event_id":"e","received_at":"2024-11-22T10:00:00.123Z","producer":"p","attempt":-1}`,
		"extra that is no JSON":   `{"type":"page_view","event_id":"e","extra":"{",` + tail,
		"extra that does not fit": `{"type":"page_view","event_id":"e","extra":"{\"url\":{}}","url":"https://a.example/",` + tail,
		"two rows":                `{"type":"page_view","event_id":"e",` + tail + `{"type":"page_view","event_id":"e",` + tail,
	} {
		t.Run(name, func(t *testing.T) {
			if e, o, ok := j.Restore([]byte(row)); ok {
				t.Errorf("restored %s, %+v", e, o)
			}
		})
	}
	if _, _, ok := j.Restore([]byte(`{"type":"page_view","event_id":"e","url":"https://a.example/",` + tail)); !ok {
		t.Error("the row that these are spoiled from is not restored")
	}
}

// A row of whatever event gives its event back, and no other bytes do harm.
func FuzzRestore(f *testing.F) {
	j, err := NewJudge()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"type":"purchase","order_id":"1","currency":"EUR","total":1,"items":[{"sku":"a","unit_price":1},{"sku":"b","unit_price":2,"q":[1]}],"colour":{"a":1,"a":2}}`))
	f.Add([]byte(`{"type":"page_view","event_id":"e-1","url":"https://a.example/","viewport":{"depth":1},"context":{"a":"b"},"producer":"x","\ud800":1}`))
	f.Add([]byte(`{"type":"app_error","event_id":"e","received_at":"2024-11-22T10:00:00.123Z","attempt":1,"message":"m","extra":"{\"x\":[null]}"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		row, _ := j.AppendRow(nil, data, origin)
		checkRestore(t, j, row)
		j.Restore(data)
	})
}
