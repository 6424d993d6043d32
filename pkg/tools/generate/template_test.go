package main

import (
	"strings"
	"testing"

	"hydrant/pkg/event"
)

func TestWriteColumnsChangesOnlyTheMarkedLines(t *testing.T) {
	columns := []event.Column{
		{Name: "type", Type: "string", Comment: `What it is: "page_view", or another.`},
		{Name: "context", Type: "map<string,string>"},
	}
	const before = "# a comment\r\nColumns:\n    # columns: begin (make generate)\n    - {Name: old}\n    # columns: end\nOutputs: !Sub ${x}"
	const want = "# a comment\r\nColumns:\n    # columns: begin (make generate)\n" +
		"    - {Name: type, Type: \"string\", Comment: \"What it is: \\\"page_view\\\", or another.\"}\n" +
		"    - {Name: context, Type: \"map<string,string>\"}\n" +
		"    # columns: end\nOutputs: !Sub ${x}"
	got, err := writeColumns([]byte(before), columnMarks, columns)
	if err != nil || string(got) != want {
		t.Errorf("writeColumns = %q, %v; want %q", got, err, want)
	}
	again, err := writeColumns(got, columnMarks, columns)
	if err != nil || string(again) != want {
		t.Errorf("writeColumns of its own output = %q, %v; want no change", again, err)
	}
}

func TestWriteColumnsRefuses(t *testing.T) {
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
			got, err := writeColumns([]byte(tc.template), columnMarks, []event.Column{{Name: "c", Type: "int", Comment: tc.comment}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("writeColumns = %q, %v; want an error with %q", got, err, tc.want)
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

func TestWriteBufferChangesOnlyItsLine(t *testing.T) {
	const before = "A:\n    Default: 0.5\nB:\n    Default: 0.5 # batch size (make generate)\n    MinValue: 0.2\n"
	const want = "A:\n    Default: 0.5\nB:\n    Default: 1.2 # batch size (make generate)\n    MinValue: 0.2\n"
	if got, err := writeBuffer([]byte(before), "1.2"); err != nil || string(got) != want {
		t.Errorf("writeBuffer = %q, %v; want %q", got, err, want)
	}
	for name, template := range map[string]string{
		"no such line":  "    Default: 0.5\n",
		"two of them":   before + before,
		"another value": "    Default: !Ref X # batch size (make generate)\n",
	} {
		if got, err := writeBuffer([]byte(template), "1.2"); err == nil {
			t.Errorf("%s: writeBuffer = %q", name, got)
		}
	}
}

func TestWriteDashboard(t *testing.T) {
	const before = "  a:\n    # dashboard: begin (make generate)\n    Old: x\n    # dashboard: end\nb: c\n"
	for name, tc := range map[string]struct {
		types []string
		want  string
	}{
		"two types":              {[]string{"search", "page_view"}, `[".","Events.search",".",".",{"label":"search"}],|[".","Events.page_view",".",".",{"label":"page_view"}],|[".","Events.unknown",".",".",{"label":"unknown"}]`},
		"a type of the name":     {[]string{"unknown"}, `[".","Events.unknown",".",".",{"label":"unknown"}]`},
		"no type but the others": {nil, `[".","Events.unknown",".",".",{"label":"unknown"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := writeDashboard([]byte(before), tc.types)
			text := string(got)
			if want := "  a:\n    # dashboard: begin (make generate)\n    EventsByType: >-\n      " + strings.ReplaceAll(tc.want, "|", "\n      ") + "\n    RejectedByType: >-\n"; err != nil || !strings.HasPrefix(text, want) {
				t.Errorf("%v: wrote\n%s\nwant\n%s", err, text, want)
			}
			if !strings.HasSuffix(text, "\n    # dashboard: end\nb: c\n") || strings.Contains(text, "Old") || !strings.Contains(text, `      [".","Quarantined.panic",".",".",{"label":"panic"}],`) {
				t.Errorf("wrote\n%s", text)
			}
			if again, err := writeDashboard(got, tc.types); err != nil || string(again) != text {
				t.Errorf("%v: a second time it is another: %s", err, again)
			}
		})
	}
}
