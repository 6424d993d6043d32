package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

// parsed reads JSON as the tests compare it: numbers by what they are, so that 1e3 is 1000.
func parsed(t *testing.T, text string) any {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%.300s: %v", text, err)
	}
	return v
}

// sameNumbers replaces numbers by their values: integers stay exact, the others are doubles.
func sameNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return strconv.FormatInt(n, 10)
		}
		if f, err := v.Float64(); err == nil {
			return strconv.FormatFloat(f+0, 'f', -1, 64) // + 0 makes 0 of -0
		}
	case map[string]any:
		for name := range v {
			v[name] = sameNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = sameNumbers(v[i])
		}
	}
	return v
}

// Every event is valid, and its row is the one that the transform's code makes of it, though that was not asked.
func TestEventsAndTheirRows(t *testing.T) {
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := readCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	g, ids := newGenerator(kinds, 20261122), map[any]bool{}
	for range 1000 {
		sent, want := g.event()
		row, out := judge.AppendRow(nil, []byte(sent), event.Origin{ReceivedAt: arrival, EventID: "none", Producer: "p", RequestID: "r"})
		if len(out.Rejections) > 0 {
			t.Fatalf("%.1000s is refused: %v", sent, out.Rejections)
		}
		if len(row) > 4<<20 {
			t.Errorf("a row of %d bytes", len(row))
		}
		a, b := parsed(t, string(row)).(map[string]any), parsed(t, want).(map[string]any)
		if extra, ok := a["extra"].(string); ok {
			a["extra"] = parsed(t, extra) // the text of its numbers stays
		}
		if !reflect.DeepEqual(a["extra"], b["extra"]) {
			t.Fatalf("%.1000s: extra is %v, want %v", sent, a["extra"], b["extra"])
		}
		for _, name := range []string{"received_at", "producer", "request_id", "attempt", "extra"} {
			delete(a, name)
			delete(b, name)
		}
		for name, left := range map[string]any{"event_id": "none", "occurred_at": "2026-01-01T00:00:00.000Z"} {
			if b[name] == nil && a[name] == left {
				delete(a, name)
			}
		}
		if id := b["event_id"]; id != nil && ids[id] {
			t.Errorf("two events have the id %v", id)
		} else {
			ids[id] = true
		}
		if a, b := sameNumbers(a), sameNumbers(b); !reflect.DeepEqual(a, b) {
			t.Fatalf("%.2000s\nbecomes %.2000v\nwant    %.2000v", sent, fmt.Sprint(a), fmt.Sprint(b))
		}
	}
}

// Every field is there and absent, and has its longest value and its shortest.
func TestEveryFieldVaries(t *testing.T) {
	kinds, err := readCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	if len(kinds) != len(event.Types()) {
		t.Errorf("%d types, want %v", len(kinds), event.Types())
	}
	for _, k := range kinds {
		for _, f := range k.root.members {
			if len(f.members) == 0 && len(f.pool) < 2 && f.name != "type" && f.name != "event_id" {
				t.Errorf("%s.%s has the values %v only", k.name, f.name, f.pool)
			}
		}
	}
	longest := map[string]int{"title": 512, "stack": 32_768, "user_id": 128, "message": 4096, "url": 2048}
	for _, k := range kinds {
		for _, f := range k.root.members {
			if want := longest[f.name]; want > 0 {
				got := 0
				for _, v := range f.pool {
					got = max(got, len([]rune(parsed(t, v.row).(string))))
				}
				if got != want {
					t.Errorf("%s.%s: the longest text has %d characters, want %d", k.name, f.name, got, want)
				}
			}
			if f.name == "items" && f.most != 200 {
				t.Errorf("%s.%s has %d elements at most, want 200", k.name, f.name, f.most)
			}
		}
	}
}

func TestASeedGivesTheSameEvents(t *testing.T) {
	var a, b, other bytes.Buffer
	for w, seed := range map[*bytes.Buffer]uint64{&a: 3, &b: 3, &other: 4} {
		if err := run(w, 50, seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), other.Bytes()) {
		t.Error("the seed does not say which events there are")
	}
	if n := strings.Count(a.String(), "\n"); n != 50 {
		t.Errorf("%d lines, want 50", n)
	}
}
