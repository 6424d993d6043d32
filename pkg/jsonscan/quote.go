package jsonscan

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Unquote returns what a string says, of which String has said whether it is plain. Ill-formed UTF-8 and lone surrogates become U+FFFD, as in
// encoding/json. The text is verbatim if it is a part of quoted: then it is well-formed, and quoted is how it is written. Of nil it is nil.
func Unquote(quoted []byte, plain bool) (text []byte, verbatim bool) {
	if quoted == nil {
		return nil, false
	}
	inner := quoted[1 : len(quoted)-1]
	if plain || bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner, true
	}
	text, _ = jsontext.AppendUnquote(nil, quoted) // its error tells of what it has replaced
	return text, false
}
