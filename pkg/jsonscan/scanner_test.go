package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"hydrant/pkg/jsonscan"
)

func TestValue(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		values []string
		fails  int // at which byte; -1 is nowhere
	}{
		"nothing":                      {"", nil, -1},
		"white space":                  {" \r\n\t", nil, -1},
		"literals":                     {"true false null", []string{"true", "false", "null"}, -1},
		"values without space between": {`truenull1-2"a"[]{}01`, []string{"true", "null", "1", "-2", `"a"`, "[]", "{}", "0", "1"}, -1},
		"numbers":                      {"-0 1.50 1e3 1E-10 -0.1e+9", []string{"-0", "1.50", "1e3", "1E-10", "-0.1e+9"}, -1},
		"strings":                      {`"" "a\"b\\" "é\ud800\/" "` + strings.Repeat("x", 40) + `"`, []string{`""`, `"a\"b\\"`, `"é\ud800\/"`, `"` + strings.Repeat("x", 40) + `"`}, -1},
		"nested":                       {` { "a" : [ 1 , { } , [ ] ] } `, []string{`{ "a" : [ 1 , { } , [ ] ] }`}, -1},
		"10,000 levels":                {strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), []string{strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)}, -1},
		"a level more":                 {strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), nil, 10_000},
		"a good value, then a bad one": {`1 x`, []string{"1"}, 2},
		"NUL":                          {"\x00", nil, 0},
		"NUL behind a value":           {"1\x00", []string{"1"}, 1},
		"a byte order mark":            {"\ufeff1", nil, 0},
		"a comma too many":             {`[1,]`, nil, 3},
		"a comma too many in {}":       {`{"a":1,}`, nil, 7},
		"only a comma":                 {`[,]`, nil, 1},
		"no comma":                     {`[1 2]`, nil, 3},
		"no colon":                     {`{"a" 1}`, nil, 5},
		"no value":                     {`{"a":}`, nil, 5},
		"no name":                      {`{1:2}`, nil, 1},
		"the other bracket":            {`[1}`, nil, 2},
		"never closed":                 {`[1`, nil, 2},
		"never closed, at a comma":     {`[1,`, nil, 3},
		"an open string":               {`"abc`, nil, 4},
		"an open escape":               {`"abc\`, nil, 4},
		"a bad escape":                 {`"\x"`, nil, 1},
		"a short escape":               {`"\u12"`, nil, 1},
		"no hex":                       {`"\u12g4"`, nil, 1},
		"a control character":          {"\"12345678\x1f\"", nil, 9},
		"a cut literal":                {`tru`, nil, 0},
		"a minus":                      {`-`, nil, 1},
		"a point without digits":       {`1.`, nil, 2},
		"an exponent without digits":   {`1e+`, nil, 3},
		"a plus":                       {`+1`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := jsonscan.New([]byte(tc.text))
			var values []string
			for !s.End() {
				if v := s.Value(); !s.Failed() {
					values = append(values, string(v))
				} else if v != nil {
					t.Errorf("failed with a value: %q", v)
				}
			}
			if strings.Join(values, "|") != strings.Join(tc.values, "|") {
				t.Errorf("got %q, want %q", values, tc.values)
			}
			if s.Failed() != (tc.fails >= 0) || s.Failed() && s.Offset() != tc.fails {
				t.Errorf("failed: %t, at %d; want %d", s.Failed(), s.Offset(), tc.fails)
			}
		})
	}
}

// Every byte, at every place of the eight that are looked at together.
func TestStringBytes(t *testing.T) {
	for c := range 256 {
		for place := range 17 {
			text := []byte(`"` + strings.Repeat("x", 17) + `" `)
			text[1+place] = byte(c)
			s := jsonscan.New(text)
			quoted, plain := s.String()
			switch {
			case c == '"':
				if len(quoted) != place+2 || !plain {
					t.Fatalf("a quotation mark at %d: %q, %t", place, quoted, plain)
				}
			case c < ' ' || c == '\\':
				if !s.Failed() || quoted != nil {
					t.Fatalf("byte %#x at %d: %q", c, place, quoted)
				}
			case string(quoted) != string(text[:19]) || plain != (c < 0x80):
				t.Fatalf("byte %#x at %d: %q, plain %t", c, place, quoted, plain)
			}
		}
	}
}

func TestUnquote(t *testing.T) {
	for quoted, want := range map[string]struct {
		text     string
		verbatim bool
	}{
		`""`:                {"", true},
		`"abc"`:             {"abc", true},
		`"é–😀"`:             {"é–😀", true},
		`"a\n\u0041\ud83d"`: {"a\nA\ufffd", false},
		`"\ud83d\ude00"`:    {"😀", false},
		"\"a\xff\"":         {"a\ufffd", false},
		"\"\xed\xa0\x80\"":  {"\ufffd\ufffd\ufffd", false},
		"\"\u2028\\u0000\"": {"\u2028\x00", false},
		"\"\xf0\x9f\x98x\"": {"\ufffd\ufffd\ufffdx", false},
	} {
		s := jsonscan.New([]byte(quoted))
		text, plain := s.String()
		if s.Failed() {
			t.Fatalf("%s is no string", quoted)
		}
		if got, verbatim := jsonscan.Unquote(text, plain); string(got) != want.text || verbatim != want.verbatim {
			t.Errorf("%s: %q, verbatim %t; want %q", quoted, got, verbatim, want.text)
		}
	}
}

// What Scanner takes is what encoding/json takes, value by value; so is what strings say; and reading in parts sees the same values.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		``, ` [1, {"a":[]},2 ] `, `{"a":{"b":"\u00e9\"x"}}1.5e3-2truenull`, "\"\xff\\ud800 12345678\"", `{"a":1,}`, `[1 2]`, `{"a":1"b":2}`, `01`,
		"\"a\nb\"", `[[[[[[]]]]]]`, `{"":""}`, "\ufeff{}", `"\u12`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		s, parts := jsonscan.New(text), jsonscan.New(text)
		d := json.NewDecoder(bytes.NewReader(text))
		for !s.End() {
			got := s.Value()
			var want json.RawMessage
			err := d.Decode(&want)
			if !bytes.Equal(got, want) || s.Failed() != (err != nil) {
				t.Fatalf("%q: read %q (failed: %t); encoding/json %q, %v", text, got, s.Failed(), want, err)
			}
			read(t, &parts, got)
			if parts.Failed() != s.Failed() || parts.Offset() != s.Offset() {
				t.Fatalf("%q: in parts to %d, whole to %d", text, parts.Offset(), s.Offset())
			}
		}
		var rest json.RawMessage
		if err := d.Decode(&rest); !s.Failed() && !errors.Is(err, io.EOF) {
			t.Fatalf("%q: encoding/json sees more: %q, %v", text, rest, err)
		}
		if !bytes.Equal(text, before) {
			t.Fatal("the text has changed")
		}
	})
}

// read reads a value in parts.
func read(t *testing.T, s *jsonscan.Scanner, whole []byte) {
	switch s.Peek() {
	case '{':
		for s.Enter(); s.More('}'); {
			s.Name()
			read(t, s, nil)
		}
	case '[':
		for s.Enter(); s.More(']'); {
			read(t, s, nil)
		}
	case '"':
		quoted, plain := s.String()
		if s.Failed() {
			return
		}
		text, _ := jsonscan.Unquote(quoted, plain)
		var want string
		if err := json.Unmarshal(quoted, &want); err != nil || string(text) != want {
			t.Fatalf("%q says %q; to encoding/json %q, %v", quoted, text, want, err)
		}
	default:
		s.Value()
	}
}

func BenchmarkValue(b *testing.B) {
	text := []byte(`{"name":"` + strings.Repeat("some text of an event ", 4) + `","number":12345.5,"list":[` + strings.Repeat(`{"sku":"sku-1881","quantity":1},`, 25) + `true]}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if s := jsonscan.New(text); s.Value() == nil {
			b.Fatal("no value")
		}
	}
}
