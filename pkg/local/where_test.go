package main

import (
	"encoding/base64"
	"testing"
)

func TestSearchFinds(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	inner := `{"request_id":"id-1","attempt":2,"data":{"n":1}}`
	for name, tc := range map[string]struct {
		text  string
		found bool
	}{
		"the text itself":          {`id-1`, true},
		"a member":                 {`{"event_id":"id-1"}`, true},
		"a part of a longer id":    {`{"event_id":"id-12"} xid-1 id-1_`, false},
		"after a longer one":       {`id-12 id-1`, true},
		"in base64":                {`{"rawData":"` + encode(inner) + `"}`, true},
		"in base64 in a list":      {`{"lines":[{"raw":["` + encode(inner) + `"]}]}`, true},
		"in base64 in base64":      {`{"Data":"` + encode(`{"rawData":"`+encode(inner)+`"}`) + `"}`, true},
		"in base64 without JSON":   {encode(inner), false},
		"in base64 of another one": {`{"rawData":"` + encode(`{"request_id":"id-12"}`) + `"}`, false},
		"nothing":                  {``, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := search{id: []byte("id-1")}
			if got := s.in([]byte(tc.text), nestedText); got != tc.found {
				t.Errorf("got %v, want %v", got, tc.found)
			}
		})
	}
	line := `{"attemptsMade":4,"errorCode":"Lambda.FunctionError","rawData":"` + encode(inner) + `","reasons":[{"field":"/a"}]}`
	if got := whatIsKnown([]byte(line)); string(got.Attempt) != "2" || got.Code != "Lambda.FunctionError" || string(got.Reasons) != `[{"field":"/a"}]` {
		t.Errorf("got %+v", got)
	}
	if got := whatIsKnown([]byte(`{"attempt":0,"code":"A","errorCode":"B","reasons":null}`)); string(got.Attempt) != "0" || got.Code != "A" || got.Reasons != nil {
		t.Errorf("got %+v", got)
	}
}
