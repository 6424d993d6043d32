package record

import (
	"bytes"
	"iter"
	"strings"
)

// The functions of this file walk text that is known to be valid JSON. Finding where a value ends then takes no more
// than counting brackets, several times faster than reading it again.

// cursor goes through the values that stand one after the other in text, and through the elements of those that are
// arrays. It is no iterator because those that call others cost an allocation for each record.
type cursor struct {
	text       []byte
	left       int // values not yet reached
	start, end int // where the cursor is
	inArray    bool
}

func (c *cursor) value() []byte { return c.text[c.start:c.end:c.end] }

// next moves to the next value or element, if there is one.
func (c *cursor) next() bool {
	for {
		if c.inArray {
			if c.start = skipComma(c.text, c.end); c.text[c.start] != ']' {
				c.end = skipValue(c.text, c.start)
				return true
			}
			c.inArray = false
			c.end = c.start + 1
		}
		if c.left == 0 {
			return false
		}
		c.enter()
		if c.text[c.start] != '[' {
			return true
		}
		c.inArray = true
		c.end = c.start + 1
	}
}

// enter moves to the next value. What follows the last one is only white space: its end needs no search.
func (c *cursor) enter() {
	c.start = skipSpace(c.text, c.end)
	if c.left--; c.left > 0 {
		c.end = skipValue(c.text, c.start)
	} else {
		c.end = len(bytes.TrimRight(c.text, " \n\t\r"))
	}
}

// members yields the names, quotes and all, and the values of the object b.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := skipSpace(b, 1); b[i] != '}'; {
			name := skipString(b, i)
			start := skipSpace(b, skipSpace(b, name)+1) // the colon
			end := skipValue(b, start)
			if !yield(b[i:name:name], b[start:end:end]) {
				return
			}
			i = skipComma(b, end)
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func skipComma(b []byte, i int) int {
	if i = skipSpace(b, i); b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

// skipValue returns where the value that begins at i ends.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '{', '[':
		return skipNested(b, i)
	case '"':
		return skipString(b, i)
	case 't', 'n':
		return i + len("true")
	case 'f':
		return i + len("false")
	default:
		return skipNumber(b, i)
	}
}

// skipNested needs no stack: in valid JSON brackets close what they opened.
func skipNested(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			i = skipString(b, i)
			continue
		}
		i++
	}
}

func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipNumber follows the grammar to the letter, because numbers may follow each other without anything between:
// 01 is two of them, and so is 1-2.
func skipNumber(b []byte, i int) int {
	at := func(chars string) bool { return i < len(b) && strings.IndexByte(chars, b[i]) >= 0 }
	digits := func() {
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
	}
	if at("-") {
		i++
	}
	if at("0") {
		i++
	} else {
		digits()
	}
	if at(".") {
		i++
		digits()
	}
	if at("eE") {
		if i++; at("+-") {
			i++
		}
		digits()
	}
	return i
}
