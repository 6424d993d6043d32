// Package jsonscan reads JSON text where it lies, in one pass and without a copy. Everything on the data's way is read by it.
//
// It is strict (RFC 8259) but for two things, on which its callers have rules of their own: members of one name, and ill-formed UTF-8 in
// strings. It exists for its speed: a decoder of the libraries keeps a stack of what it is in, while code that reads a known shape knows.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Scanner reads JSON values that stand one after the other. What comes next is seen by Peek; a value is then read whole, by Value or String,
// or in parts:
//
//	for s.Enter(); s.More('}'); {    // Peek has seen a '{'
//		name, plain := s.Name()
//		... read the member's value
//	}
//
// and so an array, with ']' and no names. After a mistake in the text there is nothing more: loops end, and Failed tells. What was read
// before it stays read.
type Scanner struct {
	text    []byte
	at      int
	entered bool // what was entered last has shown no member or element yet
	failed  bool
	mistake int
}

// maxLevels is how deep arrays and objects inside one Value may be nested. It is encoding/json's limit.
const maxLevels = 10_000

// New returns a Scanner of text, which must not change while it or what it has returned is in use.
func New(text []byte) Scanner { return Scanner{text: text} }

// Failed reports whether the text is no JSON, as far as it was read.
func (s *Scanner) Failed() bool { return s.failed }

// Offset is how many bytes were read; after a mistake, where that is.
func (s *Scanner) Offset() int {
	if s.failed {
		return s.mistake
	}
	return s.at
}

// End reports whether nothing but white space is left, as it is after a mistake.
func (s *Scanner) End() bool { return s.Peek() == 0 && s.at == len(s.text) }

func (s *Scanner) fail(at int) {
	if !s.failed {
		s.failed, s.mistake = true, at
	}
	s.at = len(s.text)
}

// Peek returns the byte that the next value begins with, as far as there is one: a quotation mark, a bracket, a digit or a minus, t, f or n.
// At the end of the text it is 0.
func (s *Scanner) Peek() byte {
	for s.at < len(s.text) {
		c := s.text[s.at]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.at++
	}
	return 0
}

// Enter goes into the object or the array that Peek has seen.
func (s *Scanner) Enter() {
	s.at++
	s.entered = true
}

// More reports whether the object or array that closes with this bracket has another member or element, and moves to it, or out.
func (s *Scanner) More(closing byte) bool {
	c := s.Peek()
	first := s.entered
	s.entered = false
	switch {
	case c == closing:
		s.at++
		return false
	case first && c != 0:
		return true
	case !first && c == ',':
		s.at++
		if c := s.Peek(); c != 0 && c != closing {
			return true
		}
	}
	s.fail(s.at)
	return false
}

// Name reads a member's name and the colon behind it. It returns what String does.
func (s *Scanner) Name() (quoted []byte, plain bool) {
	quoted, plain = s.string() // More has seen how it begins
	if s.Peek() != ':' {
		s.fail(s.at)
		return nil, false
	}
	s.at++
	return quoted, plain
}

// String reads a string and returns its text with the quotation marks, nil if there is none. A plain one is ASCII without escapes.
func (s *Scanner) String() (quoted []byte, plain bool) {
	s.Peek()
	return s.string()
}

// string is String where Peek was called already.
func (s *Scanner) string() (quoted []byte, plain bool) {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		s.fail(s.at)
		return nil, false
	}
	start := s.at
	plain = true
	for i := start + 1; ; {
		i += plainLen(s.text[i:])
		if i == len(s.text) {
			s.fail(i)
			return nil, false
		}
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return s.text[start:s.at:s.at], plain
		case c == '\\':
			n := escapeLen(s.text[i:])
			if n == 0 {
				s.fail(i)
				return nil, false
			}
			i += n
		case c < ' ':
			s.fail(i)
			return nil, false
		default: // not ASCII, and rarely alone
			for i < len(s.text) && s.text[i] >= 0x80 {
				i++
			}
		}
		plain = false
	}
}

// plainLen is how many bytes of a string, from the beginning of b on, are ASCII and mean themselves. It looks at eight at a time: of each
// of these terms the lowest byte with its high bit set is one that does not.
func plainLen(b []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(b); n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		special := w | (w - ' '*each) | ((w ^ '"'*each) - each) | ((w ^ '\\'*each) - each)
		if special &= high; special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] < 0x80 && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// escapeLen is the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// Value reads the next value whole and returns its text, nil if there is none.
func (s *Scanner) Value() []byte {
	s.Peek()
	start := s.at
	s.value(0)
	if s.failed {
		return nil
	}
	return s.text[start:s.at:s.at]
}

func (s *Scanner) value(level int) {
	switch s.Peek() {
	case '"':
		s.string()
	case '{', '[':
		s.nested(level)
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

func (s *Scanner) nested(level int) {
	if level == maxLevels {
		s.fail(s.at)
		return
	}
	if s.text[s.at] == '[' {
		for s.Enter(); s.More(']'); {
			s.value(level + 1)
		}
		return
	}
	for s.Enter(); s.More('}'); {
		s.Name()
		s.value(level + 1)
	}
}

func (s *Scanner) literal(text string) {
	if !bytes.HasPrefix(s.text[s.at:], []byte(text)) {
		s.fail(s.at)
		return
	}
	s.at += len(text)
}

// number reads a number to its end by the grammar: what follows one at the top level needs no space between.
func (s *Scanner) number() {
	s.skip('-')
	if !s.skip('0') {
		s.digits()
	}
	if s.skip('.') {
		s.digits()
	}
	if s.skip('e') || s.skip('E') {
		_ = s.skip('+') || s.skip('-')
		s.digits()
	}
}

func (s *Scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// digits reads one or more.
func (s *Scanner) digits() {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.fail(start)
	}
}
