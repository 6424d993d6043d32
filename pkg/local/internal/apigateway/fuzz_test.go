package apigateway

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// request is the request as a server would hand it over.
func request(t testing.TB, text string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	verb, path, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequestWithContext(t.Context(), verb, strings.ReplaceAll(path, `"`, "%22"), strings.NewReader(body))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// FuzzServeHTTP: whatever comes in, the answer has an id and, unless it is the front end's, is JSON; and only a request that was
// answered 200 has reached the stream.
func FuzzServeHTTP(f *testing.F) {
	for _, seed := range []string{
		"POST /v1/record HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{\"Data\":1}",
		"POST /v1/record HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{\"Data\":1}\r\n0\r\n\r\n",
		"POST /v1/records HTTP/1.1\r\nHost: a\r\nContent-Length: 45\r\n\r\n{\"Records\":[{\"Data\":1},{\"Data\":[\"'\\u2028\"]}]}",
		"OPTIONS /v1/record HTTP/1.1\r\nHost: a\r\nAccept: text/plain, */*\r\n\r\n",
		"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://b/v1/%2f%00?a=%zz&;=1 HTTP/1.0\r\nContent-Type: ;;\r\nX-Amzn-Requestid: $x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	backend := &answerer{answer: Answer{Status: 200, Body: []byte(`{"SequenceNumber":"49","ShardId":"s","Records":[{"SequenceNumber":"1","ShardId":"s"}]}`)}}
	a := deployTemplate(f, backend, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(data))))
		if err != nil {
			t.Skip("net/http turns it away")
		}
		backend.calls = nil
		w := serve(a, r.WithContext(t.Context()))
		if w.Header().Get("X-Amz-Apigw-Id") == "" || w.Code < 200 || w.Code > 599 {
			t.Fatalf("got %d %v", w.Code, w.Header())
		}
		media, plain := w.Header().Get("Content-Type"), w.Code == 400 || w.Code == 413 || w.Code == 414 || w.Code == 431
		if media != jsonType && (media != "text/plain" || !plain) {
			t.Fatalf("got %d with %q", w.Code, media)
		}
		if media == jsonType && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("got no JSON: %q", w.Body)
		}
		for _, call := range backend.calls {
			if w.Code != 200 || !json.Valid(call.Body) {
				t.Fatalf("got %d after a call with %q", w.Code, call.Body)
			}
		}
	})
}

// FuzzTemplateRecord: whatever a caller writes, and wherever, is data: the record that reaches the stream has its own members and no
// others, and the data is what was sent.
func FuzzTemplateRecord(f *testing.F) {
	f.Add(`{"a":"\" ' \\ \u2028 \ud800 $x #set($y=1) ${context.stage}"}`, `"},"attempt":9,"x":{"`, `$context.stage`, `q=#end&Data=1`)
	f.Add(`[1.50,123456789012345678901234567890,-0,1E5,"<\/script>"]`, "'\\\u2029\x00", "\",", `PartitionKey=x`)
	f.Add(`{"hydrant":1,"data":2,"data":3}`, "k", "#stop", "%ff%00")
	f.Add(`"\xff\xed\xa0\x80"`, "\xff", "\xff", "")
	backend := says(accepted)
	a := deployTemplate(f, backend, nil)
	f.Fuzz(func(t *testing.T, data, key, header, query string) {
		keyText, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		r := request(t, "POST /v1/record\n\n"+`{"Data":`+data+`,"PartitionKey":`+string(keyText)+`}`)
		r.URL.RawQuery = query
		r.Header["User-Agent"], r.Header["Data"] = []string{header}, []string{header}
		backend.calls = nil
		w := serve(a, r)
		if len(backend.calls) == 0 {
			if w.Code == 200 || json.Valid([]byte(data)) && utf8.ValidString(key) && key != "" && utf8.RuneCountInString(key) <= 256 &&
				strings.TrimSpace(data) != "null" && w.Code != 431 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			return
		}
		if !json.Valid([]byte(data)) {
			t.Skip("it holds members of the request")
		}
		var call struct {
			StreamName, Data, PartitionKey string
		}
		decoder := json.NewDecoder(bytes.NewReader(backend.calls[0].Body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&call); err != nil || call.StreamName != "Stream" {
			t.Fatalf("%v: %s", err, backend.calls[0].Body)
		}
		if want := strings.ToValidUTF8(key, "\uFFFD"); utf8.ValidString(key) && call.PartitionKey != want {
			t.Fatalf("got key %q, want %q", call.PartitionKey, want)
		}
		record, err := base64.StdEncoding.DecodeString(call.Data)
		if err != nil {
			t.Fatal(err)
		}
		checkRecord(t, record, 0, w.Header().Get("X-Amz-Apigw-Id"), data)
	})
}

var replacements = regexp.MustCompile(`\x{FFFD}+`)

// checkRecord looks at a record's members, one by one, so that none is there twice.
func checkRecord(t *testing.T, record []byte, index int, requestID, data string) {
	t.Helper()
	if !json.Valid(record) {
		t.Fatalf("no JSON: %q", record)
	}
	d := jsontext.NewDecoder(bytes.NewReader(record), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var got []string
	for _, err := d.ReadToken(); err == nil && d.PeekKind() == '"'; {
		name, nameErr := d.ReadToken()
		text := name.String()
		value, valueErr := d.ReadValue()
		if nameErr != nil || valueErr != nil {
			t.Fatalf("%v, %v: %q", nameErr, valueErr, record)
		}
		switch text {
		case "received_at":
			value = []byte("TIME")
		case "data":
			// How many U+FFFD stand for bytes that are no UTF-8 is a matter of taste.
			if one := replacements.ReplaceAllString; one(normal(t, string(value)), "\uFFFD") != one(normal(t, data), "\uFFFD") {
				t.Fatalf("got data %s\nwant %s", value, data)
			}
			value = []byte("DATA")
		}
		got = append(got, text+"="+string(value))
	}
	want := []string{"hydrant=1", `request_id="` + requestID + `"`, "received_at=TIME", `producer=""`, "attempt=0", "index=" + strconv.Itoa(index), "data=DATA"}
	if !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}
