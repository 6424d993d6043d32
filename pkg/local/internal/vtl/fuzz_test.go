package vtl

import (
	"errors"
	"testing"
	"unicode/utf8"
)

// hostile are texts that would be structure if a template, a renderer or a parser of its output let them.
var hostile = []string{
	`plain`, `"`, `\`, `\"`, `\\"`, `'`, `\'`, `it's`, "\x00\x01\x1f\x7f", "\n", "\r\n", "\t", `$`, `#`, `$context.requestId`, `${key}`, `$!{data}`,
	`#end`, `#set($record = "x")`, `#if(true)x#end`, `#foreach($i in [1..9999])x#end`, `##`, `#*`, `#[[`, `]]#`, `#stop`, `$util.base64Encode("x")`,
	"\u2028\u2029\u0085", "\ufeff", "é😀", "\xff\xfe", "\xed\xa0\x80", `"\ud800"`, `"\udc00\ud800"`, `"\ud83d\ude00"`, `","attempt":9,"x":"`, `"},"hydrant":2}`,
	`{"hydrant":1}`, `</script>`, `\u0022`, `"\u0022,\u0022"`, `""`, `$1`, `\$1`, `"a\/b"`, `{"a":1,"a":{"b":[]}}`, `[1e400,-0,0.10,12345678901234567890]`, `null`, `true`,
	`[[[[[[[[]]]]]]]]`, ` { "a" : [ 1 , 2 ] } `, `{"\u0024ref":"#/a","\"":"'"}`,
}

// render parses and renders, and fails the test on what is neither valid text within the bounds nor an *Error.
func render(t *testing.T, source string, r *Request) (out []byte, err error) {
	t.Helper()
	tmpl, err := Parse("t", source)
	if err == nil {
		return renderParsed(t, tmpl, r)
	}
	checkPlace(t, source, err)
	return nil, err
}

func checkPlace(t *testing.T, source string, err error) {
	t.Helper()
	var place *Error
	if !errors.As(err, &place) || place.Line < 1 || place.Column < 1 || place.Message == "" {
		t.Fatalf("template %q: error without a place: %#v", source, err)
	}
}

func renderParsed(t *testing.T, tmpl *Template, r *Request) (out []byte, err error) {
	t.Helper()
	out, err = tmpl.Render(r)
	if err != nil {
		checkPlace(t, tmpl.source, err)
		return nil, err
	}
	if len(out) > maxOutput || !utf8.Valid(out) {
		t.Fatalf("template %q: %d bytes, valid UTF-8 %v", tmpl.source, len(out), utf8.Valid(out))
	}
	return out, nil
}

func hostileRequest(body []byte, s string) *Request {
	all := map[string]string{"a": s, s: "a"}
	return &Request{
		Body: body, Path: all, Query: all, Header: all, StageVariables: all,
		Context: map[string]any{"requestId": s, s: "x", "identity": map[string]any{"userAgent": s}},
	}
}

// FuzzParse: any text is a template that renders within the bounds, or an *Error.
func FuzzParse(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	for _, file := range allGolden(f) {
		for _, g := range file {
			f.Add(g.template)
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		render(t, source, hostileRequest([]byte(`{"a":[{"b":"c","d":1.5}],"Records":[{"Data":1},{"Data":{"x":null}}]}`), source))
	})
}

// FuzzRender: whatever a request holds, each template of the cases renders it or answers an *Error.
func FuzzRender(f *testing.F) {
	var templates []*Template
	for _, file := range allGolden(f) {
		for name, g := range file {
			if !g.isFault {
				tmpl, err := Parse("t", g.template)
				if err != nil {
					f.Fatal(err)
				}
				templates = append(templates, tmpl)
			}
			f.Add([]byte(g.body), name)
		}
	}
	for _, s := range hostile {
		f.Add([]byte(s), s)
	}
	f.Fuzz(func(t *testing.T, body []byte, s string) {
		for _, tmpl := range templates {
			renderParsed(t, tmpl, hostileRequest(body, s))
		}
	})
}
