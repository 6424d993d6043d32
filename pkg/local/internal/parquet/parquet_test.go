package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"hydrant/pkg/local/internal/glue"
)

func columns(t testing.TB, pairs ...string) []glue.Column {
	t.Helper()
	var out []glue.Column
	for i := 0; i < len(pairs); i += 2 {
		typ, err := glue.ParseType(pairs[i+1])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, glue.Column{Name: pairs[i], Type: typ})
	}
	return out
}

func everyKind(t testing.TB) []glue.Column {
	return columns(t, "s", "string", "b", "boolean", "ti", "tinyint", "si", "smallint", "i", "int", "bi", "bigint", "f", "float", "d", "double",
		"ts", "timestamp", "dt", "date", "l", "array<int>", "m", "map<string,string>", "st", "struct<z:int,a:string,in:struct<x:array<string>>>",
		"deep", "array<struct<name:string,tags:array<string>,attrs:map<string,int>>>", "ll", "array<array<int>>", "mm", "map<string,map<string,bigint>>")
}

// reporter is what *testing.T and *rapid.T share.
type reporter interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

// roundTrip writes records to one file and reads its rows back.
func roundTrip(t reporter, cols []glue.Column, o Options, records ...string) ([]string, error) {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, cols, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write([]byte(r)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var rows []string
	err = Read(bytes.NewReader(file.Bytes()), int64(file.Len()), cols, func(row []byte) error {
		rows = append(rows, string(row))
		return nil
	})
	if int64(len(rows)) != w.Rows() {
		t.Errorf("read %d rows, wrote %d", len(rows), w.Rows())
	}
	return rows, err
}

func TestConversion(t *testing.T) {
	for name, tc := range map[string]struct {
		options     Options
		record      string
		want        string // rows, one a line
		code, error string // or this fault
	}{
		"text stays text":                   {record: `{"s":"a \"b\" \u00e9\n\ud83d\ude00"}`, want: `{"s":"a \"b\" é\n😀"}`},
		"ill-formed UTF-8 is mended":        {record: "{\"s\":\"a\xff\"}", want: `{"s":"a�"}`},
		"a lone surrogate is mended":        {record: `{"s":"\ud800x"}`, want: `{"s":"�x"}`},
		"number to text":                    {record: `{"s":12.50}`, want: `{"s":"12.50"}`},
		"boolean to text":                   {record: `{"s":true}`, want: `{"s":"true"}`},
		"object to text":                    {record: `{"s":{"A": [1, 2.0]}}`, want: `{"s":"{\"A\":[1,2.0]}"}`},
		"array to text":                     {record: `{"s":[ "x" ]}`, want: `{"s":"[\"x\"]"}`},
		"case-insensitive text of JSON":     {options: Options{CaseInsensitive: true}, record: `{"S":{"Ab":"Cd","E":[{"F":1}]}}`, want: `{"s":"{\"ab\":\"Cd\",\"e\":[{\"f\":1}]}"}`},
		"boolean":                           {record: `{"b":false}`, want: `{"b":false}`},
		"boolean as text":                   {record: `{"b":"TRUE"}`, want: `{"b":true}`},
		"no boolean":                        {record: `{"b":1}`, code: MalformedData, error: `For input string: "1"`},
		"integers at their bounds":          {record: `{"ti":-128,"si":32767,"i":-2147483648,"bi":9223372036854775807}`, want: `{"ti":-128,"si":32767,"i":-2147483648,"bi":9223372036854775807}`},
		"integer as text":                   {record: `{"i":"7"}`, want: `{"i":7}`},
		"text is no integer":                {record: `{"i":"oops"}`, code: MalformedData, error: `For input string: "oops"`},
		"tinyint overflows":                 {record: `{"ti":128}`, code: MalformedData, error: `"128"`},
		"int overflows":                     {record: `{"i":2147483648}`, code: MalformedData, error: `"2147483648"`},
		"bigint overflows":                  {record: `{"bi":9223372036854775808}`, code: MalformedData, error: "9223372036854775808"},
		"a fraction is no integer":          {record: `{"i":1.0}`, code: MalformedData, error: `"1.0"`},
		"object to integer":                 {record: `{"i":{}}`, code: MalformedData, error: "not int"},
		"doubles":                           {record: `{"d":-1.5e-300,"f":0.25}`, want: `{"f":0.25,"d":-1.5e-300}`},
		"double as text":                    {record: `{"d":"2.5"}`, want: `{"d":2.5}`},
		"double overflows":                  {record: `{"d":1e999}`, code: MalformedData, error: "1e999"},
		"infinity as text":                  {record: `{"d":"inf"}`, code: MalformedData, error: "inf"},
		"timestamp with T and Z":            {record: `{"ts":"2026-11-22T09:30:00.123Z"}`, want: `{"ts":"2026-11-22T09:30:00.123Z"}`},
		"timestamp with microseconds":       {record: `{"ts":"2026-11-22T09:30:00.123456Z"}`, want: `{"ts":"2026-11-22T09:30:00.123456Z"}`},
		"timestamp with space":              {record: `{"ts":"2026-1-2 09:30:00"}`, want: `{"ts":"2026-01-02T09:30:00.000Z"}`},
		"timestamp in seconds":              {record: `{"ts":1763803800}`, want: `{"ts":"2025-11-22T09:30:00.000Z"}`},
		"timestamp in milliseconds":         {record: `{"ts":1763803800123}`, want: `{"ts":"2025-11-22T09:30:00.123Z"}`},
		"timestamp in floating seconds":     {record: `{"ts":1763803800.5}`, want: `{"ts":"2025-11-22T09:30:00.500Z"}`},
		"timestamp in seconds as text":      {record: `{"ts":"1763803800"}`, want: `{"ts":"2025-11-22T09:30:00.000Z"}`},
		"timestamp with an offset":          {record: `{"ts":"2026-11-22T09:30:00+09:00"}`, code: MalformedData, error: "+09:00"},
		"one-digit month with T":            {record: `{"ts":"2026-1-22T09:30:00Z"}`, code: MalformedData, error: "2026-1-22"},
		"one-digit hour":                    {record: `{"ts":"2026-01-22T9:30:00Z"}`, code: MalformedData, error: "T9"},
		"ten digits of fraction":            {record: `{"ts":"2026-01-22T09:30:00.0123456789Z"}`, code: MalformedData, error: "For input"},
		"no such day":                       {record: `{"ts":"2026-02-30T09:30:00Z"}`, code: MalformedData, error: "2026-02-30"},
		"milliseconds beyond time":          {record: `{"ts":9223372036854775807}`, code: MalformedData, error: "For input"},
		"date":                              {record: `{"dt":"2026-3-4"}`, want: `{"dt":"2026-03-04"}`},
		"date before 1970":                  {record: `{"dt":"1969-12-31"}`, want: `{"dt":"1969-12-31"}`},
		"no date":                           {record: `{"dt":"04.03.2026"}`, code: MalformedData, error: "04.03.2026"},
		"a list":                            {record: `{"l":[1,null,3]}`, want: `{"l":[1,null,3]}`},
		"an empty list":                     {record: `{"l":[]}`, want: `{"l":[]}`},
		"a value for a list of one":         {record: `{"l":7}`, want: `{"l":[7]}`},
		"a map":                             {record: `{"m":{"B":"1","a":null}}`, want: `{"m":{"B":"1","a":null}}`},
		"an empty map":                      {record: `{"m":{}}`, want: `{"m":{}}`},
		"case-insensitive map keys":         {options: Options{CaseInsensitive: true}, record: `{"m":{"B":"1"}}`, want: `{"m":{"b":"1"}}`},
		"map keys that clash":               {options: Options{CaseInsensitive: true}, record: `{"m":{"B":"1","b":"2"}}`, code: MalformedData, error: "Duplicate key"},
		"a list is no map":                  {record: `{"m":["a"]}`, code: MalformedData, error: "not JSONObject"},
		"a struct":                          {record: `{"st":{"a":"x","z":1,"in":{"x":["p","q"]},"other":1}}`, want: `{"st":{"z":1,"a":"x","in":{"x":["p","q"]}}}`},
		"an empty struct":                   {record: `{"st":{}}`, want: `{"st":{}}`},
		"a struct by position":              {record: `{"st":[1,"x"]}`, want: `{"st":{"z":1,"a":"x"}}`},
		"a value is no struct":              {record: `{"st":1}`, code: MalformedData, error: "not JSONObject"},
		"lists in structs in lists":         {record: `{"deep":[{"name":"a","tags":["t",null],"attrs":{"k":1}},{"tags":[]},null,{}]}`, want: `{"deep":[{"name":"a","tags":["t",null],"attrs":{"k":1}},{"tags":[]},null,{}]}`},
		"a map behind a map in a list":      {record: `{"deep":[{"attrs":{"k":1}},{"attrs":{}}]}`, want: `{"deep":[{"attrs":{"k":1}},{"attrs":{}}]}`},
		"lists of lists":                    {record: `{"ll":[[1,2],[],null,[3]]}`, want: `{"ll":[[1,2],[],null,[3]]}`},
		"maps of maps":                      {record: `{"mm":{"a":{"x":1,"y":2},"b":{},"c":null}}`, want: `{"mm":{"a":{"x":1,"y":2},"b":{},"c":null}}`},
		"null and unknown are nothing":      {record: `{"s":null,"nope":{"s":1}}`, want: `{}`},
		"names match exactly":               {record: `{"S":"x"}`, want: `{}`},
		"names match in any case":           {options: Options{CaseInsensitive: true}, record: `{"S":"x"}`, want: `{"s":"x"}`},
		"names that clash":                  {options: Options{CaseInsensitive: true}, record: `{"S":"x","s":"y"}`, code: MalformedData, error: "Duplicate key"},
		"dots become underscores":           {options: Options{ConvertDots: true, ColumnToJSONKey: map[string]string{"s": "a_b"}}, record: `{"a.b":"x"}`, want: `{"s":"x"}`},
		"a mapped key":                      {options: Options{ColumnToJSONKey: map[string]string{"s": "text"}}, record: `{"text":"x","s":"y"}`, want: `{"s":"x"}`},
		"an escaped name":                   {record: `{"\u0073":"x"}`, want: `{"s":"x"}`},
		"several documents":                 {record: "{\"i\":1}\n{\"i\":2}{\"i\":3}\n", want: "{\"i\":1}\n{\"i\":2}\n{\"i\":3}"},
		"GZIP":                              {options: Options{Compression: "GZIP"}, record: `{"i":1}`, want: `{"i":1}`},
		"uncompressed":                      {options: Options{Compression: "UNCOMPRESSED"}, record: `{"i":1}`, want: `{"i":1}`},
		"nothing at all":                    {record: "", code: MalformedData, error: "empty or contained only whitespace"},
		"only whitespace":                   {record: " \n", code: MalformedData, error: "empty or contained only whitespace"},
		"a primitive":                       {record: "42", code: MalformedData, error: "primitive at the top level"},
		"an array of documents":             {record: `[{"i":1}]`, code: MalformedData, error: "not JSONObject"},
		"no JSON":                           {record: `{"i":1`, code: ParseError, error: "malformed JSON"},
		"no JSON behind a document":         {record: `{"i":1} x`, code: ParseError, error: "malformed JSON"},
		"a name twice":                      {record: `{"i":1,"i":2}`, code: ParseError, error: "duplicate field"},
		"a name twice in what is not known": {record: `{"nope":{"a":1,"a":2}}`, code: ParseError, error: "duplicate field"},
		"one of several documents is bad":   {record: "{\"i\":1}\n{\"i\":\"x\"}", code: MalformedData, error: "For input"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := roundTrip(t, everyKind(t), tc.options, tc.record)
			if tc.code != "" {
				var fault *DataError
				if !errors.As(err, &fault) || fault.Code != tc.code || !strings.Contains(fault.Message, tc.error) {
					t.Errorf("%s: got %v, want %s with %q", tc.record, err, tc.code, tc.error)
				}
				return
			}
			if got := strings.Join(rows, "\n"); err != nil || got != tc.want {
				t.Errorf("%s: got %s, %v\nwant %s", tc.record, got, err, tc.want)
			}
		})
	}
}

func TestARecordIsWrittenWholeOrNotAtAll(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, everyKind(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{`{"i":1}`, `{"i":2,"l":[1,2]}{"i":"bad"}`, `{"i":3}`} {
		var fault *DataError
		if err := w.Write([]byte(r)); err != nil && !errors.As(err, &fault) {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = Read(bytes.NewReader(file.Bytes()), int64(file.Len()), everyKind(t), func(row []byte) error {
		got = append(got, string(row))
		return nil
	})
	if want := `[{"i":1} {"i":3}]`; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

// A table may have gained columns since a file was written.
// TestManyRowsReadBackInOrder goes over batches and row groups, with records that fail between, larger ones, and a buffer that the
// caller uses again.
func TestManyRowsReadBackInOrder(t *testing.T) {
	cols := columns(t, "n", "bigint", "s", "string", "l", "array<string>")
	var file bytes.Buffer
	w, err := NewWriter(&file, cols, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var record []byte
	var want []string
	for n := range 2*maxRowsPerRowGroup + 4*batchRows {
		row := fmt.Sprintf(`{"n":%d,"s":"a\n%d","l":["x%d","\u00e9"]}`, n, n, n)
		if n%5000 == 0 {
			row = fmt.Sprintf(`{"n":%d,"s":"%s","l":[]}`, n, strings.Repeat("long ", batchBytes/4))
		}
		if n%97 == 0 {
			record = fmt.Appendf(record[:0], `{"n":1,"s":"gone","l":["gone"]}{"n":%d,"l":["gone"],"s":"gone"`, n)
			if err := w.Write(record); err == nil {
				t.Fatalf("%s is taken", record)
			}
		}
		record = append(record[:0], row...)
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
		want = append(want, strings.ReplaceAll(row, `\u00e9`, "é"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = Read(bytes.NewReader(file.Bytes()), int64(file.Len()), cols, func(row []byte) error {
		if n < len(want) && strings.TrimSpace(string(row)) != want[n] {
			t.Errorf("row %d is %.80s, want %.80s", n, row, want[n])
		}
		n++
		return nil
	})
	if err != nil || n != len(want) || w.Rows() != int64(n) {
		t.Errorf("read %d rows, %v; wrote %d, by its own count %d", n, err, len(want), w.Rows())
	}
	footer, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range footer.RowGroups() {
		if group.NumRows() > maxRowsPerRowGroup+batchRows {
			t.Errorf("a row group has %d rows", group.NumRows())
		}
	}
	if got := len(footer.RowGroups()); got != 3 {
		t.Errorf("%d row groups, want 3", got)
	}
}

func TestReadFindsColumnsByName(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, columns(t, "old", "string", "both", "map<string,int>"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write([]byte(`{"old":"x","both":{"k":1}}`)), w.Close()); err != nil {
		t.Fatal(err)
	}
	var got string
	err = Read(bytes.NewReader(file.Bytes()), int64(file.Len()), columns(t, "new", "int", "both", "map<string,int>"), func(row []byte) error {
		got = string(row)
		return nil
	})
	if want := `{"both":{"k":1}}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	err = Read(bytes.NewReader(file.Bytes()), int64(file.Len()), columns(t, "old", "int"), func([]byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "column old of the Parquet file is no int") {
		t.Errorf("got %v, want an error that names the column", err)
	}
}

func TestNewWriterRefuses(t *testing.T) {
	for want, f := range map[string]func() (*Writer, error){
		"expected SNAPPY, GZIP or UNCOMPRESSED": func() (*Writer, error) {
			return NewWriter(&bytes.Buffer{}, everyKind(t), Options{Compression: "LZ4"})
		},
		"at least one column": func() (*Writer, error) { return NewWriter(&bytes.Buffer{}, nil, Options{}) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// document draws a value of a Glue type, as it reads back.
func document(t *rapid.T, typ glue.Type, label string) any {
	if rapid.IntRange(0, 4).Draw(t, label+"?") == 0 {
		return nil
	}
	switch typ.Kind {
	case glue.Struct:
		object := map[string]any{}
		for _, f := range typ.Fields {
			if v := document(t, f.Type, f.Name); v != nil {
				object[f.Name] = v
			}
		}
		return object
	case glue.Array:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "n"))
		for i := range list {
			list[i] = document(t, *typ.Elem, "item")
		}
		return list
	case glue.Map:
		object := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			object[rapid.String().Draw(t, "key")] = document(t, *typ.Elem, "value")
		}
		return object
	case glue.Boolean:
		return rapid.Bool().Draw(t, label)
	case glue.TinyInt:
		return float64(rapid.Int8().Draw(t, label))
	case glue.SmallInt:
		return float64(rapid.Int16().Draw(t, label))
	case glue.Int, glue.BigInt:
		return float64(rapid.Int32().Draw(t, label))
	case glue.Float:
		return float64(rapid.Int16().Draw(t, label)) / 4
	case glue.Double:
		return rapid.Float64Range(-1e300, 1e300).Draw(t, label)
	case glue.Timestamp:
		return "2026-11-22T09:30:00.123Z"
	case glue.Date:
		return "2026-11-22"
	default:
		return rapid.String().Draw(t, label)
	}
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	cols := everyKind(t)
	rapid.Check(t, func(t *rapid.T) {
		var records, want []string
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			object := map[string]any{}
			for _, c := range cols {
				if v := document(t, c.Type, c.Name); v != nil {
					object[c.Name] = v
				}
			}
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			records, want = append(records, string(text)), append(want, string(text))
		}
		rows, err := roundTrip(t, cols, Options{}, records...)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			var got any
			if err := json.Unmarshal([]byte(row), &got); err != nil {
				t.Fatalf("row %s: %v", row, err)
			}
			// encoding/json writes the members of a map in order, so equal values have equal text.
			if text, _ := json.Marshal(got); string(text) != want[i] {
				t.Fatalf("got  %s\nwant %s", text, want[i])
			}
		}
	})
}

func FuzzWrite(f *testing.F) {
	for _, s := range []string{`{"deep":[{"name":"a","attrs":{"k":1}}]}`, `{"st":[1,"x",{"x":"y"}]}`, `{"ts":"2026-11-22T09:30:00.1Z"}{"d":1e5}`, `[`, "{\"s\":\"\xff\\ud800\"}", `{"m":{"":1}}`} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, record []byte, insensitive bool) {
		rows, err := roundTrip(t, everyKind(t), Options{CaseInsensitive: insensitive}, `{"i":1}`, string(record), `{"i":2}`)
		var fault *DataError
		if errors.As(err, &fault) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if rows[0] != `{"i":1}` || rows[len(rows)-1] != `{"i":2}` {
			t.Errorf("the record changed its neighbours: %q", rows)
		}
		for _, row := range rows {
			if !json.Valid([]byte(row)) {
				t.Errorf("row %q is no JSON", row)
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	cols := columns(b, "type", "string", "event_id", "string", "occurred_at", "timestamp", "url", "string", "title", "string", "viewport", "struct<width:int,height:int>",
		"load_ms", "double", "first_visit", "boolean", "context", "map<string,string>", "items", "array<struct<sku:string,quantity:int>>", "total", "bigint")
	record := []byte(`{"type":"page_view","event_id":"01j0000000000000000000000a","occurred_at":"2026-11-22T09:30:00.123Z","url":"https://shop.example/` + strings.Repeat("p", 300) +
		`","title":"` + strings.Repeat("t", 200) + `","viewport":{"width":390,"height":844},"load_ms":1234.5,"first_visit":false,"context":{"a":"` + strings.Repeat("x", 300) + `","b":"c"}}` + "\n")
	w, err := NewWriter(discard{}, cols, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(record); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
