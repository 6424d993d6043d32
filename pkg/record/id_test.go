package record_test

import (
	"regexp"
	"strings"
	"testing"

	"hydrant/pkg/record"
)

// These ids are what is stored: a change here gives every event that is under way a second id.
func TestEventIDs(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		i    int
		want string
	}{
		"from the request":                      {`{"hydrant":1,"request_id":"WkF2oHVyjoEFtJg=","index":3,"data":[1,2]}`, 0, "57osk7fnrqaihk5zmvtzz3pmpz"},
		"from the place in the record":          {`{"hydrant":1,"request_id":"WkF2oHVyjoEFtJg=","index":3,"data":[1,2]}`, 1, "ufqmck55w65lrmsijuzy6q65lg"},
		"from the stream, bare":                 {`1`, 0, "d6plesd2lrt3nehvlsvlgtsgwy"},
		"from the stream, without request":      {`{"hydrant":1,"index":3,"data":1}`, 0, "d6plesd2lrt3nehvlsvlgtsgwy"},
		"from the stream, without index":        {`{"hydrant":1,"request_id":"WkF2oHVyjoEFtJg=","data":1}`, 0, "d6plesd2lrt3nehvlsvlgtsgwy"},
		"given":                                 {`{"hydrant":1,"event_ids":["a.B-9_:","z"],"data":[1,2]}`, 0, "a.B-9_:"},
		"given, the longest":                    {`{"hydrant":1,"event_ids":["` + strings.Repeat("x", 64) + `"],"data":1}`, 0, strings.Repeat("x", 64)},
		"given, but too long":                   {`{"hydrant":1,"event_ids":["` + strings.Repeat("x", 65) + `"],"data":1}`, 0, "d6plesd2lrt3nehvlsvlgtsgwy"},
		"given, but to others":                  {`{"hydrant":1,"event_ids":["a"],"data":[1,2]}`, 1, "g5we5fgta43vkyxjrjb6glyn7v"},
		"given, but with a letter of no id":     {`{"hydrant":1,"event_ids":["a/b"],"data":1}`, 0, "d6plesd2lrt3nehvlsvlgtsgwy"},
		"from the stream for an event in lines": {"1\n2", 1, "g5we5fgta43vkyxjrjb6glyn7v"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, tc.data)
			if got := r.EventID(tc.i); got != tc.want {
				t.Errorf("EventID(%d) of %.80q: %s, want %s", tc.i, tc.data, got, tc.want)
			}
		})
	}
}

func TestDerivedIDsDiffer(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{26}$`)
	seen := map[string]string{}
	add := func(where string, r record.Record, i int) {
		id := r.EventID(i)
		if !form.MatchString(id) {
			t.Errorf("%s: id %q", where, id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%s has the id of %s", where, other)
		}
		seen[id] = where
	}
	for _, s := range []record.Source{
		{Shard: "a", Sequence: "12"},
		{Shard: "a1", Sequence: "2"}, // the same letters, cut elsewhere
		{Shard: "a", Sequence: "1", Subsequence: 2},
		{Shard: "a", Sequence: "12", Subsequence: 1},
		{},
	} {
		r, err := record.Open([]byte("1"), s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			add("a bare record", r, i)
		}
	}
	for _, members := range []string{`"request_id":"a","index":0`, `"request_id":"a","index":1`, `"request_id":"a0","index":0`} {
		r := open(t, `{"hydrant":1,"data":[1,1],`+members+`}`)
		add(members, r, 0)
		add(members, r, 1)
	}
}
