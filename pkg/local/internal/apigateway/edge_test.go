package apigateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"hydrant/pkg/local/internal/sigv4"
)

// testCallers are a user, and a role with a session whose name is what a mapping template must take apart.
func testCallers(key string) (sigv4.Credential, bool) {
	id := sigv4.Identity{ARN: "arn:aws:iam::000000000000:user/team/o'neill", AccountID: "000000000000", UserID: "AIDAU"}
	switch key {
	case "user":
	case "role":
		id = sigv4.Identity{ARN: `arn:aws:sts::000000000000:assumed-role/writer/some",session`, AccountID: "000000000000", UserID: "AROAR:s"}
	default:
		return sigv4.Credential{}, false
	}
	return sigv4.Credential{AccessKey: key, Secret: "secret of " + key, Identity: id}, true
}

// sign signs a request that ask's text describes.
func sign(t testing.TB, who, text string) *http.Request {
	t.Helper()
	r := request(t, text)
	_, body, _ := strings.Cut(text, "\n\n")
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: who, SecretAccessKey: "secret of " + who}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), "execute-api", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignatures(t *testing.T) {
	const signed = "POST /v1/signed\n\n{\"Data\":1}"
	for name, tc := range map[string]struct {
		request                  *http.Request
		status                   int
		body, kind, responseType string
	}{
		"signed":                        {request: sign(t, "user", signed), status: 200, body: `{"arn":"arn:aws:iam::000000000000:user\/team\/o\'neill","account":"000000000000","user":"AIDAU"`},
		"not signed":                    {request: request(t, signed), status: 403, body: `{"message":"Missing Authentication Token"}`, kind: "MissingAuthenticationTokenException", responseType: "MISSING_AUTHENTICATION_TOKEN"},
		"by nobody":                     {request: sign(t, "nobody", signed), status: 403, body: "The security token included in the request is invalid.", kind: "UnrecognizedClientException", responseType: "INVALID_SIGNATURE"},
		"another kind of authorization": {request: request(t, "POST /v1/signed\nAuthorization: Bearer x\n\n{}"), status: 403, body: "missing equal-sign", kind: "IncompleteSignatureException", responseType: "INVALID_SIGNATURE"},
		"another body": {request: func() *http.Request {
			r := sign(t, "user", signed)
			r.Body = http.NoBody
			return r
		}(), status: 403, body: "The request signature we calculated does not match", kind: "InvalidSignatureException", responseType: "INVALID_SIGNATURE"},
		"who is not signed learns nothing of validation": {request: request(t, "POST /v1/signed\n\n{"), status: 403, body: "Missing Authentication Token"},
		"who is signed does":                             {request: sign(t, "user", "POST /v1/signed\n\n{"), status: 400, body: "Invalid request body"},
	} {
		t.Run(name, func(t *testing.T) {
			a := secured(t, &oracle{}, nil)
			w := serve(a, tc.request)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) || w.Header().Get("X-Amzn-Errortype") != tc.kind && tc.kind != "" {
				t.Errorf("got %d %s %s\nwant %d %s %s", w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, tc.status, tc.kind, tc.body)
			}
			if tc.responseType != "" && a.Stats().Errors[tc.responseType] != 1 {
				t.Errorf("got %v, want one %s", a.Stats().Errors, tc.responseType)
			}
		})
	}
}

// A signature is for one method, path, query and body: caught, it opens nothing else.
func TestASignatureIsForOneRequest(t *testing.T) {
	a := secured(t, &oracle{}, func(c *Config) { c.APIKeys, c.UsagePlans = onePlan(UsagePlan{}) })
	for name, change := range map[string]func(*http.Request){
		"another method":  func(r *http.Request) { r.Method = "GET" },
		"another path":    func(r *http.Request) { r.URL.Path = "/v1/keyed" },
		"another query":   func(r *http.Request) { r.URL.RawQuery = "a=1" },
		"another body":    func(r *http.Request) { r.Body = request(t, "POST /\n\n{\"Data\":2}").Body },
		"a second Bearer": func(r *http.Request) { r.Header.Add("Authorization", "Bearer x") },
		"a session token": func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			r := sign(t, "user", "POST /v1/signed\n\n{\"Data\":1}")
			r.Header.Set("X-Api-Key", keyValue)
			change(r)
			if w := serve(a, r); w.Code != 403 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// Whatever headers and parameters a caller sends, the producer of the record is who signed; a role's is the role.
func TestNobodySmugglesAProducer(t *testing.T) {
	smuggled := "X-Amzn-Requestid: \",\"producer\":\"evil\nX-Producer: evil\nProducer: evil\nX-Amz-User-Arn: evil\nX-Amzn-Userarn: evil\nX-Amz-Security-Token: \n" +
		"X-Forwarded-For: \"evil\"\nUser-Agent: \"evil\"\nContext.identity.userarn: evil\nX-Amzn-Trace-Id: Root=1-\"evil\nX-Amz-Meta-Producer: evil"
	for who, want := range map[string]string{"user": "arn:aws:iam::000000000000:user/team/o'neill", "role": "arn:aws:sts::000000000000:assumed-role/writer"} {
		for name, text := range map[string]string{
			"/record":  `{"Data":{"producer":"evil","a":"\",\"producer\":\"evil\""},"PartitionKey":"\",\"producer\":\"evil"}`,
			"/records": `{"Records":[{"Data":{"producer":"evil"},"PartitionKey":"$context.identity.userArn"},{"Data":"\"}}"}]}`,
		} {
			t.Run(who+" "+name, func(t *testing.T) {
				backend := says(`{"SequenceNumber":"1","ShardId":"s","FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"s"},{"SequenceNumber":"2","ShardId":"s"}]}`)
				a := deployTemplate(t, backend, map[string]string{"Authorization": "AWS_IAM"})
				r := sign(t, who, "POST /v1"+name+"?producer=evil&context.identity.userArn=evil\n"+smuggled+"\n\n"+text)
				if w := serve(a, r); w.Code != 200 {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
				var sent struct {
					Data    string
					Records []struct{ Data string }
				}
				if err := json.Unmarshal(backend.calls[0].Body, &sent); err != nil {
					t.Fatal(err)
				}
				if sent.Data != "" {
					sent.Records = append(sent.Records, struct{ Data string }{sent.Data})
				}
				for _, one := range sent.Records {
					data, err := base64.StdEncoding.DecodeString(one.Data)
					if err != nil {
						t.Fatal(err)
					}
					var record struct{ Producer string }
					if err := json.Unmarshal(data, &record); err != nil || record.Producer != want || bytes.Count(data, []byte(`"hydrant":`)) != 1 {
						t.Errorf("got %s (%v), want the producer %s", data, err, want)
					}
				}
				if len(sent.Records) == 0 {
					t.Errorf("nothing was sent: %s", backend.calls[0].Body)
				}
			})
		}
	}
}

const keyValue = "0123456789abcdef0123"

func onePlan(p UsagePlan) ([]APIKey, []UsagePlan) {
	p.ID, p.Keys = "plan", []string{"one", "two", "off"}
	return []APIKey{
		{"one", keyValue, true},
		{"two", "two-" + keyValue, true},
		{"off", "off-" + keyValue, false},
		{"stray", "stray-" + keyValue, true},
	}, []UsagePlan{p}
}

func TestAPIKeys(t *testing.T) {
	for name, tc := range map[string]struct {
		request *http.Request
		status  int
		body    string
	}{
		"a key":               {request(t, "GET /v1/keyed\nX-Api-Key: "+keyValue), 200, `"key":"one"`},
		"no key":              {request(t, "GET /v1/keyed"), 403, `{"message":"Forbidden"}`},
		"an unknown key":      {request(t, "GET /v1/keyed\nX-Api-Key: x"), 403, `{"message":"Forbidden"}`},
		"a key's id":          {request(t, "GET /v1/keyed\nX-Api-Key: one"), 403, `{"message":"Forbidden"}`},
		"a key turned off":    {request(t, "GET /v1/keyed\nX-Api-Key: off-"+keyValue), 403, `{"message":"Forbidden"}`},
		"a key of no plan":    {request(t, "GET /v1/keyed\nX-Api-Key: stray-"+keyValue), 403, `{"message":"Forbidden"}`},
		"a signature and key": {sign(t, "user", "POST /v1/keyed\nX-Api-Key: "+keyValue+"\n\n{\"Data\":1}"), 200, `"key":"one"`},
		"a signature alone":   {sign(t, "user", "POST /v1/keyed\n\n{"), 403, `{"message":"Forbidden"}`}, // before the body is looked at
		"a key alone":         {request(t, "POST /v1/keyed\nX-Api-Key: "+keyValue+"\n\n{"), 403, `{"message":"Missing Authentication Token"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := secured(t, &oracle{}, func(c *Config) { c.APIKeys, c.UsagePlans = onePlan(UsagePlan{}) })
			if w := serve(a, tc.request); w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.body)
			}
		})
	}
}

// pour sends n requests and says how many were taken, and the last answer.
func pour(t *testing.T, a *API, n int, text string) (taken int, last *httptest.ResponseRecorder) {
	for range n {
		last = serve(a, request(t, text))
		if last.Code == 200 {
			taken++
		}
	}
	return taken, last
}

func TestThrottling(t *testing.T) {
	one, two := "GET /v1/keyed\nX-Api-Key: "+keyValue, "GET /v1/keyed\nX-Api-Key: two-"+keyValue
	for name, change := range map[string]func(*Config){
		"a plan's": func(c *Config) { c.APIKeys, c.UsagePlans = onePlan(UsagePlan{Throttle: &Throttle{2, 3}}) },
		"a plan's method": func(c *Config) {
			c.APIKeys, c.UsagePlans = onePlan(UsagePlan{Methods: map[string]Throttle{"/keyed/GET": {2, 3}}, Throttle: &Throttle{100, 100}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := secured(t, &oracle{}, change)
				taken, last := pour(t, a, 5, one)
				if taken != 3 || last.Code != 429 || last.Body.String() != `{"message":"Too Many Requests"}` || last.Header().Get("X-Amzn-Errortype") != "TooManyRequestsException" {
					t.Errorf("got %d, then %d %s", taken, last.Code, last.Body)
				}
				if taken, _ := pour(t, a, 1, two); taken != 1 {
					t.Error("one key uses another's tokens")
				}
				time.Sleep(500 * time.Millisecond)
				if taken, _ := pour(t, a, 3, one); taken != 1 {
					t.Errorf("after half a second at 2 a second: got %d", taken)
				}
				time.Sleep(time.Hour)
				if taken, _ := pour(t, a, 9, one); taken != 3 {
					t.Errorf("after an hour: got %d, want the burst", taken)
				}
			})
		})
	}
}

func TestTheStagesThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := secured(t, &oracle{}, func(c *Config) {
			c.APIKeys, c.UsagePlans = onePlan(UsagePlan{})
			c.Throttles = []MethodThrottle{{Path: "/open", Verb: "GET", Throttle: Throttle{1, 1}}, {Path: "/*", Verb: "*", Throttle: Throttle{1, 2}}}
		})
		if taken, last := pour(t, a, 3, "GET /v1/open"); taken != 1 || last.Code != 429 {
			t.Errorf("its own: got %d", taken)
		}
		if taken, _ := pour(t, a, 3, "GET /v1/keyed\nX-Api-Key: "+keyValue); taken != 2 {
			t.Errorf("that of all: got %d", taken)
		}
		if w := serve(a, request(t, "GET /v1/nothing")); w.Code != 403 {
			t.Errorf("an unknown route: got %d", w.Code)
		}
		a.Reset()
		if taken, _ := pour(t, a, 3, "GET /v1/open"); taken != 1 {
			t.Errorf("after a reset: got %d", taken)
		}
	})
	body := openAPI(t, read(t, "testdata/secured.yaml"))
	_, err := New(Config{Stage: "v1", Region: "eu-west-1", Functions: &oracle{}, Body: body, Throttles: []MethodThrottle{{Path: "/none", Verb: "GET", At: body}}}, &answerer{})
	if err == nil || !strings.Contains(err.Error(), "the API has no method GET /none") {
		t.Errorf("got %v", err)
	}
}

func TestQuotas(t *testing.T) {
	one := "GET /v1/keyed\nX-Api-Key: " + keyValue
	for period, next := range map[string]time.Time{ // synctest begins at midnight of 1 January 2000, a Saturday
		"DAY": time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), "WEEK": time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), "MONTH": time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(period, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := secured(t, &oracle{}, func(c *Config) {
					c.APIKeys, c.UsagePlans = onePlan(UsagePlan{Quota: &Quota{Limit: 5, Offset: 2, Period: period}})
				})
				taken, last := pour(t, a, 6, one)
				if taken != 3 || last.Code != 429 || last.Body.String() != `{"message":"Limit Exceeded"}` || last.Header().Get("X-Amzn-Errortype") != "LimitExceededException" {
					t.Errorf("got %d, then %d %s", taken, last.Code, last.Body)
				}
				time.Sleep(time.Until(next) - time.Second)
				if taken, _ := pour(t, a, 1, one); taken != 0 {
					t.Error("the period was over too early")
				}
				time.Sleep(time.Second)
				if taken, _ := pour(t, a, 6, one); taken != 5 {
					t.Errorf("the next period: got %d", taken)
				}
			})
		})
	}
}

// policy puts a resource policy into the API. httptest's requests come from 192.0.2.1.
func policy(t *testing.T, statements ...string) func(*Config) {
	return func(c *Config) {
		c.Body = openAPI(t, "x-amazon-apigateway-policy: {Version: '2012-10-17', Statement: ["+strings.Join(statements, ", ")+"]}\n"+read(t, "testdata/secured.yaml"))
	}
}

func on(effect, resource, condition string) string {
	return fmt.Sprintf("{Effect: %s, Principal: '*', Action: execute-api:Invoke, Resource: '%s'%s}", effect, resource, condition)
}

func TestResourcePolicies(t *testing.T) {
	const (
		here, elsewhere = ", Condition: {IpAddress: {aws:SourceIp: [10.0.0.0/8, 192.0.2.0/24]}}", ", Condition: {IpAddress: {aws:SourceIp: 10.0.0.0/8}}"
		notElsewhere    = ", Condition: {NotIpAddress: {aws:SourceIp: [10.0.0.0/8]}}"
	)
	for name, tc := range map[string]struct {
		statements []string
		oracle     string
		request    func(*testing.T) *http.Request
		status     int
		body       string
	}{
		"a Deny of others":                      {statements: []string{on("Allow", "*", ""), on("Deny", "execute-api:/*", elsewhere)}, status: 200},
		"a Deny of us":                          {statements: []string{on("Allow", "*", ""), on("Deny", "execute-api:/*", notElsewhere)}, status: 403, body: `{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********0000:local1/v1/GET/open with an explicit deny"}`},
		"a Deny of another stage":               {statements: []string{on("Allow", "*", ""), on("Deny", "execute-api:/v2/*", "")}, status: 200},
		"a Deny of this path":                   {statements: []string{on("Allow", "*", ""), on("Deny", stageARN+"GET/open", "")}, status: 403},
		"no Allow, and nobody else is asked":    {statements: []string{on("Deny", "*", elsewhere)}, status: 403, body: `/v1/GET/open"}`},
		"an Allow of us":                        {statements: []string{on("Allow", "execute-api:/*/GET/open", here)}, status: 200},
		"no Allow, but a signature":             {statements: []string{on("Deny", "*", elsewhere)}, request: func(t *testing.T) *http.Request { return sign(t, "user", "POST /v1/signed\n\n{\"Data\":1}") }, status: 200},
		"a Deny comes before the signature":     {statements: []string{on("Deny", "*", "")}, request: func(t *testing.T) *http.Request { return request(t, "POST /v1/signed\n\n") }, status: 403, body: "with an explicit deny"},
		"no Allow, but the authorizer's":        {statements: []string{on("Deny", "*", elsewhere)}, oracle: grants("Allow", "{}", "*"), request: askedRequest, status: 200},
		"an Allow, and a silent authorizer":     {statements: []string{on("Allow", "*", "")}, oracle: grants("Allow", "{}", "nothing"), request: askedRequest, status: 200},
		"an Allow, and the authorizer denies":   {statements: []string{on("Allow", "*", "")}, oracle: grants("Deny", "{}", "*"), request: askedRequest, status: 403},
		"no Allow, and a silent authorizer":     {statements: []string{on("Deny", "*", elsewhere)}, oracle: grants("Allow", "{}", "nothing"), request: askedRequest, status: 403},
		"a Deny of us, and an authorizer's yes": {statements: []string{on("Deny", "*", here)}, oracle: grants("Allow", "{}", "*"), request: askedRequest, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			o := &oracle{answers: map[string]string{"": tc.oracle}}
			r := request(t, "GET /v1/open")
			if tc.request != nil {
				r = tc.request(t)
			}
			w := serve(secured(t, o, policy(t, tc.statements...)), r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.body)
			}
		})
	}
}

func askedRequest(t *testing.T) *http.Request { return request(t, asked) }

func TestTheLogSaysWhoWasLetIn(t *testing.T) {
	const format = `$context.requestId $context.identity.userArn $context.authorizer.principalId $context.authorizer.producer $context.authenticate.status ` +
		`$context.authorizer.status $context.error.responseType $context.error.messageString`
	for name, tc := range map[string]struct {
		request *http.Request
		failed  string
		want    string
	}{
		"a signature": {request: sign(t, "role", "POST /v1/signed\n\n{\"Data\":1}"), want: `arn:aws:sts::000000000000:assumed-role/writer/some\",session - - 200 - - -`},
		"none":        {request: request(t, "POST /v1/signed\n\n{}"), want: `- - - 403 - MISSING_AUTHENTICATION_TOKEN "Missing Authentication Token"`},
		"a token":     {request: request(t, asked), want: `- p \"me - 200 - -`},
		"a bad one":   {request: request(t, asked), failed: "Unauthorized", want: `- - - - 401 UNAUTHORIZED "Unauthorized"`},
		"a fault":     {request: request(t, asked), failed: "secret", want: `- - - - 500 AUTHORIZER_FAILURE null`},
	} {
		t.Run(name, func(t *testing.T) {
			var line, told string
			a := secured(t, &oracle{failed: tc.failed, answers: map[string]string{"": grants("Allow", `{"producer":"\"me"}`, "*")}}, func(c *Config) {
				c.AccessLogFormat, c.AccessLog = format, func(l string) { line = l }
				c.ExecutionLog = func(_, message string) { told += message }
			})
			serve(a, tc.request)
			if _, got, _ := strings.Cut(line, " "); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if tc.failed == "secret" && (!strings.Contains(told, "authorizer lambda: the function failed") || strings.Contains(told, "secret")) {
				t.Errorf("the execution log says %q", told)
			}
		})
	}
}
