package event

import "time"

// Timestamp is a time in Unix milliseconds. Producers send it as an RFC 3339 string or as integer epoch milliseconds; it is written as
// 2026-11-22T09:30:00.123Z, since Firehose's OpenX JSON SerDe reads a bare number below 10^12 as seconds and refuses offsets such as
// +09:00 (Firehose Developer Guide, "Convert input record format").
type Timestamp int64

// The first and the last Timestamp that are accepted: the years 2000-2100 in UTC.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// parseTimestamp reads RFC 3339 strictly: capital T and Z, seconds 00-59, a point before the fraction. The fraction is cut to milliseconds.
// Go's own parser is laxer: it takes a comma before the fraction and hours of one digit.
func parseTimestamp(s []byte) (ms int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	century, year := twoDigits(s), twoDigits(s[2:])
	month, day := twoDigits(s[5:]), twoDigits(s[8:])
	hour, minute, second := twoDigits(s[11:]), twoDigits(s[14:]), twoDigits(s[17:])
	if century < 0 || year < 0 || month < 1 || month > 12 || day < 1 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	t := time.Date(century*100+year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day { // there is no such day in this month: Date went on into the next
		return 0, false
	}
	fraction, rest, ok := cutFraction(s[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(rest)
	return t.UnixMilli() + fraction - offset, ok
}

// cutFraction takes a fraction of a second, if there is one, from the front of s: its milliseconds and what is behind it.
func cutFraction(s []byte) (ms int64, rest []byte, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	end := 1
	for weight := int64(100); end < len(s) && isDigit(s[end]); end++ {
		ms += int64(s[end]-'0') * weight
		weight /= 10
	}
	return ms, s[end:], end > 1
}

// parseOffset reads Z or ±hh:mm: how far local time is ahead of UTC, in milliseconds.
func parseOffset(s []byte) (ms int64, ok bool) {
	if string(s) == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hour, minute := twoDigits(s[1:]), twoDigits(s[4:])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, false
	}
	ms = int64(hour*60+minute) * 60_000
	if s[0] == '-' {
		ms = -ms
	}
	return ms, true
}

// twoDigits is the number that s begins with, -1 if it does not begin with two digits.
func twoDigits(s []byte) int {
	if !isDigit(s[0]) || !isDigit(s[1]) {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// appendTimestamp writes ms, of a year of four digits, as a JSON string: "2026-11-22T09:30:00.123Z".
func appendTimestamp(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"')
	dst = appendTwoDigits(dst, year/100)
	dst = appendTwoDigits(dst, year%100)
	dst = appendTwoDigits(append(dst, '-'), int(month))
	dst = appendTwoDigits(append(dst, '-'), day)
	dst = appendTwoDigits(append(dst, 'T'), hour)
	dst = appendTwoDigits(append(dst, ':'), minute)
	dst = appendTwoDigits(append(dst, ':'), second)
	milliseconds := t.Nanosecond() / 1e6
	dst = append(dst, '.', byte('0'+milliseconds/100))
	dst = appendTwoDigits(dst, milliseconds%100)
	return append(dst, 'Z', '"')
}

func appendTwoDigits(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10%10), byte('0'+n%10))
}
