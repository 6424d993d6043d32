package parquet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func (c *converter) members(d *jsontext.Decoder, data []byte, visit func(name, value []byte) error) error {
	if _, err := d.ReadToken(); err != nil {
		return malformed(err)
	}
	for d.PeekKind() == '"' {
		name, err := read(d, data)
		if err != nil {
			return err
		}
		value, err := read(d, data)
		if err != nil {
			return err
		}
		if err := visit(c.key(name), value); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed(err)
	}
	return nil
}

func (c *converter) elements(d *jsontext.Decoder, data []byte, visit func(value []byte) error) error {
	if _, err := d.ReadToken(); err != nil {
		return malformed(err)
	}
	for k := d.PeekKind(); k != ']' && k != jsontext.KindInvalid; k = d.PeekKind() {
		value, err := read(d, data)
		if err != nil {
			return err
		}
		if err := visit(value); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed(err)
	}
	return nil
}

// malformed describes a JSON fault by its kind alone.
func malformed(err error) error {
	reason := "unexpected character"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason = "unexpected end of input"
	case errors.Is(err, jsontext.ErrDuplicateName):
		reason = "duplicate field"
	}
	return &DataError{ParseError, "Encountered malformed JSON. " + reason}
}

// open readies the decoder of the next level of nesting for data; close gives it back.
func (c *converter) open(data []byte) *jsontext.Decoder {
	if c.depth == len(c.decoders) {
		c.decoders = append(c.decoders, new(decoder))
	}
	d := c.decoders[c.depth]
	c.depth++
	d.buffer = *bytes.NewBuffer(data)
	d.Reset(&d.buffer, jsontext.AllowInvalidUTF8(true))
	return &d.Decoder
}

func (c *converter) close() { c.depth-- }

// read answers the next value's text as a part of data: what the decoder itself answers lives only until its next call.
func read(d *jsontext.Decoder, data []byte) (jsontext.Value, error) {
	v, err := d.ReadValue()
	if err != nil {
		return nil, malformed(err)
	}
	end := d.InputOffset()
	return data[end-int64(len(v)) : end], nil
}

// key answers a member's name as the SerDe's settings want it matched.
func (c *converter) key(quoted jsontext.Value) []byte {
	name := c.unquote(quoted)
	if c.options.CaseInsensitive {
		name = bytes.ToLower(name)
	}
	if c.options.ConvertDots {
		name = bytes.ReplaceAll(name, []byte("."), []byte("_"))
	}
	return name
}

// unquote answers a JSON string's text, in valid UTF-8. Most strings need no work and stay where they are.
func (c *converter) unquote(quoted jsontext.Value) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	start := len(c.text)
	c.text, _ = jsontext.AppendUnquote(c.text, quoted) // its error is about UTF-8, which it has mended with U+FFFD
	return c.text[start:]
}

// jsonText answers an object or array as the compact JSON text that a string column gets.
func (c *converter) jsonText(v jsontext.Value) ([]byte, error) {
	var out strings.Builder
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return []byte(strings.TrimSuffix(out.String(), "\n")), nil
		}
		if err != nil {
			return nil, malformed(err)
		}
		if kind, n := dec.StackIndex(dec.StackDepth()); c.options.CaseInsensitive && kind == '{' && n%2 == 1 && token.Kind() == '"' {
			token = jsontext.String(strings.ToLower(token.String()))
		}
		if err := enc.WriteToken(token); err != nil {
			return nil, malformed(err)
		}
	}
}
