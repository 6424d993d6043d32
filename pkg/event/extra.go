package event

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// stranger reads the value of a member that the type does not know and keeps it in extra, in the place where the event has it.
func (d *draft) stranger(name []byte, repeated bool) {
	raw := d.scan.Value()
	d.measure(raw)
	if repeated {
		d.reject("unique_names", DuplicateName)
	}
	if d.bare || len(d.rejections) > 0 {
		return // no row, so no extra
	}
	d.unknown++
	holder := len(d.way) - 2 // the last step is the member itself
	for i := range d.way[:holder+1] {
		d.open(i)
	}
	d.next(&d.way[holder])
	d.extra = append(appendText(d.extra, name), ':')
	d.extra = appendMended(slices.Grow(d.extra, len(raw)), raw)
}

// open begins the object or array that is at the i-th step of the way, if extra does not have it yet.
func (d *draft) open(i int) {
	s := &d.way[i]
	if s.opened {
		return
	}
	s.opened = true
	switch {
	case i == 0: // the event
	case s.element:
		for holder := &d.way[i-1]; holder.count < s.index; {
			d.next(holder)
			d.extra = append(d.extra, "null"...) // an element of which everything is known
		}
		d.next(&d.way[i-1])
	default:
		d.next(&d.way[i-1])
		d.extra = append(appendText(d.extra, s.name), ':')
	}
	if s.array {
		d.extra = append(d.extra, '[')
	} else {
		d.extra = append(d.extra, '{')
	}
}

// next makes way in extra for another member or element of s.
func (d *draft) next(s *step) {
	if s.count > 0 {
		d.extra = append(d.extra, ',')
	}
	s.count++
}

// close ends in extra what the last step of the way had begun there.
func (d *draft) close(s *step) {
	switch {
	case !s.opened:
	case s.array:
		d.extra = append(d.extra, ']')
	default:
		d.extra = append(d.extra, '}')
	}
}

// appendMended appends a JSON text as it was sent, but with U+FFFD for ill-formed UTF-8 and for lone surrogates: what reads the column
// may refuse either.
func appendMended(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\': // only strings have it, and it never stands alone
			n := escapeLen(raw[i:])
			if n == 0 {
				dst = append(dst, `\ufffd`...)
				n = len(`\ufffd`)
			} else {
				dst = append(dst, raw[i:i+n]...)
			}
			i += n
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}

// escapeLen is the length of the escape that s begins with, both halves of a surrogate pair being one, and 0 for a lone surrogate.
func escapeLen(s []byte) int {
	if s[1] != 'u' {
		return 2
	}
	const high, low, end = 0xd800, 0xdc00, 0xe000
	switch unit := hexUnit(s); {
	case unit < high || unit >= end:
		return 6
	case unit < low && len(s) >= 12 && s[6] == '\\' && s[7] == 'u':
		if second := hexUnit(s[6:]); second >= low && second < end {
			return 12
		}
	}
	return 0
}

// hexUnit is the UTF-16 unit of an escape such as \ud83d.
func hexUnit(s []byte) uint64 {
	unit, _ := strconv.ParseUint(string(s[2:6]), 16, 16) // the decoder has checked the digits
	return unit
}

// appendText appends s as a JSON string. Its error would only say that ill-formed UTF-8 was replaced by U+FFFD, which is what is wanted.
func appendText[T ~[]byte | ~string](dst []byte, s T) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
