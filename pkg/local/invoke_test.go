package main

import "testing"

func TestPrintable(t *testing.T) {
	for name, tc := range map[string]struct {
		answer    string
		forPeople bool
		want      string
	}{
		"people get JSON indented, numbers and names as they were": {`{"b":1.50,"a":[null]}`, true, "{\n  \"b\": 1.50,\n  \"a\": [\n    null\n  ]\n}\n"},
		"people get what is no JSON as it is":                      {`{"b":`, true, "{\"b\":\n"},
		"programs get every byte":                                  {`{ "b":1.50}`, false, "{ \"b\":1.50}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(printable([]byte(tc.answer), tc.forPeople)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
