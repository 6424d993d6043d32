package apigateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hydrant/pkg/local/internal/template"
)

// schemas are the shapes that decide how far a body is built.
var schemas = map[string]string{
	"envelope": `{type: object, required: [Data], additionalProperties: false, properties: {Data: {oneOf: [{type: object}, {type: array, items: {}}, {type: string}]}, K: {type: string, maxLength: 3}}}`,
	"nested":   `{properties: {Records: {type: array, items: {required: [a], properties: {a: {properties: {b: {type: integer, minimum: 2}}}}}}}}`,
	"choice":   `{anyOf: [{required: [a]}, {items: {required: [a]}}]}`,
	"negation": `{not: {items: {type: array}}}`,
	"enum":     `{properties: {a: {enum: [{b: [1]}, 1]}}}`,
	"unique":   `{uniqueItems: true, items: {uniqueItems: true}}`,
	"maps":     `{patternProperties: {"^x": {type: array, items: {type: string}}}, additionalProperties: {minProperties: 1}}`,
	"tuple":    `{items: [{type: object, required: [a]}], additionalItems: {type: string}}`,
	"circle":   `{$ref: "#/components/schemas/Tree"}`,
}

func modelOf(t testing.TB, schema string) (*model, *template.Value) {
	t.Helper()
	body := openAPI(t, "openapi: 3.0.1\ncomponents:\n  schemas:\n    Tree: {required: [v], properties: {v: {type: string}, next: {$ref: '#/components/schemas/Tree'}}}\n    Other: {$ref: '#/components/schemas/Tree'}\nx-schema: "+schema)
	d := &document{components: map[string]*template.Value{}}
	if err := d.readComponents(body.Get("components")); err != nil {
		t.Fatal(err)
	}
	m, err := d.model(body.Get("x-schema"))
	if err != nil {
		t.Fatal(err)
	}
	return m, body
}

// FuzzDecode: a body that is built only as far as its schema looks is judged like one that is built whole.
func FuzzDecode(f *testing.F) {
	models := map[string]*model{}
	for name, schema := range schemas {
		models[name], _ = modelOf(f, schema)
	}
	for _, seed := range []string{
		`{"Data":{"a":[1,{}]},"K":"abc"}`, `{"Data":[],"K":"abcd"}`, `{"Data":null}`, `{"Data":1,"Data":"x"}`, `{"Records":[{"a":{"b":2.0}},{"a":{"b":1}},{"a":{"b":3e0}}]}`,
		`[[{"a":1}],[{"a":1}],{"a":[2]}]`, `{"a":{"b":[1]}}`, `[[1,1.0]]`, `{"xs":["a",1],"y":{},"z":{"a":1}}`, `[{"a":1},"b",2]`,
		`{"v":"1","next":{"v":"2","next":{"v":3}}}`, `{"a":1} {"b":2}`, `"\ud800"`, "\"\xff\"", `{"a":`, `{"a" 1}`, `[1,]`, `{,}`, ` `, `1e400`, `-0`,
		strings.Repeat("[", 20) + strings.Repeat("]", 20),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		whole, wholeErr := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if _, err := decode([]byte(body), &look{all: true}); errors.Is(err, errNumber) {
			t.Skip("the schema library is slow or panics on such numbers")
		}
		for name, m := range models {
			value, err := decode([]byte(body), m.look)
			if (err == nil) != (wholeErr == nil) {
				t.Fatalf("%s: %q: got %v, but encoding/json says %v", name, body, err, wholeErr)
			}
			if err != nil {
				continue
			}
			got, want := m.schema.Validate(value), m.schema.Validate(whole)
			if (got == nil) != (want == nil) {
				t.Fatalf("%s: %q: got %v, want %v", name, body, got, want)
			}
			if got != nil && explain(got) != explain(want) {
				t.Fatalf("%s: %q: got %s, want %s", name, body, explain(got), explain(want))
			}
		}
	})
}

func TestNumbersAreBounded(t *testing.T) {
	m, _ := modelOf(t, `{properties: {n: {type: integer, maximum: 5}, any: {type: number}}}`)
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{
		"a number":                          {`{"n":3}`, true},
		"too large a one":                   {`{"n":6}`, false},
		"a long one":                        {`{"n":-` + strings.Repeat("9", 999) + `}`, true},
		"one that is too long":              {`{"n":-` + strings.Repeat("9", 1000) + `}`, false},
		"an exponent":                       {`{"n":-1e1000}`, true},
		"an exponent over the bound":        {`{"n":-1e1001}`, false},
		"an exponent that would panic":      {`{"n":1e10000000}`, false},
		"an exponent under the bound":       {`{"n":1e-10000000}`, false},
		"an exponent that is no int":        {`{"n":1e99999999999999999999}`, false},
		"any number where none is asked of": {`{"any":1e99999999999999999999,"more":` + strings.Repeat("9", 5000) + `}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := m.check([]byte(tc.body)); (err == nil) != tc.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
