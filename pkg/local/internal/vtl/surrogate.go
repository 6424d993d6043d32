package vtl

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// surrogate answers the lone surrogate that s begins with, in the three bytes that a string has for it; or 0.
func surrogate[T string | []byte](s T) uint16 {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80 {
		return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F)
	}
	return 0
}

func isHigh(u uint16) bool { return 0xD800 <= u && u < 0xDC00 }

func isLow(u uint16) bool { return 0xDC00 <= u && u < 0xE000 }

// appendUnit appends one UTF-16 unit. A low surrogate behind a high one makes a character of both.
func appendUnit(b []byte, u uint16) []byte {
	if !isHigh(u) && !isLow(u) {
		return utf8.AppendRune(b, rune(u))
	}
	if n := len(b); isLow(u) && n >= 3 {
		if before := surrogate(b[n-3:]); isHigh(before) {
			return utf8.AppendRune(b[:n-3], utf16.DecodeRune(rune(before), rune(u)))
		}
	}
	return append(b, 0xED, byte(0x80|u>>6&0x3F), byte(0x80|u&0x3F))
}

// units answers s as Java counts and cuts it.
func units(s string) []uint16 {
	out := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if u := surrogate(s[i:]); u != 0 {
			out = append(out, u)
			i += 3
			continue
		}
		c, n := utf8.DecodeRuneInString(s[i:])
		out = utf16.AppendRune(out, c)
		i += n
	}
	return out
}

func fromUnits(units []uint16) string {
	b := make([]byte, 0, len(units))
	for _, u := range units {
		b = appendUnit(b, u)
	}
	return string(b)
}

// isASCII says that a string's bytes are its UTF-16 units.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// validUTF8 makes b text that may leave the template: two surrogates that have come together are one character, each lone one is U+FFFD.
func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return []byte(string(utf16.Decode(units(string(b)))))
}

// mended is b with U+FFFD for each byte that is no UTF-8, as Go's encoding/json reads it. AWS does not say how many API Gateway makes.
func mended(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.Map(func(c rune) rune { return c }, b)
}

// validString is validUTF8 of a string.
func validString(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string(validUTF8([]byte(s)))
}

const hexDigits = "0123456789ABCDEF"

// appendEscaped appends \u and four digits.
func appendEscaped(b []byte, u uint16) []byte {
	return append(b, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

// appendQuoted appends s as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = appendEscaped(b, uint16(c))
		default:
			if u := surrogate(s[i:]); u != 0 {
				b = appendEscaped(b, u)
				i += 2
				continue
			}
			b = append(b, c)
		}
	}
	return append(b, '"')
}
