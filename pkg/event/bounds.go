package event

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bounds are those of a field's rules that a glance can judge: most rules are bounds and most values keep them, and validator's way to that
// verdict is long. A glance only ever spares validator a value that it would pass. Whatever is not plainly within bounds is validator's to
// judge, and so is every refusal.
type bounds struct {
	known      bool // every rule of the field is among these
	least      int64
	most       int64 // of a time: milliseconds behind its receipt
	leastFloat float64
	mostFloat  float64
	oneOf      []string
	plain      []func([]byte) bool
}

// plainText are rules for text that a look at its bytes can judge.
var plainText = map[string]func([]byte) bool{
	"http_url":   isPlainURL,
	"identifier": isPlainIdentifier,
}

// parseBounds reads validator's rules for a value of this form.
func parseBounds(rules string, f form) bounds {
	b := bounds{known: true, least: math.MinInt64, most: math.MaxInt64, leastFloat: math.Inf(-1), mostFloat: math.Inf(1)}
	for _, rule := range splitList(rules) {
		name, param, _ := strings.Cut(rule, "=")
		switch {
		case strings.ContainsAny(rule, "|'") || strings.Contains(rule, "0x"):
			b.known = false
		case name == "oneof" && f == text && b.oneOf == nil:
			b.oneOf = strings.Fields(param)
		case name == "omitempty": // lets more pass, never less
		case plainText[rule] != nil && f == text:
			b.plain = append(b.plain, plainText[rule])
		case name == "not_after_receipt" && f == timestamp:
			leeway, err := time.ParseDuration(param)
			b.known = b.known && err == nil
			b.most = min(b.most, leeway.Milliseconds())
		case (name == "min" || name == "max") && f != timestamp:
			b.limit(name, param)
		default:
			b.known = false
		}
	}
	return b
}

// limit adds min or max. Several of them all count.
func (b *bounds) limit(name, param string) {
	n, err := strconv.ParseFloat(param, 64)
	if err != nil || math.Abs(n) >= 1<<53 { // from there on a float may be rounded
		b.known = false
		return
	}
	if name == "min" {
		b.leastFloat, b.least = max(b.leastFloat, n), max(b.least, int64(math.Ceil(n)))
	} else {
		b.mostFloat, b.most = min(b.mostFloat, n), min(b.most, int64(math.Floor(n)))
	}
}

// keeps reports whether the cell's value, received at a time in Unix milliseconds, plainly keeps all the rules.
func (b *bounds) keeps(f form, c *cell, receivedAt int64) bool {
	if !b.known {
		return false
	}
	switch f {
	case text:
		return b.keepsText(c.text)
	case integer:
		return b.least <= c.number && c.number <= b.most
	case number:
		return b.leastFloat <= c.float && c.float <= b.mostFloat
	case timestamp:
		return c.number-receivedAt <= b.most
	case list, texts:
		return b.least <= int64(c.count) && int64(c.count) <= b.most
	}
	return false
}

// keepsText counts bytes: characters are at most as many, and at least a quarter of them.
func (b *bounds) keepsText(s []byte) bool {
	n := int64(len(s))
	if n > b.most || (n+3)/4 < b.least || b.oneOf != nil && !slices.ContainsFunc(b.oneOf, func(one string) bool { return one == string(s) }) {
		return false
	}
	for _, keeps := range b.plain {
		if !keeps(s) {
			return false
		}
	}
	return true
}

// isPlainURL reports whether s is a URL as most are: a host of letters, digits, points and hyphens, and behind it nothing with a meaning but
// for / ? # and whole escapes. To parse it, as http_url does twice, would find nothing else.
func isPlainURL(s []byte) bool {
	rest, ok := bytes.CutPrefix(s, []byte("https://"))
	if !ok {
		if rest, ok = bytes.CutPrefix(s, []byte("http://")); !ok {
			return false
		}
	}
	host := 0
	for host < len(rest) && urlBytes[rest[host]] == inHost {
		host++
	}
	if host == 0 || host < len(rest) && rest[host] != '/' && rest[host] != '?' && rest[host] != '#' {
		return false
	}
	for i := host; i < len(rest); i++ {
		switch {
		case urlBytes[rest[i]] != 0:
		case rest[i] == '%' && i+2 < len(rest) && isHex(rest[i+1]) && isHex(rest[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

const (
	behindHost = 1 + iota
	inHost
)

// urlBytes says where in a plain URL a byte may stand by itself.
var urlBytes = func() (table [256]uint8) {
	for _, c := range []byte("/?#&=_~+,;:@!$'()*") {
		table[c] = behindHost
	}
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") {
		table[c] = inHost
	}
	return table
}()
