package vtl

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/segmentio/asm/base64"
)

// utilObject is $util.
type utilObject struct{}

func (utilObject) kind() string { return "$util" }

func (utilObject) property(_ *run, name string) (value, error) {
	return nil, fmt.Errorf("$util.%s is not supported", name)
}

func (o utilObject) call(r *run, a *accessor, args []value) (value, error) {
	return callObject(r, o, utilMethods, a, args)
}

var utilMethods = map[string]*method{
	"escapeJavaScript": {1, 1, utilEscapeJavaScript},
	"parseJson":        {1, 1, utilParseJSON},
	"urlEncode":        {1, 1, utilURLEncode},
	"urlDecode":        {1, 1, utilURLDecode},
	"base64Encode":     {1, 1, utilBase64Encode},
	"base64Decode":     {1, 1, utilBase64Decode},
}

// utilEscapeJavaScript escapes as Apache Commons Lang 2.x does, which escapes more than JSON needs: ' and / get a backslash, all beyond
// ASCII is \u and four digits, a surrogate at a time. \' is no JSON; templates repair it with replaceAll("\\'","'"), as the mapping
// template reference says. null stays null.
func utilEscapeJavaScript(r *run, _ value, _ *accessor, args []value) (value, error) {
	if args[0] == nil {
		return nil, nil
	}
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	if err := r.make(len(s)); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(s)+len(s)/8)
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b = escapeASCII(b, c)
			i++
			continue
		}
		if u := surrogate(s[i:]); u != 0 {
			b = appendEscaped(b, u)
			i += 3
			continue
		}
		c, n := utf8.DecodeRuneInString(s[i:])
		if high, low := utf16.EncodeRune(c); c > 0xFFFF {
			b = appendEscaped(appendEscaped(b, uint16(high)), uint16(low))
		} else {
			b = appendEscaped(b, uint16(c))
		}
		i += n
	}
	return string(b), r.make(len(b))
}

func escapeASCII(b []byte, c byte) []byte {
	if i := strings.IndexByte("\b\n\t\f\r", c); i >= 0 {
		return append(b, '\\', "bntfr"[i])
	}
	switch {
	case c < 0x20:
		return appendEscaped(b, uint16(c))
	case c == '\'' || c == '"' || c == '\\' || c == '/':
		return append(b, '\\', c)
	}
	return append(b, c)
}

func utilParseJSON(r *run, _ value, _ *accessor, args []value) (value, error) {
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	d, err := readJSON(r, []byte(validString(s)))
	if err != nil {
		return nil, errors.New("its argument is not valid JSON")
	}
	return d.root.value(), nil
}

// utilBase64Encode refuses what is no text: of an object the bytes would be Java's {k=v}, and of null nobody knows.
func utilBase64Encode(r *run, _ value, _ *accessor, args []value) (value, error) {
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; $input.json gives an object's text", err)
	}
	s = validString(s)
	if err := r.make(base64.StdEncoding.EncodedLen(len(s))); err != nil {
		return nil, err
	}
	r.work = append(r.work[:0], s...)
	return base64.StdEncoding.EncodeToString(r.work), nil
}

func utilBase64Decode(r *run, _ value, _ *accessor, args []value) (value, error) {
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("its argument is not valid base64")
	}
	return string(mended(b)), r.make(len(b))
}

// utilURLEncode writes application/x-www-form-urlencoded, as Java's URLEncoder: a blank is +, and . - * _ stay.
func utilURLEncode(r *run, _ value, _ *accessor, args []value) (value, error) {
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	if err := r.make(3 * len(s)); err != nil {
		return nil, err
	}
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(validString(s))), nil
}

func utilURLDecode(r *run, _ value, _ *accessor, args []value) (value, error) {
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return nil, errors.New("its argument is not URL-encoded")
	}
	return string(mended([]byte(decoded))), r.make(len(s))
}
