package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

// entries are what a runner of ours says that it has.
type entries struct{ rows, kept, failures []string }

const validText = `{"type":"page_view","event_id":"v","url":"https://a.example/","unknown":{"a":1.50}}`

// rowOf is a row as the runner answers it.
func rowOf(t *testing.T, w *world, id string, attempt int) string {
	t.Helper()
	row, outcome := w.judge.AppendRow(nil, []byte(strings.Replace(validText, `"v"`, `"`+id+`"`, 1)), event.Origin{
		ReceivedAt: 1795695600123, Producer: "anonymous", RequestID: "r", Attempt: attempt, EventID: "x",
	})
	if len(outcome.Rejections) > 0 {
		t.Fatal(outcome.Rejections)
	}
	return strings.TrimSuffix(string(row), "}\n") + `,"dt":"2026-11-26","hour":"12"}`
}

func keptOf(id string, attempt int, content string) string {
	return fmt.Sprintf(`{"event_id":%q,"attempt":%d,"code":"Lambda.X","reasons":[{"reason":"missing"}],%s}`, id, attempt, content)
}

func TestBooks(t *testing.T) {
	w, err := newWorld("../../../events/samples/smallest.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	good := rowOf(t, w, "v", 0)
	bad := keptOf("i", 1, `"data":"{}"`)
	encoded := func(text string) string { return `"raw":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"` }
	note := noteBegins + "n all the same"
	for name, tc := range map[string]struct {
		entries
		fault string // a part of the only one; "" is none
	}{
		"are in order":                            {entries{rows: []string{good}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, ""},
		"take copies":                             {entries{rows: []string{good, rowOf(t, w, "v", 6)}, kept: []string{bad, bad, keptOf("x", 0, encoded(note))}}, ""},
		"take a note that went round":             {entries{rows: []string{good}, kept: []string{bad, keptOf("x", 7, encoded(`{"hydrant":1,`+encoded(note)+`}`))}}, ""},
		"take what was sent and not accepted":     {entries{rows: []string{good, rowOf(t, w, "u", 0)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, ""},
		"miss a valid event":                      {entries{kept: []string{bad, keptOf("x", 0, encoded(note))}}, "1 of the accepted events LOST: v"},
		"miss an invalid event":                   {entries{rows: []string{good}, kept: []string{keptOf("x", 0, encoded(note))}}, "1 of the accepted events LOST: i"},
		"miss a note":                             {entries{rows: []string{good}, kept: []string{bad}}, "1 of the accepted events LOST: n"},
		"refuse a row of nobody's":                {entries{rows: []string{good, rowOf(t, w, "z", 0)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "row z: nobody sent it"},
		"refuse a row of what is not valid":       {entries{rows: []string{good, rowOf(t, w, "i", 0)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "row i: it is not valid"},
		"refuse a row over the bound":             {entries{rows: []string{rowOf(t, w, "v", 7)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "row v: attempt 7 of 6"},
		"refuse a row with another value":         {entries{rows: []string{strings.Replace(good, "a.example", "b.example", 1)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "column url"},
		"refuse a row that lacks a default":       {entries{rows: []string{strings.Replace(good, `"device":"unknown",`, "", 1)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "column device"},
		"refuse a row that lost unknown fields":   {entries{rows: []string{strings.Replace(good, `1.50`, "2", 1)}, kept: []string{bad, keptOf("x", 0, encoded(note))}}, "column extra"},
		"refuse a valid event in quarantine":      {entries{rows: []string{good}, kept: []string{bad, keptOf("v", 6, `"data":"{}"`), keptOf("x", 0, encoded(note))}}, "quarantine: v is valid, and there after attempt 6: Lambda.X, missing"},
		"refuse nobody's event in quarantine":     {entries{rows: []string{good}, kept: []string{bad, keptOf("z", 0, `"data":"{}"`), keptOf("x", 0, encoded(note))}}, "quarantine: z (Lambda.X, missing): nobody sent it"},
		"refuse quarantine without a reason":      {entries{rows: []string{good}, kept: []string{`{"event_id":"i","data":"{}","reasons":[]}`, keptOf("x", 0, encoded(note))}}, "i is there without a reason"},
		"refuse quarantine over the bound":        {entries{rows: []string{good}, kept: []string{keptOf("i", 8, `"data":"{}"`), keptOf("x", 0, encoded(note))}}, "i has attempt 8 of 7"},
		"refuse quarantine that was changed":      {entries{rows: []string{good}, kept: []string{keptOf("i", 0, `"data":"{\"a\":1}"`), keptOf("x", 0, encoded(note))}}, "i is not what was sent"},
		"refuse an error object beyond the bound": {entries{rows: []string{good}, kept: []string{bad, keptOf("x", 0, encoded(note))}, failures: []string{`{"error":{"rawData":"` + base64.StdEncoding.EncodeToString([]byte(`{"hydrant":1,"attempt":8}`)) + `"}}`}}, "attempt 8 of 7"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &books{
				result: &result{attempts: map[int]int{}, codes: map[string]int{}, maxAttempts: 6, bound: 7}, world: w,
				events: map[string]*sent{
					"v": {id: "v", text: []byte(validText), valid: true, accepted: true},
					"u": {id: "u", text: []byte(strings.Replace(validText, `"v"`, `"u"`, 1)), valid: true},
					"i": {id: "i", text: []byte(`{}`), accepted: true},
					"n": {id: "n", note: true, accepted: true},
				},
			}
			for _, enter := range []struct {
				lines []string
				into  func([]byte) error
			}{{tc.rows, b.row}, {tc.kept, b.quarantined}, {tc.failures, b.failure}} {
				for _, line := range enter.lines {
					if err := enter.into([]byte(line)); err != nil {
						t.Fatal(err)
					}
				}
			}
			b.close()
			switch {
			case tc.fault == "" && len(b.faults) > 0, tc.fault != "" && (len(b.faults) != 1 || !strings.Contains(b.faults[0], tc.fault)):
				t.Errorf("got the faults %q, want %q", b.faults, tc.fault)
			}
		})
	}
}
