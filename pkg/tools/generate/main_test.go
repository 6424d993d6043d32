package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

// The one test of this package that a user of the project meets: it fails after a change of the catalogue.
func TestTheTemplateIsUpToDate(t *testing.T) {
	if err := run([]string{"-check", "-template", "../../../template.yaml"}); err != nil {
		t.Error(err)
	}
}

func TestRewriteChangesOnlyTheMarkedLines(t *testing.T) {
	columns := []event.Column{
		{Name: "type", Type: "string", Comment: `What it is: "page_view", or another.`},
		{Name: "context", Type: "map<string,string>"},
	}
	const before = "# a comment\r\nColumns:\n    # columns: begin (make generate)\n    - {Name: old}\n    # columns: end\nOutputs: !Sub ${x}"
	const want = "# a comment\r\nColumns:\n    # columns: begin (make generate)\n" +
		"    - {Name: type, Type: \"string\", Comment: \"What it is: \\\"page_view\\\", or another.\"}\n" +
		"    - {Name: context, Type: \"map<string,string>\"}\n" +
		"    # columns: end\nOutputs: !Sub ${x}"
	got, err := rewrite([]byte(before), columns)
	if err != nil || string(got) != want {
		t.Errorf("rewrite = %q, %v; want %q", got, err, want)
	}
	again, err := rewrite(got, columns)
	if err != nil || string(again) != want {
		t.Errorf("rewrite of its own output = %q, %v; want no change", again, err)
	}
}

func TestRewriteRefuses(t *testing.T) {
	const good = "# columns: begin (make generate)\n# columns: end\n"
	for name, tc := range map[string]struct {
		template string
		comment  string
		want     string
	}{
		"a template without a begin":  {"# columns: end\n", "", "there is no line"},
		"a template without an end":   {"# columns: begin (make generate)\n", "", "there is no line"},
		"two begins":                  {"# columns: begin (make generate)\n" + good, "", "line 2: a second line"},
		"an end before the begin":     {"# columns: end\n# columns: begin (make generate)\n", "", "line 1:"},
		"a comment of 256 characters": {good, strings.Repeat("ü", 256), "256 characters"},
		"a comment of two lines":      {good, "a\nb", "more than one line"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := rewrite([]byte(tc.template), []event.Column{{Name: "c", Type: "int", Comment: tc.comment}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("rewrite = %q, %v; want an error with %q", got, err, tc.want)
			}
		})
	}
}

// What YAML takes for a line's end, or does not take at all, is escaped; what reads well as it is stays.
func TestEntryEscapes(t *testing.T) {
	got, err := entry(event.Column{Name: "c", Type: "struct<a:int>", Comment: "a: b # {c} 'd' \"e\" \\ \u2028 \u0085 \x7f ü"})
	want := `- {Name: c, Type: "struct<a:int>", Comment: "a: b # {c} 'd' \"e\" \\ \u2028 \u0085 \x7f ü"}`
	if err != nil || got != want {
		t.Errorf("entry = %s, %v; want %s", got, err, want)
	}
}

func TestRunWritesOnlyWithoutCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.yaml")
	const stale = "# columns: begin (make generate)\n# columns: end\n"
	if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-template", path, "-check"}); !errors.Is(err, errStale) {
		t.Errorf("run -check on a stale file = %v, want %v", err, errStale)
	}
	if got, _ := os.ReadFile(path); string(got) != stale {
		t.Errorf("run -check wrote %q", got)
	}
	if err := run([]string{"-template", path}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-template", path, "-check"}); err != nil {
		t.Errorf("run -check after run = %v", err)
	}
}
