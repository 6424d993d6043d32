package vtl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// requestTemplate answers the request template of template.yaml's POST on a path.
func requestTemplate(tb testing.TB, route string) *Template {
	tb.Helper()
	data, err := os.ReadFile("../../../../template.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		tb.Fatal(err)
	}
	resources := member(root.Content[0], "Resources")
	for i := 1; resources != nil && i < len(resources.Content); i += 2 {
		n := resources.Content[i]
		for _, name := range []string{"Properties", "DefinitionBody", "paths", route, "post", "x-amazon-apigateway-integration", "requestTemplates", "application/json"} {
			n = member(n, name)
		}
		if n == nil {
			continue
		}
		if n.Tag == "!FindInMap" {
			path := n.Content
			n = member(root.Content[0], "Mappings")
			for _, name := range path {
				n = member(n, name.Value)
			}
		}
		if n == nil || n.Value == "" {
			tb.Fatalf("POST %s has a template that is no text and in no mapping", route)
		}
		t, err := Parse("POST "+route, n.Value)
		if err != nil {
			tb.Fatal(err)
		}
		return t
	}
	tb.Fatalf("template.yaml has no request template for POST %s", route)
	return nil
}

func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

const (
	extendedID = "Zm9v/YmFy="
	epoch      = "1732269600123"
)

func mappingRequest(body []byte, s string) *Request {
	r := hostileRequest(body, s)
	r.StageVariables = map[string]string{"stream": "events", "a": s}
	r.Context["extendedRequestId"] = extendedID
	r.Context["requestTimeEpoch"] = epoch
	r.Context["identity"] = map[string]any{"userArn": userARN(s), "userAgent": s, "user": s}
	return r
}

func userARN(s string) string {
	return "arn:aws:iam::0:user/" + strings.ReplaceAll(s, ":assumed-role/", "")
}

// sent is a record of a request: its data as JSON text, its key as a JSON string or "".
type sent struct{ data, key string }

func (s sent) json() string {
	if s.key == "" {
		return `{"Data":` + s.data + `}`
	}
	return `{"PartitionKey" : ` + s.key + `, "Data" : ` + s.data + ` }`
}

// asSent makes a record of any two texts.
func asSent(data []byte, key string) sent {
	s := sent{data: string(data), key: key}
	if !json.Valid(data) {
		s.data = quote(string(data))
	}
	if !strings.HasPrefix(key, `"`) || !json.Valid([]byte(key)) {
		s.key = quote(key)
	}
	return s
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// FuzzMapping: whatever a caller sends in a valid envelope, the mapping templates of template.yaml render a Kinesis request with the
// members it should have and no others, and a record that holds what was sent.
func FuzzMapping(f *testing.F) {
	one, many := requestTemplate(f, "/record"), requestTemplate(f, "/records")
	for i, s := range hostile {
		f.Add([]byte(s), hostile[(i+7)%len(hostile)], hostile[(i+11)%len(hostile)])
		f.Add([]byte(`{"type":`+quote(s)+`,`+quote(s)+`:[`+quote(s)+`]}`), s, s)
	}
	f.Fuzz(func(t *testing.T, data []byte, key, s string) {
		record := asSent(data, key)
		records := []sent{record, {data: `{"n":1}`}, asSent([]byte(s), s), record}
		if tooDeep(record.data) || tooDeep("[["+records[2].data) {
			t.Skip("deeper than a body may be")
		}
		checkOne(t, one, record, s)
		checkMany(t, many, records, s)
	})
}

func checkOne(t *testing.T, tmpl *Template, record sent, s string) {
	t.Helper()
	request := renderMapping(t, tmpl, record.json(), s)
	if got := text1(t, request["StreamName"]); got != "events" || len(request) != 3 {
		t.Fatalf("request %v has stream %q or other members", request, got)
	}
	checkRecord(t, request, record, 0, extendedID, s)
}

func checkMany(t *testing.T, tmpl *Template, records []sent, s string) {
	t.Helper()
	var parts []string
	for _, r := range records {
		parts = append(parts, r.json())
	}
	request := renderMapping(t, tmpl, ` {"Records": [`+strings.Join(parts, " ,")+"]}\n", s)
	if got := text1(t, request["StreamName"]); got != "events" || len(request) != 2 {
		t.Fatalf("request %v has stream %q or other members", request, got)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(request["Records"], &entries); err != nil || len(entries) != len(records) {
		t.Fatalf("%d records, %v, of %d", len(entries), err, len(records))
	}
	for i, e := range entries {
		checkRecord(t, members(t, e, "Data", "PartitionKey"), records[i], i, fmt.Sprintf("%s-%d", extendedID, i), s)
	}
}

func renderMapping(t *testing.T, tmpl *Template, body, s string) map[string]json.RawMessage {
	t.Helper()
	out, err := tmpl.Render(mappingRequest([]byte(body), s))
	if err != nil {
		t.Fatalf("body %q: %v", body, err)
	}
	return members(t, out)
}

// members answers the members of a JSON object, which must be strict JSON with each name once, and have the wanted names if any are given.
func members(t *testing.T, b []byte, want ...string) map[string]json.RawMessage {
	t.Helper()
	if !jsontext.Value(b).IsValid() && !jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		t.Fatalf("not valid JSON: %q", b)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		t.Fatalf("no JSON object: %q (%v)", b, err)
	}
	found := map[string]json.RawMessage{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		key := name.String()
		v, err := dec.ReadValue()
		if err != nil && !errors.Is(err, jsontext.ErrDuplicateName) {
			t.Fatalf("%q: %v", b, err)
		}
		if _, twice := found[key]; twice {
			t.Fatalf("%q has %q twice", b, key)
		}
		found[key] = json.RawMessage(v.Clone())
	}
	for _, name := range want {
		if _, ok := found[name]; !ok || len(found) != len(want) {
			t.Fatalf("members of %q are not %v", b, want)
		}
	}
	return found
}

func checkRecord(t *testing.T, entry map[string]json.RawMessage, r sent, index int, defaultKey, s string) {
	t.Helper()
	wantKey := defaultKey
	if r.key != "" {
		if k := text1(t, json.RawMessage(r.key)); k != "" {
			wantKey = k
		}
	}
	if got := text1(t, entry["PartitionKey"]); got != wantKey {
		t.Errorf("partition key %q, want %q", got, wantKey)
	}
	record, err := base64.StdEncoding.DecodeString(text1(t, entry["Data"]))
	if err != nil {
		t.Fatal(err)
	}
	got := members(t, record, "hydrant", "request_id", "received_at", "producer", "attempt", "index", "data")
	for name, want := range map[string]string{
		"hydrant": "1", "request_id": quote(extendedID), "received_at": epoch, "attempt": "0", "index": fmt.Sprint(index),
	} {
		if string(got[name]) != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	if p, want := text1(t, got["producer"]), text1(t, json.RawMessage(quote(javaText(userARN(s))))); p != want {
		t.Errorf("producer %q, want %q", p, want)
	}
	checkData(t, got["data"], r.data)
}

// javaText is what a Java string keeps of s, and text makes of it in the end.
func javaText(s string) string { return string(validUTF8([]byte(s))) }

// checkData compares data as JSON values, numbers by their text; and as compact text, unless a name stands in it twice.
func checkData(t *testing.T, got json.RawMessage, sent string) {
	t.Helper()
	want := string([]rune(sent)) // U+FFFD for each byte that is no UTF-8
	if a, b := tree(t, got), tree(t, []byte(want)); !reflect.DeepEqual(a, b) {
		t.Errorf("data %q, want %q", got, want)
	}
	if !jsontext.Value(want).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, compact.Bytes()) {
		t.Errorf("data %q, want %q", got, compact.Bytes())
	}
}

func tree(t *testing.T, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return v
}

func text1(t *testing.T, b json.RawMessage) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%q is no string: %v", b, err)
	}
	return s
}
