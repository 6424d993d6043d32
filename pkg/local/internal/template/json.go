package template

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON is v as JSON text without white space, members in the order of the file. An unquoted scalar is a number, a boolean or null
// where YAML 1.2's core schema reads it so, and a text otherwise.
//
// A number with needless zeros in front stays text, since it is an account id or the like: YAML 1.1, which CloudFormation reads, takes
// 0123 as octal, so that whoever means a number does not write it so. Infinities and NaN, which JSON does not have, stay text too.
func (v *Value) JSON() []byte { return v.appendJSON(nil) }

func (v *Value) appendJSON(dst []byte) []byte {
	switch {
	case v == nil || v.Kind == Null:
		return append(dst, "null"...)
	case v.Kind == Scalar:
		return v.appendScalar(dst)
	case v.Kind == List:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendJSON(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, m := range v.Members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, m.Name)
		dst = append(dst, ':')
		dst = m.Value.appendJSON(dst)
	}
	return append(dst, '}')
}

func (v *Value) appendScalar(dst []byte) []byte {
	if v.Quoted {
		return appendText(dst, v.Text)
	}
	if isNull(v.Text) {
		return append(dst, "null"...)
	}
	if isBool(v.Text) {
		return append(dst, strings.ToLower(v.Text)...)
	}
	if number, ok := jsonNumber(v.Text); ok {
		return append(dst, number...)
	}
	return appendText(dst, v.Text)
}

// appendText appends text as a JSON string. Invalid UTF-8 is all that the quoting would refuse, and it is replaced beforehand.
func appendText(dst []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(dst, strings.ToValidUTF8(text, "\uFFFD"))
	if err != nil {
		panic(err)
	}
	return quoted
}

// jsonNumber writes a number of YAML's core schema as JSON does, without going through a float, which would lose digits.
func jsonNumber(text string) (string, bool) {
	switch {
	case coreHex.MatchString(text) || coreOctal.MatchString(text):
		n, err := strconv.ParseUint(text, 0, 64)
		return strconv.FormatUint(n, 10), err == nil
	case !coreFloat.MatchString(text):
		return "", false
	}
	unsigned := strings.TrimPrefix(text, "+")
	sign := ""
	if rest, negative := strings.CutPrefix(unsigned, "-"); negative {
		sign, unsigned = "-", rest
	}
	exponentAt := strings.IndexAny(unsigned, "eE")
	if exponentAt < 0 {
		exponentAt = len(unsigned)
	}
	whole, fraction, _ := strings.Cut(unsigned[:exponentAt], ".")
	if len(whole) > 1 && whole[0] == '0' {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction + unsigned[exponentAt:], true
}
