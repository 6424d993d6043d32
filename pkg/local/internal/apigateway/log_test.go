package apigateway

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) {
	const format = `{"id":"$context.requestId","m":"$context.httpMethod","r":"$context.resourcePath","s":$context.status,` +
		`"e":"$context.error.responseType","t":$context.error.messageString,"v":"$context.error.validationErrorString",` +
		`"is":"$context.integration.status","il":"$context.integrationLatency","l":$context.responseLatency,"n":$context.responseLength,` +
		`"ua":"$context.identity.userAgent","ip":"$context.identity.sourceIp","p":"$context.protocol","x":"$context.authorizer.principalId"}`
	ok := &answerer{answer: Answer{Status: 200, Body: []byte(accepted)}}
	for name, tc := range map[string]struct{ request, want string }{
		"a record": {
			"POST /v1/record\n\n{\"Data\":1}",
			`{"id":"ID","m":"POST","r":"/record","s":200,"e":"-","t":-,"v":"-","is":"200","il":"L","l":L,"n":17,"ua":"test","ip":"127.0.0.1","p":"HTTP/1.1","x":"-"}`,
		},
		"a refusal": {
			"POST /v1/record\n\n{}",
			`{"id":"ID","m":"POST","r":"/record","s":422,"e":"BAD_REQUEST_BODY","t":"Invalid request body",` +
				`"v":"[object has missing required properties ([\"Data\"])]","is":"-","il":"-","l":L,"n":61,"ua":"test","ip":"127.0.0.1","p":"HTTP/1.1","x":"-"}`,
		},
		"an unknown route": {
			"GET /v1/nothing",
			`{"id":"ID","m":"GET","r":"-","s":403,"e":"MISSING_AUTHENTICATION_TOKEN","t":"Missing Authentication Token","v":"-","is":"-","il":"-",` +
				`"l":L,"n":104,"ua":"test","ip":"127.0.0.1","p":"HTTP/1.1","x":"-"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			a := deploy(t, ok, func(c *Config) {
				c.AccessLogFormat, c.AccessLog = format, func(line string) { lines = append(lines, line) }
			})
			answer, _ := ask(t, a, tc.request)
			if len(lines) != 1 {
				t.Fatalf("got %d lines, want 1", len(lines))
			}
			got := strings.Replace(lines[0], answer.Header.Get("X-Amzn-Requestid"), "ID", 1)
			got = regexp.MustCompile(`("i?l":"?)\d+`).ReplaceAllString(got, "${1}L")
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestClientsCannotWriteIntoTheAccessLog(t *testing.T) {
	var line string
	a := deploy(t, &answerer{}, func(c *Config) {
		c.AccessLogFormat = `{"id":"$context.extendedRequestId","agent":"$context.identity.userAgent","path":"$context.path"}`
		c.AccessLog = func(l string) { line = l }
	})
	agent := "a\",\"path\":\"\\ \u2028 \xff\t$context.stage"
	r := request(t, "GET /v1/\"x")
	r.Header.Set("User-Agent", agent)
	serve(a, r)
	var got struct{ ID, Agent, Path string }
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%s: %s", line, err)
	}
	if want := strings.ToValidUTF8(agent, "\uFFFD"); got.Agent != want || got.Path != "/v1/%22x" {
		t.Errorf("got %+v, want agent %q", got, want)
	}
}

func TestExecutionLogSaysWhatWentWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		backend *answerer
		want    string
	}{
		"a template":  {"POST /v1/broken\n\n{}", &answerer{}, "Execution failed due to configuration error: request template: requestTemplates application/json:1:1: "},
		"the mapping": {"POST /v1/unmapped\n\n{\"Data\":1}", &answerer{answer: Answer{Status: 418}}, "Execution failed due to configuration error: No match for output mapping and no default output mapping configured. Endpoint Response Status Code: 418"},
		"the network": {"POST /v1/record\n\n{\"Data\":1}", &answerer{err: errors.New("no route")}, "Execution failed due to a network error communicating with endpoint: no route"},
		"the time":    {"POST /v1/record\n\n{\"Data\":1}", &answerer{hang: true}, "Execution failed due to a timeout error"},
		"the mock":    {"GET /v1/mock/x?q=1\nX-Ask: 1", &answerer{}, "Execution failed due to configuration error: Unable to parse statusCode. It should be an integer that is defined in the request template."},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			a := deploy(t, tc.backend, func(c *Config) {
				c.ExecutionLog = func(_, message string) { got = append(got, message) }
			})
			ask(t, a, tc.request)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestStats(t *testing.T) {
	a := deploy(t, &answerer{answer: Answer{Status: 200, Body: []byte(accepted)}}, nil)
	for _, request := range []string{"POST /v1/record\n\n{\"Data\":1}", "POST /v1/record\n\n{\"Data\":2}", "POST /v1/record\n\n{}", "GET /v1/no", "GET /"} {
		ask(t, a, request)
	}
	got := a.Stats()
	if got.LatencyMS.Mean <= 0 || got.LatencyMS.Max < got.LatencyMS.Mean {
		t.Errorf("got latency %+v", got.LatencyMS)
	}
	got.LatencyMS = LatencyMS{}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"requests":5,"statuses":{"200":2,"403":2,"422":1},"classes":{"2xx":2,"4xx":3},` +
		`"errors":{"BAD_REQUEST_BODY":1,"MISSING_AUTHENTICATION_TOKEN":1},"bytesIn":22,"bytesOut":222,"latencyMs":{"mean":0,"max":0,"integrationMean":0}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	a.Reset()
	if got := a.Stats(); got.Requests != 0 || got.BytesIn != 0 || len(got.Errors) != 0 {
		t.Errorf("after a reset: %+v", got)
	}
}
