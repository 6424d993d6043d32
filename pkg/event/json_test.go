package event

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func deep(levels int) string { return strings.Repeat(`[`, levels) + strings.Repeat(`]`, levels) }

func TestHowJSONIsRead(t *testing.T) {
	for name, tc := range map[string]struct {
		data   string
		reason Reason // "" is valid
	}{
		"white space around it":           {" \n" + smallest["app_error"] + "\r\t ", ""},
		"a byte order mark":               {"\ufeff" + smallest["app_error"], InvalidJSON},
		"trailing garbage":                {smallest["app_error"] + "x", InvalidJSON},
		"two values":                      {smallest["app_error"] + smallest["app_error"], InvalidJSON},
		"a comment":                       {`{"type":"app_error",/* no */"message":"m"}`, InvalidJSON},
		"a trailing comma":                {`{"type":"app_error","message":"m",}`, InvalidJSON},
		"NaN":                             {`{"type":"page_view","url":"http://a","load_ms":NaN}`, InvalidJSON},
		"NaN in a place that is unknown":  {`{"type":"app_error","message":"m","x":[NaN]}`, InvalidJSON},
		"single quotes":                   {`{'type':'app_error'}`, InvalidJSON},
		"a control character in a string": {"{\"type\":\"app_error\",\"message\":\"a\nb\"}", InvalidJSON},
		"a leading zero":                  {`{"type":"app_error","message":"m","line":01}`, InvalidJSON},
		"a plus sign":                     {`{"type":"app_error","message":"m","line":+1}`, InvalidJSON},
		"a bad escape":                    {`{"type":"app_error","message":"\x"}`, InvalidJSON},
		"cut off":                         {`{"type":"app_error","message":"m"`, InvalidJSON},
		"cut off in a string":             {`{"type":"app_error","message":"m`, InvalidJSON},
		"invalid behind a rejection":      {`{"type":"app_error","message":5,"x"}`, InvalidJSON},
		"a known name twice":              {`{"type":"app_error","message":"m","message":"m"}`, DuplicateName},
		"a known name twice, once null":   {`{"type":"app_error","message":"m","level":null,"level":"info"}`, DuplicateName},
		"a name twice, once escaped":      {`{"type":"app_error","message":"m","m\u0065ssage":"m"}`, DuplicateName},
		"an unknown name twice":           {`{"type":"app_error","message":"m","x":1,"x":1}`, DuplicateName},
		"many unknown names, one twice":   {`{"type":"app_error","message":"m"` + manyNames(40) + manyNames(1) + `}`, DuplicateName},
		"many unknown names, last twice":  {`{"type":"app_error","message":"m"` + manyNames(40) + `,"n39":0}`, DuplicateName},
		"many unknown names":              {`{"type":"app_error","message":"m"` + manyNames(1000) + `}`, ""},
		"a name twice in a viewport":      {`{"type":"page_view","url":"http://a","viewport":{"width":1,"width":1}}`, DuplicateName},
		"an unknown one in a viewport":    {`{"type":"page_view","url":"http://a","viewport":{"x":1,"x":1}}`, DuplicateName},
		"a name twice in an item":         {with(t, "purchase", "items", `[{"sku":"a","unit_price":1,"sku":"b"}]`), DuplicateName},
		"the same name in two objects":    {with(t, "purchase", "items", `[{"sku":"a","unit_price":1,"x":1},{"sku":"a","unit_price":1,"x":1}]`), ""},
		"a name within and then without":  {`{"type":"page_view","url":"http://a","viewport":{"x":1},"context":{"y":"1"},"x":1,"y":1}`, ""},
		"a name twice where all unknown":  {`{"type":"app_error","message":"m","x":{"a":1,"a":2}}`, ""},
		"names that are one when mended":  {`{"type":"app_error","message":"m","\ud800":1,"\udc00":2}`, DuplicateName},
		"names in another case":           {`{"type":"app_error","message":"m","Message":1,"MESSAGE":2}`, ""},
		"32 levels":                       {`{"type":"app_error","message":"m","x":` + deep(31) + `}`, ""},
		"33 levels":                       {`{"type":"app_error","message":"m","x":` + deep(32) + `}`, TooDeep},
		"33 levels behind brackets as text": {
			`{"type":"app_error","message":"m","x":["[[[[\"[[[[[\\",` + deep(31) + `]}`, TooDeep,
		},
		"brackets as text": {`{"type":"app_error","message":"m","x":["` + strings.Repeat(`[`, 99) + `\"{{{{"]}`, ""},
		"33 levels in an item": {
			with(t, "purchase", "items", `[{"sku":"a","unit_price":1,"x":`+deep(30)+`}]`), TooDeep,
		},
		"32 levels in an item": {
			with(t, "purchase", "items", `[{"sku":"a","unit_price":1,"x":`+deep(29)+`}]`), "",
		},
		"100,000 levels":             {`{"type":"app_error","message":"m","x":` + deep(100_000) + `}`, TooDeep},
		"100,000 levels, all event":  {deep(100_000), TooDeep},
		"100,000 levels, never shut": {strings.Repeat(`{"a":`, 100_000), TooDeep},
	} {
		t.Run(name, func(t *testing.T) {
			_, out := judge(t).AppendRow(nil, []byte(tc.data), origin)
			var got Reason
			if len(out.Rejections) > 0 {
				got = out.Rejections[len(out.Rejections)-1].Reason
			}
			if got != tc.reason {
				t.Errorf("%s: %+v, want %q", short(tc.data), out.Rejections, tc.reason)
			}
			if tc.reason == InvalidJSON && len(out.Rejections) != 1 {
				t.Errorf("more is said of what is no JSON: %+v", out.Rejections)
			}
		})
	}
}

// manyNames is n unknown members.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"n` + strings.TrimSpace(quoteInt(i)) + `":0`)
	}
	return b.String()
}

func quoteInt(i int) string { b, _ := json.Marshal(i); return string(b) }

func TestTooDeepIsSaidWhereItIs(t *testing.T) {
	for data, want := range map[string]string{
		`{"type":"app_error","message":"m","x":` + deep(32) + `}`:                           "/x",
		with(t, "purchase", "items", `[{"sku":"a","unit_price":1,"x":{"y":`+deep(31)+`}}]`): "/items/0/x",
	} {
		_, out := judge(t).AppendRow(nil, []byte(data), origin)
		if !slices.Equal(out.Rejections, []Rejection{{want, "depth", TooDeep}}) {
			t.Errorf("%s: %+v", data, out.Rejections)
		}
	}
}

func TestTheTypeMayStandAnywhere(t *testing.T) {
	want, _ := judge(t).AppendRow(nil, []byte(smallest["app_error"]), origin)
	for _, data := range []string{
		`{"message":"no","type":"app_error"}`, `{"message":"no","t\u0079pe":"app_error"}`, `{"type" : "app_error","message":"no"}`,
		`{"message":"no","type":"app\u005ferror"}`,
	} {
		if got, out := judge(t).AppendRow(nil, []byte(data), origin); string(got) != string(want) {
			t.Errorf("%s:\n%s%+v", data, got, out)
		}
	}
}

func TestText(t *testing.T) {
	for name, tc := range map[string]struct{ sent, want string }{
		"as it is":                       {`"a é 한 😀"`, "a é 한 😀"},
		"escapes":                        {`"\u0041\/\n\t\"\\\u00e9"`, "A/\n\t\"\\é"},
		"the ends of the private use":    {`"\ue000\uffff"`, "\ue000\uffff"},
		"NUL":                            {`"a\u0000b"`, "a\x00b"},
		"a surrogate pair":               {`"\ud83d\ude00"`, "😀"},
		"a cut-off emoji":                {`"a\ud83d"`, "a\ufffd"},
		"the second half alone":          {`"\ude00a"`, "\ufffda"},
		"two first halves":               {`"\ud83d\ud83d\ude00"`, "\ufffd😀"},
		"a half and another escape":      {`"\ud83d\n"`, "\ufffd\n"},
		"ill-formed UTF-8":               {"\"a\xffb\"", "a\ufffdb"},
		"a cut-off sequence":             {"\"a\xf0\x9f\x98\"", "a\ufffd\ufffd\ufffd"},
		"a surrogate in UTF-8":           {"\"\xed\xa0\x80\"", "\ufffd\ufffd\ufffd"},
		"line separators":                {"\"\u2028\u2029\"", "\u2028\u2029"},
		"a backslash and ill-formed one": {"\"\\n\xff\"", "\n\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			var standard string
			if err := json.Unmarshal([]byte(tc.sent), &standard); err != nil || standard != tc.want {
				t.Errorf("encoding/json reads %q, %v; the case wants %q", standard, err, tc.want)
			}
			members, out := row(t, `{"type":"app_error","message":"m","file":`+tc.sent+`,"context":{`+tc.sent+`:`+tc.sent+`},"x":{"y":[`+tc.sent+`]}}`)
			if len(out.Rejections) > 0 {
				t.Fatalf("refused: %+v", out.Rejections)
			}
			var file, extra string
			var context map[string]string
			var x struct{ X struct{ Y []string } }
			for _, err := range []error{
				json.Unmarshal(members["file"], &file), json.Unmarshal(members["context"], &context),
				json.Unmarshal(members["extra"], &extra), json.Unmarshal([]byte(extra), &x),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			if file != tc.want || context[tc.want] != tc.want || x.X.Y[0] != tc.want {
				t.Errorf("file %q, context %q, extra %q, want %q in all", file, context, extra, tc.want)
			}
			if strings.Contains(strings.ToLower(extra), `\ud83d"`) {
				t.Errorf("extra has a lone surrogate: %s", extra)
			}
		})
	}
}

func TestExtra(t *testing.T) {
	item := `"sku":"a","unit_price":1`
	for name, tc := range map[string]struct {
		data, want string
		unknown    int
	}{
		"nothing unknown": {smallest["app_error"], "", 0},
		"the event's own shape": {
			with(t, "purchase", "items", `[{`+item+`},{"gift":true,`+item+`},{`+item+`}],"colour":"red","x":null`),
			`{"items":[null,{"gift":true}],"colour":"red","x":null}`, 3,
		},
		"a viewport":           {with(t, "page_view", "viewport", `{"depth":24,"width":1}`), `{"viewport":{"depth":24}}`, 1},
		"number text":          {with(t, "app_error", "x", `[1.0,1e3,-0,123456789012345678901234567890,1E400]`), `{"x":[1.0,1e3,-0,123456789012345678901234567890,1E400]}`, 1},
		"white space":          {with(t, "app_error", "x", "{ \"a\" : [ 1 ,\n2 ] }"), "{\"x\":{ \"a\" : [ 1 ,\n2 ] }}", 1},
		"repeated names below": {with(t, "app_error", "x", `{"a":1,"a":2}`), `{"x":{"a":1,"a":2}}`, 1},
		"escapes":              {with(t, "app_error", "x", `"\u0041\/\ud83d\ude00"`), `{"x":"\u0041\/\ud83d\ude00"}`, 1},
		"the case of names":    {`{"type":"page_view","url":"http://a","URL":"x"}`, `{"URL":"x"}`, 1},
		"an escaped name":      {`{"type":"app_error","message":"m","\u0061\"\n":1}`, `{"a\"\n":1}`, 1},
		"an empty name":        {`{"type":"app_error","message":"m","":{}}`, `{"":{}}`, 1},
		"several in an item": {
			with(t, "purchase", "items", `[{"a":1,`+item+`,"b":[null]},{`+item+`},{`+item+`,"c":null},{`+item+`}]`),
			`{"items":[{"a":1,"b":[null]},null,{"c":null}]}`, 3,
		},
		"another type's field": {with(t, "app_error", "url", `"http://a"`), `{"url":"http://a"}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			members, out := row(t, tc.data)
			var got string
			if members["extra"] != nil {
				if err := json.Unmarshal(members["extra"], &got); err != nil {
					t.Error(err)
				}
			}
			if got != tc.want || out.Unknown != tc.unknown || len(out.Rejections) > 0 {
				t.Errorf("%s\nextra %s, outcome %+v\nwant  %s, %d", tc.data, got, out, tc.want, tc.unknown)
			}
		})
	}
}

func TestTimestamps(t *testing.T) {
	for sent, want := range map[string]string{
		"2026-11-22T09:30:00Z":              "2026-11-22T09:30:00.000Z",
		"2026-11-22T09:30:00.1Z":            "2026-11-22T09:30:00.100Z",
		"2026-11-22T09:30:00.1239999Z":      "2026-11-22T09:30:00.123Z",
		"2026-11-22T09:30:00.000000001Z":    "2026-11-22T09:30:00.000Z",
		"2026-11-22T18:30:00.123+09:00":     "2026-11-22T09:30:00.123Z",
		"2026-11-21T23:00:00-10:30":         "2026-11-22T09:30:00.000Z",
		"2026-11-22T09:30:00-00:00":         "2026-11-22T09:30:00.000Z",
		"2024-02-29T23:59:59.999Z":          "2024-02-29T23:59:59.999Z",
		"2000-02-29T00:00:00+23:59":         "2000-02-28T00:01:00.000Z",
		"2026-02-29T00:00:00Z":              "",
		"2026-04-31T00:00:00Z":              "",
		"2026-00-10T00:00:00Z":              "",
		"2026-13-10T00:00:00Z":              "",
		"2026-11-00T00:00:00Z":              "",
		"2026-11-22T24:00:00Z":              "",
		"2026-11-22T23:60:00Z":              "",
		"2016-12-31T23:59:60Z":              "", // a leap second
		"2026-11-22T09:30:60Z":              "",
		"2026-11-22t09:30:00Z":              "",
		"2026-11-22T09:30:00z":              "",
		"2026-11-22 09:30:00Z":              "",
		"2026-11-22T09:30:00":               "",
		"2026-11-22T09:30:00,5Z":            "",
		"2026-11-22T09:30:00.Z":             "",
		"2026-11-22T09:30:00.5":             "",
		"2026-11-22T09:30Z":                 "",
		"2026-11-22T9:30:00Z":               "",
		"2026-11-22T09:30:00+0900":          "",
		"2026-11-22T09:30:00+09":            "",
		"2026-11-22T09:30:00+24:00":         "",
		"2026-11-22T09:30:00+09:60":         "",
		"2026-11-22T09:30:00Z ":             "",
		"2026-11-22T09:30:00ZZ":             "",
		"+026-11-22T09:30:00Z":              "",
		"2026-11-22":                        "",
		"1795339800500":                     "",
		"２０２６-11-22T09:30:00Z":              "",
		"2026-11-22T09:30:00.1²Z":           "",
		"2026-11-22T09:30:00+\xff0:00":      "",
		"2026-11-22T09:30:00.5+01:00[Seoul": "",
	} {
		ms, ok := parseTimestamp([]byte(sent))
		var got string
		if ok {
			got = string(appendTimestamp(nil, ms))
		}
		if want != "" {
			want = `"` + want + `"`
		}
		if got != want {
			t.Errorf("%s is read as %s, want %q", sent, got, want)
		}
	}
}
