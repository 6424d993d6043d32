package event

import (
	"os"
	"strings"
	"testing"
)

const released = "testdata/columns.golden"

// The released columns: Glue has them, and so have the files in S3. A column may be added; make generate writes it down. One that is gone or
// has another type is lost to every query on what was stored before. This is policy: change the list in review, not to make a build pass.
func TestReleasedColumnsStay(t *testing.T) {
	types := map[string]string{}
	for _, c := range Columns() {
		types[c.Name] = c.Type
	}
	for name, was := range releasedColumns(t) {
		switch now, there := types[name]; {
		case !there:
			t.Errorf("column %s (%s) is released and no field has it any more: files in S3 and queries do. Put its field back, or, if the column was "+
				"never deployed, delete its line in pkg/event/%s", name, was, released)
		case now != was:
			t.Errorf("column %s is released as %s and would become %s: files in S3 have the old type. Put the field's Go type back and give the "+
				"new one another name, or, if the column was never deployed, delete its line in pkg/event/%s and run make generate", name, was, now, released)
		}
	}
}

func TestEveryColumnIsOnTheListOfReleasedOnes(t *testing.T) {
	list := releasedColumns(t)
	for _, c := range Columns() {
		if list[c.Name] == "" {
			t.Errorf("column %s is new and not in pkg/event/%s: run make generate", c.Name, released)
		}
	}
}

// releasedColumns returns the types by name.
func releasedColumns(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, glue, _ := strings.Cut(line, " ")
		if _, twice := types[name]; twice || glue == "" {
			t.Errorf("%s: a column twice, or without a type: %s", released, line)
		}
		types[name] = glue
	}
	return types
}
