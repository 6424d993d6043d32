package template

import (
	"reflect"
	"strings"
	"testing"
)

// parsed answers the value of text, which is the Properties of the one resource X, from line 3 on.
func parsed(t *testing.T, text string) *Value {
	t.Helper()
	lines := strings.ReplaceAll("\n"+text, "\n", "\n    ")
	template, err := Parse("t.yaml", []byte("Resources: {X: {Type: A::B, Properties:"+lines+"\n    }}"))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := template.Resolve(testEnvironment(nil))
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Resources[0].Properties
}

type common struct {
	Tags map[string]string `cfn:"Tags"`
}

type inner struct {
	Size int `cfn:"Size,required"`
}

type sample struct {
	common
	Name    string             `cfn:"Name"`
	Count   int                `cfn:"Count"`
	Long    int64              `cfn:"Long"`
	Share   float64            `cfn:"Share"`
	On      bool               `cfn:"On"`
	Off     *bool              `cfn:"Off"`
	Inner   *inner             `cfn:"Inner"`
	List    []inner            `cfn:"List"`
	Limits  map[string]float64 `cfn:"Limits"`
	Raw     *Value             `cfn:"Raw"`
	Private string
}

func TestDecode(t *testing.T) {
	no := false
	for name, tc := range map[string]struct {
		text string
		want sample
	}{
		"text is as it is written":         {`{Name: 0123}`, sample{Name: "0123"}},
		"a boolean becomes text":           {`{Name: True}`, sample{Name: "true"}},
		"numbers":                          {`{Count: 12, Long: -9000000000, Share: 1.5}`, sample{Count: 12, Long: -9000000000, Share: 1.5}},
		"quoted numbers":                   {`{Count: "12", Share: ".5"}`, sample{Count: 12, Share: .5}},
		"booleans":                         {`{On: true, Off: "false"}`, sample{On: true, Off: &no}},
		"what is absent stays nil":         {`{}`, sample{}},
		"nested maps and lists":            {`{Inner: {Size: 1}, List: [{Size: 2}, {Size: 3}]}`, sample{Inner: &inner{1}, List: []inner{{2}, {3}}}},
		"maps of numbers":                  {`{Limits: {a: 1, b: 2.5}}`, sample{Limits: map[string]float64{"a": 1, "b": 2.5}}},
		"an embedded struct's own members": {`{Tags: {a: b}}`, sample{common: common{map[string]string{"a": "b"}}}},
		"a computed number":                {`{Count: !Select [1, [3, 4]]}`, sample{Count: 4}},
		"an empty list is no nil":          {`{List: []}`, sample{List: []inner{}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got sample
			if err := parsed(t, tc.text).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%s decodes to %+v, want %+v", tc.text, got, tc.want)
			}
		})
	}
}

func TestDecodeKeepsValues(t *testing.T) {
	v := parsed(t, "{Raw: {a: [1]}}")
	var got sample
	if err := v.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Raw != v.Get("Raw") {
		t.Errorf("the *Value is %v, want the one that stands there", got.Raw)
	}
}

func TestDecodeFaults(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown member":        {"{Name: a,\n Nmae: b}", "t.yaml:3:6: X.Properties.Nmae: not supported by the local runner"},
		"an unknown member inside": {"{Inner: {Size: 1, Else: 2}}", "t.yaml:2:23: X.Properties.Inner.Else: not supported by the local runner"},
		"text for an integer":      {"{Count: x}", `t.yaml:2:13: X.Properties.Count: expected an integer, found "x"`},
		"a fraction":               {"{Count: 1.5}", `t.yaml:2:13: X.Properties.Count: expected an integer, found "1.5"`},
		"an integer beyond range":  {"{Long: 99999999999999999999}", `t.yaml:2:12: X.Properties.Long: expected an integer, found "99999999999999999999"`},
		"a word for a boolean":     {"{On: yes}", `t.yaml:2:10: X.Properties.On: expected true or false, found "yes"`},
		"no number":                {"{Share: .inf}", `t.yaml:2:13: X.Properties.Share: expected a number, found ".inf"`},
		"a list for text":          {"{Name: [a]}", "t.yaml:2:12: X.Properties.Name: expected text, found a list"},
		"text for a list":          {"{List: a}", `t.yaml:2:12: X.Properties.List: expected a list, found "a"`},
		"text for a map":           {"{Inner: a}", `t.yaml:2:13: X.Properties.Inner: expected a map, found "a"`},
		"a list for a Go map":      {"{Tags: [a]}", "t.yaml:2:12: X.Properties.Tags: expected a map, found a list"},
		"a member that is missing": {"{List: [{Size: 1}, {}]}", "t.yaml:2:24: X.Properties.List[1]: Size is missing, and must be given"},
		"an item of a list":        {"{List: [{Size: x}]}", `t.yaml:2:20: X.Properties.List[0].Size: expected an integer, found "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := parsed(t, tc.text).Decode(new(sample))
			if err == nil || err.Error() != tc.want {
				t.Errorf("%s gives %v, want %s", tc.text, err, tc.want)
			}
		})
	}
}

func TestDecodeRefusesOtherTypes(t *testing.T) {
	v := parsed(t, "{Name: a}")
	for name, dst := range map[string]any{
		"no pointer":    sample{},
		"nothing":       nil,
		"a nil pointer": (*sample)(nil),
		"a field of a channel": &struct {
			Name chan int `cfn:"Name"`
		}{},
		"keys that are no text": &map[int]string{},
	} {
		t.Run(name, func(t *testing.T) {
			if err := v.Decode(dst); err == nil {
				t.Error("Decode answers no error, want one")
			}
		})
	}
	if err := (*Value)(nil).Decode(new(string)); err == nil {
		t.Error("Decode of no value answers no error, want one")
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		`true`: `true`, `False`: `false`, `"true"`: `"true"`, `yes`: `"yes"`,
		`12`: `12`, `-12`: `-12`, `+12`: `12`, `0`: `0`, `'12'`: `"12"`, `012`: `"012"`, `000000000000`: `"000000000000"`,
		`123456789012345678901234567890`: `123456789012345678901234567890`,
		`1.50`:                           `1.50`, `.5`: `0.5`, `5.`: `5`, `-.5e-3`: `-0.5e-3`, `1e3`: `1e3`, `01.5`: `"01.5"`,
		`0x1F`: `31`, `0o17`: `15`, `0xFFFFFFFFFFFFFFFFF`: `"0xFFFFFFFFFFFFFFFFF"`, `1_000`: `"1_000"`, `0b1`: `"0b1"`,
		`.inf`: `".inf"`, `.nan`: `".nan"`, `2012-10-17`: `"2012-10-17"`, `1:30`: `"1:30"`,
		`"a\"\\\n\u2028<"`: `"a\"\\\n\u2028<"`, `[]`: `[]`, `{}`: `{}`, `{b: 1, a: [x, "2"]}`: `{"b":1,"a":["x","2"]}`,
		`!Sub "12"`: `"12"`, `!Select [0, [12]]`: `12`, `!!str 12`: `"12"`, `""`: `""`,
	} {
		t.Run(text, func(t *testing.T) {
			got := string(parsed(t, "{P: "+text+"}").Get("P").JSON())
			if strings.ReplaceAll(got, "\u2028", `\u2028`) != want {
				t.Errorf("%s is %s as JSON, want %s", text, got, want)
			}
		})
	}
	if got := string((*Value)(nil).JSON()); got != "null" {
		t.Errorf("no value is %s as JSON, want null", got)
	}
}

func TestWithout(t *testing.T) {
	v := parsed(t, "{a: 1, b: 2, c: 3}")
	if got, want := string(v.Without("a", "c", "d").JSON()), `{"b":2}`; got != want {
		t.Errorf("what is left is %s, want %s", got, want)
	}
	if got, want := string(v.JSON()), `{"a":1,"b":2,"c":3}`; got != want {
		t.Errorf("the value itself became %s, want %s", got, want)
	}
}
