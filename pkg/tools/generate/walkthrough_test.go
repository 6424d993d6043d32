package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hydrant/pkg/event"
)

const (
	walkthrough   = "docs/add-an-event-type.md"
	catalogueFile = "pkg/event/catalogue.go"
)

// The page on adding an event type is done to the letter, in a copy of the module.
func TestWalkthrough(t *testing.T) {
	if slices.Contains(event.Types(), "search") {
		return // somebody has done it already: the page has served its purpose, and search is theirs
	}
	page := read(t, module, walkthrough)
	blocks := codeBlocks(page)
	structure, entry := blocks["go"][0], blocks["go"][1]
	if lines := strings.Count(structure, "\n") + strings.Count(entry, "\n"); !strings.Contains(page, fmt.Sprintf("It takes %d lines in one file.", lines)) {
		t.Errorf("the page does not say that it takes %d lines in one file", lines)
	}
	root := copyModule(t)
	before := read(t, root, catalogueFile)
	after := addType(t, before, structure, entry)

	t.Run("a mistake is named and nothing is written", func(t *testing.T) {
		write(t, root, catalogueFile, strings.Replace(after, "required,min=1,max=256", "required,min=1,mx=256", 1))
		stdout, stderr, err := command(t, root, "", "go", "run", "./pkg/tools/generate")
		if err == nil || stdout != "" || !slices.Contains(blocks[""], strings.TrimSuffix(stderr, "exit status 1\n")) {
			t.Errorf("generate: %v\n%s%s", err, stdout, stderr)
		}
	})
	write(t, root, catalogueFile, after)
	t.Run("generate writes what the page says", func(t *testing.T) {
		stdout, stderr, err := command(t, root, "", "go", "run", "./pkg/tools/generate")
		if err != nil || !slices.Contains(blocks[""], stdout) {
			t.Errorf("generate: %v\n%s%s", err, stdout, stderr)
		}
	})
	t.Run("the tests pass", func(t *testing.T) {
		for _, args := range [][]string{
			{"vet", "./pkg/event", "./pkg/transform", "./pkg/tools/generate", "./functions/..."},
			{"test", "-vet=off", "-skip", "^TestWalkthrough$", "./pkg/event", "./pkg/transform", "./pkg/tools/generate", "./functions/transform"},
		} {
			if stdout, stderr, err := command(t, root, "", "go", args...); err != nil {
				t.Errorf("go %s: %v\n%s%s", args, err, stdout, stderr)
			}
		}
	})
	t.Run("an event of the type is judged", func(t *testing.T) { judgeSearches(t, root, page) })
	t.Run("and there is a way back", func(t *testing.T) { takeBack(t, root, before) })
}

// judgeSearches asks check-events about the page's events and some more.
func judgeSearches(t *testing.T, root, page string) {
	for data, want := range map[string]string{
		between(page, "echo '", "'"):                                              between(page, "standard input:1: ", "\n"),
		strings.TrimSuffix(between(page, `{"Data": `, "\n"), "}"):                 "1 event is valid.",
		read(t, root, "events/samples/search.json"):                               "1 event is valid.",
		`{"type":"search","query":"q","results":-1}`:                              "search /results: out_of_range (min=0)",
		`[{"type":"search"},{"type":"page_view","url":"https://a.example/"}]`:     "search /query: missing (required)",
		`{"type":"search","query":"q","filters":["a",""],"took_ms":1.5,"page":2}`: "search /filters/1: too_short (min=1)",
	} {
		stdout, _, _ := command(t, root, data, "go", "run", "./pkg/tools/check-events") // of its status go run makes its own
		if want == "" || !strings.Contains(stdout, want) {
			t.Errorf("%s\n%s\nwant %s", data, stdout, want)
		}
	}
}

// takeBack does what the page says of a type that was never deployed.
func takeBack(t *testing.T, root, before string) {
	write(t, root, catalogueFile, before)
	_, stderr, err := command(t, root, "", "go", "run", "./pkg/tools/generate")
	if err == nil || !strings.Contains(stderr, "column query (string) is released and gone from the catalogue") {
		t.Errorf("generate: %v\n%s", err, stderr)
	}
	write(t, root, releasedPath, read(t, module, releasedPath))
	if err := os.Remove(filepath.Join(root, "events/samples/search.json")); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, err := command(t, root, "", "go", "run", "./pkg/tools/generate"); err != nil {
		t.Fatalf("generate: %v\n%s%s", err, stdout, stderr)
	}
	for _, f := range mustFiles(t) {
		if got := read(t, root, f.path); got != string(f.after) {
			t.Errorf("%s is not as it was", f.path)
		}
	}
}

// addType puts the page's code where it says: the struct at the file's end, the entry at the list's.
func addType(t *testing.T, catalogue, structure, entry string) string {
	t.Helper()
	head, rest, ok := strings.Cut(catalogue, "var catalogue = []kind{\n")
	list, tail, closed := strings.Cut(rest, "\n}\n")
	if !ok || !closed {
		t.Fatalf("%s has no list", catalogueFile)
	}
	return head + "var catalogue = []kind{\n" + list + "\n" + entry + "}\n" + tail + "\n" + structure
}

// codeBlocks are the page's fenced blocks, by language.
func codeBlocks(page string) map[string][]string {
	blocks := map[string][]string{}
	parts := strings.Split(page, "\n```")
	for i := 1; i < len(parts); i += 2 {
		language, code, _ := strings.Cut(parts[i], "\n")
		blocks[language] = append(blocks[language], code+"\n")
	}
	return blocks
}

// between is what stands in text between two others, the first of its kind.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

func mustFiles(t *testing.T) []file {
	t.Helper()
	all, err := files(module)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// copyModule copies everything but hidden folders: what is in them was built or downloaded, or is git's. The copy always lies in the same
// place, so that Go has what it compiled there the last time.
func copyModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join(module, ".cache", "test", "walkthrough"))
	if err == nil {
		err = os.MkdirAll(root, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(empty(root), folder.Close()); err != nil {
			t.Error(err)
		}
	})
	// Another test of this module may be at it.
	if err := errors.Join(syscall.Flock(int(folder.Fd()), syscall.LOCK_EX), empty(root)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(module, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".") && name != "." {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(root, name), 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		defer from.Close()
		to, err := os.Create(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
		return to.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return err
}

func read(t *testing.T, root, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	if err := (file{path: path, after: []byte(text)}).write(root); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, dir, stdin, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}
