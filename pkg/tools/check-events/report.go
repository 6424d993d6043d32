package main

import (
	"bufio"
	"encoding/json"
	"io"
)

// report is where findings go as they are made, and the summary at the end.
type report interface {
	finding(f finding)
	end(s *summary) error
}

// lines reports JSON lines, for programs.
type lines struct {
	out     *bufio.Writer
	encoder *json.Encoder
	err     error
}

func newLines(w io.Writer) *lines {
	l := &lines{out: bufio.NewWriter(w)}
	l.encoder = json.NewEncoder(l.out)
	l.encoder.SetEscapeHTML(false)
	return l
}

func (l *lines) finding(f finding) { l.print(f) }

func (l *lines) print(v any) {
	if err := l.encoder.Encode(v); err != nil && l.err == nil {
		l.err = err
	}
}

func (l *lines) end(s *summary) error {
	l.print(map[string]*summary{"summary": s})
	if l.err != nil {
		return l.err
	}
	return l.out.Flush()
}
