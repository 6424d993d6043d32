package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"hydrant/pkg/event"
)

// text reports to people.
type text struct {
	out    *bufio.Writer
	file   string
	colour bool
}

// newText has colours if w is a terminal. NO_COLOR takes them away (no-color.org).
func newText(w io.Writer, file string) *text {
	t := &text{out: bufio.NewWriter(w), file: file}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return t
}

const (
	red   = "31"
	green = "32"
	bold  = "1"
)

func (t *text) in(style, s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// printf drops errors: they stay with the writer, and end returns them.
func (t *text) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

func (t *text) finding(f finding) {
	where := fmt.Sprintf("%s:%d: ", t.file, f.Line)
	if f.Column > 0 {
		where = fmt.Sprintf("%s:%d:%d: ", t.file, f.Line, f.Column)
	}
	if f.many {
		where += fmt.Sprintf("event %d: ", f.Event)
	}
	for _, r := range f.Rejections {
		field := printable(r.Field)
		switch {
		case field == "" && f.Event == 0:
			field = "line"
		case field == "":
			field = "event"
		}
		if f.Type != "" {
			field = f.Type + " " + field
		}
		t.printf("%s%s: %s (%s)\n", where, field, t.in(red, string(r.Reason)), r.Rule)
	}
	if f.Request {
		t.printf("%sthis is a request: check-events takes what stands in its Data\n", where)
	}
	if f.Rest {
		t.printf("%swhat is behind it was not read\n", where)
	}
}

// printable is a name of the file's, which may hold anything, as a terminal may be given it.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if inner := quoted[1 : len(quoted)-1]; inner != s {
		return quoted
	}
	return s
}

func (t *text) end(s *summary) error {
	if s.Invalid+s.Unreadable > 0 {
		t.printf("\n")
	}
	t.types(s)
	t.reasons(s)
	t.unknown(s)
	var verdict []string
	if s.Events+s.Unreadable == 0 {
		verdict = append(verdict, "There are no events in "+t.file+".")
	}
	if s.Invalid > 0 {
		verdict = append(verdict, fmt.Sprintf("%d of %s refused.", s.Invalid, are(s.Events, "event")))
	}
	if s.Unreadable > 0 {
		verdict = append(verdict, fmt.Sprintf("%s could not be read.", plural(s.Unreadable, "line")))
	}
	style := red
	if s.good() {
		style, verdict = green, append(verdict, are(s.Events, "event")+" valid.")
	}
	t.printf("%s\n", t.in(style, strings.Join(verdict, " ")))
	return t.out.Flush()
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

func are(n int, noun string) string {
	if n == 1 {
		return plural(n, noun) + " is"
	}
	return plural(n, noun) + " are"
}

func (t *text) types(s *summary) {
	var rows [][]string
	for _, kind := range slices.Sorted(maps.Keys(s.Types)) {
		n := s.Types[kind]
		rows = append(rows, []string{kind, strconv.Itoa(n.Valid), strconv.Itoa(n.Invalid)})
	}
	t.table("%-*s  %*s  %*s", []string{"type", "valid", "invalid"}, rows)
}

func (t *text) reasons(s *summary) {
	var rows [][]string
	for _, r := range event.Reasons() {
		if n := s.Reasons[r.Reason]; n > 0 {
			rows = append(rows, []string{string(r.Reason), strconv.Itoa(n), r.Sentence})
		}
	}
	t.table("%-*s  %*s  %-*s", []string{"reason", "times", ""}, rows)
}

func (t *text) unknown(s *summary) {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(s.Unknown)) {
		rows = append(rows, []string{printable(name), strconv.Itoa(s.Unknown[name]), ""})
	}
	t.table("%-*s  %*s  %-*s", []string{"unknown field", "times", "no mistake: it is kept in the column extra"}, rows)
}

// table prints rows of three cells below their heading, as wide as need be, and a blank line. A row's format has a width before each cell.
func (t *text) table(format string, heading []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	rows = append([][]string{heading}, rows...)
	var widths [3]int
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range rows {
		line := strings.TrimRight(fmt.Sprintf("  "+format, widths[0], row[0], widths[1], row[1], widths[2], row[2]), " ")
		if i == 0 {
			line = t.in(bold, line)
		}
		t.printf("%s\n", line)
	}
	t.printf("\n")
}
