package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

const module = "../../.."

// The one test of this package that a user of the project meets: it fails after a change of the catalogue.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	if err := run([]string{"-check", "-root", module}, io.Discard); err != nil {
		t.Error(err)
	}
}

// copied is a module's root with the files that generate changes, and none of those that it makes.
func copied(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, path := range []string{"template.yaml", releasedPath} {
		text, err := os.ReadFile(filepath.Join(module, path))
		if err != nil {
			t.Fatal(err)
		}
		if err := (file{path: path, after: text}).write(root); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRunWritesWhatIsStaleAndNothingElse(t *testing.T) {
	root := copied(t)
	var wrote bytes.Buffer
	if err := run([]string{"-root", root}, &wrote); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(wrote.String(), "template.yaml") || !strings.Contains(wrote.String(), "wrote docs/events.md\n") {
		t.Errorf("a first run: %s", &wrote)
	}
	for _, line := range strings.Fields(strings.ReplaceAll(wrote.String(), "wrote ", "")) {
		got, err := os.ReadFile(filepath.Join(root, line))
		want, wantErr := os.ReadFile(filepath.Join(module, line))
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from the module's own (%v, %v)", line, err, wantErr)
		}
	}
	wrote.Reset()
	if err := run([]string{"-root", root}, &wrote); err != nil || wrote.Len() > 0 {
		t.Errorf("a second run: %v, %s", err, &wrote)
	}
}

func TestCheckNamesWhatIsStaleAndWritesNothing(t *testing.T) {
	root := copied(t)
	if err := run([]string{"-root", root}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for path, stale := range map[string]func(string) string{
		"template.yaml":               func(s string) string { return bufferLine.ReplaceAllString(s, "${1}2.9${2}") },
		releasedPath:                  func(s string) string { return s[:strings.LastIndex(strings.TrimSpace(s), "\n")+1] },
		"docs/events.md":              func(s string) string { return s + "\n" },
		"events/transform/batch.json": func(string) string { return "" },
	} {
		t.Run(path, func(t *testing.T) {
			name := filepath.Join(root, path)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			changed := []byte(stale(string(text)))
			if err := os.WriteFile(name, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			err = run([]string{"-root", root, "-check"}, io.Discard)
			if err == nil || err.Error() != path+": "+errStale.Error() {
				t.Errorf("-check: %v", err)
			}
			if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, changed) {
				t.Errorf("-check wrote the file (%v)", err)
			}
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRunWithoutAFileThatMustBeThere(t *testing.T) {
	root := copied(t)
	if err := os.Remove(filepath.Join(root, "template.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-root", root}, io.Discard); err == nil || !strings.Contains(err.Error(), "template.yaml") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "docs")); err == nil {
		t.Error("it wrote some of the files")
	}
}

func TestRelease(t *testing.T) {
	columns := []event.Column{{Name: "a", Type: "int"}, {Name: "c", Type: "map<string,string>"}, {Name: "b", Type: "string"}}
	for name, tc := range map[string]struct{ list, want, err string }{
		"nothing new":            {"# note\nb string\na int\nc map<string,string>\n", "# note\nb string\na int\nc map<string,string>\n", ""},
		"new ones go to the end": {"b string\n", "b string\na int\nc map<string,string>\n", ""},
		"one is gone":            {"b string\nd int\n", "", "column d (int) is released and gone"},
		"one has another type":   {"a bigint\n", "", "column a is released as bigint and is int"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := release([]byte(tc.list), columns)
			if string(got) != tc.want || (tc.err == "") != (err == nil) {
				t.Errorf("release = %q, %v; want %q", got, err, tc.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), "put the fields back")) {
				t.Errorf("error: %v; want %s", err, tc.err)
			}
		})
	}
}
