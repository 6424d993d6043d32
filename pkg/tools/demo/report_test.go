package main

import (
	"bytes"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/tools/internal/progress"
)

var update = flag.Bool("update", false, "write the golden files anew")

// play runs a demo against a fake runner.
func play(t *testing.T, f *fake, events string, p *page) (*account, string) {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	requests, err := readRequests(events)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.makeFiles(); err != nil {
		t.Fatal(err)
	}
	d := &demo{
		client: &client{api: server.URL + "/v1", aws: server.URL}, judge: judge, page: p, progress: progress.New(&bytes.Buffer{}),
		options: &options{events: "events/api", template: "template.yaml", rows: filepath.Join(t.TempDir(), "rows.jsonl")},
	}
	a, err := d.play(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	d.next(d.client.api, 1800*time.Millisecond)
	return a, server.URL
}

// The whole report, as it is printed for the requests under events/api.
func TestReport(t *testing.T) {
	events, err := filepath.Abs("../../../events/api")
	if err != nil {
		t.Fatal(err)
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]page{
		"narrow": {width: 80},
		"wide":   {width: 120},
		"colour": {width: 100, colour: true},
	} {
		t.Run(name, func(t *testing.T) {
			here := t.TempDir()
			t.Chdir(here)
			var out bytes.Buffer
			p.w = &out
			_, url := play(t, newFake(filepath.Join(here, ".hydrant", "demo")), events, &p)
			checkWidth(t, out.String(), &p)
			got := strings.ReplaceAll(out.String(), url, "http://127.0.0.1:34567")
			checkGolden(t, filepath.Join(testdata, name+".golden"), got)
		})
	}
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the report is not that of %s (go test -update writes it anew):\n%s", path, got)
	}
}

// checkWidth wants every line to fit, but those that are there to be pasted.
func checkWidth(t *testing.T, out string, p *page) {
	t.Helper()
	for line := range strings.Lines(out) {
		if p.colour || strings.HasPrefix(line, ".hydrant/") {
			continue
		}
		if n := columns(strings.TrimSuffix(line, "\n")); n > p.width {
			t.Errorf("%d columns, and the page has %d: %s", n, p.width, line)
		}
	}
}

func TestColumns(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"counts letters":                      {"teapot", 6},
		"counts Korean twice":                 {"찻주전자", 8},
		"counts pictures twice":               {"🫖", 2},
		"does not count combining marks":      {"e\u0301", 1},
		"does not count the zero-width space": {"a\u200bb", 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := columns(tc.text); got != tc.want {
				t.Errorf("columns(%q) = %d, want %d", tc.text, got, tc.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		most int
		want string
	}{
		"leaves what fits":                  {"teapot", 6, "teapot"},
		"says that something is left out":   {"teapots", 6, "teapo…"},
		"does not cut a wide letter in two": {"찻주전자", 6, "찻주…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cut(tc.text, tc.most); got != tc.want {
				t.Errorf("cut(%q, %d) = %q, want %q", tc.text, tc.most, got, tc.want)
			}
		})
	}
	if got, want := cutMiddle("0123456789", 7), "012…789"; got != want {
		t.Errorf("cutMiddle = %q, want %q", got, want)
	}
}

// What a producer sends must not move the cursor or ring the bell.
func TestPrintable(t *testing.T) {
	if got, want := printable("a\x1b[2Jb\a\nc"), `a\x1b[2Jb\a\nc`; got != want {
		t.Errorf("printable = %q, want %q", got, want)
	}
}

func TestRowWords(t *testing.T) {
	for name, tc := range map[string]struct{ sent, row, want string }{
		"marks nothing that was sent":            {`{"device":"tv"}`, `{"device":"tv"}`, `device=tv`},
		"marks what was not sent":                {`{}`, `{"device":"unknown"}`, `+device=unknown`},
		"marks what was sent as null":            {`{"device":null}`, `{"device":"unknown"}`, `+device=unknown`},
		"does not mark an explicit false":        {`{"test":false}`, `{"test":false}`, `test=false`},
		"marks a whole object once":              {`{}`, `{"viewport":{"width":0,"height":0}}`, `+viewport={width=0 height=0}`},
		"marks a member of an object":            {`{"viewport":{"width":9}}`, `{"viewport":{"width":9,"height":0}}`, `viewport={width=9 +height=0}`},
		"marks a member of an element of a list": {`{"items":[{"sku":"A"}]}`, `{"items":[{"sku":"A","quantity":1}]}`, `items=[{sku=A +quantity=1}]`},
		"puts texts with spaces in quotes":       {`{"title":"Blue \"tea\""}`, `{"title":"Blue \"tea\""}`, `title="Blue \"tea\""`},
		"writes what is empty":                   {`{"context":{},"title":""}`, `{"context":{},"title":""}`, `context={} title=""`},
		"leaves type and id to the head":         {`{}`, `{"type":"a","event_id":"b","line":1}`, `+line=1`},
	} {
		t.Run(name, func(t *testing.T) {
			row, err := readNode([]byte(tc.row))
			if err != nil {
				t.Fatal(err)
			}
			sent, err := readNode([]byte(tc.sent))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			own, others := rowWords(row, sent)
			for _, w := range own {
				got = append(got, w.text)
			}
			if got := strings.Join(got, " "); got != tc.want || len(others) > 0 {
				t.Errorf("got %q and %q, want %q", got, others, tc.want)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b string
		want bool
	}{
		"members in any order":            {`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		"numbers by their value":          {`1.50`, `1.5`, true},
		"a whole double":                  {`1.0`, `1`, true},
		"64-bit integers to the last one": {`9007199254740993`, `9007199254740992`, false},
		"nulls":                           {`{"a":null}`, `{"a":null}`, true},
		"null and nothing":                {`{"a":null}`, `{"b":null}`, false},
		"a number and its text":           {`1`, `"1"`, false},
		"an element more":                 {`[1]`, `[1,2]`, false},
		"another element":                 {`[1]`, `[2]`, false},
		"true and false":                  {`true`, `false`, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := readNode([]byte(tc.a))
			if err != nil {
				t.Fatal(err)
			}
			b, err := readNode([]byte(tc.b))
			if err != nil {
				t.Fatal(err)
			}
			if got := equal(a, b); got != tc.want {
				t.Errorf("equal(%s, %s) = %t", tc.a, tc.b, got)
			}
		})
	}
}
