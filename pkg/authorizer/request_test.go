package authorizer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/authorizer"
)

// with is an event of these members instead of the good ones.
func with(changes ...string) string {
	return object(append([]string{
		"type", `"REQUEST"`, "methodArn", quote(stage + "POST/record"),
		"headers", "{}", "multiValueHeaders", "{}", "queryStringParameters", "{}", "pathParameters", "{}", "stageVariables", "{}",
	}, changes...)...)
}

// headed has these two maps of headers.
func headed(headers, multi string) string {
	return with("headers", headers, "multiValueHeaders", multi)
}

// Events and what they get. GOOD stands for a token that is good.
var events = map[string]struct {
	event string
	want  authorizer.Reason
}{
	"a bearer token":                     {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer GOOD"]}`), authorizer.ReasonGenuine},
	"a scheme in lower case":             {headed(`{"authorization":"bearer GOOD"}`, `{"authorization":["bearer GOOD"]}`), authorizer.ReasonGenuine},
	"a scheme in any case":               {headed(`{"AUTHORIZATION":"bEARer GOOD"}`, `{"AUTHORIZATION":["bEARer GOOD"]}`), authorizer.ReasonGenuine},
	"two blanks":                         {headed(`{"Authorization":"Bearer  GOOD"}`, `{"Authorization":["Bearer  GOOD"]}`), authorizer.ReasonGenuine},
	"no multiValueHeaders":               {with("headers", `{"Authorization":"Bearer GOOD"}`, "multiValueHeaders", ""), authorizer.ReasonGenuine},
	"multiValueHeaders of null":          {headed(`{"Authorization":"Bearer GOOD"}`, `null`), authorizer.ReasonGenuine},
	"other headers":                      {headed(`{"X-Authorization":"x","Authorization":"Bearer GOOD","Proxy-Authorization":"Basic x"}`, `{"Authorization":["Bearer GOOD"]}`), authorizer.ReasonGenuine},
	"a path with everything":             {good("methodArn", quote(stage+"POST/record/../*?$%2f\u2028")), authorizer.ReasonGenuine},
	"the console's test":                 {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:abcdef1234/test-invoke_stage/GET/"`), authorizer.ReasonGenuine},
	"a partition of its own":             {good("methodArn", `"arn:aws-us-gov:execute-api:us-gov-west-1:000000000000:abcdef1234/v1/POST/record"`), authorizer.ReasonGenuine},
	"text that is no UTF-8":              {good("path", "\"/\xff\""), authorizer.ReasonGenuine},
	"members nobody knows":               {good("isBase64Encoded", `{"a":[null]}`), authorizer.ReasonGenuine},
	"no headers":                         {headed("{}", "{}"), authorizer.ReasonNoCredential},
	"headers of null":                    {headed("null", "null"), authorizer.ReasonNoCredential},
	"the token in the query":             {with("queryStringParameters", `{"access_token":"GOOD","Authorization":"Bearer GOOD"}`), authorizer.ReasonNoCredential},
	"the token in a variable":            {with("stageVariables", `{"Authorization":"Bearer GOOD"}`), authorizer.ReasonNoCredential},
	"the token of a TOKEN authorizer":    {with("authorizationToken", `"Bearer GOOD"`), authorizer.ReasonNoCredential},
	"a header of another name":           {headed(`{"Authorisation":"Bearer GOOD"}`, `{"Authorisation":["Bearer GOOD"]}`), authorizer.ReasonNoCredential},
	"a name with a blank":                {headed(`{"Authorization ":"Bearer GOOD"}`, `{"Authorization ":["Bearer GOOD"]}`), authorizer.ReasonNoCredential},
	"two values":                         {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer x","Bearer GOOD"]}`), authorizer.ReasonManyHeaders},
	"the same value twice":               {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer GOOD","Bearer GOOD"]}`), authorizer.ReasonManyHeaders},
	"two cases of the name":              {headed(`{"Authorization":"Bearer GOOD","authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer GOOD"],"authorization":["Bearer GOOD"]}`), authorizer.ReasonManyHeaders},
	"two cases in one of the maps":       {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer GOOD"],"authorization":["Bearer GOOD"]}`), authorizer.ReasonManyHeaders},
	"maps that disagree":                 {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":["Bearer x"]}`), authorizer.ReasonManyHeaders},
	"only among the many":                {headed(`{}`, `{"Authorization":["Bearer GOOD"]}`), authorizer.ReasonManyHeaders},
	"only among the single":              {headed(`{"Authorization":"Bearer GOOD"}`, `{}`), authorizer.ReasonManyHeaders},
	"an array of none":                   {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":[]}`), authorizer.ReasonManyHeaders},
	"two values joined":                  {headed(`{"Authorization":"Bearer GOOD,Bearer GOOD"}`, `{"Authorization":["Bearer GOOD,Bearer GOOD"]}`), authorizer.ReasonMalformed},
	"an empty value":                     {headed(`{"Authorization":""}`, `{"Authorization":[""]}`), authorizer.ReasonNotBearer},
	"a value of null":                    {headed(`{"Authorization":null}`, `{"Authorization":[null]}`), authorizer.ReasonNotBearer},
	"the scheme alone":                   {headed(`{"Authorization":"Bearer"}`, `{"Authorization":["Bearer"]}`), authorizer.ReasonNotBearer},
	"the scheme and a blank":             {headed(`{"Authorization":"Bearer "}`, `{"Authorization":["Bearer "]}`), authorizer.ReasonNotBearer},
	"a token alone":                      {headed(`{"Authorization":"GOOD"}`, `{"Authorization":["GOOD"]}`), authorizer.ReasonNotBearer},
	"Basic":                              {headed(`{"Authorization":"Basic R09PRDo="}`, `{"Authorization":["Basic R09PRDo="]}`), authorizer.ReasonNotBearer},
	"a signature of AWS's":               {headed(`{"Authorization":"AWS4-HMAC-SHA256 Credential=x"}`, `{"Authorization":["AWS4-HMAC-SHA256 Credential=x"]}`), authorizer.ReasonNotBearer},
	"DPoP":                               {headed(`{"Authorization":"DPoP GOOD"}`, `{"Authorization":["DPoP GOOD"]}`), authorizer.ReasonNotBearer},
	"a tab":                              {headed(`{"Authorization":"Bearer\tGOOD"}`, `{"Authorization":["Bearer\tGOOD"]}`), authorizer.ReasonNotBearer},
	"a blank before the scheme":          {headed(`{"Authorization":" Bearer GOOD"}`, `{"Authorization":[" Bearer GOOD"]}`), authorizer.ReasonNotBearer},
	"a blank that breaks no line":        {headed(`{"Authorization":"Bearer\u00a0GOOD"}`, `{"Authorization":["Bearer\u00a0GOOD"]}`), authorizer.ReasonNotBearer},
	"nothing":                            {"", authorizer.ReasonEvent},
	"no JSON":                            {"Bearer GOOD", authorizer.ReasonEvent},
	"null":                               {"null", authorizer.ReasonEvent},
	"an array":                           {"[]", authorizer.ReasonEvent},
	"an empty object":                    {"{}", authorizer.ReasonEvent},
	"an event and something behind":      {with() + "{}", authorizer.ReasonEvent},
	"an event cut short":                 {with()[:50], authorizer.ReasonEvent},
	"a TOKEN authorizer's":               {good("type", `"TOKEN"`), authorizer.ReasonEvent},
	"no type":                            {good("type", ""), authorizer.ReasonEvent},
	"an HTTP API's":                      {`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:eu-west-1:000000000000:abcdef1234/v1/POST/record","headers":{"authorization":"Bearer GOOD"}}`, authorizer.ReasonEvent},
	"two maps of headers":                {`{"type":"REQUEST","headers":{},"headers":{"Authorization":"Bearer GOOD"}}`, authorizer.ReasonEvent},
	"a header twice":                     {headed(`{"Authorization":"x","Authorization":"Bearer GOOD"}`, "null"), authorizer.ReasonEvent},
	"headers in an array":                {headed(`[{"Authorization":"Bearer GOOD"}]`, "null"), authorizer.ReasonEvent},
	"a header in an array":               {headed(`{"Authorization":["Bearer GOOD"]}`, "null"), authorizer.ReasonEvent},
	"a header in a number":               {headed(`{"Authorization":1}`, "null"), authorizer.ReasonEvent},
	"many headers in a text":             {headed(`{"Authorization":"Bearer GOOD"}`, `{"Authorization":"Bearer GOOD"}`), authorizer.ReasonEvent},
	"members in another case":            {`{"TYPE":"REQUEST","MethodArn":"x","Headers":{"Authorization":"Bearer GOOD"}}`, authorizer.ReasonEvent},
	"no ARN":                             {good("methodArn", ""), authorizer.ReasonEvent},
	"an ARN of null":                     {good("methodArn", "null"), authorizer.ReasonEvent},
	"an ARN of everything":               {good("methodArn", `"*"`), authorizer.ReasonEvent},
	"an ARN with a wildcard for the API": {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:*/v1/POST/record"`), authorizer.ReasonEvent},
	"an ARN with a wildcard for a stage": {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:abcdef1234/*/POST/record"`), authorizer.ReasonEvent},
	"an ARN with a ? in the account":     {good("methodArn", `"arn:aws:execute-api:eu-west-1:00000000000?:abcdef1234/v1/POST/record"`), authorizer.ReasonEvent},
	"an ARN with an empty stage":         {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:abcdef1234//POST/record"`), authorizer.ReasonEvent},
	"an ARN without a method":            {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:abcdef1234/v1"`), authorizer.ReasonEvent},
	"an ARN of another service":          {good("methodArn", `"arn:aws:lambda:eu-west-1:000000000000:function:f/v1/"`), authorizer.ReasonEvent},
	"an ARN with a policy variable":      {good("methodArn", `"arn:aws:execute-api:eu-west-1:000000000000:${aws:x}/v1/POST/record"`), authorizer.ReasonEvent},
	"an ARN of two lines":                {good("methodArn", `"x\narn:aws:execute-api:eu-west-1:000000000000:abcdef1234/v1/POST/record"`), authorizer.ReasonEvent},
}

// good has a good token and these changes.
func good(changes ...string) string {
	return with(append([]string{"headers", `{"Authorization":"Bearer GOOD"}`, "multiValueHeaders", `{"Authorization":["Bearer GOOD"]}`}, changes...)...)
}

func TestEvents(t *testing.T) {
	for name, tc := range events {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			_, err := s.Invoke(t.Context(), []byte(strings.ReplaceAll(tc.event, "GOOD", rs256())))
			if got := s.log.last(); len(s.log.decisions) != 1 || got.Reason != tc.want {
				t.Errorf("got %s, want %s", got.Reason, tc.want)
			}
			if allowed := tc.want == authorizer.ReasonGenuine; (err == nil) != allowed || !allowed && err.Error() != "Unauthorized" {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What is allowed is the same whatever the request was for, and whoever sent it: API Gateway uses the answer for other requests too.
func TestPolicy(t *testing.T) {
	s := start(t, nil)
	for _, producer := range []string{"shop-web", "*", "?", "/", "../*", "arn:aws:execute-api:*:*:*", "${aws:username}", `","*"]`} {
		for _, method := range []string{"POST/record", "POST/records", "GET/health", "DELETE/", "POST/record/*", "*/*"} {
			event := strings.ReplaceAll(good("methodArn", quote(stage+method)), "GOOD", rs256("sub", quote(producer)))
			answer, err := s.Invoke(t.Context(), []byte(event))
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				PrincipalID    string
				PolicyDocument struct {
					Version   string
					Statement []struct {
						Action, Effect string
						Resource       []string
					}
				}
				Context map[string]any
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("{2012-10-17 [{execute-api:Invoke Allow [%sPOST/record %sPOST/records]}]}", stage, stage); fmt.Sprint(got.PolicyDocument) != want {
				t.Errorf("%s, %s: got %v, want %s", producer, method, got.PolicyDocument, want)
			}
			if got.PrincipalID != producer || len(got.Context) != 3 || got.Context["producer"] != producer || got.Context["kind"] != "jwt" || got.Context["label"] != "rsa" {
				t.Errorf("%s: %s", producer, answer)
			}
		}
	}
}
