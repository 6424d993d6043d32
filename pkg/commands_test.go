package pkg_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every make command that a page or a workflow mentions is a target of the Makefile: whoever reads one types it.
func TestCommandsThatAreWrittenDownExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, line := range strings.Split(string(makefile), "\n") {
		if names, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "\t") {
			for _, name := range strings.Fields(names) {
				targets[name] = true
			}
		}
	}
	paths := []string{"../.ci/run"}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../.github/workflows/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	// Behind the mark of code in a page, at the beginning of a command, or behind another one.
	mention := regexp.MustCompile("(?m)(?:`|^\\s*|run: |&& |\\$ )make ([a-z][a-z-]*)")
	mentioned := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mention.FindAllStringSubmatch(code(path, string(text)), -1) {
			mentioned++
			if !targets[m[1]] {
				t.Errorf("%s mentions make %s, which the Makefile does not have", path, m[1])
			}
		}
	}
	if mentioned < 20 {
		t.Errorf("found %d commands alone: this test does not see them any more", mentioned)
	}
}

// SAM deploys what lies there: a page that has somebody run it by itself has the sources deployed in the place of programs.
func TestPagesDeployByMake(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages (%v)", err)
	}
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`sam deploy --[a-z-]+ \S+`).FindString(code(page, string(text))); found != "" {
			t.Errorf("%s has somebody run %q: make deploy looks first", page, found)
		}
	}
}

// code is what is set as code in a page, and all of another file.
func code(path, text string) string {
	if filepath.Ext(path) != ".md" {
		return text
	}
	return strings.Join(regexp.MustCompile("(?s)```.*?```|`[^`\n]+`").FindAllString(text, -1), "\n")
}

// CONTRIBUTING.md names each thing in .ci.
func TestWhatChecksIsNamed(t *testing.T) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("../.ci")
	if err != nil || len(entries) == 0 {
		t.Fatalf("nothing in .ci (%v)", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if name == "__pycache__" {
			continue // of a script that was run by hand
		}
		if entry.IsDir() {
			name += "/"
		}
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("CONTRIBUTING.md does not say what .ci/%s is", name)
		}
	}
}
