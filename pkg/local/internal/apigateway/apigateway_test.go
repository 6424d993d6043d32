package apigateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"hydrant/pkg/local/internal/template"
)

// answerer is a service that answers every call alike, and remembers the calls.
type answerer struct {
	answer Answer
	err    error
	hang   bool // until the context is done

	mu    sync.Mutex
	calls []Call
}

func (b *answerer) Call(ctx context.Context, c Call) (Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Body = bytes.Clone(c.Body)
	b.calls = append(b.calls, c)
	if b.hang {
		<-ctx.Done()
		return Answer{}, ctx.Err()
	}
	return b.answer, b.err
}

// openAPI puts an OpenAPI definition into a template and answers the resolved body.
func openAPI(t testing.TB, body string) *template.Value {
	t.Helper()
	text := "Resources:\n  Api:\n    Type: AWS::ApiGateway::RestApi\n    Properties:\n      Body:\n        " +
		strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n        ") + "\n"
	parsed, err := template.Parse("api.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := parsed.Resolve(template.Environment{Region: "eu-west-1", AccountID: "000000000000"})
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Resources[0].Properties.Get("Body")
}

func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// deploy makes the API of testdata/api.yaml.
func deploy(t testing.TB, b Backend, change func(*Config)) *API {
	t.Helper()
	cfg := Config{
		ID: "local1", Stage: "v1", AccountID: "000000000000", Region: "eu-west-1",
		Body:           openAPI(t, read(t, "testdata/api.yaml")),
		StageVariables: map[string]string{"stream": "events"},
	}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg, b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask sends "METHOD /path", header lines, an empty line and a body, over HTTP. The client adds only what it cannot leave out.
func ask(t testing.TB, handler http.Handler, request string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(head, "\n")
	verb, path, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), verb, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "test")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	answer, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, strings.ReplaceAll(string(got), answer.Header.Get("X-Amz-Apigw-Id"), "ID")
}

const accepted = `{"SequenceNumber":"49","ShardId":"shardId-000000000000"}`

// answerCase is a request and its answer; headers are "Name: value" lines that it must have, or "Name:" for one that it must not.
type answerCase struct {
	request string
	backend *answerer
	status  int
	body    string
	headers string
	calls   int
}

// unknown is what a request gets that leads to no method.
func unknown(request, path string) answerCase {
	return answerCase{
		request: request, status: 403, body: `{"Message":"Missing Authentication Token","Type":"MISSING_AUTHENTICATION_TOKEN","Id":"ID"}`,
		headers: "X-Amzn-Errortype: MissingAuthenticationTokenException\nX-Path: " + path,
	}
}

func checkHeaders(t *testing.T, got http.Header, want string) {
	t.Helper()
	for line := range strings.Lines(want) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if got := strings.Join(got.Values(name), " and "); got != value {
			t.Errorf("header %s: got %q, want %q", name, got, value)
		}
	}
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]answerCase{
		"a record is put and the answer mapped": {
			request: "POST /v1/record\nContent-Type: application/json; charset=utf-8\n\n{\"Data\":{\"a\":1}}",
			backend: &answerer{answer: Answer{Status: 200, Header: http.Header{"X-Shard": {"7"}}, Body: []byte(accepted)}},
			status:  200, body: `{"Sequence":"49"}`, calls: 1,
			headers: "Content-Type: application/json\nX-Shard: 7\nX-Amzn-Remapped-Date: today\nX-Amzn-Errortype:",
		},
		"the response template follows Accept": {
			request: "POST /v1/record\nAccept: text/html, text/csv;q=0.5\n\n{\"Data\":1}",
			backend: &answerer{answer: Answer{Status: 200, Body: []byte(accepted)}},
			status:  200, body: `sequence,49`, calls: 1, headers: "Content-Type: text/csv",
		},
		"templates override status and headers": {
			request: "POST /v1/record\n\n{\"Data\":1}",
			backend: &answerer{answer: Answer{Status: 400, Body: []byte(`{"__type":"Throttled"}`)}},
			status:  429, body: `{"Type":"Throttled"}`, calls: 1, headers: "Retry-After: 1\nX-Amzn-Remapped-Server: mine",
		},
		"a status that no pattern matches from end to end is a 500": {
			request: "POST /v1/unmapped\n\n{\"Data\":1}",
			backend: &answerer{answer: Answer{Status: 503}},
			status:  500, body: `{"message":"Internal server error"}`, calls: 1, headers: "X-Amzn-Errortype: InternalServerErrorException",
		},
		"a status that is none is a 500": {
			request: "POST /v1/raw\n\n{}", backend: &answerer{answer: Answer{Status: 4000}},
			status: 500, body: `{"message":"Internal server error"}`, calls: 1,
		},
		"a network failure is a 504": {
			request: "POST /v1/record\n\n{\"Data\":1}", backend: &answerer{err: errors.New("refused")},
			status: 504, body: `{"message":"Network error communicating with endpoint"}`, calls: 1,
		},
		"a timeout is a 504": {
			request: "POST /v1/record\n\n{\"Data\":1}", backend: &answerer{hang: true},
			status: 504, body: `{"message":"Endpoint request timed out"}`, calls: 1,
		},
		"a template that fails is a 500, and nothing is called": {
			request: "POST /v1/broken\n\n{}", status: 500, body: `{"message":"Internal server error"}`,
			headers: "X-Amzn-Errortype: InternalServerErrorException",
		},
		"an empty body is checked as {}": {
			request: "POST /v1/record\n\n", status: 422, body: `{"Why":"[object has missing required properties (["Data"])]"}`,
		},
		"a body that is no JSON is refused": {
			request: "POST /v1/record\n\n{\"Data\":", status: 422, body: `{"Why":"[instance is not valid JSON]"}`,
			headers: "X-Amzn-Errortype: BadRequestException\nX-Static:",
		},
		"what follows the first JSON value is refused": {
			request: "POST /v1/record\n\n{\"Data\":1},\"attempt\":9", status: 422, body: `{"Why":"[instance is not valid JSON]"}`,
		},
		"a null, a long key and a member too many are refused": {
			request: "POST /v1/record\n\n{\"Data\":null,\"PartitionKey\":\"secret\",\"data\":1}", status: 422,
			body: `{"Why":"[instance matched a schema which it should not have, object instance has properties which are not allowed by the schema: ["data"], ` +
				`string is too long (length: 6, maximum allowed: 4)]"}`,
		},
		"the number of items is not checked": {
			request: "POST /v1/record\n\n{\"Data\":1,\"Tags\":[\"a\",\"b\"]}", backend: &answerer{answer: Answer{Status: 200, Body: []byte(accepted)}},
			status: 200, body: `{"Sequence":"49"}`, calls: 1,
		},
		"compressed bytes are no JSON": {
			request: "POST /v1/record\nContent-Encoding: gzip\n\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xaaV\xaa\x05\x00", status: 422,
			body: `{"Why":"[instance is not valid JSON]"}`,
		},
		"another content type is a 415": {
			request: "POST /v1/record\nContent-Type: text/plain\nX-Ask: me\n\n{\"Data\":1}", status: 415,
			body:    `{"Message":"Unsupported Media Type","Type":"UNSUPPORTED_MEDIA_TYPE","Id":"ID"}`,
			headers: "X-Amzn-Errortype: BadRequestException\nX-Path: /v1/record\nX-Asked: me\nX-Static: yes",
		},
		"a body passes when no template matches": {
			request: "POST /v1/raw\nContent-Type: text/plain\n\nas it is", backend: &answerer{answer: Answer{Status: 200, Body: []byte("raw")}},
			status: 200, body: "raw", calls: 1,
		},
		"a body does not pass when there are templates": {
			request: "PUT /v1/raw\nContent-Type: text/plain\nAccept: text/plain\n\nas it is", status: 415,
			body: "refused at v1: Unsupported Media Type; costs $5, events, .", headers: "Content-Type: text/plain",
		},
		"required parameters come before the body": {
			request: "GET /v1/mock/200\nX-Ask:  ", status: 400,
			body: `{"Message":"Missing required request parameters: [X-Ask, q]","Type":"BAD_REQUEST_PARAMETERS","Id":"ID"}`,
		},
		"parameters are mapped": {
			request: "GET /v1/mock/20%34?q=first&q=last\nX-Ask: \"$x\" \\", status: 200,
			body:    `{"path":"/v1/mock/20%34","resource":"/mock/{status}","ask":"\"$x\" \\"}`,
			headers: "Cache-Control: /mock/{status}\nX-Amzn-Trace-Id:",
		},
		"a mock's status selects the response": {request: "GET /v1/mock/404?q=1\nX-Ask: 1", status: 500, body: ""},
		"a mock without a status is a 500":     {request: "GET /v1/mock/x?q=1\nX-Ask: 1", status: 500, body: `{"message":"Internal server error"}`},
		"a mock's unmapped status is a 500":    {request: "GET /v1/mock/500?q=1\nX-Ask: 1", status: 500, body: `{"message":"Internal server error"}`},
		"preflight": {
			request: "OPTIONS /v1/record\nOrigin: https://a.example\nAccess-Control-Request-Method: POST", status: 200, body: "",
			headers: "Access-Control-Allow-Origin: https://a.example",
		},
		"the root of the stage":                  {request: "GET /v1", status: 200},
		"the root of the stage with a slash":     {request: "GET /v1/", status: 200},
		"an unknown path":                        unknown("GET /v1/nothing", "/v1/nothing"),
		"an unknown method":                      unknown("DELETE /v1/record", "/v1/record"),
		"HEAD is not GET":                        {request: "HEAD /v1/", status: 403, headers: "X-Amzn-Errortype: MissingAuthenticationTokenException"},
		"a method of nobody's":                   unknown("BREW /v1/record", "/v1/record"),
		"a trailing slash":                       unknown("POST /v1/record/", "/v1/record/"),
		"a doubled slash":                        unknown("POST /v1//record", "/v1//record"),
		"an escaped slash":                       {request: "POST /v1%2Frecord", status: 403, body: `{"message":"Forbidden"}`},
		"an unknown stage":                       {request: "POST /v2/record\n\n{}", status: 403, body: `{"message":"Forbidden"}`, headers: "X-Amzn-Errortype: ForbiddenException"},
		"a stage that only begins alike":         {request: "POST /v10/record\n\n{}", status: 403, body: `{"message":"Forbidden"}`},
		"a place on the way is no resource":      unknown("GET /v1/mock", "/v1/mock"),
		"a parameter is one part":                unknown("GET /v1/mock/1/2", "/v1/mock/1/2"),
		"a written part wins over a greedy one":  {request: "GET /v1/files/readme", status: 200, body: `{"readme":true}`},
		"a greedy part takes all, by any method": {request: "PATCH /v1/files/a%2Fb/c%20d/\nContent-Type: x/y\n\nzz", status: 200, body: `{"name":"a\/b\/c d\/"}`},
		"a greedy part takes no empty one":       unknown("GET /v1/files/", "/v1/files/"),
		"a percent sign in a path stays data":    {request: "GET /v1/files/%22%5C%0A", status: 200, body: `{"name":"\"\\\n"}`},
		"a body of 10 MB and a byte": {
			request: "POST /v1/record\n\n" + strings.Repeat(" ", maxPayload+1), status: 413, body: bodyTooLarge, headers: "Content-Type: text/plain",
		},
		"a header over the limit": {
			request: "POST /v1/record\nX-Long: " + strings.Repeat("x", maxHeader) + "\n\n{}", status: 431, body: "HTTP header is larger than 10240 bytes.",
		},
		"a URL over the limit": {
			request: "POST /v1/record?" + strings.Repeat("x", maxURL) + "\n\n{}", status: 414, body: "An HTTP line is larger than 10240 bytes.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backend := tc.backend
			if backend == nil {
				backend = &answerer{}
			}
			answer, body := ask(t, deploy(t, backend, nil), tc.request)
			if answer.StatusCode != tc.status || body != tc.body {
				t.Errorf("got %d %s\nwant %d %s", answer.StatusCode, body, tc.status, tc.body)
			}
			if len(backend.calls) != tc.calls {
				t.Errorf("got %d calls, want %d", len(backend.calls), tc.calls)
			}
			if !isUUID(answer.Header.Get("X-Amzn-Requestid")) || len(answer.Header.Get("X-Amz-Apigw-Id")) != 16 {
				t.Errorf("got ids %q and %q", answer.Header.Get("X-Amzn-Requestid"), answer.Header.Get("X-Amz-Apigw-Id"))
			}
			checkHeaders(t, answer.Header, tc.headers)
		})
	}
}

func TestCallsWhatTheIntegrationSays(t *testing.T) {
	backend := &answerer{answer: Answer{Status: 200, Body: []byte(accepted)}}
	ask(t, deploy(t, backend, nil), "POST /v1/record?q=a&q=b\n\n{\"Data\":{\"a\":[1,\"b\"]}}")
	ask(t, deploy(t, backend, nil), "POST /v1/raw\nContent-Type: text/plain\n\nas it is")
	if len(backend.calls) != 2 {
		t.Fatalf("got %d calls, want 2", len(backend.calls))
	}
	got := backend.calls[0]
	if got.Service != "kinesis" || got.Action != "PutRecord" || got.Credentials != "arn:aws:iam::000000000000:role/ingest" {
		t.Errorf("got %s %s as %s", got.Service, got.Action, got.Credentials)
	}
	checkHeaders(t, got.Header, "X-Amz-Target: Kinesis_20131202.PutRecord\nContent-Type: application/x-amz-json-1.1\nX-Stage: v1\nX-Stream: events\nX-Q: b")
	if want := `{"Data":"eyJhIjpbMSwiYiJdfQ==","StreamName":"events"}`; string(got.Body) != want {
		t.Errorf("got body %s, want %s", got.Body, want)
	}
	if string(backend.calls[1].Body) != "as it is" {
		t.Errorf("got body %s, want what was sent", backend.calls[1].Body)
	}
}

func TestClientsMaySetOneOfTheIDs(t *testing.T) {
	const id = "0a1B2c3d-0000-4000-8000-00000000000f"
	for name, tc := range map[string]struct {
		sent string
		kept bool
	}{
		"a UUID is kept":       {id, true},
		"another text is not":  {"0a1B2c3d-0000-4000-8000-00000000000", false},
		"another shape is not": {strings.Repeat("a", 36), false},
	} {
		t.Run(name, func(t *testing.T) {
			answer, _ := ask(t, deploy(t, &answerer{}, nil), "GET /v1\nX-Amzn-RequestId: "+tc.sent)
			got := answer.Header.Get("X-Amzn-Requestid")
			if (got == tc.sent) != tc.kept || !isUUID(got) {
				t.Errorf("got %q after %q", got, tc.sent)
			}
		})
	}
}
