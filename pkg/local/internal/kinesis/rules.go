package kinesis

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The constraints of the request members, from the service's model. A request that breaks one is a ValidationException.
var (
	nameRule     = textRule{min: 1, max: 128, matches: isName, pattern: `[a-zA-Z0-9_.-]+`}
	arnRule      = textRule{min: 1, max: 2048, matches: regexp.MustCompile(`^arn:aws.*:kinesis:.*:\d{12}:stream/\S+$`).MatchString, pattern: `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`}
	keyRule      = textRule{min: 1, max: 256}
	hashRule     = textRule{matches: isNumber(39), pattern: `^(0|([1-9]\d{0,38}))$`}
	sequenceRule = textRule{matches: isNumber(129), pattern: `^(0|([1-9]\d{0,128}))$`}
	iteratorRule = textRule{min: 1, max: 512}
	tokenRule    = textRule{min: 1, max: 1 << 20}
	typeRule     = textRule{values: []string{"AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST", "TRIM_HORIZON"}}
	filterRule   = textRule{values: []string{"AFTER_SHARD_ID", "AT_LATEST", "AT_TIMESTAMP", "AT_TRIM_HORIZON", "FROM_TIMESTAMP", "FROM_TRIM_HORIZON"}}
	countRule    = numberRule{min: 1, max: 10_000}
)

// textRule is what a string must be. Lengths are in Unicode code points, as Smithy, the model's language, defines them.
type textRule struct {
	min, max int // max 0: no limit
	matches  func(string) bool
	pattern  string // what matches stands for, as the message gives it
	values   []string
}

type numberRule struct{ min, max int64 }

// maxProblems is how many errors the service lists at most.
const maxProblems = 10

// problems collects what is wrong with a request's members.
type problems []string

func (p *problems) add(value, at, constraint string) {
	if len(*p) < maxProblems {
		*p = append(*p, "Value "+value+"at '"+at+"' failed to satisfy constraint: "+constraint)
	}
}

func (p *problems) require(at string, set bool) {
	if !set {
		p.add("null ", at, "Member must not be null")
	}
}

// text checks an optional string.
func (p *problems) text(at string, v text, r textRule) {
	if !v.Set {
		return
	}
	quoted := func() string { return "'" + v.Value + "' " }
	// The number of bytes is never below the number of code points, so counting is rarely needed.
	if r.max > 0 && len(v.Value) > r.max && utf8.RuneCountInString(v.Value) > r.max {
		p.add(quoted(), at, "Member must have length less than or equal to "+strconv.Itoa(r.max))
	}
	if len(v.Value) < r.min {
		p.add(quoted(), at, "Member must have length greater than or equal to "+strconv.Itoa(r.min))
	}
	if r.matches != nil && !r.matches(v.Value) {
		p.add(quoted(), at, "Member must satisfy regular expression pattern: "+r.pattern)
	}
	if r.values == nil {
		return
	}
	for _, value := range r.values {
		if v.Value == value {
			return
		}
	}
	p.add(quoted(), at, "Member must satisfy enum value set: ["+strings.Join(r.values, ", ")+"]")
}

// number checks an optional integer.
func (p *problems) number(at string, v optional[int64], r numberRule) {
	if !v.Set {
		return
	}
	quoted := "'" + strconv.FormatInt(v.Value, 10) + "' "
	if v.Value > r.max {
		p.add(quoted, at, fmt.Sprintf("Member must have value less than or equal to %d", r.max))
	}
	if v.Value < r.min {
		p.add(quoted, at, fmt.Sprintf("Member must have value greater than or equal to %d", r.min))
	}
}

// size checks a record: AWS gives the size limit of data and key together, and the message of an oversized one names
// the data and leaves out its value.
func (p *problems) size(at string, data, key, limit int) {
	if data+key > limit {
		p.add("", at, "Member must have length less than or equal to "+strconv.Itoa(limit))
	}
}

func (p *problems) err() error {
	switch len(*p) {
	case 0:
		return nil
	case 1:
		return &fault{Type: "ValidationException", Message: "1 validation error detected: " + (*p)[0]}
	}
	return &fault{Type: "ValidationException", Message: fmt.Sprintf("%d validation errors detected: %s", len(*p), strings.Join(*p, "; "))}
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return s != ""
}

// isNumber matches 0 or a decimal number of at most digits digits without leading zeros.
func isNumber(digits int) func(string) bool {
	return func(s string) bool {
		if s == "0" {
			return true
		}
		if s == "" || s[0] == '0' || len(s) > digits {
			return false
		}
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		}
		return true
	}
}
