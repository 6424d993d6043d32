package vtl

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the templates render to testdata")

// golden is one case of a file of testdata: see testdata/README.
type golden struct {
	template, body, want, fault string
	request                     requestFile
	known                       bool // it has a want or an error
	isFault                     bool
}

type requestFile struct {
	Path, Query, Header, StageVariables map[string]string
	Context, ContextAfter               map[string]any
}

func (g *golden) set(t testing.TB, section, data string) {
	t.Helper()
	data = strings.TrimSuffix(data, "\n")
	switch section {
	case "template":
		g.template = data
	case "body":
		g.body = data
	case "want":
		g.want, g.known = data, true
	case "error":
		g.fault, g.known, g.isFault = data, true, true
	case "request":
		if err := json.Unmarshal([]byte(data), &g.request); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("unknown section %q", section)
	}
}

// render answers what a case renders, or its error's text.
func (g *golden) render() (got string, fault bool) {
	tmpl, err := Parse("t", g.template)
	var out []byte
	if err == nil {
		out, err = tmpl.Render(g.asRequest())
	}
	if err != nil {
		var place *Error
		if !errors.As(err, &place) {
			return fmt.Sprintf("not an *Error: %v", err), true
		}
		return err.Error(), true
	}
	return string(out), false
}

func (g *golden) asRequest() *Request {
	return &Request{
		Body: []byte(g.body), Path: g.request.Path, Query: g.request.Query, Header: g.request.Header,
		StageVariables: g.request.StageVariables, Context: g.request.Context,
	}
}

func readGolden(t testing.TB, file string) (*txtar.Archive, map[string]*golden) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*golden{}
	for _, f := range archive.Files {
		name, section, _ := strings.Cut(f.Name, "/")
		if cases[name] == nil {
			cases[name] = &golden{}
		}
		cases[name].set(t, section, string(f.Data))
	}
	return archive, cases
}

func goldenFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	return files
}

// allGolden answers the cases of each file.
func allGolden(t testing.TB) []map[string]*golden {
	t.Helper()
	var all []map[string]*golden
	for _, file := range goldenFiles(t) {
		_, cases := readGolden(t, file)
		all = append(all, cases)
	}
	return all
}

func TestGolden(t *testing.T) {
	for _, file := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, cases := readGolden(t, file)
			for _, name := range slices.Sorted(maps.Keys(cases)) {
				t.Run(name, func(t *testing.T) { checkGolden(t, archive, name, cases[name]) })
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func checkGolden(t *testing.T, archive *txtar.Archive, name string, g *golden) {
	got, fault := g.render()
	if *update {
		section := "want"
		if fault {
			section = "error"
		}
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == name+"/want" || f.Name == name+"/error" })
		at := 1 + slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name+"/template" })
		for at < len(archive.Files) && strings.HasPrefix(archive.Files[at].Name, name+"/") {
			at++
		}
		archive.Files = slices.Insert(archive.Files, at, txtar.File{Name: name + "/" + section, Data: []byte(got + "\n")})
		return
	}
	if !g.known {
		t.Fatal("the case has neither want nor error")
	}
	want := g.want
	if g.isFault {
		want = g.fault
	}
	if got != want || fault != g.isFault {
		t.Errorf("template %q\ngot  %q (error %v)\nwant %q (error %v)", g.template, got, fault, want, g.isFault)
	}
	if after := g.request.ContextAfter; after != nil {
		a, _ := json.Marshal(g.request.Context)
		b, _ := json.Marshal(after)
		if string(a) != string(b) {
			t.Errorf("template %q: $context is then %s, want %s", g.template, a, b)
		}
	}
}
