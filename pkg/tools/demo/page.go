package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// page is where the report is written: lines of at most width columns, with colours on a terminal.
type page struct {
	w      io.Writer
	width  int
	colour bool
}

const (
	plainWidth = 100 // where there is no terminal to fit
	leastWidth = 60
	mostWidth  = 160
)

// newPage fits a page to what w is. NO_COLOR takes the colours away (no-color.org), COLUMNS says the width where there is no terminal.
func newPage(w io.Writer) *page {
	p := &page{w: w, width: plainWidth}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		p.width = n
	}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			p.width = n
		}
	}
	p.width = min(max(p.width, leastWidth), mostWidth)
	return p
}

// style is the inside of an ANSI escape sequence ("Select Graphic Rendition").
type style string

const (
	plain style = ""
	bold  style = "1"
	faint style = "2"
	red   style = "31"
	green style = "32"
	amber style = "33"
)

// word is a piece of text that is not broken.
type word struct {
	text  string
	style style
}

func (p *page) paint(w word) string {
	if !p.colour || w.style == plain || w.text == "" {
		return w.text
	}
	return "\033[" + string(w.style) + "m" + w.text + "\033[0m"
}

// line writes words with a space between them on one line, cut off where it is full.
func (p *page) line(indent int, words ...word) {
	out, room := strings.Repeat(" ", indent), p.width-indent
	for i, w := range words {
		if i > 0 && room > 1 {
			out, room = out+" ", room-1
		}
		w.text = cut(w.text, room)
		room -= columns(w.text)
		out += p.paint(w)
	}
	fmt.Fprintln(p.w, strings.TrimRight(out, " "))
}

// paragraph writes words with a space between them, on as many lines as it takes: the first indented by indent, the others by rest. A word
// that is too long for a line is cut off.
func (p *page) paragraph(indent, rest int, words []word) {
	for ; len(words) > 0; indent = rest {
		n, used := 0, 0
		for n < len(words) && (n == 0 || used+1+columns(words[n].text) <= p.width-indent) {
			used += columns(words[n].text)
			if n > 0 {
				used++
			}
			n++
		}
		p.line(indent, words[:n]...)
		words = words[n:]
	}
}

// heading begins a section.
func (p *page) heading(title, note string) {
	fmt.Fprintln(p.w)
	words := []word{{"──", faint}, {title, bold}}
	used := columns("── ") + columns(title)
	if note != "" {
		words, used = append(words, word{note, faint}), used+1+columns(note)
	}
	rule := strings.Repeat("─", max(2, p.width-used-1))
	p.line(0, append(words, word{rule, faint})...)
}

// cut shortens a text to so many columns, with … for what is left out.
func cut(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	used := 1
	for i, r := range text {
		if used+columnsOf(r) > most {
			return text[:i] + "…"
		}
		used += columnsOf(r)
	}
	return text
}

// cutMiddle shortens a text of one-column characters to so many columns, and leaves its two ends.
func cutMiddle(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	runes := []rune(text)
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}

// columns is how wide a terminal shows a text.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

// columnsOf is how wide a terminal shows a character: Chinese, Japanese and Korean ones and pictures take two columns (Unicode Standard
// Annex 11), marks that go on top of the one before take none.
func columnsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// printable makes a text safe to print on one line: what a terminal would not show, or would obey, is escaped.
func printable(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if unprintable(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
