package glue

import (
	"strings"
	"testing"
)

func TestParseType(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		kind Kind
	}{
		"a primitive":               {"string", String},
		"integer is another int":    {"integer", Int},
		"letters in any case":       {"BigInt", BigInt},
		"text with a length":        {"varchar(12)", String},
		"a map":                     {"map<string,string>", Map},
		"a list of structs":         {"array<struct<sku:string,quantity:int,unit_price:bigint>>", Array},
		"a struct in a map in list": {"array<map<string,struct<a:array<double>>>>", Array},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseType(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != tc.kind || got.String() != strings.ToLower(tc.text) {
				t.Errorf("got %d %q, want %d %q", got.Kind, got, tc.kind, tc.text)
			}
		})
	}
	items, err := ParseType("array<struct<sku:string,quantity:int>>")
	if err != nil {
		t.Fatal(err)
	}
	if f := items.Elem.Fields; len(f) != 2 || f[1].Name != "quantity" || f[1].Type.Kind != Int || f[1].Type.String() != "int" {
		t.Errorf("got the fields %v", f)
	}
}

func TestParseTypeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           `the type "" is not supported`,
		"text":                       `character 1: the type "text" is not supported`,
		"decimal(10,2)":              `the type "decimal" is not supported`,
		"binary":                     `the type "binary" is not supported`,
		"array":                      `character 6: expected '<'`,
		"array<int":                  `expected '>'`,
		"array<int>>":                "expected the end",
		"map<int,string>":            "keys must be string",
		"map<string>":                `expected ','`,
		"struct<>":                   "expected the name",
		"struct<a:int,a:int>":        `two members called "a"`,
		"struct<a int>":              `expected ':'`,
		"varchar(x)":                 "expected a length",
		"varchar(0)":                 "expected a length",
		"string ":                    "expected the end",
		strings.Repeat("array<", 99): "levels deep",
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := ParseType(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		})
	}
}

func FuzzParseType(f *testing.F) {
	for _, s := range []string{"string", "array<struct<a:map<string,varchar(3)>>>", "map<string,", "struct<é:int>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseType(s)
		if err != nil {
			return
		}
		again, err := ParseType(got.String())
		if err != nil || again.String() != got.String() {
			t.Errorf("%q reads as %q, and that as %q (%v)", s, got, again, err)
		}
	})
}
