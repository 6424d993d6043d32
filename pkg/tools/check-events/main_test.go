package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// bin is the folder of the program, as it is built.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "check-events-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	bin = folder
	if output, err := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(folder, "check-events"), ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/scripts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}

func TestExitStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		stdin string
		want  int
	}{
		"a valid event":        {nil, `{"type":"app_error","message":"m"}`, 0},
		"help":                 {[]string{"-help"}, "", 0},
		"an event refused":     {nil, `{"type":"app_error"}`, 1},
		"a line of no JSON":    {nil, "{\"type\":\"app_error\",\"message\":\"m\"}\n%", 1},
		"no event":             {nil, "", 1},
		"no file":              {[]string{"nowhere"}, "", 2},
		"no such flag":         {[]string{"-x"}, "", 2},
		"a long way of a file": {nil, strings.Repeat("{\"type\":\"app_error\",\"message\":\"m\"}\n", 10_000) + `{"type":"app_error"}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "check-events"), tc.args...)
			cmd.Stdin = strings.NewReader(tc.stdin)
			output, err := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != tc.want {
				t.Errorf("status %d, want %d (%v)\n%s", got, tc.want, err, output)
			}
		})
	}
}

// check runs the program on input and returns its JSON lines and the most memory that it had, in bytes.
func check(t *testing.T, input io.Reader) (findings []finding, s summary, memory int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "check-events"), "-json")
	cmd.Stdin = input
	output, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(output) {
		var l struct {
			finding
			Summary *summary
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Summary != nil {
			s = *l.Summary
		} else {
			findings = append(findings, l.finding)
		}
	}
	return findings, s, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// repeated reads as a text n times over.
type repeated struct {
	text string
	n    int
	rest string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n, r.rest = r.n-1, r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const event = `{"type":"app_error","message":"m","stack":"` + "at total (checkout.js:281)" + `","colour":"red"}`
	const n = 150_000
	for name, input := range map[string]io.Reader{
		"lines":         &repeated{text: event + "\n", n: n},
		"many lines":    io.MultiReader(strings.NewReader("[\n"), &repeated{text: event + ",\n", n: n}, strings.NewReader(event+"]")),
		"line after {}": io.MultiReader(strings.NewReader("{\n}\n"), &repeated{text: event + "\n", n: n}),
	} {
		t.Run(name, func(t *testing.T) {
			_, s, memory := check(t, input)
			if s.Valid < n || s.Unknown["colour"] < n {
				t.Errorf("summary: %+v", s)
			}
			if memory > 64<<20 {
				t.Errorf("it took %d MiB", memory>>20)
			}
		})
	}
}

func TestLongLines(t *testing.T) {
	filler := func(n int) io.Reader { return &repeated{text: strings.Repeat("x", 1<<10), n: n << 10} }
	const first, last = `{"type":"page_view","url":"https://a.example/","note":"`, `"}` + "\n"
	for name, tc := range map[string]struct {
		input io.Reader
		want  string // lines, valid, reasons
	}{
		"12 MiB on a line":      {io.MultiReader(strings.NewReader(first), filler(12), strings.NewReader(last+last)), "2 lines, 1 valid, map[invalid_json:1], findings [2]"},
		"more than is judged":   {io.MultiReader(strings.NewReader(first), filler(17), strings.NewReader(last+first+last)), "2 lines, 1 valid, map[too_long:1], findings [1]"},
		"the same, and its end": {io.MultiReader(strings.NewReader(first), filler(17)), "1 lines, 0 valid, map[too_long:1], findings [1]"},
		"an event of 12 MiB over many lines": {
			io.MultiReader(strings.NewReader("[\n"+first), filler(12), strings.NewReader(last+"]\n")), "3 lines, 1 valid, map[], findings []",
		},
		"more than is judged over many lines": {
			io.MultiReader(strings.NewReader("[\n{}, "+first), filler(17), strings.NewReader(last+"]\n")), "2 lines, 0 valid, map[missing:1 too_long:1], findings [2 2]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			findings, s, memory := check(t, tc.input)
			var where []int
			for _, f := range findings {
				where = append(where, f.Line)
			}
			if got := fmt.Sprintf("%d lines, %d valid, %v, findings %v", s.Lines, s.Valid, s.Reasons, where); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if memory > 256<<20 {
				t.Errorf("it took %d MiB", memory>>20)
			}
		})
	}
}

// Any input: nothing is left out of the summary, and a single line is judged as the record that it would be.
func FuzzInput(f *testing.F) {
	for _, input := range []string{
		`{"type":"app_error","message":"m"}`, "[\n{\"type\":\"app_error\"}\n]\n{\n", "{\n", "[[]\n]", `[{"type":"x"},1]{}`, "\n\n{}\r\n", "\xef\xbb\xbf{}",
		`{"hydrant":1,"data":[{"type":"app_error","message":"m","":{"":0}}]}`, `{"type":"page_view","url":"https://a.example/","viewport":{"x":[]},"y":null}`,
	} {
		f.Add([]byte(input))
	}
	judge, err := event.NewJudge()
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2025, 11, 22, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, in, found := newChecker(judge, now), newInput(bytes.NewReader(data)), 0
		for {
			p, err := in.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			c.check(p, func(f finding) {
				if found++; f.Line < 1 || len(f.Rejections) == 0 {
					t.Errorf("finding %+v", f)
				}
			})
		}
		s := &c.summary
		if s.Lines = in.lines(); s.Valid+s.Invalid != s.Events || s.Invalid+s.Unreadable != found || s.Lines > bytes.Count(data, []byte("\n"))+1 {
			t.Errorf("%+v, %d findings", s, found)
		}
		if !bytes.ContainsAny(data, "\n") && len(bytes.TrimSpace(data)) > 0 {
			r, err := record.Open(data, record.Source{ArrivedAt: now.UnixMilli()})
			events := 0
			if err == nil {
				for range r.Events() {
					events++
				}
			}
			if (err != nil) != (s.Unreadable == 1) || s.Events != events {
				t.Errorf("%+v, want %d events, as of the record (%v)", s, events, err)
			}
		}
		for _, r := range []report{newText(io.Discard, "f"), newLines(io.Discard)} {
			if err := r.end(s); err != nil {
				t.Error(err)
			}
		}
	})
}
