package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// candidates are values that a field of this Glue type might have, at the limits of what is valid above all.
func (p *prober) candidates(f *field, path []string) []value {
	example := find(json.RawMessage(p.example), path)
	kind := f.glue
	if f.isList() {
		kind = strings.TrimSuffix(strings.TrimPrefix(f.glue, "array<"), ">")
	}
	switch kind {
	case "string":
		return p.texts(f, path, example)
	case "boolean":
		return []value{{"true", "true"}, {"false", "false"}}
	case "tinyint", "smallint", "int", "bigint":
		return p.integers(f, path, example)
	case "float", "double":
		return p.numbers(path)
	case "timestamp":
		return times()
	case "map<string,string>":
		return p.maps(path)
	}
	return nil
}

// hostile are texts that would be structure somewhere on the way, or that somebody might mend.
var hostile = []string{
	"", " ", "a", "null", "0", "\x00", "\x00\x01\t\n\r\x1b\x7f", `"'"`, `\`, `\\"`, `\u0041`, "a/b", "</script>", "\u2028\u2029\u0085", "\uFEFF\uFFFE\uFFFD",
	"é", "e\u0301", "🫖", "\U0010FFFF", "\u202eabc", "$context.requestId", `#set($x = "1")#end`, "$!{data}##", `"},"attempt":9,"x":{"`, `{"a":[1]}`, "[]",
	"a\nb\r\nc", "%00%2e", "NaN", "1e400", "2026-11-22T09:30:00Z", "true", "\\N", "__HIVE_DEFAULT_PARTITION__", "😀😀😀😀😀😀😀😀", strings.Repeat("é", 64),
}

// codes are values of standards that rules may ask for.
var codes = []string{
	"de", "en-GB", "zh-Hant-TW", "sr-Latn-RS", "i-klingon", "x-private", "DE", "TW", "ZA", "EUR", "JPY", "XXX", "ZWG", "CLF",
	"http://a", "https://user:pass@example.com:8443/a%20b?c=d&e[]=f#g", "HTTP://EXAMPLE.COM/", "https://[2001:db8::1]/", "https://bücher.example/ä?ö=ü",
	"127.0.0.1", "a@example.com", "00000000-0000-4000-8000-000000000000",
}

func (p *prober) texts(f *field, path []string, example json.RawMessage) []value {
	var own string
	_ = json.Unmarshal(example, &own) // without an example it is ""
	texts := append(append([]string{own}, f.words...), append(codes, hostile...)...)
	for _, start := range []string{"", own} {
		n := greatest(0, 40_000, func(n int64) bool { return p.valid(path, quoted(start+strings.Repeat("x", int(n)))) })
		for _, c := range []string{"x", "🫖", `"`, `\`, "\x00"} {
			texts = append(texts, start+strings.Repeat(c, n), start+strings.Repeat(c, max(0, n-1)))
		}
	}
	var all []value
	for _, text := range texts {
		all = append(all, value{p.spelled(text), quoted(text)}, value{quoted(text), quoted(text)})
	}
	return append(all,
		value{`"\ud83d"`, quoted("\uFFFD")}, value{`"a\udc00\ud83d!"`, quoted("a\uFFFD\uFFFD!")},
		value{`"\ud83d\ud83e\uded6"`, quoted("\uFFFD🫖")}, value{`"\uD83E\udeD6\/"`, quoted("🫖/")})
}

func (p *prober) integers(f *field, path []string, example json.RawMessage) []value {
	valid := func(n int64) bool { return p.valid(path, strconv.FormatInt(n, 10)) }
	at := int64(0) // a valid one: from there the limits are looked for
	for _, text := range []string{"1", f.fallback, string(example)} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && valid(n) {
			at = n
		}
	}
	most := int64(greatest(at, math.MaxInt64, valid))
	least := -int64(greatest(-at, math.MaxInt64, func(n int64) bool { return valid(-n) }))
	all := []value{{"-0", "0"}}
	for _, n := range []int64{least, least + 1, -1, 0, 1, 9, 10, at, most / 2, 1<<31 - 1, 1 << 31, 1<<53 + 1, most - 1, most} {
		all = append(all, value{fmt.Sprint(n), fmt.Sprint(n)})
	}
	return all
}

func (p *prober) numbers(path []string) []value {
	most := greatest(0, 1<<60, func(n int64) bool { return p.valid(path, strconv.FormatInt(n, 10)) })
	literals := []string{
		"0", "-0", "0.0", "-0.0", "1", "-1", "0.1", "0.30000000000000004", "1e3", "1E+3", "1.5e-7", "5e-324", "2.2250738585072014e-308", "1e-400",
		"123.456789012345678901234567890", "0.1000000000000000055511151231257827", "1e22", "1.7976931348623157e308", "-1.5", "16777217", "9007199254740993",
		strconv.Itoa(most), strconv.Itoa(most) + ".0", strconv.FormatFloat(math.Nextafter(float64(most), 0), 'g', -1, 64), "4.9e0",
	}
	var all []value
	for _, l := range literals {
		all = append(all, value{l, l})
	}
	return all
}

// times are the same for all fields: hydrant's years, and what RFC 3339 lets one write.
func times() []value {
	var all []value
	for _, text := range []string{
		"2000-01-01T00:00:00Z", "2000-01-01T14:00:00+14:00", "1999-12-31T12:00:00.000999999-12:00", "2024-02-29T23:59:59.999999999Z", "2024-02-29T23:59:59.9Z",
		"2025-11-22T09:30:00.25+00:00", "2025-11-22T09:30:00-00:00", "2001-09-09T01:46:39.999Z", "2001-09-09T01:46:40.0001Z", "2025-03-30T02:30:00.5+02:00",
		"2025-12-31T23:59:59.0000000000001+23:59", "2016-12-31T23:59:59.123456Z",
	} {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			panic(err)
		}
		all = append(all, value{quoted(text), quoted(moment(t))})
	}
	for _, ms := range []int64{946_684_800_000, 946_684_800_001, 999_999_999_999, 1_000_000_000_000, 1_234_567_890_123, arrival} {
		all = append(all, value{fmt.Sprint(ms), quoted(moment(time.UnixMilli(ms)))})
	}
	return all
}

func moment(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// maps are maps of text at their limits: of members, of the length of names and of values.
func (p *prober) maps(path []string) []value {
	of := func(n int, name func(int) string, text string) value {
		var m members
		for i := range n {
			m = append(m, member{quoted(name(i)), quoted(name(i)), quoted(text), quoted(text)})
		}
		return value{m.sent(), m.row()}
	}
	length := func(c string, n int64) int {
		return greatest(0, n, func(n int64) bool { return p.valid(path, `{"k":`+quoted(strings.Repeat(c, int(n)))+`}`) })
	}
	short := func(i int) string { return fmt.Sprint("k", i) }
	names := greatest(1, 1000, func(n int64) bool { return p.valid(path, `{`+quoted(strings.Repeat("🫖", int(n)))+`:"v"}`) })
	long := func(i int) string { return (fmt.Sprintf("%04d", i) + strings.Repeat("🫖", names))[:4*names-12] }
	most := greatest(0, 1000, func(n int64) bool { return p.valid(path, of(int(n), short, "v").sent) })
	all := []value{
		{"{}", "{}"},
		{`{"k":null}`, "{}"},
		{`{"a":null,"":null,"b":"c"}`, `{"b":"c"}`},
		of(most, short, "v"), of(1, long, strings.Repeat("x", length("x", 10_000))), of(most, long, "🫖"),
		of(3, short, strings.Repeat(`"`, length(`"`, 10_000))),
	}
	for _, text := range hostile {
		all = append(all, value{"{" + p.spelled(text) + ":" + p.spelled(text) + `,"key":` + p.spelled(text) + "}", "{" + quoted(text) + ":" + quoted(text) + `,"key":` + quoted(text) + "}"})
	}
	return append(all, value{`{"\ud83d":"\udc00","A":"1","a":"2"}`, `{"�":"�","A":"1","a":"2"}`})
}
