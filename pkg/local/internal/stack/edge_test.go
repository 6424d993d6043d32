package stack

import (
	"reflect"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/secrets"
)

const edge = `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      DefinitionBody: {openapi: 3.0.1, secret: !Ref Tokens, function: !Ref Authorizer.Alias}
      MethodSettings:
        - {ResourcePath: /*, HttpMethod: "*", ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20, LoggingLevel: INFO, MetricsEnabled: true, DataTraceEnabled: false}
        - {ResourcePath: "/~1record~1{id}", HttpMethod: POST, ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1}
        - {ResourcePath: /*, HttpMethod: "*", MetricsEnabled: true}
  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: 0123456789abcdef0123}
  Off:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Name: off}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      ApiStages: [{ApiId: !Ref Api, Stage: v1, Throttle: {"/record/POST": {RateLimit: 1, BurstLimit: 2}}}]
      Throttle: {RateLimit: 5, BurstLimit: 6}
      Quota: {Limit: 100, Period: DAY}
  PlanKey:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
  Firewall:
    Type: AWS::WAFv2::WebACLAssociation
    Properties: {ResourceArn: !Sub "arn:${Api}", WebACLArn: a}
  Tokens:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: team/tokens, SecretString: "{}"}
  Made:
    Type: AWS::SecretsManager::Secret
    Properties: {GenerateSecretString: {PasswordLength: 8, ExcludePunctuation: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludeCharacters: cdefghijklmnopqrstuvwxyz}}
  Authorizer:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023, AutoPublishAlias: live}
`

func TestTheEdge(t *testing.T) {
	s, err := load(t, edge)
	if err != nil {
		t.Fatal(err)
	}
	if s.API.Throttles[0].At == nil || len(s.API.Throttles) != 2 {
		t.Fatalf("got %+v", s.API.Throttles)
	}
	for i := range s.API.Throttles {
		s.API.Throttles[i].At = nil
	}
	tokens := s.Resources["Tokens"].ID
	if !strings.HasPrefix(tokens, "arn:aws:secretsmanager:eu-west-1:000000000000:secret:team/tokens-") || len(tokens) != len("arn:aws:secretsmanager:eu-west-1:000000000000:secret:team/tokens-abcdef") {
		t.Errorf("got the ARN %s", tokens)
	}
	value := "{}"
	for what, pair := range map[string][2]any{
		"throttling": {s.API.Throttles, []apigateway.MethodThrottle{
			{Path: "/*", Verb: "*", Throttle: apigateway.Throttle{Rate: 10, Burst: 20}},
			{Path: "/record/{id}", Verb: "POST", Throttle: apigateway.Throttle{Rate: 0.5, Burst: 1}},
		}},
		"plans": {s.API.UsagePlans, []apigateway.UsagePlan{{
			ID: "hydrant-local-Plan", Keys: []string{"hydrant-local-Key"}, Throttle: &apigateway.Throttle{Rate: 5, Burst: 6},
			Methods: map[string]apigateway.Throttle{"/record/POST": {Rate: 1, Burst: 2}}, Quota: &apigateway.Quota{Limit: 100, Period: "DAY"},
		}}},
		"a key":         {s.API.APIKeys[0], apigateway.APIKey{ID: "hydrant-local-Key", Value: "0123456789abcdef0123", Enabled: true}},
		"a key's value": {len(s.API.APIKeys[1].Value), 40},
		"not enabled":   {s.API.APIKeys[1].Enabled, false},
		"a secret":      {s.Secrets[0], secrets.Secret{Name: "team/tokens", ARN: tokens, Value: &value}},
		"Ref of one":    {s.API.Body.Get("secret").Text, tokens},
		"the alias":     {s.API.Body.Get("function").Text, "arn:aws:lambda:eu-west-1:000000000000:function:hydrant-local-Authorizer:live"},
		"the function":  {s.Functions[0].Alias, "live"},
		"a made secret": {*s.Secrets[1].Generate, secrets.Generate{Length: 8, Alphabet: "ab"}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: got %+v, want %+v", what, pair[0], pair[1])
		}
	}
}

func TestTheEdgeIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ old, replacement, want string }{
		"a short key":               {"0123456789abcdef0123", "short", "has 20 to 128 characters"},
		"a key of nobody's":         {"KeyId: !Ref Key", "KeyId: other", `the API key "other" is not in the template`},
		"a plan of nobody's":        {"UsagePlanId: !Ref Plan", "UsagePlanId: other", `the usage plan "other" is not in the template`},
		"another kind of key":       {"API_KEY", "OTHER", "must be API_KEY"},
		"another stage":             {"Stage: v1, Throttle", "Stage: v2, Throttle", "the stage v2 of the API"},
		"another period":            {"Period: DAY", "Period: YEAR", "a Period of DAY, WEEK or MONTH"},
		"a rate below nothing":      {"RateLimit: 5", "RateLimit: -5", "must not be negative"},
		"settings of some methods":  {`HttpMethod: "*", ThrottlingRateLimit`, `HttpMethod: GET, ThrottlingRateLimit`, "of all methods (/* and *) and of one, not of some"},
		"half a throttle":           {"ThrottlingRateLimit: 0.5, ", "", "are given together"},
		"a cache":                   {"MetricsEnabled: true}", "CachingEnabled: true}", "not supported by the local runner"},
		"two ways to a value":       {`SecretString: "{}"`, `SecretString: "{}", GenerateSecretString: {}`, "there is a SecretString too"},
		"nothing to make values of": {"ExcludeCharacters: c", "ExcludeCharacters: abc", "leaves no character"},
		"a length":                  {"PasswordLength: 8", "PasswordLength: 0", "PasswordLength must be between 1 and 4096"},
		"half a template":           {"PasswordLength: 8", "GenerateStringKey: k", "are given together"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(edge, tc.old) {
				t.Fatalf("%q is not there", tc.old)
			}
			_, err := load(t, strings.Replace(edge, tc.old, tc.replacement, 1))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "/") || strings.Count(err.Error(), ":") < 3 {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}
