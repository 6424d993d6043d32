package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/vtl"
)

// noRecords is what Kinesis says of a batch without a record.
const noRecords = `{"__type":"ValidationException","message":"1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"}`

// stream is a Kinesis that takes everything but a batch without a record, or answers what it is told.
type stream struct {
	answer apigateway.Answer // Status 0: takes everything
	mu     sync.Mutex
	calls  []apigateway.Call
}

func (s *stream) Call(_ context.Context, c apigateway.Call) (apigateway.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Body = bytes.Clone(c.Body)
	s.calls = append(s.calls, c)
	if s.answer.Status != 0 {
		return s.answer, nil
	}
	body := `{"SequenceNumber":"49","ShardId":"shardId-000000000000"}`
	if c.Action == "PutRecords" {
		var request struct{ Records []json.RawMessage }
		if err := json.Unmarshal(c.Body, &request); err != nil {
			return apigateway.Answer{Status: 400, Body: []byte(`{"__type":"SerializationException"}`)}, nil
		}
		if len(request.Records) == 0 {
			return apigateway.Answer{Status: 400, Body: []byte(noRecords)}, nil
		}
		body = `{"FailedRecordCount":0,"Records":[` + strings.TrimSuffix(strings.Repeat(body+",", len(request.Records)), ",") + `]}`
	}
	return apigateway.Answer{Status: 200, Body: []byte(body)}, nil
}

// serve is the API of the template in front of a stream.
func serve(t testing.TB, s *stream) http.Handler {
	t.Helper()
	a, err := apigateway.New(apigateway.Config{
		ID: "a1b2c3d4e5", Stage: "v1", AccountID: "000000000000", Region: "eu-west-1",
		Body: body(localStack(t)), StageVariables: map[string]string{"stream": text(api(localStack(t)), "Variables", "stream")},
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// send makes one request of the API as a client does, over HTTP; contentType "" sends none.
func send(t testing.TB, a http.Handler, method, path, contentType, body string) (int, http.Header, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	var got map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("the answer %s is no JSON: %v", w.Body, err)
		}
	}
	return w.Code, w.Header(), got
}

// put is what Kinesis is asked: one record of PutRecord, or those of PutRecords.
type put struct {
	StreamName string
	Records    []entry
}

type entry struct {
	Data         []byte // base64 in JSON
	PartitionKey string
}

// puts reads a call, strictly: a member more or less is a fault of the mapping template.
func puts(t testing.TB, c apigateway.Call) put {
	t.Helper()
	if c.Service != "kinesis" || c.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Fatalf("called %s with Content-Type %s", c.Service, c.Header.Get("Content-Type"))
	}
	var p put
	var one struct {
		StreamName string
		entry
	}
	var into any = &p
	if c.Action == "PutRecord" {
		into = &one
	}
	d := json.NewDecoder(bytes.NewReader(c.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		t.Fatalf("%s %s: %v", c.Action, c.Body, err)
	}
	if c.Action == "PutRecord" {
		p = put{one.StreamName, []entry{one.entry}}
	}
	if p.StreamName != "Stream" {
		t.Fatalf("%s: the stream is %q", c.Action, p.StreamName)
	}
	return p
}

// A request's provenance, as the mapping writes it around the data.
type envelope struct {
	Hydrant    int             `json:"hydrant"`
	RequestID  string          `json:"request_id"`
	Index      int             `json:"index"`
	ReceivedAt int64           `json:"received_at"`
	Producer   string          `json:"producer"`
	Attempt    int             `json:"attempt"`
	Data       json.RawMessage `json:"data"`
}

// open reads a record, strictly.
func open(t testing.TB, data []byte) envelope {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var e envelope
	if err := d.Decode(&e); err != nil || d.More() {
		t.Fatalf("the record %s: %v", data, err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || len(members) != 7 {
		t.Fatalf("the record %s has %d members, not 7 (%v)", data, len(members), err)
	}
	if age := time.Since(time.UnixMilli(e.ReceivedAt)).Abs(); e.Hydrant != 1 || e.Attempt != 0 || age > time.Hour {
		t.Fatalf("the record %s is not new, or no record of ours", data)
	}
	return e
}

func TestRequestsBecomeRecords(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body string
		keys, data []string // of each record; a key "id" is the request's id
	}{
		"one event": {"/v1/record", `{"Data": {"type": "page_view"}, "PartitionKey": "u1"}`, []string{"u1"}, []string{`{"type":"page_view"}`}},
		"no key":    {"/v1/record", `{"Data":[1,2]}`, []string{"id"}, []string{`[1,2]`}},
		"a text":    {"/v1/record", `{"Data":"a \"text\""}`, []string{"id"}, []string{`"a \"text\""`}},
		"false":     {"/v1/record", `{"Data":false}`, []string{"id"}, []string{`false`}},
		"zero":      {"/v1/record", `{"Data":0}`, []string{"id"}, []string{`0`}},
		"no text":   {"/v1/record", `{"Data":""}`, []string{"id"}, []string{`""`}},
		"no event":  {"/v1/record", `{"Data":[]}`, []string{"id"}, []string{`[]`}},
		"a batch": {
			"/v1/records", `{"Records":[{"Data":{"a":1},"PartitionKey":"k"},{"Data":{"b":[{}]}},{"Data":"c","PartitionKey":"k"},{"Data":[null]}]}`,
			[]string{"k", "id-1", "k", "id-3"},
			[]string{`{"a":1}`, `{"b":[{}]}`, `"c"`, `[null]`},
		},
		// Everywhere that a caller can write to, in what would be structure somewhere on the way.
		"quotes and backslashes": {
			"/v1/record", `{"Data":{"\"\\'":"'\\\"\\u0022"},"PartitionKey":"a\"b\\c'd\\'e/\u0001\n\u2028é\u00e9🫖"}`,
			[]string{"a\"b\\c'd\\'e/\x01\n\u2028éé🫖"},
			[]string{`{"\"\\'":"'\\\"\\u0022"}`},
		},
		"velocity": {
			"/v1/records", `{"Records":[{"Data":"$context.requestId #set($x = 1) ${key} #end $!{r}","PartitionKey":"$origin#end$util.base64Encode(\"x\")##"}]}`,
			[]string{`$origin#end$util.base64Encode("x")##`},
			[]string{`"$context.requestId #set($x = 1) ${key} #end $!{r}"`},
		},
		"members of the envelope": {
			"/v1/record", `{"Data":{"hydrant":1,"attempt":9,"data":{"x":"\",\"attempt\":9,\""}},"PartitionKey":"\",\"StreamName\":\"other"}`,
			[]string{`","StreamName":"other`},
			[]string{`{"hydrant":1,"attempt":9,"data":{"x":"\",\"attempt\":9,\""}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{}
			status, header, answer := send(t, serve(t, s), "POST", tc.path+"?PartitionKey=q&Data=q", "application/json; charset=utf-8", tc.body)
			if status != 200 || len(s.calls) != 1 {
				t.Fatalf("status %d with %v, %d calls", status, answer, len(s.calls))
			}
			id, _ := answer["RequestId"].(string)
			if id == "" || id != header.Get("X-Amz-Apigw-Id") {
				t.Errorf("RequestId is %q, the extended request id %q", id, header.Get("X-Amz-Apigw-Id"))
			}
			got := puts(t, s.calls[0])
			if len(got.Records) != len(tc.data) {
				t.Fatalf("%d records, want %d", len(got.Records), len(tc.data))
			}
			for i, r := range got.Records {
				e := open(t, r.Data)
				if e.RequestID != id || e.Index != i || e.Producer != "" {
					t.Errorf("record %d is from request %q, index %d, producer %q; want %q", i, e.RequestID, e.Index, e.Producer, id)
				}
				if want := strings.Replace(tc.keys[i], "id", id, 1); r.PartitionKey != want {
					t.Errorf("record %d has the key %q, want %q", i, r.PartitionKey, want)
				}
				if !equalJSON(t, e.Data, []byte(tc.data[i])) {
					t.Errorf("record %d holds %s, want %s", i, e.Data, tc.data[i])
				}
			}
		})
	}
}

// equalJSON compares two JSON values, numbers by their text.
func equalJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	read := func(data []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return v
	}
	return reflect.DeepEqual(read(a), read(b))
}

// A batch goes to Kinesis whole, or without a record, which Kinesis refuses: never a part of it, and never the 500 of a template that fails.
func TestABatchIsNotCutOff(t *testing.T) {
	for _, n := range []int{1, 500, 501, 1000, 1001, 50_000} {
		s := &stream{}
		status, _, answer := send(t, serve(t, s), "POST", "/v1/records", "application/json", `{"Records":[`+strings.TrimSuffix(strings.Repeat(`{"Data":1},`, n), ",")+`]}`)
		if len(s.calls) != 1 {
			t.Errorf("%d records: %d calls of Kinesis; the answer is %d %v", n, len(s.calls), status, answer)
			continue
		}
		want := n
		if n > 500 {
			want = 0
			checkError(t, strconv.Itoa(n)+" records", status, answer, 400, "InvalidRequest")
		} else if status != 200 {
			t.Errorf("%d records: %d %v", n, status, answer)
		}
		if got := len(puts(t, s.calls[0]).Records); got != want {
			t.Errorf("%d records became %d; the answer is %d %v", n, got, status, answer["Code"])
		}
	}
}

func TestProducer(t *testing.T) {
	for name, tc := range map[string]struct{ arn, authorized, want string }{
		"a user":                               {"arn:aws:iam::123456789012:user/teams/alice", "", "arn:aws:iam::123456789012:user/teams/alice"},
		"a role, without the session":          {"arn:aws:sts::123456789012:assumed-role/shop/i-0abc@example.com", "", "arn:aws:sts::123456789012:assumed-role/shop"},
		"a federated user":                     {"arn:aws:sts::123456789012:federated-user/bob", "", "arn:aws:sts::123456789012:federated-user/bob"},
		"the account":                          {"arn:aws:iam::123456789012:root", "", "arn:aws:iam::123456789012:root"},
		"nobody":                               {"", "", ""},
		"what would be structure, were it let": {`arn:aws:iam::1:user/o'neil","attempt":9,"x":"\`, "", `arn:aws:iam::1:user/o'neil","attempt":9,"x":"\`},
		"whom the authorizer names":            {"", "shop-web", "shop-web"},
		"a name in Cyrillic":                   {"", "магазин 🫖", "магазин 🫖"},
		"a name that looks like a role's":      {"", "x:assumed-role/shop/a", "x:assumed-role/shop/a"}, // two names must not become one
		"a name that would be structure":       {"", `a'b\"},"producer":"b","attempt":9,"x":"$context.requestId #end ${key}`, `a'b\"},"producer":"b","attempt":9,"x":"$context.requestId #end ${key}`},
	} {
		t.Run(name, func(t *testing.T) {
			for route, request := range map[string]string{"post /record": `{"Data":1}`, "post /records": `{"Records":[{"Data":1}]}`} {
				template, err := vtl.Parse(route, mappingTemplates(localStack(t))[route])
				if err != nil {
					t.Fatal(err)
				}
				identity := map[string]any{"userArn": tc.arn}
				if tc.arn == "" {
					delete(identity, "userArn")
				}
				called := map[string]any{
					"extendedRequestId": "AbC/dEf=", "identity": identity,
					"requestTimeEpoch": strconv.FormatInt(time.Now().UnixMilli(), 10),
				}
				if tc.authorized != "" {
					called["authorizer"] = map[string]any{"producer": tc.authorized, "principalId": "another", "label": "l", "kind": "jwt"}
				}
				rendered, err := template.Render(&vtl.Request{
					Body:           []byte(request),
					StageVariables: map[string]string{"stream": "Stream"},
					Context:        called,
				})
				if err != nil {
					t.Fatal(err)
				}
				action := map[string]string{"post /record": "PutRecord", "post /records": "PutRecords"}[route]
				header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
				e := open(t, puts(t, apigateway.Call{Service: "kinesis", Action: action, Header: header, Body: rendered}).Records[0].Data)
				if e.Producer != tc.want || e.RequestID != "AbC/dEf=" {
					t.Errorf("%s: producer %q of request %q, want %q", route, e.Producer, e.RequestID, tc.want)
				}
			}
		})
	}
}

// Whatever is sent: it is refused whole, or it becomes records that hold what was sent and nothing else.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{
		`{"Data":{"type":"page_view"},"PartitionKey":"k"}`, `{"Records":[{"Data":1},{"Data":[],"PartitionKey":"'"}]}`,
		`{"Data":1},"attempt":9`, `{"Data":1}{"Data":2}`, `{"Data":null}`, `{"Records":[]}`, `{}`, ``, `nonsense`, "\xff",
		`{"Data":"\ud800 \u0000 \u2028 </script> ${x} #end","PartitionKey":"\ud83d"}`, `{"Data":1e999,"Data":-0.0}`,
		`{"Data":{"a":{"b":[[[{}]]]},"":0.10}}`, `{"data":1}`, "{\"Data\":\"\u00e9\"}", `{"Data":12345678901234567890123}`,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	s := &stream{}
	a := serve(f, s)
	f.Fuzz(func(t *testing.T, request string, batch bool) {
		s.calls = nil
		path := "/v1/record"
		if batch {
			path = "/v1/records"
		}
		status, _, answer := send(t, a, "POST", path, "application/json", request)
		if len(s.calls) == 0 {
			if code, _ := answer["Code"].(string); status < 400 || !codes[code] {
				t.Fatalf("nothing was put, but the answer is %d %v", status, answer)
			}
			return
		}
		sent := sentData(t, request, batch)
		got := puts(t, s.calls[0])
		if len(got.Records) == 0 && status == 400 && (len(sent) == 0 || len(sent) > 500) {
			return
		}
		if len(got.Records) != len(sent) {
			t.Fatalf("%d records were sent, %d put", len(sent), len(got.Records))
		}
		for i, r := range got.Records {
			e := open(t, r.Data)
			if e.RequestID != answer["RequestId"] || e.Index != i || e.Producer != "" {
				t.Errorf("the record %s is from elsewhere", r.Data)
			}
			if !equalJSON(t, e.Data, sent[i].Data) {
				t.Errorf("%s was sent, %s put", sent[i].Data, e.Data)
			}
			if sent[i].PartitionKey != "" && r.PartitionKey != sent[i].PartitionKey {
				t.Errorf("the key %q was sent, %q put", sent[i].PartitionKey, r.PartitionKey)
			}
		}
	})
}

type sentRecord struct {
	Data         json.RawMessage
	PartitionKey string
}

// sentData reads a request that was accepted.
func sentData(t testing.TB, request string, batch bool) []sentRecord {
	t.Helper()
	var one sentRecord
	var many struct{ Records []sentRecord }
	var into any = &one
	if batch {
		into = &many
	}
	if err := json.Unmarshal([]byte(request), into); err != nil {
		t.Fatalf("%q was accepted: %v", request, err)
	}
	if batch {
		return many.Records
	}
	return []sentRecord{one}
}
