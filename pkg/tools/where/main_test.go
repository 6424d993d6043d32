package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheRunnersPlaces(t *testing.T) {
	const lines = `{"place":"stream","resource":"Stream","shard":"shardId-000000000003","sequence":"49","at":1795699743750,"attempt":0}
{"place":"table","resource":"QuarantineTable","object":"s3://b/quarantine/k","line":2,"attempt":0,"code":"C","reasons":[{"field":"/url","rule":"required","reason":"missing"},{"field":"","rule":"","reason":"too_large"}]}
{"place":"queue","resource":"DlqQueue","message":"m","receives":3}
`
	for name, tc := range map[string]struct {
		id     string
		status int
		answer string
		want   string
		fault  string
	}{
		"every kind of place": {"a/b+c=&d", 200, lines, "stream      2026-11-26T13:29:03.750Z  attempt 0  Stream  shardId-000000000003  49\n" +
			"table       attempt 0  C  QuarantineTable  s3://b/quarantine/k  line 2\n            /url missing (required), too_large\n" +
			"queue       DlqQueue  message m  received 3 times\nSo it is in the quarantine: /url missing (required), too_large.\n", ""},
		"nowhere":              {"x", 200, "", "", "nowhere"},
		"the runner refuses":   {"x", 400, "no such thing", "", "400 Bad Request: no such thing"},
		"what is no JSON":      {"x", 200, "hello", "", "invalid character"},
		"a question for no id": {"", 200, "", "", "-id is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/_hydrant/where" || r.URL.Query().Get("id") != tc.id {
					t.Errorf("asked for %s", r.URL)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.answer) // the client has gone
			}))
			defer server.Close()
			var out strings.Builder
			err := run(t.Context(), []string{"-endpoint", server.URL, "-id", tc.id}, &out, io.Discard)
			if out.String() != tc.want || (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("printed\n%s%v, want\n%s%s", out.String(), err, tc.want, tc.fault)
			}
		})
	}
}

// installed is an AWS CLI whose query ends in a state, with rows. It writes its arguments to the file log beside it.
func installed(t *testing.T, state, rows string) (log string) {
	t.Helper()
	folder := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
printf '%%s\n' "$*" >>%s/log
case "$1 $2" in
"cloudformation describe-stack-resource") echo '{"StackResourceDetail":{"PhysicalResourceId":"'$6-1'"}}' ;;
"athena get-named-query") echo '{"NamedQuery":{"QueryString":"SELECT ? = ?"}}' ;;
"athena start-query-execution") echo '{"QueryExecutionId":"q"}' ;;
"athena get-query-execution") echo '{"QueryExecution":{"Status":{"State":"%s","StateChangeReason":"why"}}}' ;;
"athena get-query-results") echo '{"ResultSet":{"Rows":%s}}' ;;
esac
`, folder, state, rows)
	if err := os.WriteFile(filepath.Join(folder, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
	return filepath.Join(folder, "log")
}

func TestAStackIsAskedByItsSavedQuery(t *testing.T) {
	log := installed(t, "SUCCEEDED", `[{"Data":[{"VarCharValue":"place"},{"VarCharValue":"event_id"},{"VarCharValue":"attempt"},{"VarCharValue":"at"},{"VarCharValue":"code"},{"VarCharValue":"reasons"},{"VarCharValue":"object"}]},
{"Data":[{"VarCharValue":"events"},{"VarCharValue":"e"},{"VarCharValue":"1"},{"VarCharValue":"2026-11-26 13:29:03.750"},{},{},{"VarCharValue":"s3://b/events/k"}]},
{"Data":[{"VarCharValue":"quarantine"},{"VarCharValue":"e"},{"VarCharValue":"0"},{},{"VarCharValue":"C"},{"VarCharValue":"[{\\"field\\":\\"/url\\",\\"rule\\":\\"required\\",\\"reason\\":\\"missing\\"}]"},{"VarCharValue":"s3://b/quarantine/k"}]}]`)
	var out strings.Builder
	if err := run(t.Context(), []string{"-stack", "hydrant", "-id", "it's"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := "events      2026-11-26 13:29:03.750  attempt 1  s3://b/events/k\nquarantine  attempt 0  C  s3://b/quarantine/k\n            /url missing (required)\n" +
		"So it is in the events table, on attempt 1; in the quarantine: /url missing (required).\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"get-named-query --named-query-id WhereIsQuery-1", "Database=Database-1", "OutputLocation=s3://Bucket-1/athena/", "--execution-parameters 'it''s' 'it''s' --output json",
	} {
		if !strings.Contains(string(calls), part) {
			t.Errorf("called\n%swithout %s", calls, part)
		}
	}
}

func TestAQueryThatFailsSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct{ state, rows, fault string }{
		"its state":             {"FAILED", `[]`, "FAILED why"},
		"an attempt of letters": {"SUCCEEDED", `[{"Data":[{"VarCharValue":"attempt"}]},{"Data":[{"VarCharValue":"two"}]}]`, "column attempt"},
		"reasons that are none": {"SUCCEEDED", `[{"Data":[{"VarCharValue":"reasons"}]},{"Data":[{"VarCharValue":"two"}]}]`, "column reasons"},
	} {
		t.Run(name, func(t *testing.T) {
			installed(t, tc.state, tc.rows)
			if err := run(t.Context(), []string{"-stack", "hydrant", "-id", "x"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("got %v, want %s", err, tc.fault)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	n := func(attempt int) *int { return &attempt }
	missing := []reason{{"/url", "required", "missing"}}
	for want, places := range map[string][]place{
		"in the events table, on attempt 7":                                    {{Kind: "stream", Attempt: n(0)}, {Kind: "table", Resource: "EventsTable", Attempt: n(7)}},
		"in the events table (2 rows), on attempt 0":                           {{Kind: "events", Attempt: n(0)}, {Kind: "events", Attempt: n(0)}},
		"in the events table (2 rows), on the attempts 0 to 2":                 {{Kind: "events", Attempt: n(2)}, {Kind: "events", Attempt: n(0)}},
		"in the events table, on attempt 0; in the quarantine":                 {{Kind: "events", Attempt: n(0)}, {Kind: "quarantine", Attempt: n(3)}},
		"in the quarantine (2 rows): /url missing (required)":                  {{Kind: "quarantine", Reasons: missing}, {Kind: "quarantine", Reasons: missing}},
		"in the quarantine: /url missing (required), and was sent round again": {{Kind: "table", Resource: "QuarantineTable", Reasons: missing}, {Kind: "table", Resource: "RedrivenTable"}},
		"on its way, on attempt 2":                                             {{Kind: "stream", Attempt: n(0)}, {Kind: "error", Attempt: n(1)}, {Kind: "stream", Attempt: n(2)}},
		"on its way":                                                           {{Kind: "queue"}},
	} {
		if got := verdict(places); got != want {
			t.Errorf("%v come to %q, want %q", places, got, want)
		}
	}
}
