package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// function is a dlq function behind Lambda's Invoke API. It gives its answers one after the other.
type function struct {
	answers []string
	failure string
	got     []string
}

func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/hydrant-local-DlqFunction:live/invocations" || len(f.answers) == 0 {
		http.Error(w, "unexpected", http.StatusBadRequest)
		return
	}
	f.got = append(f.got, string(body))
	if f.failure != "" {
		w.Header().Set("X-Amz-Function-Error", f.failure)
	}
	answer := f.answers[0]
	f.answers = f.answers[1:]
	_, _ = io.WriteString(w, answer) // the client has gone
}

func TestRedrive(t *testing.T) {
	for name, tc := range map[string]struct {
		args    string
		answers []string
		failure string
		sent    []string // payloads
		out     []string // parts
		fault   string
	}{
		"a dry run sends nothing and says so": {
			args:    "-reason missing -from 2026-11-22 -to 2026-11-22T10:00:00+01:00 -code C -producer p -type t",
			answers: []string{`{"dry_run":true,"matched":3,"by_reason":{"missing":1,"too_long":2},"valid_now":2,"sent_before":4,"unfit":5}`},
			sent:    []string{`{"redrive":{"from":"2026-11-22T00:00:00Z","to":"2026-11-22T10:00:00+01:00","reason":"missing","code":"C","producer":"p","type":"t","dry_run":true}}`},
			out:     []string{"2  too_long\n       1  missing\n", "3  in all, 2 of them valid", "4  were sent by an earlier", "5  cannot go round", "Nothing was sent. -go sends them."},
		},
		"a dry run that ran out of time says at least": {
			answers: []string{`{"matched":3,"by_reason":{"missing":3},"more":true}`},
			sent:    []string{`{"redrive":{"dry_run":true}}`},
			out:     []string{"3  in all at least, at least 0 of them"},
		},
		"there is nothing": {
			answers: []string{`{"by_reason":{}}`},
			sent:    []string{`{"redrive":{"dry_run":true}}`},
			out:     []string{"There is nothing to send."},
		},
		"there is nothing of that, but of others": {
			args:    "-reason mising -type \x1bq",
			answers: []string{`{"by_reason":{},"there":{"type":{"search":1,"\u001b[2J":2,"":2},"reason":{"missing":4,"(others)":1}}}`},
			sent:    []string{`{"redrive":{"reason":"mising","type":"\u001bq","dry_run":true}}`},
			out: []string{
				"There is nothing to send.\nIn this time -reason could be one of: missing (4), (others) (1)\nIn this time -type could be one of: \"\" (2), \"\\x1b[2J\" (2), search (1)\n",
			},
		},
		"it goes on while there are more": {
			args:    "-go",
			answers: []string{`{"matched":2,"sent":2,"by_reason":{"a":2},"sent_before":1,"more":true}`, `{"matched":1,"sent":1,"by_reason":{"b":1},"sent_before":3}`},
			sent:    []string{`{"redrive":{"dry_run":false}}`, `{"redrive":{"dry_run":false}}`},
			out:     []string{"2  a\n       1  b\n", "3  in all", "1  were sent by an earlier", "\n3 sent."},
		},
		"a limit holds over all invocations": {
			args:    "-go -limit 3",
			answers: []string{`{"matched":2,"sent":2,"more":true}`, `{"matched":1,"sent":1,"more":true}`},
			sent:    []string{`{"redrive":{"limit":3,"dry_run":false}}`, `{"redrive":{"limit":1,"dry_run":false}}`},
			out:     []string{"3 sent. There are more: the same command goes on."},
		},
		"it ends when it does not get on": {
			args:    "-go",
			answers: []string{`{"more":true}`},
			sent:    []string{`{"redrive":{"dry_run":false}}`},
			out:     []string{"0 sent. There are more"},
		},
		"a failure says what went before": {
			args:    "-go",
			answers: []string{`{"matched":2,"sent":2,"more":true}`},
			sent:    []string{`{"redrive":{"dry_run":false}}`},
			fault:   "400 Bad Request: unexpected; 2 events went before, and are marked",
		},
		"the function fails": {
			answers: []string{`{"errorMessage":"expected one of"}`},
			failure: "Unhandled",
			sent:    []string{`{"redrive":{"dry_run":true}}`},
			fault:   "hydrant-local-DlqFunction:live failed: ",
		},
		"a word too many":      {args: "go", fault: "nothing but flags"},
		"a limit below zero":   {args: "-limit -1", fault: "-limit is 0"},
		"no time":              {args: "-from yesterday", fault: "RFC 3339"},
		"the end before start": {args: "-from 2026-11-23 -to 2026-11-22", fault: "-from has to be before -to"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &function{answers: tc.answers, failure: tc.failure}
			server := httptest.NewServer(f)
			defer server.Close()
			var out strings.Builder
			err := run(t.Context(), append([]string{"-endpoint", server.URL}, strings.Fields(tc.args)...), &out, io.Discard)
			if (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("got the error %v, want %q", err, tc.fault)
			}
			if got, want := strings.Join(f.got, "\n"), strings.Join(tc.sent, "\n"); got != want {
				t.Errorf("sent %s\nwant %s", got, want)
			}
			if want := "the local runner at " + server.URL + ":\n"; len(tc.sent) > 0 && !strings.HasPrefix(out.String(), want) {
				t.Errorf("printed\n%swithout %q before all else", out.String(), want)
			}
			for _, part := range tc.out {
				if !strings.Contains(out.String(), part) {
					t.Errorf("printed\n%swithout %q", out.String(), part)
				}
			}
		})
	}
}

// The requests under events/dlq are what this sends: the dlq function's own tests take them.
func TestRequestsAreThoseOfTheSamples(t *testing.T) {
	for _, name := range []string{"redrive.json", "redrive-dry-run.json"} {
		data, err := os.ReadFile(filepath.Join("../../../events/dlq", name))
		if err != nil {
			t.Fatal(err)
		}
		var sample struct{ Redrive request }
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		if err := d.Decode(&sample); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStackIsReachedThroughTheCLI(t *testing.T) {
	folder := t.TempDir()
	script := `#!/bin/sh
case "$1 $2 $4 $6" in
"cloudformation describe-stack-resource hydrant DlqFunctionAliaslive") echo '{"StackResourceDetail":{"PhysicalResourceId":"hydrant-DlqFunction-1:live"}}' ;;
"lambda invoke hydrant-DlqFunction-1:live "*) echo '{"matched":7,"by_reason":{"missing":7}}' >"$9"; echo '{"StatusCode":200}' ;;
*) echo "unexpected $*" >&2; exit 1 ;;
esac
`
	if err := os.WriteFile(filepath.Join(folder, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
	var out strings.Builder
	if err := run(t.Context(), []string{"-stack", "hydrant"}, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "the stack hydrant:\n") || !strings.Contains(out.String(), "7  missing") {
		t.Errorf("printed %q, %v", out.String(), err)
	}
}
