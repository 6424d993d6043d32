package event

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// origin is where the tests' events come from: they were received on 22 November 2026 at 09:30 and half a second, UTC.
var origin = Origin{ReceivedAt: 1795339800500, Producer: "shop", RequestID: "Bx3dEf==", Attempt: 2, EventID: "derived-id"}

func judge(t testing.TB) *Judge {
	t.Helper()
	j, err := NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// smallest is an event of each type with only its required fields.
var smallest = map[string]string{
	"page_view": `{"type":"page_view","url":"https://a.example/"}`,
	"purchase":  `{"type":"purchase","order_id":"1","currency":"EUR","items":[{"sku":"a","unit_price":5}],"total":5}`,
	"app_error": `{"type":"app_error","message":"no"}`,
}

// with is the smallest event of a type with a member added, or put in the place of the one that it has.
func with(t testing.TB, kind, name, value string) string {
	t.Helper()
	return replaced(t, smallest[kind], name, value)
}

// replaced is with for any event.
func replaced(t testing.TB, data, name, value string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &members); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":%s`, members["type"])
	for other, v := range members {
		if other != name && other != "type" {
			fmt.Fprintf(&b, `,%q:%s`, other, v)
		}
	}
	fmt.Fprintf(&b, `,%q:%s}`, name, value)
	return b.String()
}

func row(t testing.TB, data string) (map[string]json.RawMessage, Outcome) {
	t.Helper()
	b, out := judge(t).AppendRow(nil, []byte(data), origin)
	if len(out.Rejections) > 0 {
		return nil, out
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		t.Fatalf("the row of %s is no JSON object: %v\n%s", data, err, b)
	}
	return members, out
}

func quote(s string) string {
	b, _ := json.Marshal(s) // no string is refused
	return string(b)
}

func TestSmallestEvents(t *testing.T) {
	const head = `"event_id":"derived-id","occurred_at":"2026-11-22T09:30:00.500Z","schema_version":1,"test":false,` +
		`"received_at":"2026-11-22T09:30:00.500Z","producer":"shop","request_id":"Bx3dEf==","attempt":2,`
	for kind, want := range map[string]string{
		"page_view": `{"type":"page_view",` + head + `"url":"https://a.example/","device":"unknown","language":"und",` +
			`"viewport":{"width":0,"height":0},"first_visit":false,"interactive":true}` + "\n",
		"purchase": `{"type":"purchase",` + head + `"order_id":"1","currency":"EUR",` +
			`"items":[{"sku":"a","quantity":1,"unit_price":5}],"total":5,"tax":0,"shipping":0,"payment_method":"other"}` + "\n",
		"app_error": `{"type":"app_error",` + head + `"message":"no","level":"error","handled":true}` + "\n",
	} {
		t.Run(kind, func(t *testing.T) {
			got, out := judge(t).AppendRow([]byte("before"), []byte(smallest[kind]), origin)
			if string(got) != "before"+want {
				t.Errorf("row:\n%swant:\n%s", got, "before"+want)
			}
			if out.Type != kind || out.EventID != "derived-id" || out.Unknown != 0 || len(out.Rejections) != 0 {
				t.Errorf("outcome: %+v", out)
			}
		})
	}
}

func TestFullEvents(t *testing.T) {
	for kind, tc := range map[string]struct{ data, want string }{
		"page_view": {
			`{"context":{"b":"2","a":"1"},"interactive":false,"first_visit":true,"load_ms":12.25,"viewport":{"height":2,"width":1},"country":"KR",
			 "language":"ko-KR","device":"tv","referrer":"","title":"","url":"HTTP://A.example/?q=%20","test":true,"schema_version":1000,
			 "session_id":"s","user_id":"u","occurred_at":"2026-11-22T18:30:00.1239+09:00","event_id":"A:b-c_d.9","type":"page_view"}`,
			`{"type":"page_view","event_id":"A:b-c_d.9","occurred_at":"2026-11-22T09:30:00.123Z","user_id":"u","session_id":"s",` +
				`"schema_version":1000,"test":true,"received_at":"2026-11-22T09:30:00.500Z","producer":"shop","request_id":"Bx3dEf==","attempt":2,` +
				`"url":"HTTP://A.example/?q=%20","title":"","referrer":"","device":"tv","language":"ko-KR","country":"KR",` +
				`"viewport":{"width":1,"height":2},"load_ms":12.25,"first_visit":true,"interactive":false,"context":{"b":"2","a":"1"}}`,
		},
		"purchase": {
			`{"type":"purchase","payment_method":"card","coupon":"","shipping":2,"tax":1,"total":0,"currency":"JPY","order_id":"o",
			 "items":[{"unit_price":0,"quantity":3,"name":"n","sku":"s"},{"sku":"t","unit_price":1000000000000}],"occurred_at":946684800000}`,
			`{"type":"purchase","event_id":"derived-id","occurred_at":"2000-01-01T00:00:00.000Z","schema_version":1,"test":false,` +
				`"received_at":"2026-11-22T09:30:00.500Z","producer":"shop","request_id":"Bx3dEf==","attempt":2,"order_id":"o","currency":"JPY",` +
				`"items":[{"sku":"s","name":"n","quantity":3,"unit_price":0},{"sku":"t","quantity":1,"unit_price":1000000000000}],` +
				`"total":0,"tax":1,"shipping":2,"coupon":"","payment_method":"card"}`,
		},
		"app_error": {
			`{"type":"app_error","message":"m\n\"\u0000","level":"fatal","release":"1","stack":"s","file":"f","line":7,"handled":false,"context":{}}`,
			`{"type":"app_error","event_id":"derived-id","occurred_at":"2026-11-22T09:30:00.500Z","schema_version":1,"test":false,` +
				`"received_at":"2026-11-22T09:30:00.500Z","producer":"shop","request_id":"Bx3dEf==","attempt":2,"context":{},` +
				`"message":"m\n\"\u0000","level":"fatal","release":"1","stack":"s","file":"f","line":7,"handled":false}`,
		},
	} {
		t.Run(kind, func(t *testing.T) {
			got, out := judge(t).AppendRow(nil, []byte(tc.data), origin)
			if string(got) != tc.want+"\n" || len(out.Rejections) > 0 {
				t.Errorf("row:\n%s%+v\nwant:\n%s", got, out, tc.want)
			}
		})
	}
}

func TestOriginDecidesWhatAProducerCannot(t *testing.T) {
	o := Origin{ReceivedAt: 1795339800500, Producer: "direct", Attempt: 1 << 40, EventID: "x"}
	got, _ := judge(t).AppendRow(nil, []byte(smallest["app_error"]), o)
	want := `{"type":"app_error","event_id":"x","occurred_at":"2026-11-22T09:30:00.500Z","schema_version":1,"test":false,` +
		`"received_at":"2026-11-22T09:30:00.500Z","producer":"direct","attempt":2147483647,"message":"no","level":"error","handled":true}` + "\n"
	if string(got) != want {
		t.Errorf("a direct record's row:\n%swant:\n%s", got, want)
	}
	members, out := row(t, `{"type":"app_error","message":"m","received_at":1,"producer":"me","request_id":"r","attempt":9,"extra":{}}`)
	if got, want := string(members["extra"]), quote(`{"received_at":1,"producer":"me","request_id":"r","attempt":9,"extra":{}}`); got != want {
		t.Errorf("extra = %s, want %s", got, want)
	}
	if string(members["producer"]) != `"shop"` || out.Unknown != 5 {
		t.Errorf("producer %s, unknown %d", members["producer"], out.Unknown)
	}
}

// limits are the rows of the catalogue's tables: for each field values that are just good, and values that just are not, with the reason.
var limits = []struct {
	kind, field string
	good        []string
	bad         map[string]Reason
}{
	{"app_error", "event_id", []string{`"a"`, `"` + strings.Repeat("Z", 64) + `"`, `"az-AZ_09.:"`}, map[string]Reason{
		`""`: TooShort, `"` + strings.Repeat("Z", 65) + `"`: TooLong, `"a b"`: InvalidFormat, `"é"`: InvalidFormat, `"a\n"`: InvalidFormat, `7`: WrongType,
	}},
	{"app_error", "user_id", []string{`"u"`, quote(strings.Repeat("한", 128))}, map[string]Reason{`""`: TooShort, quote(strings.Repeat("한", 129)): TooLong}},
	{"app_error", "session_id", []string{`"u"`, quote(strings.Repeat("한", 128))}, map[string]Reason{`""`: TooShort, quote(strings.Repeat("한", 129)): TooLong}},
	{"app_error", "schema_version", []string{`1`, `1000`}, map[string]Reason{`0`: OutOfRange, `1001`: OutOfRange, `-0`: OutOfRange, `"1"`: WrongType, `1.0`: WrongType}},
	{"app_error", "test", []string{`true`, `false`}, map[string]Reason{`0`: WrongType, `"true"`: WrongType, `{}`: WrongType}},
	{"app_error", "occurred_at", []string{
		`946684800000`, `"2000-01-01T00:00:00Z"`, `"2026-11-23T09:30:00.500Z"`, `1795426200500`, `"2026-11-23T09:30:00.5009999Z"`,
	}, map[string]Reason{
		`946684799999`: OutOfRange, `"1999-12-31T23:59:59.999Z"`: OutOfRange, `"2000-01-01T00:00:00+00:01"`: OutOfRange,
		`4133980800000`: OutOfRange, `"2101-01-01T00:00:00Z"`: OutOfRange, `4133980799999`: InFuture, `"2100-12-31T23:59:59.999Z"`: InFuture,
		`1795426200501`: InFuture, `"2026-11-23T09:30:00.501Z"`: InFuture, `"yesterday"`: InvalidFormat, `""`: InvalidFormat,
		`1795339800.5`: WrongType, `1e12`: WrongType, `99999999999999999999`: OutOfRange, `-1`: OutOfRange, `true`: WrongType, `[]`: WrongType,
	}},
	{"page_view", "url", []string{
		`"http://a"`, `"https://a.example/x?y#z"`, `"HTTPS://A"`, quote("https://a/" + strings.Repeat("b", 2038)), quote("https://a/" + strings.Repeat("é", 2038)),
	}, map[string]Reason{
		`null`: Missing, `""`: InvalidFormat, `"ftp://a"`: InvalidFormat, `"a.example"`: InvalidFormat, `"https://"`: InvalidFormat,
		`"javascript:alert(1)"`: InvalidFormat, quote("https://a/" + strings.Repeat("b", 2039)): TooLong, `["https://a"]`: WrongType,
	}},
	{"page_view", "title", []string{`""`, quote(strings.Repeat("😀", 512))}, map[string]Reason{quote(strings.Repeat("😀", 513)): TooLong, `1`: WrongType}},
	{"page_view", "referrer", []string{`""`, `"http://a"`, quote("https://a/" + strings.Repeat("b", 2038))}, map[string]Reason{
		`" "`: InvalidFormat, `"a"`: InvalidFormat, quote("https://a/" + strings.Repeat("b", 2039)): TooLong,
	}},
	{"page_view", "device", []string{`"desktop"`, `"mobile"`, `"tablet"`, `"tv"`, `"bot"`, `"unknown"`}, map[string]Reason{`""`: NotAllowed, `"Desktop"`: NotAllowed, `"desktop mobile"`: NotAllowed}},
	{"page_view", "language", []string{`"en"`, `"zh-Hant-TW"`, `"und"`, quote("x" + strings.Repeat("-a", 511))}, map[string]Reason{quote("x" + strings.Repeat("-a", 512)): TooLong, `""`: InvalidFormat, `"english language"`: InvalidFormat, `"xq-12345678901"`: InvalidFormat}},
	{"page_view", "country", []string{`"KR"`, `"CH"`}, map[string]Reason{`""`: InvalidFormat, `"kr"`: InvalidFormat, `"KOR"`: InvalidFormat, `"XX"`: InvalidFormat}},
	{"page_view", "viewport", []string{`{}`, `{"width":0,"height":65535}`, `{"width":65535}`, `{"height":-0}`}, map[string]Reason{
		`{"width":65536}`: OutOfRange, `{"height":-1}`: OutOfRange, `{"width":1.5}`: WrongType, `[1,2]`: WrongType, `"1x2"`: WrongType, `{"width":4294967296}`: OutOfRange,
	}},
	{"page_view", "load_ms", []string{`0`, `-0`, `600000`, `6e5`, `0.001`, `1E-400`}, map[string]Reason{
		`600000.0000001`: OutOfRange, `-0.1`: OutOfRange, `1e999`: OutOfRange, `"1"`: WrongType, `true`: WrongType,
	}},
	{"page_view", "first_visit", []string{`true`, `false`}, map[string]Reason{`1`: WrongType, `"false"`: WrongType}},
	{"page_view", "interactive", []string{`true`, `false`}, map[string]Reason{`1`: WrongType, `"false"`: WrongType}},
	{"page_view", "context", contextGood, contextBad},
	{"app_error", "context", contextGood, contextBad},
	{"purchase", "order_id", []string{`"1"`, quote(strings.Repeat("é", 64))}, map[string]Reason{`""`: TooShort, quote(strings.Repeat("é", 65)): TooLong, `null`: Missing, `1`: WrongType}},
	{"purchase", "currency", []string{`"EUR"`, `"KRW"`}, map[string]Reason{`"eur"`: InvalidFormat, `""`: InvalidFormat, `"ZZZ"`: InvalidFormat, `null`: Missing}},
	{"purchase", "items", []string{items(1, `{"sku":"a","unit_price":0}`), items(200, `{"sku":"a","unit_price":0}`)}, map[string]Reason{
		`[]`: TooFew, items(201, `{"sku":"a","unit_price":0}`): TooMany, `null`: Missing, `{}`: WrongType, `[null]`: Missing, `[5]`: WrongType, `[[]]`: WrongType,
	}},
	{"purchase", "items", []string{
		items(1, `{"sku":`+quote(strings.Repeat("é", 64))+`,"unit_price":1000000000000}`), items(1, `{"sku":"a","unit_price":-0,"quantity":100000,"name":""}`),
		items(1, `{"sku":"a","unit_price":1,"name":`+quote(strings.Repeat("é", 256))+`}`), items(1, `{"sku":"a","unit_price":1,"quantity":null,"name":null}`),
	}, map[string]Reason{
		items(1, `{"sku":"","unit_price":0}`): TooShort, items(1, `{"sku":`+quote(strings.Repeat("é", 65))+`,"unit_price":0}`): TooLong,
		items(1, `{"unit_price":0}`): Missing, items(1, `{"sku":null,"unit_price":0}`): Missing, items(1, `{"sku":"a"}`): Missing,
		items(1, `{"sku":"a","unit_price":1000000000001}`): OutOfRange, items(1, `{"sku":"a","unit_price":-1}`): OutOfRange,
		items(1, `{"sku":"a","unit_price":1.0}`): WrongType, items(1, `{"sku":"a","unit_price":1,"quantity":0}`): OutOfRange,
		items(1, `{"sku":"a","unit_price":1,"quantity":100001}`): OutOfRange, items(1, `{"sku":"a","unit_price":1,"name":`+quote(strings.Repeat("é", 257))+`}`): TooLong,
	}},
	{"purchase", "total", money, andAlso(moneyBad, `null`, Missing)},
	{"purchase", "tax", money, moneyBad},
	{"purchase", "shipping", money, moneyBad},
	{"purchase", "coupon", []string{`""`, quote(strings.Repeat("é", 64))}, map[string]Reason{quote(strings.Repeat("é", 65)): TooLong}},
	{"purchase", "payment_method", []string{`"card"`, `"transfer"`, `"wallet"`, `"cash"`, `"other"`}, map[string]Reason{`""`: NotAllowed, `"CARD"`: NotAllowed}},
	{"app_error", "message", []string{`"m"`, quote(strings.Repeat("é", 4096))}, map[string]Reason{`""`: TooShort, quote(strings.Repeat("é", 4097)): TooLong, `null`: Missing}},
	{"app_error", "level", []string{`"debug"`, `"info"`, `"warning"`, `"error"`, `"fatal"`}, map[string]Reason{`"warn"`: NotAllowed, `""`: NotAllowed}},
	{"app_error", "release", []string{`""`, quote(strings.Repeat("é", 64))}, map[string]Reason{quote(strings.Repeat("é", 65)): TooLong}},
	{"app_error", "stack", []string{`""`, quote(strings.Repeat("é", 32768))}, map[string]Reason{quote(strings.Repeat("é", 32769)): TooLong}},
	{"app_error", "file", []string{`""`, quote(strings.Repeat("é", 1024))}, map[string]Reason{quote(strings.Repeat("é", 1025)): TooLong}},
	{"app_error", "line", []string{`0`, `10000000`}, map[string]Reason{`-1`: OutOfRange, `10000001`: OutOfRange, `2147483648`: OutOfRange, `1e3`: WrongType, `1E3`: WrongType, `1000.0`: WrongType, `"7"`: WrongType}},
	{"app_error", "handled", []string{`true`, `false`}, map[string]Reason{`"no"`: WrongType}},
}

var (
	money    = []string{`0`, `-0`, `1000000000000000`}
	moneyBad = map[string]Reason{
		`-1`: OutOfRange, `1000000000000001`: OutOfRange, `9223372036854775808`: OutOfRange, `-9223372036854775809`: OutOfRange,
		`1e3`: WrongType, `0.5`: WrongType, `"7"`: WrongType,
	}
	contextGood = []string{`{}`, manyTexts(50, 64, 1024), `{"a":""}`, `{"a":null}`, `{"` + strings.Repeat("x", 65) + `":null}`, `{"A":"1","a":"2"}`}
	contextBad  = map[string]Reason{
		manyTexts(51, 8, 1): TooMany, manyTexts(1, 65, 1): TooLong, manyTexts(1, 1, 1025): TooLong, `{"":"x"}`: TooShort, `{"a":5}`: WrongType,
		`{"a":{}}`: WrongType, `[]`: WrongType, `{"a":"1","a":"1"}`: DuplicateName, `{"a":null,"a":"1"}`: DuplicateName, `"a"`: WrongType,
	}
)

// manyTexts is an object of n strings, their names and values so many characters long.
func manyTexts(n, name, value int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = quote(strings.Repeat("é", max(0, name-2))+fmt.Sprintf("%02d", i)[max(0, 2-name):]) + ":" + quote(strings.Repeat("é", value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func items(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

func andAlso(m map[string]Reason, value string, r Reason) map[string]Reason {
	all := map[string]Reason{value: r}
	for v, r := range m {
		all[v] = r
	}
	return all
}

func short(s string) string {
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

func TestLimits(t *testing.T) {
	for _, tc := range limits {
		for _, value := range tc.good {
			data := with(t, tc.kind, tc.field, value)
			if _, out := row(t, data); len(out.Rejections) > 0 {
				t.Errorf("%s.%s = %s is refused: %v", tc.kind, tc.field, short(value), out.Rejections)
			}
		}
		for value, want := range tc.bad {
			dst, out := judge(t).AppendRow([]byte("before"), []byte(with(t, tc.kind, tc.field, value)), origin)
			if string(dst) != "before" {
				t.Errorf("%s.%s = %s changed dst: %s", tc.kind, tc.field, short(value), dst)
			}
			if len(out.Rejections) != 1 || out.Rejections[0].Reason != want || !strings.HasPrefix(out.Rejections[0].Field, "/"+tc.field) || out.Rejections[0].Rule == "" {
				t.Errorf("%s.%s = %s: rejections %+v, want one, %s", tc.kind, tc.field, short(value), out.Rejections, want)
			}
			if out.Type != tc.kind {
				t.Errorf("%s.%s = %s: type %q", tc.kind, tc.field, short(value), out.Type)
			}
		}
	}
}

func TestNullIsAbsent(t *testing.T) {
	j := judge(t)
	for kind := range smallest {
		want, _ := j.AppendRow(nil, []byte(smallest[kind]), origin)
		for name, i := range j.plans[kind].byName {
			got, out := j.AppendRow(nil, []byte(with(t, kind, name, "null")), origin)
			f := j.plans[kind].fields[i]
			switch {
			case name == "type": // with writes it twice
			case f.required && (len(out.Rejections) != 1 || out.Rejections[0] != Rejection{"/" + name, "required", Missing}):
				t.Errorf("%s.%s null: %+v", kind, name, out.Rejections)
			case !f.required && string(got) != string(want):
				t.Errorf("%s.%s null:\n%s%+v\nwant as without it:\n%s", kind, name, got, out, want)
			}
		}
	}
	members, _ := row(t, with(t, "page_view", "viewport", `{"width":null,"height":3}`))
	if got := string(members["viewport"]); got != `{"width":0,"height":3}` {
		t.Errorf("viewport = %s", got)
	}
	members, _ = row(t, with(t, "page_view", "context", `{"a":null,"b":"x","c":null}`))
	if got := string(members["context"]); got != `{"b":"x"}` {
		t.Errorf("context = %s", got)
	}
}

func TestRejections(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want []Rejection
		id   string
	}{
		"all that is wrong is said at once": {
			`{"type":"purchase","event_id":"mine","order_id":"","currency":"won","total":1.5,"coupon":5,"items":[{"sku":"a","unit_price":1},{"unit_price":-1}]}`,
			[]Rejection{
				{"/total", "integer", WrongType},
				{"/coupon", "string", WrongType},
				{"/items/1/sku", "required", Missing},
				{"/order_id", "min=1", TooShort},
				{"/currency", "iso4217", InvalidFormat},
				{"/items/1/unit_price", "min=0", OutOfRange},
			},
			"mine",
		},
		"an id that is no id is not used": {
			`{"type":"app_error","message":"m","event_id":"no id"}`, []Rejection{{"/event_id", "identifier", InvalidFormat}}, "derived-id",
		},
		"a missing type":            {`{"url":"x"}`, []Rejection{{"/type", "required", Missing}}, "derived-id"},
		"a null type":               {`{"type":null}`, []Rejection{{"/type", "required", Missing}}, "derived-id"},
		"a type that is no text":    {`{"type":7}`, []Rejection{{"/type", "string", WrongType}}, "derived-id"},
		"an unknown type":           {`{"type":"Page_view","url":7,"event_id":"e"}`, []Rejection{{"/type", "catalogue", UnknownType}}, "e"},
		"common fields are judged":  {`{"type":"x","test":1}`, []Rejection{{"/test", "boolean", WrongType}, {"/type", "catalogue", UnknownType}}, "derived-id"},
		"two types":                 {`{"type":"x","type":"page_view"}`, []Rejection{{"/type", "unique_names", DuplicateName}, {"/type", "catalogue", UnknownType}}, "derived-id"},
		"a number":                  {`5`, []Rejection{{"", "object", WrongType}}, "derived-id"},
		"an array":                  {`[{}]`, []Rejection{{"", "object", WrongType}}, "derived-id"},
		"null":                      {`null`, []Rejection{{"", "object", WrongType}}, "derived-id"},
		"nothing":                   {``, []Rejection{{"", "json", Empty}}, "derived-id"},
		"white space":               {" \r\n\t", []Rejection{{"", "json", Empty}}, "derived-id"},
		"a name in a context":       {with(t, "app_error", "context", `{"a/b~c":5}`), []Rejection{{"/context/a~1b~0c", "string", WrongType}}, "derived-id"},
		"a context's name":          {with(t, "app_error", "context", `{"":"x"}`), []Rejection{{"/context/", "name min=1", TooShort}}, "derived-id"},
		"a name too long to repeat": {with(t, "app_error", "context", `{"`+strings.Repeat("n", 256)+`":7}`), []Rejection{{"/context", "string", WrongType}, {"/context", "name max=64", TooLong}}, "derived-id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, out := judge(t).AppendRow(nil, []byte(tc.data), origin)
			if !slices.Equal(out.Rejections, tc.want) || out.EventID != tc.id {
				t.Errorf("%s: %+v\nwant %q, %+v", tc.data, out, tc.id, tc.want)
			}
		})
	}
}

func TestRejectionsAreBounded(t *testing.T) {
	_, out := row(t, with(t, "purchase", "items", items(100_000, `{"sku":5,"secret":"geheim"}`)))
	if len(out.Rejections) != maxRejections {
		t.Errorf("%d rejections, want %d", len(out.Rejections), maxRejections)
	}
	if s := fmt.Sprint(out); strings.Contains(s, "geheim") {
		t.Errorf("the outcome quotes the event: %s", s)
	}
}
