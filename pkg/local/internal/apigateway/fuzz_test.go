package apigateway

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
