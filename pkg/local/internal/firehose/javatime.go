package firehose

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A timeFormat is a compiled pattern of Java's DateTimeFormatter, which is what Firehose's timestamp expressions are written in
// (Firehose developer guide, "Custom prefixes for Amazon S3 objects").
type timeFormat []timeField

// timeField is a literal text, or count letters of one kind.
type timeField struct {
	literal string
	letter  byte
	count   int
}

// parseTimeFormat compiles a pattern. It refuses letters that Java gives no meaning, and those that this package does not know.
func parseTimeFormat(pattern string) (timeFormat, error) {
	var format timeFormat
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, length, err := quoted(pattern[i:])
			if err != nil {
				return nil, err
			}
			format, i = append(format, timeField{literal: text}), i+length
		case isLetter(c):
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			if err := checkField(c, n); err != nil {
				return nil, err
			}
			format, i = append(format, timeField{letter: c, count: n}), i+n
		case strings.IndexByte("[]{}#", c) >= 0:
			return nil, fmt.Errorf("%q is reserved in a DateTimeFormatter pattern; put it in single quotes", string(c))
		default:
			format, i = append(format, timeField{literal: pattern[i : i+1]}), i+1
		}
	}
	return format, nil
}

// quoted reads the text in single quotes at the start of s; two single quotes are one of them, inside quotes and outside.
func quoted(s string) (text string, length int, err error) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, fmt.Errorf("a single quote is never closed")
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// maxFieldLetters is how many of each letter make sense; Java refuses more.
var maxFieldLetters = map[byte]int{
	'y': 19, 'u': 19, 'M': 4, 'L': 4, 'd': 2, 'D': 3, 'H': 2, 'h': 2, 'k': 2, 'K': 2, 'm': 2, 's': 2, 'S': 9, 'n': 19, 'N': 19, 'a': 1, 'E': 4,
}

func checkField(letter byte, count int) error {
	if letter == 'Y' {
		return fmt.Errorf("%s is the year of the week, which differs from the calendar's around New Year: write %s",
			strings.Repeat("Y", count), strings.Repeat("y", count))
	}
	limit, ok := maxFieldLetters[letter]
	if !ok {
		return fmt.Errorf("the DateTimeFormatter letter %q is not supported by the local runner", string(letter))
	}
	if count > limit {
		return fmt.Errorf("too many letters in %q", strings.Repeat(string(letter), count))
	}
	return nil
}

// append appends t in the format to dst. Names of months and days are English, as in Java's root locale's en_US data.
func (format timeFormat) append(dst []byte, t time.Time) []byte {
	for _, f := range format {
		switch f.letter {
		case 0:
			dst = append(dst, f.literal...)
		case 'y', 'u':
			dst = f.appendYear(dst, t.Year())
		case 'M', 'L':
			dst = f.appendName(dst, int(t.Month()), t.Month().String())
		case 'E':
			dst = f.appendDay(dst, t.Weekday().String())
		case 'a':
			dst = t.AppendFormat(dst, "PM")
		case 'S':
			// A fraction keeps its leading digits, where every other number keeps its trailing ones.
			dst = append(dst, fmt.Sprintf("%09d", t.Nanosecond())[:f.count]...)
		default:
			dst = appendPadded(dst, f.number(t), f.count)
		}
	}
	return dst
}

func (f timeField) number(t time.Time) int {
	switch f.letter {
	case 'd':
		return t.Day()
	case 'D':
		return t.YearDay()
	case 'H':
		return t.Hour()
	case 'h':
		return (t.Hour()+11)%12 + 1
	case 'k':
		return (t.Hour()+23)%24 + 1
	case 'K':
		return t.Hour() % 12
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	case 'n':
		return t.Nanosecond()
	default: // N, the nanosecond of the day
		return ((t.Hour()*60+t.Minute())*60+t.Second())*1e9 + t.Nanosecond()
	}
}

// appendYear appends the last two digits for two letters, else the whole year.
func (f timeField) appendYear(dst []byte, year int) []byte {
	if f.count == 2 {
		return appendPadded(dst, year%100, 2)
	}
	return appendPadded(dst, year, f.count)
}

func (f timeField) appendName(dst []byte, number int, name string) []byte {
	switch f.count {
	case 1, 2:
		return appendPadded(dst, number, f.count)
	case 3:
		return append(dst, name[:3]...)
	default:
		return append(dst, name...)
	}
}

func (f timeField) appendDay(dst []byte, name string) []byte {
	if f.count == 4 {
		return append(dst, name...)
	}
	return append(dst, name[:3]...)
}

func appendPadded(dst []byte, n, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], int64(n), 10)
	for i := len(text); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
