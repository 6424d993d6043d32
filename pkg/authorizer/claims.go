package authorizer

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// claims are a token's. Of those that the library compares it gets the values, read more strictly than it would read them.
type claims struct {
	audience string // the name of the claim with the audience

	all                    map[string]jsontext.Value
	expires, before, issue *jwt.NumericDate
	issuer, subject        string
	audiences              []string
}

var (
	_ jwt.Claims       = (*claims)(nil)
	_ json.Unmarshaler = (*claims)(nil)
)

// UnmarshalJSON reads the claims. The error is ReasonClaim, or ReasonMalformed for what is not one JSON object in which no name is twice.
func (c *claims) UnmarshalJSON(text []byte) error {
	all, err := members(text)
	if err != nil {
		return ReasonMalformed
	}
	c.all = all
	var ok [6]bool
	c.expires, ok[0] = dateOf(all["exp"])
	c.before, ok[1] = dateOf(all["nbf"])
	c.issue, ok[2] = dateOf(all["iat"])
	c.issuer, ok[3] = textOf(all["iss"])
	c.subject, ok[4] = textOf(all["sub"])
	c.audiences, ok[5] = audienceOf(all[c.audience])
	if slices.Contains(ok[:], false) || c.expires == nil || c.subject == "" {
		return ReasonClaim
	}
	return nil
}

// GetExpirationTime and the others are what the library asks for.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.expires, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.before, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.issue, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.issuer, nil }
func (c *claims) GetSubject() (string, error)                  { return c.subject, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.audiences, nil }

func (c *claims) text(name string) (string, bool) { return textOf(c.all[name]) }

// grants says whether the scope is among those of the claims scope (RFC 8693, section 4.2) and scp, each a text with blanks between or an
// array of texts. What is neither grants nothing.
func (c *claims) grants(scope string) bool {
	for _, name := range []string{"scope", "scp"} {
		value := c.all[name]
		if text, ok := textOf(value); ok && slices.Contains(strings.Split(text, " "), scope) {
			return true
		}
		if list, ok := textsOf(value); ok && slices.Contains(list, scope) {
			return true
		}
	}
	return false
}

// members are those of a JSON object. No object in it, however deep, has two members of one name, and all text is UTF-8.
func members(text []byte) (map[string]jsontext.Value, error) {
	var all map[string]jsontext.Value
	if err := jsonv2.Unmarshal(text, &all); err != nil || all == nil {
		return nil, ReasonMalformed
	}
	return all, nil
}

func textOf(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, v)
	return string(text), err == nil
}

func textsOf(v jsontext.Value) ([]string, bool) {
	var items []jsontext.Value
	if v.Kind() != '[' || jsonv2.Unmarshal(v, &items) != nil {
		return nil, false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		var ok bool
		if texts[i], ok = textOf(item); !ok {
			return nil, false
		}
	}
	return texts, true
}

// audienceOf reads one text or an array of texts (RFC 7519, section 4.1.3).
func audienceOf(v jsontext.Value) ([]string, bool) {
	if text, ok := textOf(v); ok {
		return []string{text}, true
	}
	return textsOf(v)
}

// dateOf reads a NumericDate: seconds since 1970, maybe with a fraction (RFC 7519, section 2). Absent is nil, and null is not absent. What
// is later than the year 9999 is no date but a mistake: milliseconds, mostly.
func dateOf(v jsontext.Value) (*jwt.NumericDate, bool) {
	const end = 253_402_300_800
	if v == nil {
		return nil, true
	}
	if v.Kind() != '0' {
		return nil, false
	}
	var seconds float64
	if err := jsonv2.Unmarshal(v, &seconds); err != nil || seconds < 0 || seconds >= end {
		return nil, false
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9))}, true
}

const maxProducer = 256 // bytes

// Names that a record has when nobody vouched for its producer.
var reserved = []string{"anonymous", "direct"}

// isProducer says whether a name can be a producer's: it is printed in tables and logs, where it must look like no other.
func isProducer(name string) bool {
	if name == "" || len(name) > maxProducer || !utf8.ValidString(name) || strings.TrimSpace(name) != name {
		return false
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	return strings.IndexFunc(name, hidden) < 0 && !slices.Contains(reserved, strings.ToLower(name))
}
