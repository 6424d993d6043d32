package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/event"
)

// Every sample is a valid event of its type, of which every field is known.
func TestSamplesAreValid(t *testing.T) {
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	events := map[string][]byte{}
	for _, kind := range event.Types() {
		if events[kind], err = os.ReadFile(filepath.Join(module, "events/samples", kind+".json")); err != nil {
			t.Fatal(err)
		}
	}
	smallest, err := os.ReadFile(filepath.Join(module, "events/samples/smallest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(smallest), []byte("\n"))
	if len(lines) != len(events) {
		t.Fatalf("%d smallest events for %d types", len(lines), len(events))
	}
	for i, kind := range event.Types() {
		for _, e := range [][]byte{events[kind], lines[i]} {
			_, out := judge.AppendRow(nil, e, event.Origin{ReceivedAt: time.Now().UnixMilli(), EventID: "e"})
			if len(out.Rejections) > 0 || out.Type != kind || out.Unknown > 0 {
				t.Errorf("%s\n%+v", e, out)
			}
		}
		if len(lines[i]) >= len(events[kind]) {
			t.Errorf("the smallest %s has %d bytes", kind, len(lines[i]))
		}
	}
}

func TestSamplesOfNoType(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(module, "events/samples/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		kind := strings.TrimSuffix(filepath.Base(name), ".json")
		if !slices.Contains(event.Types(), kind) {
			t.Errorf("events/samples/%s.json: the catalogue has no such type: delete the file", kind)
		}
	}
}

func TestShrink(t *testing.T) {
	valid := func(data []byte) bool {
		var e struct {
			N    *int
			Text *string
		}
		return json.Unmarshal(data, &e) == nil && e.N != nil && e.Text != nil && len(*e.Text) >= 2
	}
	got := shrink([]byte(`{"more": [1, 2, {"text": "x"}], "n": 1250, "text": "long text", "end": true}`), valid)
	if !valid(got) || len(got) != len(`{"n":1,"text":"xt"}`) {
		t.Errorf("got %s", got)
	}
}

func TestPretty(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an object":        {`{"b":1,"a":2}`, "{\n  \"b\": 1,\n  \"a\": 2\n}"},
		"an object in one": {`{"a":{"b":[],"c":{}}}`, "{\n  \"a\": {\"b\": [], \"c\": {}}\n}"},
		"numbers stay":     {`{"a":1.50e+2}`, "{\n  \"a\": 1.50e+2\n}"},
		"text stays":       {`{"a":"\u00fc<ü>\n"}`, "{\n  \"a\": \"\\u00fc<ü>\\n\"\n}"},
		"what is too long for a line": {
			`{"a":["` + strings.Repeat("x", 60) + `","` + strings.Repeat("y", 60) + `"]}`,
			"{\n  \"a\": [\n    \"" + strings.Repeat("x", 60) + "\",\n    \"" + strings.Repeat("y", 60) + "\"\n  ]\n}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pretty(tc.text); got != tc.want {
				t.Errorf("%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
