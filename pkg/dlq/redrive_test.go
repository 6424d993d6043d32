package dlq_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hydrant/pkg/dlq"
	"hydrant/pkg/record"
)

// quarantined is a world with rows of several kinds: 4 of missing, 2 of unknown_code, 1 of invalid_json, 1 of no_error_line.
func quarantined(t *testing.T) *world {
	w := newWorld()
	w.put(errors1, failed("Lambda.ProcessingFailedStatus", enveloped(3, bad)), failed("Lambda.ProcessingFailedStatus", `[{"type":"purchase","event_id":"p-1"},`+bad+`]`), "no line")
	w.put(errors1+"2", failed("Lambda.Unheard", enveloped(0, "["+view+","+view2+"]")), failed("Lambda.ProcessingFailedStatus", "%"))
	w.notify(t, errors1)
	w.settle(t)
	w.notify(t, errors1+"2")
	if len(w.stream) > 0 || len(w.rows(t)) != 7 {
		t.Fatalf("%d records, %d rows", len(w.stream), len(w.rows(t)))
	}
	return w
}

func (w *world) redrive(t *testing.T, request string) dlq.RedriveAnswer {
	t.Helper()
	var a dlq.RedriveAnswer
	if err := json.Unmarshal([]byte(w.invoke(t, `{"redrive":`+request+`}`)), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRedriveFilters(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		want    map[string]int
	}{
		"everything":      {`{}`, map[string]int{"missing": 3, "unknown_code": 2, "invalid_json": 1}},
		"by reason":       {`{"reason":"missing"}`, map[string]int{"missing": 3}},
		"by code":         {`{"code":"Lambda.Unheard"}`, map[string]int{"unknown_code": 2}},
		"by producer":     {`{"producer":"shop"}`, map[string]int{"missing": 1, "unknown_code": 2}},
		"by type":         {`{"type":"purchase"}`, map[string]int{"missing": 1}},
		"by two":          {`{"type":"page_view","producer":"direct"}`, map[string]int{"missing": 1}},
		"from":            {`{"from":"2026-11-22T10:05:00Z"}`, map[string]int{"missing": 3, "unknown_code": 2, "invalid_json": 1}},
		"from, too late":  {`{"from":"2026-11-22T10:05:01Z"}`, map[string]int{}},
		"to":              {`{"to":"2026-11-22T10:05:01Z"}`, map[string]int{"missing": 3, "unknown_code": 2, "invalid_json": 1}},
		"to, too early":   {`{"to":"2026-11-22T10:05:00Z"}`, map[string]int{}},
		"another day":     {`{"from":"2026-11-23T00:00:00Z","to":"2026-11-24T00:00:00Z"}`, map[string]int{}},
		"a day before":    {`{"to":"2026-11-22T00:00:00Z"}`, map[string]int{}},
		"nothing of that": {`{"reason":"too_deep"}`, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := quarantined(t)
			before := maps.Clone(w.objects)
			a := w.redrive(t, tc.request)
			if !a.DryRun || a.Sent != 0 || !maps.Equal(a.ByReason, tc.want) || a.More {
				t.Errorf("answer %+v, want %v", a, tc.want)
			}
			if len(w.stream) > 0 || len(w.objects) != len(before) {
				t.Error("a dry run did something")
			}
		})
	}
}

// A type that the catalogue did not have is the one that redrive is asked for once it has.
func TestRedriveOfAnUnknownType(t *testing.T) {
	w := newWorld()
	w.put(errors1, failed("Lambda.ProcessingFailedStatus", enveloped(0, `{"event_id":"e-1","\u0074ype":"search"}`)), failed("Lambda.ProcessingFailedStatus", enveloped(0, `{"type":7}`)))
	w.notify(t, errors1)
	if rows := w.rows(t); len(rows) != 2 || strings.Contains(fmt.Sprint(rows), `"type":"search"`) {
		t.Fatalf("the quarantine has %v", rows)
	}
	if a := w.redrive(t, `{"type":"search"}`); !maps.Equal(a.ByReason, map[string]int{"unknown_type": 1}) || a.There != nil {
		t.Errorf("answer %+v", a)
	}
}

// A filter that lets nothing pass is answered with what it could have been.
func TestRedriveSaysWhatIsThere(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		want    map[string]map[string]int
	}{
		"reasons":             {`{"reason":"mising"}`, map[string]map[string]int{"reason": {"missing": 3, "unknown_code": 2, "invalid_json": 1, "no_error_line": 1}}},
		"codes and producers": {`{"code":"Lambda.Unheard","producer":"direct"}`, map[string]map[string]int{"code": {"Lambda.Unheard": 2, "Lambda.ProcessingFailedStatus": 4, "": 1}, "producer": {"shop": 3, "direct": 3, "": 1}}},
		"types":               {`{"type":"x"}`, map[string]map[string]int{"type": {"page_view": 4, "purchase": 1, "": 2}}},
		"of another time":     {`{"reason":"mising","to":"2026-11-22T10:05:00Z"}`, nil},
		"something passes":    {`{"reason":"missing"}`, nil},
		"what cannot go":      {`{"reason":"no_error_line"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if a := quarantined(t).redrive(t, tc.request); !reflect.DeepEqual(a.There, tc.want) {
				t.Errorf("there is %v, want %v", a.There, tc.want)
			}
		})
	}
	t.Run("no more than an answer has room for", func(t *testing.T) {
		w := newWorld()
		var all []string
		for n := range 30 {
			all = append(all, fmt.Sprintf(`{"type":"t%d"}`, n))
		}
		w.put(errors1, failed("Lambda.ProcessingFailedStatus", enveloped(0, "["+strings.Join(all, ",")+`,{"type":"`+strings.Repeat("x", 1000)+`"}]`)))
		w.notify(t, errors1)
		types := w.redrive(t, `{"type":"search"}`).There["type"]
		if len(types) != 21 || types[dlq.Others] != 11 || types["t0"] != 1 {
			t.Errorf("there is %v", types)
		}
	})
}

func TestRedrive(t *testing.T) {
	w := quarantined(t)
	objects := len(w.objects)
	a := w.redrive(t, `{"dry_run":false}`)
	if a.DryRun || a.Sent != 6 || a.Matched != 6 || a.ValidNow != 2 || a.Unfit != 1 || a.Before != 0 || a.More {
		t.Errorf("answer %+v", a)
	}
	got := map[string]string{}
	for _, e := range w.stream {
		r, _ := record.Open(e.Data, record.Source{}) // what was no JSON still is none
		got[r.EventID(0)] = fmt.Sprint(r.Producer, " ", r.Attempt, " ", r.RequestID)
	}
	for id, want := range map[string]string{"e-1": "shop 1 req=", "e-2": "shop 1 req=", "p-1": "direct 1 "} {
		if got[id] != want {
			t.Errorf("%s went as %q, want %q", id, got[id], want)
		}
	}
	if !slices.ContainsFunc(w.stream, func(e dlq.Entry) bool { return strings.Contains(string(e.Data), `"attempt":4`) }) {
		t.Error("the attempt does not grow")
	}
	if !slices.ContainsFunc(w.stream, func(e dlq.Entry) bool { return strings.HasSuffix(string(e.Data), `"raw":"JQ=="}`) }) {
		t.Error("the bytes that were no JSON did not go as they were")
	}
	if len(w.objects) != objects+3 || len(w.rows(t)) != 7 {
		t.Errorf("%d objects, %d before", len(w.objects), objects)
	}
	// A second run finds them marked, whatever filter it has.
	for _, request := range []string{`{"dry_run":false}`, `{"dry_run":false,"reason":"missing"}`} {
		if a := w.redrive(t, request); a.Sent != 0 || a.Matched != 0 || a.Before == 0 || len(w.stream) != 6 {
			t.Errorf("the second time %+v", a)
		}
	}
}

// Run after run with a limit, and with a crash at each call of each: all rows go, and runs that end as they should send none twice.
func TestRedriveGoesOn(t *testing.T) {
	w := quarantined(t)
	sent := 0
	for n := 0; ; n++ {
		a := w.redrive(t, `{"dry_run":false,"limit":2}`)
		if sent += a.Sent; a.Sent > 2 || n > 4 {
			t.Fatalf("run %d: %+v", n, a)
		}
		if !a.More && a.Sent == 0 {
			break
		}
	}
	if sent != 6 || len(w.stream) != 6 {
		t.Errorf("%d sent, %d in the stream", sent, len(w.stream))
	}

	calls := func() int {
		w := quarantined(t)
		before := w.calls
		w.redrive(t, `{"dry_run":false}`)
		return w.calls - before
	}()
	for call := 1; call <= calls; call++ {
		for _, after := range []bool{false, true} {
			w := quarantined(t)
			begin := w.calls
			w.fault = func(n int, done bool) error {
				if n == begin+call && done == after {
					panic(crash{})
				}
				return nil
			}
			crashed := func() (crashed bool) {
				defer func() { crashed = recover() != nil }()
				w.redrive(t, `{"dry_run":false}`)
				return false
			}()
			w.redrive(t, `{"dry_run":false}`)
			ids := map[string]bool{}
			for _, e := range w.stream {
				ids[e.Key] = true
			}
			if !crashed || len(ids) != 5 && len(w.stream) < 6 {
				t.Errorf("call %d: crashed %t, %d ids, %d records", call, crashed, len(ids), len(w.stream))
			}
			if a := w.redrive(t, `{"dry_run":false}`); a.Sent != 0 || a.Before != 6 {
				t.Errorf("call %d: in the end %+v", call, a)
			}
		}
	}
}
