package event

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The one test of descriptions that a user of the project meets: a sentence is missing, or an example is none.
func TestCatalogueIsDescribed(t *testing.T) {
	if _, err := Describe(); err != nil {
		t.Error(err)
	}
}

// What a field's rules say of its size is kept, also in types of which no other test knows: a value just beyond is refused.
func TestSizesOfEveryField(t *testing.T) {
	d, err := Describe()
	if err != nil {
		t.Fatal(err)
	}
	j := judge(t)
	for _, kind := range d.Types {
		p := j.plans[kind.Name]
		for name, i := range p.byName {
			for _, rule := range splitList(p.fields[i].rules) {
				value := beyond(t, rule, p.fields[i].form)
				if value == "" {
					continue
				}
				_, out := j.AppendRow(nil, []byte(replaced(t, kind.Example, name, value)), origin)
				if len(out.Rejections) == 0 || !strings.HasPrefix(out.Rejections[0].Field, "/"+name) {
					t.Errorf("%s.%s takes %s in spite of %s: %+v", kind.Name, name, short(value), rule, out.Rejections)
				}
			}
		}
	}
}

// beyond is a value that just breaks a rule on size, "" if there is none.
func beyond(t *testing.T, rule string, f form) string {
	t.Helper()
	name, param, _ := strings.Cut(rule, "=")
	step := map[string]float64{"max": 1, "min": -1}[name]
	if name == "oneof" {
		return `"none of these"`
	}
	if step == 0 || f == timestamp {
		return ""
	}
	limit, err := strconv.ParseFloat(param, 64)
	if err != nil {
		t.Fatal(err)
	}
	size := limit + step
	switch {
	case f == integer || f == number:
		return strconv.FormatFloat(size, 'f', -1, 64)
	case size < 0:
		return ""
	case f == text:
		return quote(strings.Repeat("é", int(size)))
	case f == texts:
		return manyTexts(int(size), 8, 1)
	}
	return items(int(size), "0")
}

func TestRulesInWords(t *testing.T) {
	for name, tc := range map[string]struct {
		rules string
		field field
		want  string
	}{
		"text without rules":       {"", field{form: text}, ""},
		"both bounds":              {"min=1,max=2048", field{form: text}, "1 to 2,048 characters"},
		"the greatest length":      {"max=1", field{form: text}, "at most 1 character"},
		"the least length":         {"min=1", field{form: text}, "at least 1 character"},
		"one length":               {"len=2", field{form: text}, "exactly 2 characters"},
		"a form and a length":      {"max=64,email", field{form: text}, "an email address; at most 64 characters"},
		"empty text too":           {"omitempty,max=64,http_url", field{form: text}, "empty, or an http or https URL; at most 64 characters"},
		"a choice":                 {"oneof=red 'dark blue'", field{form: text}, "one of `red`, `dark blue`"},
		"either form":              {"ipv4|ipv6", field{form: text}, "an IPv4 address or an IPv6 address"},
		"a parameter":              {"startswith=ab", field{form: text}, "begins with `ab`"},
		"a rule that has no words": {"mongodb", field{form: text}, "validator's rule `mongodb`"},
		"both bounds of a number":  {"min=-5,max=600000", field{form: number}, "-5 to 600,000"},
		"bounds left out":          {"gt=1000", field{form: number}, "more than 1,000"},
		"an integer's column":      {"", field{form: integer, bits: 8}, "within -128 to 127"},
		"a bound and a column":     {"min=0", field{form: integer, bits: 16}, "at least 0, within -32,768 to 32,767"},
		"a large column":           {"", field{form: integer, bits: 64}, "within 64 bits"},
		"zero too":                 {"omitempty,min=5,max=9", field{form: integer, bits: 8}, "0, or 5 to 9"},
		"a time":                   {"not_after_receipt=24h", field{form: timestamp}, "years 2000 to 2100 in UTC; at most 24 hours after the receipt"},
		"a list":                   {"min=1,max=3", field{form: list, element: &field{form: text, rules: "max=4"}}, "1 to 3 elements; each at most 4 characters"},
		"a map": {
			"max=1",
			field{form: texts, key: &field{form: text, rules: "min=1"}, element: &field{form: text, rules: "alpha"}},
			"at most 1 member; names of at least 1 character; values of letters A-Z and a-z only",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.field.rules = tc.rules
			if got := tc.field.ruleWords(); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.rules, got, tc.want)
			}
		})
	}
}

// Every rule that is in use has words: none stands in documentation as validator has it.
func TestRulesInUseHaveWords(t *testing.T) {
	d, err := Describe()
	if err != nil {
		t.Fatal(err)
	}
	fields := slices.Clone(d.Common)
	for _, kind := range d.Types {
		fields = append(fields, kind.Fields...)
	}
	for _, f := range fields {
		if strings.Contains(f.Rules, "validator's rule") {
			t.Errorf("field %s: %s: words.go lacks words for it", f.Name, f.Rules)
		}
	}
}

func TestDescriptions(t *testing.T) {
	kinds := []kind{define[wide]("wide", "Something wide.", `{"tags": ["a"], "geo": {"points": [{"x": 0.5}]}}`)}
	c, err := compile(kinds)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := c.describe(kinds) // its fields have no sentences
	var got []string
	for _, f := range slices.Concat(d.Common, d.Own, d.Types[0].Fields) {
		got = append(got, strings.Join([]string{f.Name, f.JSON, f.Column, f.Glue, f.Default, f.Rules}, " | "))
	}
	for _, want := range []string{
		"event_id | string | event_id | string | an id derived from the event's place in the stream | letters A-Z and a-z, digits, and `-` `_` `.` `:` only; 1 to 64 characters",
		"received_at | RFC 3339 string, or integer (epoch milliseconds) | received_at | timestamp |  | years 2000 to 2100 in UTC",
		"tiny | integer | tiny | tinyint | -128 | within -128 to 127",
		`at | RFC 3339 string, or integer (epoch milliseconds) | at | timestamp | "2026-11-22T09:30:00.000Z" | years 2000 to 2100 in UTC`,
		"tags | array of strings | tags | array<string> |  | at most 3 elements; each 1 to 4 characters",
		"times | array of times, each an RFC 3339 string, or integer (epoch milliseconds) | times | array<timestamp> |  | each years 2000 to 2100 in UTC",
		`theCaps | string | caps | string | "" | `,
		"geo.points[].attrs | object of strings |  | map<string,string> |  | at most 1 member",
		`box | object | box | struct<labels:map<string,string>,depth:smallint> | {"depth":3} | `,
		"box.depth | integer |  | smallint | 3 | within -32,768 to 32,767",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s\namong %s", want, strings.Join(got, "\n"))
		}
	}
	const example = `{"type": "wide", "event_id"`
	if !strings.HasPrefix(d.Types[0].Example, example) || !strings.HasSuffix(d.Types[0].Example, `{"points": [{"x": 0.5}]}}`) {
		t.Errorf("example %s", d.Types[0].Example)
	}
}

func TestMistakesInDescriptionsAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		kind kind
		want string // a regular expression, "" for none
	}{
		"nothing":                            {define[PageView]("t", "It happened.", `{"url": "https://a.example/"}`), ``},
		"no sentence":                        {define[PageView]("t", "", `{"url": "https://a.example/"}`), `event type t: it lacks a sentence`},
		"a field without a sentence":         {define[nameless]("t", "It happened.", `{}`), `event type t, field theURL: it lacks a doc tag`},
		"an example that is no JSON":         {define[PageView]("t", "It happened.", `{"url": }`), `event type t: its example is no JSON object`},
		"an example that is no object":       {define[PageView]("t", "It happened.", `["url"]`), `event type t: its example is no JSON object`},
		"an example that lacks a field":      {define[PageView]("t", "It happened.", `{}`), `event type t, field /url: its example breaks the rule required \(missing\)`},
		"an example that breaks a rule":      {define[PageView]("t", "It happened.", `{"url": "a"}`), `field /url: its example breaks the rule http_url \(invalid_format\)`},
		"an example with an unknown field":   {define[PageView]("t", "It happened.", `{"url": "https://a.example/", "ulr": 1}`), `its example has 1 fields that the type does not know`},
		"an example with a field of another": {define[PageView]("t", "It happened.", `{"url": "https://a.example/", "user_id": "u"}`), `field /user_id: its example breaks the rule unique_names`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := compile([]kind{tc.kind})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.describe([]kind{tc.kind})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !regexp.MustCompile(tc.want).MatchString(err.Error())):
				t.Errorf("error: %v\nwant %s", err, tc.want)
			}
		})
	}
}

type nameless struct {
	URL string `json:"theURL" column:"url"`
}
