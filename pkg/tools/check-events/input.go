package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// part is a piece of the input: a line of its own, or a value of a JSON text over many lines.
type part struct {
	line    int    // where it begins, from 1
	data    []byte // good until the next part is asked for
	element bool   // of an array: an event, whatever it looks like
	tooLong bool   // longer than maxPart: there is no data
	last    bool   // of a text over many lines: what cannot be read, at column (in bytes from 1), and all that is behind it
	column  int
}

// maxPart is how many bytes a line, or an event of a text over many lines, may have. No record of a Kinesis stream can have more than 10 MiB
// ("Quotas and limits", Kinesis Data Streams Developer Guide).
const maxPart = 16 << 20

// source gives the input part by part. The error at its end is io.EOF.
type source interface {
	next() (part, error)
	lines() int // so far
}

// input finds out by the first line what the input is made of.
type input struct {
	reader *bufio.Reader
	source
}

func newInput(r io.Reader) *input { return &input{reader: bufio.NewReaderSize(r, 1<<16)} }

func (in *input) next() (part, error) {
	if in.source == nil {
		lines := &lineSource{reader: in.reader}
		first, err := lines.next()
		if err != nil || first.tooLong || !goesOn(first.data) {
			in.source = lines
			return first, err
		}
		in.source = newTextSource(first.line, io.MultiReader(bytes.NewReader(bytes.Clone(first.data)), in.reader))
	}
	return in.source.next()
}

func (in *input) lines() int { return in.source.lines() }

// goesOn reports whether the line is only the beginning of a JSON text. One that ends within a string is not: no string has a line's end.
func goesOn(line []byte) bool {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return false
	}
	d := decoder(bytes.NewReader(line))
	for {
		if err := d.SkipValue(); err != nil {
			return errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// decoder reads JSON as package record does: what is wrong inside an event is the judge's business.
func decoder(r io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// lineSource takes every line by itself. Blank ones are counted and passed over.
type lineSource struct {
	reader *bufio.Reader
	line   []byte
	n      int
}

func (s *lineSource) lines() int { return s.n }

func (s *lineSource) next() (part, error) {
	for {
		p := part{line: s.n + 1}
		s.line = s.line[:0]
		for {
			piece, err := s.reader.ReadSlice('\n')
			if p.tooLong = p.tooLong || len(s.line)+len(piece) > maxPart; !p.tooLong {
				s.line = append(s.line, piece...)
			}
			if err == nil {
				break
			}
			if errors.Is(err, io.EOF) && (p.tooLong || len(s.line) > 0) {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return part{}, err
			}
		}
		s.n++
		if p.data = s.line; p.tooLong {
			p.data = nil
		}
		if p.tooLong || len(bytes.TrimSpace(p.data)) > 0 {
			return p, nil
		}
	}
}

// textSource takes JSON values, and the elements of those that are arrays, wherever their lines end.
type textSource struct {
	decoder *jsontext.Decoder
	counter lineCounter
	array   bool // it is within one
	broken  bool
}

func newTextSource(firstLine int, r io.Reader) *textSource {
	s := &textSource{counter: lineCounter{reader: r, line: firstLine, total: firstLine - 1, ended: true}}
	s.decoder = decoder(&s.counter)
	return s
}

func (s *textSource) lines() int { return s.counter.total }

func (s *textSource) next() (part, error) {
	for !s.broken {
		kind := s.decoder.PeekKind()
		if !s.array && kind == jsontext.KindBeginArray || s.array && kind == jsontext.KindEndArray {
			s.array = !s.array
			if _, err := s.decoder.ReadToken(); err != nil {
				return s.fail(err)
			}
			continue
		}
		value, err := s.decoder.ReadValue()
		if err != nil {
			return s.fail(err)
		}
		line, _ := s.counter.at(s.decoder.InputOffset() - int64(len(value)))
		return part{line: line, data: value, element: s.array}, nil
	}
	return part{}, io.EOF
}

// fail makes the end of what can be read a part: what is behind it cannot be told.
func (s *textSource) fail(err error) (part, error) {
	s.broken = true
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTooLong):
		line, _ := s.counter.at(s.decoder.InputOffset())
		return part{line: line, tooLong: true, last: true}, nil
	case errors.As(err, &syntax):
		line, column := s.counter.at(syntax.ByteOffset)
		return part{line: line, column: column, last: true}, nil
	}
	return part{}, err
}

var errTooLong = errors.New("an event is too long")

// lineCounter passes on what it reads and knows on which line it stands.
type lineCounter struct {
	reader   io.Reader
	read     int64
	total    int     // lines begun
	line     int     // of the place last asked for
	start    int64   // where that line begins
	passed   int64   // the place itself
	newlines []int64 // read, but behind that place
	ended    bool    // the last byte read is a line's end
}

func (c *lineCounter) Read(p []byte) (int, error) {
	if c.read-c.passed > maxPart {
		return 0, errTooLong
	}
	n, err := c.reader.Read(p)
	for i, b := range p[:n] {
		if c.ended {
			c.total++
		}
		if c.ended = b == '\n'; c.ended {
			c.newlines = append(c.newlines, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// at is the line and the column of a place, which must not lie before the one last asked for.
func (c *lineCounter) at(place int64) (line, column int) {
	n := 0
	for n < len(c.newlines) && c.newlines[n] < place {
		c.start = c.newlines[n] + 1
		n++
	}
	c.line += n
	c.newlines = append(c.newlines[:0], c.newlines[n:]...)
	c.passed = place
	return c.line, int(place-c.start) + 1
}
