package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/event"
)

// FuzzCells: whatever Athena answers is read or refused, and a row holds nothing but the table's columns.
func FuzzCells(f *testing.F) {
	for _, c := range eventsTable().columns {
		f.Add(c.name, `{"width":1}`)
		f.Add(c.name, "2026-11-26 13:29:03.750")
		f.Add(c.name, "1.5E0")
	}
	f.Add("items", `[["a","b",1,2],null,{"sku":null}]`)
	f.Fuzz(func(t *testing.T, column, cell string) {
		for _, table := range []table{eventsTable(), quarantineTable} {
			r, err := table.fromCells([]string{column}, []*string{&cell, &cell, nil})
			if _, known := table.column(column); err == nil && known != (len(r) == 1) {
				t.Errorf("%s: %q is read as %v", column, cell, r)
			}
		}
	})
}

// FuzzShapes: a type of Glue's is read or refused, and the catalogue's are all read.
func FuzzShapes(f *testing.F) {
	for _, c := range append(eventsTable().columns, quarantineTable.columns...) {
		if _, err := parseShape(c.glue); err != nil {
			f.Errorf("%s %s: %v", c.name, c.glue, err)
		}
		f.Add(c.glue, `[[1,2],{"a":[null]}]`)
	}
	f.Add("map<string,array<struct<a:int,b:map<string,double>>>>", `{"x":[[1,{"y":2}]]}`)
	f.Add("struct<a:", "[1]")
	f.Add(strings.Repeat("array<", 100), "[]")
	f.Fuzz(func(t *testing.T, glue, text string) {
		s, err := parseShape(glue)
		var value any
		if err != nil || json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		if once := s.named(value); !reflect.DeepEqual(once, s.named(once)) {
			t.Errorf("%s: %s is not named once and for all", glue, text)
		}
	})
}

// FuzzErrorObjects: whatever lies under errors/ is looked through.
func FuzzErrorObjects(f *testing.F) {
	f.Add([]byte(`{"rawData":"eyJoeWRyYW50IjoxLCJyZXF1ZXN0X2lkIjoiYSJ9","errorCode":"C"}`+"\n"), "a")
	f.Add([]byte("{\n[]"), "")
	f.Fuzz(func(t *testing.T, text []byte, id string) {
		into := map[string]failure{}
		findFailures(text, []string{id}, "k", into)
		if len(into) > 1 {
			t.Errorf("%q has %v", text, into)
		}
		if names, err := memberNames(text); err == nil && !json.Valid([]byte(strings.SplitAfter(string(text), "}")[0])) && len(names) == 0 {
			var v map[string]any
			if json.NewDecoder(strings.NewReader(string(text))).Decode(&v) != nil {
				t.Errorf("%q is read as an object", text)
			}
		}
	})
}

// Structs without names get them; those with names keep them, less what is null.
func TestNamed(t *testing.T) {
	for name, tc := range map[string]struct{ glue, got, want string }{
		"engine version 2": {"array<struct<sku:string,price:bigint>>", `[["a",1],["b",null]]`, `[{"sku":"a","price":1},{"sku":"b"}]`},
		"engine version 3": {"array<struct<sku:string,price:bigint>>", `[{"sku":"a","price":1},{"sku":"b","price":null}]`, `[{"sku":"a","price":1},{"sku":"b"}]`},
		"a map":            {"map<string,struct<a:int>>", `{"x":[1],"y":{"a":2}}`, `{"x":{"a":1},"y":{"a":2}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := column{"c", tc.glue}.fromText(tc.got)
			var want any
			if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s is %v, %v, want %v", tc.got, got, err, want)
			}
		})
	}
}

// The partitions that are asked cover what arrives from an hour before the first request, over midnight too.
func TestHours(t *testing.T) {
	days, of := hours(time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC), time.Date(2026, 11, 23, 0, 4, 0, 0, time.UTC))
	if !slices.Equal(days, []string{"2026-11-22", "2026-11-23"}) || !slices.Equal(of, []string{"22", "23", "00"}) {
		t.Errorf("%v %v", days, of)
	}
}

// The events of a run follow from the catalogue: all of them are marked, and no two have one id but the copy.
func TestCompose(t *testing.T) {
	described, err := event.Describe()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	c := &composer{run: newRun(time.Now()), types: described.Types}
	seen, valid, invalid := map[string]int{}, 0, 0
	for _, s := range c.compose() {
		for _, records := range s.records {
			for _, e := range records {
				_, outcome := judge.AppendRow(nil, e, event.Origin{ReceivedAt: time.Now().UnixMilli(), EventID: "none"})
				if len(outcome.Rejections) == 0 {
					valid++
				} else {
					invalid++
				}
				var marks struct {
					ID   string `json:"event_id"`
					User string `json:"user_id"`
					Run  string `json:"session_id"`
					Test bool
				}
				if json.Unmarshal(e, &marks) != nil {
					continue // what is no event, and the one with a name twice, which this takes too
				}
				if !marks.Test || marks.User != smokeUser || marks.Run != c.run {
					t.Errorf("%s is not marked", e)
				}
				seen[marks.ID]++
			}
		}
	}
	copies := 0
	for id, n := range seen {
		if n > 1 && id != "" {
			copies++
		}
	}
	if copies != 1 || valid < 2*len(described.Types) || invalid < 5 {
		t.Errorf("%d valid, %d invalid, %d copies", valid, invalid, copies)
	}
}
