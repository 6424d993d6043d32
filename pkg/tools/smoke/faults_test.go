package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tampered is a proxy whose answers change changes.
func tampered(t *testing.T, target string, change func(path string, h http.Header, body []byte) []byte) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			body = change(r.Request.URL.Path, r.Header, body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Del("Content-Length")
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

// changeRows changes those of a table, or the row of one event alone, by the number at the end of its id. A row's place says nothing: it
// depends on the shards.
func changeRows(body []byte, event string, change func(line string) string) []byte {
	of := regexp.MustCompile(`"event_id":"smoke-[^"]*-` + event + `"`)
	var out []byte
	for line := range bytes.Lines(body) {
		changed := string(line)
		if event == "" || of.Match(line) {
			changed = change(changed)
		}
		out = append(out, changed...)
	}
	return out
}

// control has the runner do something.
func control(t *testing.T, method, address, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, address, answer.Status)
	}
}

// alike is a report without what is another in each run.
func alike(report string) string {
	for _, each := range []*regexp.Regexp{
		regexp.MustCompile(`127\.0\.0\.1:\d+`), regexp.MustCompile(`smoke-\w+-\w+`), regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), regexp.MustCompile(`after \d+ s`),
	} {
		report = each.ReplaceAllString(report, "…")
	}
	return report
}

// A stack that is not well, as the runner behind a proxy that loses or alters what is asked for, is told in the right sentence.
func TestWhatIsWrongIsSaid(t *testing.T) {
	runner := startRunner(t, t.TempDir(), "Authorization=NONE")
	t.Run("what is well too, as docs/operate.md shows it", func(t *testing.T) {
		page, err := os.ReadFile(filepath.Join(root, "docs/operate.md"))
		if err != nil {
			t.Fatal(err)
		}
		_, shown, found := strings.Cut(string(page), "the same program prints:\n\n```\n")
		if shown, _, _ = strings.Cut(shown, "\n```\n"); !found || !strings.Contains(shown, "PROBES") {
			t.Fatal("docs/operate.md does not show what it prints")
		}
		got := runSmoke(t, nil, "-endpoint", runner.AWS)
		printed := strings.Split(alike(got.stdout), "\n")
		for line := range strings.SplitSeq(alike(shown), "\n") {
			if line != "[…]" && !slices.Contains(printed, line) {
				t.Errorf("docs/operate.md shows\n%s\nand it prints\n%s", line, got.stdout)
			}
		}
	})
	for name, tc := range map[string]struct {
		table  string // whose rows are changed: all, or that of one event
		event  string
		change func(line string) string
		want   []string
	}{
		"a row is not there": {
			table: "events", event: "01", change: func(string) string { return "" },
			want: []string{
				"FAILED  page_view as in the catalogue's example                    1 not seen\n", "in neither table after 1s: smoke-", "-01. Ask where: make where ID='",
				" + not seen       1\n", "Error objects have 0 of these requests, DlqQueue holds 0 messages, DlqDeadLetterQueue holds 0 messages.\n", "NOT all is well: 1 of 16 checks failed",
			},
		},
		"a value is another": {
			table: "events", event: "01", change: func(line string) string { return strings.Replace(line, `"schema_version":1`, `"schema_version":2`, 1) },
			want: []string{": column schema_version is 2, and ought to be 1. Ask where it is: make where ID='"},
		},
		"a default is not there": {
			table: "events", event: "04", change: func(line string) string { return strings.Replace(line, `"device":"unknown",`, "", 1) },
			want: []string{`: column device is null, and ought to be "unknown"`},
		},
		"a column comes that was not sent": {
			table: "events", event: "01", change: func(line string) string { return strings.Replace(line, `{`, `{"coupon":"FREE",`, 1) },
			want: []string{`: column coupon is "FREE", and ought to be null`},
		},
		"a row of another event": {
			table: "events", event: "02", change: func(line string) string { return strings.Replace(line, `-02"`, `-99"`, 1) },
			want: []string{"in neither table after 1s: smoke-", "FAILED  nothing is there that was not sent", "-99 of the request "},
		},
		"another reason": {
			table: "quarantine", event: "15", change: func(line string) string { return strings.Replace(line, `"reason":"missing"`, `"reason":"too_long"`, 1) },
			want: []string{"FAILED  a batch of invalid ones", `: its reasons in the quarantine are []interface {}{map[string]interface {}{"field":"/type"`},
		},
		"what was sent is altered": {
			table: "quarantine", event: "16", change: func(line string) string { return strings.Replace(line, `smoke_unknown`, `smoke-unknown`, 1) },
			want: []string{": what the quarantine holds is not what was sent"},
		},
		"another code": {
			table: "quarantine", change: func(line string) string {
				return strings.ReplaceAll(line, "Lambda.ProcessingFailedStatus", "Lambda.InvalidReturnFormat")
			},
			want: []string{"U8   CONTRADICTED  the code is Lambda.InvalidReturnFormat\n", "NOT all is well: 0 of 16 checks failed; of "},
		},
		"times in another zone": {
			table: "events", change: func(line string) string {
				if at := strings.Index(line, `"received_at":"20`); at >= 0 {
					at += len(`"received_at":"`)
					return line[:at] + "2020" + line[at+4:]
				}
				return line
			},
			want: []string{"U10  CONTRADICTED  received_at is 2020-"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			control(t, http.MethodPost, runner.AWS+"/_hydrant/reset", "")
			endpoint := tampered(t, runner.AWS, func(path string, _ http.Header, body []byte) []byte {
				if path == "/_hydrant/tables/"+tc.table {
					return changeRows(body, tc.event, tc.change)
				}
				return body
			})
			got := runSmoke(t, nil, "-endpoint", endpoint, "-within", "1s")
			if got.status != 1 {
				t.Errorf("exit status %d, want 1\n%s", got.status, got.stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("it does not say %q:\n%s%s", want, got.stdout, got.stderr)
				}
			}
		})
	}
	t.Run("an API that says too much", func(t *testing.T) {
		api, err := url.Parse(runner.API)
		if err != nil {
			t.Fatal(err)
		}
		edge := tampered(t, "http://"+api.Host, func(_ string, h http.Header, body []byte) []byte {
			h.Set("Access-Control-Allow-Origin", "{AWS::NoValue}")
			return body
		})
		endpoint := tampered(t, runner.AWS, func(path string, _ http.Header, body []byte) []byte {
			if path != "/_hydrant/state" {
				return body
			}
			var state map[string]any
			if err := json.Unmarshal(body, &state); err != nil {
				t.Error(err)
			}
			state["api"] = edge + api.Path
			changed, err := json.Marshal(state)
			if err != nil {
				t.Error(err)
			}
			return changed
		})
		got := runSmoke(t, nil, "-endpoint", endpoint)
		if want := "has Access-Control-Allow-Origin: {AWS::NoValue}"; got.status != 1 || !strings.Contains(got.stdout, want) {
			t.Errorf("exit status %d, want 1 and %q:\n%s%s", got.status, want, got.stdout, got.stderr)
		}
	})
}

// What fails in the runner itself.
func TestFaultsOfTheRunner(t *testing.T) {
	runner := startRunner(t, t.TempDir(), "Authorization=NONE", "MaxAttempts=1", "TransformRetries=0")
	for name, tc := range map[string]struct {
		faults string
		status int
		want   []string
		not    string
	}{
		"a stream that is throttled for a moment is tried again": {
			`[{"link":"kinesis.put","kind":"throttle","count":1}]`, 0, []string{"All is well: 0 of 16"}, "FAILED",
		},
		"a transform that fails has valid events in the quarantine": {
			`[{"link":"lambda.TransformFunction","kind":"error"}]`, 1,
			[]string{
				"FAILED  page_view as in the catalogue's example", ": it is valid, and in the quarantine: Lambda.FunctionError after attempt 1",
				"U8   CONTRADICTED  the code is Lambda.FunctionError\n",
			},
			"",
		},
		"a dlq function that cannot write": {
			`[{"link":"lambda.DlqFunction","kind":"error"}]`, 1,
			[]string{"FAILED  a batch of invalid ones", "4 in flight\n", " + in flight      7\n", "DlqDeadLetterQueue holds 1 message."},
			"missing\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			control(t, http.MethodPut, runner.AWS+"/_hydrant/faults", `{"faults":`+tc.faults+`}`)
			got := runSmoke(t, nil, "-endpoint", runner.AWS, "-within", "3s")
			if got.status != tc.status {
				t.Errorf("exit status %d, want %d", got.status, tc.status)
			}
			for _, want := range tc.want {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("it does not say %q:\n%s%s", want, got.stdout, got.stderr)
				}
			}
			if tc.not != "" && strings.Contains(got.stdout, tc.not) {
				t.Errorf("it says %q:\n%s", tc.not, got.stdout)
			}
		})
	}
}
