package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// oracle is an authorizer's function: it answers by what the Authorization header says.
type oracle struct {
	answers map[string]string // "" is for every other
	failed  string            // errorMessage, "" for none
	err     error

	mu     sync.Mutex
	events []map[string]any
	names  []string
}

func (o *oracle) Invoke(_ context.Context, function string, payload []byte) ([]byte, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", err
	}
	o.events, o.names = append(o.events, event), append(o.names, function)
	if o.err != nil {
		return nil, "", o.err
	}
	if o.failed != "" {
		answer, err := json.Marshal(map[string]string{"errorMessage": o.failed, "errorType": "errorString"})
		return answer, "Unhandled", err
	}
	headers, _ := event["headers"].(map[string]any)
	who, _ := headers["Authorization"].(string)
	answer, found := o.answers[who]
	if !found {
		answer = o.answers[""]
	}
	return []byte(answer), "", nil
}

const stageARN = "arn:aws:execute-api:eu-west-1:000000000000:local1/v1/"

// grants is an answer with one statement on resources.
func grants(effect, context string, resources ...string) string {
	for i := range resources {
		resources[i] = `"` + resources[i] + `"`
	}
	return `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect +
		`","Resource":[` + strings.Join(resources, ",") + `]}]},"context":` + context + `}`
}

func secured(t testing.TB, o Invoker, change func(*Config)) *API {
	return deploy(t, &answerer{}, func(c *Config) {
		c.Body, c.Functions, c.Callers = openAPI(t, read(t, "testdata/secured.yaml")), o, testCallers
		if change != nil {
			change(c)
		}
	})
}

const asked = "POST /v1/asked?tenant=t\nAuthorization: Bearer a\n\n"

func TestAuthorizerAnswers(t *testing.T) {
	all := grants("Allow", `{"producer":"it's \"a\"","n":1.50,"b":true}`, stageARN+"*")
	for name, tc := range map[string]struct {
		oracle  *oracle
		request string
		status  int
		body    string // what the body holds
		kind    string
		calls   int
	}{
		"allowed, and the context is texts": {oracle: &oracle{answers: map[string]string{"": all}}, status: 200, body: `"principal":"p","producer":"it\'s \"a\"", "n":"1.50","b":"true"`, calls: 1},
		"a policy of one action and resource that are texts": {
			oracle: &oracle{answers: map[string]string{"": `{"principalId":"p","policyDocument":{"Statement":{"Action":"*","Effect":"Allow","Resource":"*"}}}`}}, status: 200, body: `"principal":"p"`, calls: 1,
		},
		"a part of the identity is missing":  {oracle: &oracle{answers: map[string]string{"": all}}, request: "POST /v1/asked\nAuthorization: Bearer a\n\n", status: 401, body: `{"message":"Unauthorized"}`, kind: "UnauthorizedException"},
		"a part of the identity is empty":    {oracle: &oracle{answers: map[string]string{"": all}}, request: "POST /v1/asked?tenant=\nAuthorization: Bearer a\n\n", status: 401, body: `{"message":"Unauthorized"}`},
		"the header is missing":              {oracle: &oracle{answers: map[string]string{"": all}}, request: "POST /v1/asked?tenant=t\n\n", status: 401, body: `{"message":"Unauthorized"}`},
		"the function says Unauthorized":     {oracle: &oracle{failed: "Unauthorized"}, status: 401, body: `{"message":"Unauthorized"}`, kind: "UnauthorizedException", calls: 1},
		"the function says something alike":  {oracle: &oracle{failed: "unauthorized"}, status: 500, body: `{"message":null}`, kind: "AuthorizerConfigurationException", calls: 1},
		"the function is not reached":        {oracle: &oracle{err: errors.New("throttled")}, status: 500, body: `{"message":null}`, kind: "AuthorizerConfigurationException", calls: 1},
		"an implicit deny":                   {oracle: &oracle{answers: map[string]string{"": grants("Allow", "{}", stageARN+"POST/other")}}, status: 403, body: `{"Message":"User is not authorized to access this resource"}`, kind: "AccessDeniedException", calls: 1},
		"an explicit deny":                   {oracle: &oracle{answers: map[string]string{"": grants("Deny", "{}", "*")}}, status: 403, body: `{"Message":"User is not authorized to access this resource with an explicit deny"}`, calls: 1},
		"an allow for another verb":          {oracle: &oracle{answers: map[string]string{"": grants("Allow", "{}", stageARN+"GET/*")}}, status: 403, calls: 1},
		"an allow for another stage":         {oracle: &oracle{answers: map[string]string{"": grants("Allow", "{}", strings.Replace(stageARN, "/v1/", "/v2/", 1)+"*")}}, status: 403, calls: 1},
		"a resource in other capitals":       {oracle: &oracle{answers: map[string]string{"": grants("Allow", "{}", stageARN+"post/asked")}}, status: 403, calls: 1},
		"nothing":                            {oracle: &oracle{}, status: 500, body: `{"message":null}`, calls: 1},
		"an answer of format 2.0":            {oracle: &oracle{answers: map[string]string{"": `{"isAuthorized":true}`}}, status: 500, body: `{"message":null}`, calls: 1},
		"TOKEN: allowed":                     {oracle: &oracle{answers: map[string]string{"": all}}, request: "GET /v1/token\nX-Token: abc", status: 200, calls: 1},
		"TOKEN: not of the form":             {oracle: &oracle{answers: map[string]string{"": all}}, request: "GET /v1/token\nX-Token: ab1", status: 401},
		"TOKEN: missing":                     {oracle: &oracle{answers: map[string]string{"": all}}, request: "GET /v1/token", status: 401},
		"no identity source: always asked":   {oracle: &oracle{answers: map[string]string{"": all}}, request: "GET /v1/uncached", status: 200, calls: 1},
		"a method that asks nothing of them": {oracle: &oracle{failed: "Unauthorized"}, request: "GET /v1/open", status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.request == "" {
				tc.request = asked
			}
			answer, body := ask(t, secured(t, tc.oracle, nil), tc.request)
			if answer.StatusCode != tc.status || !strings.Contains(body, tc.body) || tc.kind != "" && answer.Header.Get("X-Amzn-Errortype") != tc.kind {
				t.Errorf("got %d %s %s\nwant %d %s %s", answer.StatusCode, body, answer.Header.Get("X-Amzn-Errortype"), tc.status, tc.body, tc.kind)
			}
			if len(tc.oracle.events) != tc.calls {
				t.Errorf("got %d calls, want %d", len(tc.oracle.events), tc.calls)
			}
		})
	}
}

func TestAuthorizerEvents(t *testing.T) {
	o := &oracle{}
	a := secured(t, o, nil)
	ask(t, a, "GET /v1/asked/a%2Fb/%63?tenant=x&tenant=y&q=%20\nAuthorization: Bearer a\nAuthorization: Bearer b\nX-Forwarded-For: 10.0.0.1\n\nnobody sees this")
	ask(t, a, "GET /v1/token\nX-Token: abc")
	if len(o.events) != 2 {
		t.Fatalf("got %d events", len(o.events))
	}
	if want := []string{"arn:aws:lambda:eu-west-1:000000000000:function:authorizer:live", "arn:aws:lambda:eu-west-1:000000000000:function:authorizer"}; !slices.Equal(o.names, want) {
		t.Errorf("called %q, want %q", o.names, want)
	}
	want := map[string]any{"type": "TOKEN", "authorizationToken": "abc", "methodArn": stageARN + "GET/token"}
	if !maps.Equal(o.events[1], want) {
		t.Errorf("got %v, want %v", o.events[1], want)
	}
	got := o.events[0]
	for name, want := range map[string]string{
		"type": `"REQUEST"`, "resource": `"/asked/{name+}"`, "path": `"/asked/a%2Fb/%63"`, "httpMethod": `"GET"`,
		"methodArn":             `"` + stageARN + `GET/asked/a%2Fb/c"`,
		"queryStringParameters": `{"q":" ","tenant":"y"}`, "multiValueQueryStringParameters": `{"q":[" "],"tenant":["x","y"]}`,
		"pathParameters": `{"name":"a/b/c"}`, "stageVariables": `{"stream":"events"}`,
	} {
		text, err := json.Marshal(got[name])
		if err != nil || string(text) != want {
			t.Errorf("%s: got %s, want %s", name, text, want)
		}
	}
	multi := got["multiValueHeaders"].(map[string]any)
	if values, _ := json.Marshal(multi["Authorization"]); string(values) != `["Bearer a","Bearer b"]` {
		t.Errorf("got %s", values)
	}
	if headers := got["headers"].(map[string]any); headers["Authorization"] != "Bearer b" || headers["X-Forwarded-For"] != "10.0.0.1, 127.0.0.1" {
		t.Errorf("got %v", headers)
	}
	c := got["requestContext"].(map[string]any)
	if c["path"] != "/v1/asked/a%2Fb/%63" || c["stage"] != "v1" || c["accountId"] != "000000000000" || c["identity"].(map[string]any)["sourceIp"] != "127.0.0.1" {
		t.Errorf("got %v", c)
	}
	if _, found := got["body"]; found {
		t.Error("the event holds the body")
	}
}

// One caller's answer is another's for no other identity, and what is kept is the policy: it is asked anew for every method and path.
func TestTheCacheConfusesNobody(t *testing.T) {
	o := &oracle{answers: map[string]string{
		"Bearer a": grants("Allow", `{"producer":"a"}`, stageARN+"POST/asked"),
		"Bearer b": grants("Allow", `{"producer":"b"}`, stageARN+"*"),
		"":         grants("Deny", "{}", "*"),
	}}
	a := secured(t, o, nil)
	for i, step := range []struct {
		request, body string
		status, calls int
	}{
		{"POST /v1/asked?tenant=t\nAuthorization: Bearer a", `"producer":"a"`, 200, 1},
		{"POST /v1/asked?tenant=t&x=1\nAuthorization: Bearer a", `"producer":"a"`, 200, 1},
		{"GET /v1/asked?tenant=t\nAuthorization: Bearer a", "not authorized", 403, 1},
		{"GET /v1/asked/x?tenant=t\nAuthorization: Bearer a", "not authorized", 403, 1},
		{"POST /v1/asked?tenant=t\nAuthorization: Bearer b", `"producer":"b"`, 200, 2},
		{"GET /v1/asked?tenant=t\nAuthorization: Bearer b", `"producer":"b"`, 200, 2},
		{"POST /v1/asked?tenant=u\nAuthorization: Bearer a", `"producer":"a"`, 200, 3},
		{"POST /v1/asked?tenant=t\nAuthorization: bearer a", "explicit deny", 403, 4},
		{"POST /v1/asked?tenant=t\nAuthorization: bearer a", "explicit deny", 403, 4}, // a deny is kept
		// Two values are one identity of both, and not that of either. The function sees the last, API Gateway's headers being what they are.
		{"POST /v1/asked?tenant=t\nAuthorization: Bearer a\nAuthorization: Bearer b", `"producer":"b"`, 200, 5},
		{"POST /v1/asked?tenant=t\nAuthorization: Bearer b\nAuthorization: Bearer a", `"producer":"a"`, 200, 6},
		{"POST /v1/asked?tenant=t\nAuthorization: Bearer a", `"producer":"a"`, 200, 6},
		// The lengths tell "Bearer a" and "8:x" apart from what runs together alike.
		{"POST /v1/asked?tenant=8:Bearer%20a1:t\nAuthorization: Bearer a", `"producer":"a"`, 200, 7},
		// A spelling of the path is no way around the policy.
		{"GET /v1/%61sked?tenant=t\nAuthorization: Bearer a", "not authorized", 403, 7},
		{"POST /v1/%61sked?tenant=t\nAuthorization: Bearer a", `"producer":"a"`, 200, 7},
	} {
		answer, body := ask(t, a, step.request+"\n\n")
		if answer.StatusCode != step.status || !strings.Contains(body, step.body) || len(o.events) != step.calls {
			t.Errorf("step %d: got %d %s after %d calls\nwant %d %s after %d", i, answer.StatusCode, body, len(o.events), step.status, step.body, step.calls)
		}
	}
	if got := a.Stats().Authorizers["lambda"]; got.Invocations != 7 || got.CacheHits != 8 || got.Denied != 5 || got.Cached != 7 {
		t.Errorf("got %+v", got)
	}
	a.Reset()
	ask(t, a, asked)
	if len(o.events) != 8 || a.Stats().Authorizers["lambda"].Invocations != 1 {
		t.Errorf("after a reset: %d calls, %+v", len(o.events), a.Stats().Authorizers["lambda"])
	}
}

func TestTheCacheEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{answers: map[string]string{"": grants("Allow", "{}", "*")}}
		a := secured(t, o, nil)
		calls := func(want int) {
			t.Helper()
			serve(a, request(t, asked))
			if len(o.events) != want {
				t.Errorf("after %v: got %d calls, want %d", time.Now(), len(o.events), want)
			}
		}
		calls(1)
		time.Sleep(59 * time.Second)
		calls(1)
		time.Sleep(time.Second)
		calls(2)

		// Errors are not kept, nor is Unauthorized.
		time.Sleep(time.Minute)
		o.err = errors.New("gone")
		calls(3)
		calls(4)
		o.err, o.failed = nil, "Unauthorized"
		calls(5)
		o.failed = ""
		calls(6)
		calls(6)
	})
}

func TestDecisionsThatAreNone(t *testing.T) {
	const sound = `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]},"context":{"a":"b"}}`
	if _, err := readDecision([]byte(sound)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string][2]string{
		"no principal":               {`"principalId":"p",`, ``},
		"an empty principal":         {`"p"`, `""`},
		"a number as principal":      {`"p"`, `1`},
		"a null as principal":        {`"p"`, `null`},
		"a principal twice":          {`"principalId":"p"`, `"principalId":"p","principalId":"q"`},
		"a principal in other case":  {`"principalId"`, `"principalID"`},
		"a member too many":          {`"context"`, `"contxt"`},
		"a policy that is a text":    {`{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}`, `"Allow"`},
		"a policy that is null":      {`{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}`, `null`},
		"a version that is none":     {`2012-10-17`, `2012-10-18`},
		"no statement":               {`[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]`, `[]`},
		"a statement that is null":   {`[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]`, `[null]`},
		"an effect in lower case":    {`"Allow"`, `"allow"`},
		"a condition":                {`"Effect"`, `"Condition":{},"Effect"`},
		"no effect":                  {`"Effect":"Allow",`, ``},
		"NotResource":                {`"Resource"`, `"NotResource"`},
		"a principal in a statement": {`"Effect"`, `"Principal":"*","Effect"`},
		"a resource that is null":    {`"Resource":"*"`, `"Resource":null`},
		"a list with a null":         {`"Resource":"*"`, `"Resource":["*",null]`},
		"an empty list":              {`"Resource":"*"`, `"Resource":[]`},
		"a resource of 513":          {`"Resource":"*"`, `"Resource":"` + strings.Repeat("*", 513) + `"`},
		"a policy variable":          {`"Resource":"*"`, `"Resource":"${aws:username}"`},
		"an object in the context":   {`"b"`, `{}`},
		"a list in the context":      {`"b"`, `[]`},
		"a null in the context":      {`"b"`, `null`},
		"a context that is a list":   {`{"a":"b"}`, `[]`},
		"two answers":                {`{"principalId"`, `{}{"principalId"`},
		"a list":                     {sound, `[]`}, "a text": {sound, `"x"`}, "null": {sound, `null`}, "no JSON": {sound, `{`}, "nothing": {sound, ``},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(sound, tc[0], tc[1], 1)
			if text == sound {
				t.Fatal("nothing is replaced")
			}
			if d, err := readDecision([]byte(text)); err == nil {
				t.Errorf("%s\nwas taken: %+v", text, d)
			}
		})
	}
}

// FuzzReadDecision: what is taken says Allow in so many words, and is plain JSON of the known shape.
func FuzzReadDecision(f *testing.F) {
	f.Add([]byte(grants("Allow", `{"a":1,"b":true,"c":"d"}`, stageARN+"POST/*")))
	f.Add([]byte(grants("Deny", `null`, "*", "?")))
	f.Add([]byte(`{"principalId":"p","policyDocument":{"Statement":{"Action":["*"],"Effect":"Allow","Resource":"*"}},"usageIdentifierKey":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := readDecision(data)
		if err != nil {
			return
		}
		var plain struct {
			PrincipalID    string          `json:"principalId"`
			PolicyDocument json.RawMessage `json:"policyDocument"`
		}
		if err := json.Unmarshal(data, &plain); err != nil || plain.PrincipalID != d.principal || d.principal == "" || len(d.statements) == 0 {
			t.Fatalf("%s was read as %+v (%v)", data, d, err)
		}
		allow, _ := evaluate(d.statements, stageARN+"POST/record", "127.0.0.1")
		if allow && !bytes.Contains(data, []byte("Allow")) && !bytes.Contains(data, []byte(`\u`)) {
			t.Errorf("%s allows", data)
		}
	})
}

func TestGlob(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"*":        {"": true, "a/b:c": true},
		"a*c":      {"ac": true, "abc": true, "a/b/c": true, "abcd": false, "bac": false},
		"a?c":      {"abc": true, "ac": false, "abbc": false},
		"*/POST/*": {"v1/POST/record": true, "v1/GET/POST": false},
		"**a*":     {"a": true, "b": false},
		"":         {"": true, "a": false},
		"a":        {"a": true, "A": false, "*": false},
	} {
		for text, want := range texts {
			if got := glob(pattern, text); got != want {
				t.Errorf("%q and %q: got %v", pattern, text, got)
			}
		}
	}
}

func TestSecurityIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ old, replacement, want string }{
		"another kind of scheme":     {"security: []", "security: [{openid: []}]", "only schemes of the type apiKey in a header are"},
		"scopes":                     {"security: []", "security: [{sigv4: [write]}]", "scopes are of Cognito's authorizers only"},
		"two authorizers":            {"security: []", "security: [{sigv4: []}, {lambda: []}]", "a method has one authorizer"},
		"Cognito":                    {"authtype: awsSigv4", "authtype: cognito_user_pools", "only signatures (awsSigv4), Lambda authorizers and x-api-key are"},
		"another type":               {"type: request", "type: jwt", `type "jwt" is not supported`},
		"another format":             {"type: request", "type: request\n        authorizerPayloadFormatVersion: '2.0'", "authorizerPayloadFormatVersion: not supported"},
		"a time to live":             {"InSeconds: 60", "InSeconds: 3601", "must be a whole number from 0 to 3600"},
		"no identity to keep under":  {"InSeconds: 0", "InSeconds: 1", "has no identitySource"},
		"a path parameter":           {"querystring.tenant", "path.name", `"method.request.path.name" is not supported`},
		"another Region":             {"eu-west-1:lambda:path", "eu-west-2:lambda:path", "is in eu-west-2"},
		"a uri that is none":         {"lambda:path/2015-03-31", "lambda:path/2015-04-01", "must be arn:PARTITION:apigateway"},
		"an expression for REQUEST":  {"InSeconds: 60", "InSeconds: 60\n        identityValidationExpression: a", "of an authorizer of the type token"},
		"an expression that is none": {`"[a-z]+"`, `"["`, "must be a regular expression"},
		"a policy for somebody":      {"info: {", "x-amazon-apigateway-policy: {Version: 2012-10-17, Statement: [{Effect: Deny, Principal: {AWS: 'arn:a'}, Action: '*', Resource: '*'}]}\ninfo: {", `only the principal "*" is`},
		"a policy with a condition":  {"info: {", "x-amazon-apigateway-policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: '*', Condition: {StringEquals: {a: b}}}]}\ninfo: {", "only one condition, IpAddress or NotIpAddress"},
		"a condition on more":        {"info: {", "x-amazon-apigateway-policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: '*', Condition: {IpAddress: {aws:VpcSourceIp: 10.0.0.0/8}}}]}\ninfo: {", "aws:VpcSourceIp: not supported"},
		"a range that is none":       {"info: {", "x-amazon-apigateway-policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: '*', Condition: {IpAddress: {aws:SourceIp: 10.0.0.0/80}}}]}\ninfo: {", "is neither an address nor a range"},
		"half a statement":           {"info: {", "x-amazon-apigateway-policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*'}]}\ninfo: {", "a statement has an Effect"},
		"an empty policy":            {"info: {", "x-amazon-apigateway-policy: {}\ninfo: {", "has no Statement"},
	} {
		t.Run(name, func(t *testing.T) {
			body := read(t, "testdata/secured.yaml")
			if !strings.Contains(body, tc.old) {
				t.Fatalf("%q is not in testdata/secured.yaml", tc.old)
			}
			_, err := New(Config{Stage: "v1", Region: "eu-west-1", Functions: &oracle{}, Body: openAPI(t, strings.Replace(body, tc.old, tc.replacement, 1))}, &answerer{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "api.yaml:") {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
	_, err := New(Config{Stage: "v1", Region: "eu-west-1", Functions: knows{&oracle{}}, Body: openAPI(t, read(t, "testdata/secured.yaml"))}, &answerer{})
	if err == nil || !strings.Contains(err.Error(), "function:authorizer:live is not in the template") {
		t.Errorf("got %v", err)
	}
}

// knows is an Invoker without any function.
type knows struct{ *oracle }

func (knows) Has(string) bool { return false }
