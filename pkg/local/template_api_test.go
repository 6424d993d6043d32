package main_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
	"hydrant/pkg/local/internal/vtl"
)

// routes are all methods of the API, and whether they ask who calls.
var routes = map[string]bool{
	"post /record": true, "post /records": true, "get /health": false,
	"options /record": false, "options /records": false, "options /health": false,
}

var apiRules = map[string]rule{
	"the API has the routes of the documentation": {
		why: "a route that nobody wrote down is a route that nobody secures",
		fix: "write it down in routes, with whether it asks who calls",
		check: func(s *stack) (faults []string) {
			got := map[string]bool{}
			for name := range methods(s.Resolved) {
				got[name] = true
			}
			for name := range routes {
				if !got[name] {
					faults = append(faults, name+" is missing")
				}
				delete(got, name)
			}
			for name := range got {
				faults = append(faults, name+" is not in the documentation")
			}
			return faults
		},
		breaks: [][2]string{{"          /health:", "          /healthy:"}, {"            get:", "            put:"}},
	},
	"each method's security follows Authorization": {
		why: "a method without security of its own is open, whatever stands at the root or in SAM's Auth",
		fix: "an entry of security for each condition for what writes, security: [] for the rest",
		check: func(s *stack) (faults []string) {
			for name, method := range methods(s.Resolved) {
				want := `[]`
				if routes[name] {
					want = map[string]string{"AWS_IAM": `[{"sigv4":[]}]`, "LAMBDA": `[{"authorizer":[]}]`, "NONE": `[]`}[s.parameters["Authorization"]]
					if s.parameters["ApiKeyRequired"] == "true" {
						want = strings.Replace(strings.TrimSuffix(want, "]")+`,{"apiKey":[]}]`, "[,", "[", 1)
					}
				}
				if security := method.Get("security"); security == nil || string(security.JSON()) != want {
					faults = append(faults, fmt.Sprintf("%s: security is not %s", name, want))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"                - !If [UseIam, {sigv4: []}, !Ref AWS::NoValue]\n", ""},
			{"                - !If [UseLambda, {authorizer: []}, !Ref AWS::NoValue]\n", ""},
			{"                - !If [UseApiKey, {apiKey: []}, !Ref AWS::NoValue]\n", ""},
			{"!If [UseIam, {sigv4: []}, !Ref AWS::NoValue]", "{sigv4: []}"},
			{"!If [UseIam, {sigv4: []}, !Ref AWS::NoValue]", "!If [UseCors, {sigv4: []}, !Ref AWS::NoValue]"},
			{"!If [UseLambda, {authorizer: []}, !Ref AWS::NoValue]", "!If [UseTokens, {authorizer: []}, !Ref AWS::NoValue]"},
			{"              security: []\n", ""},
			{"              security: []\n", "              security: [{sigv4: []}]\n"},
			{"  UseIam: !Equals [!Ref Authorization, AWS_IAM]", "  UseIam: !Equals [!Ref Authorization, NONE]"},
		},
	},
	"the security schemes are what the mode asks for": {
		why: "a scheme of another kind is an API key that nobody checks",
		fix: "components.securitySchemes with sigv4 (awsSigv4), authorizer (custom) and apiKey, each by its condition",
		check: func(s *stack) []string {
			want := map[string]string{
				"AWS_IAM": `{"sigv4":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"awsSigv4"}}`,
				"LAMBDA": `{"authorizer":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"custom",` +
					`"x-amazon-apigateway-authorizer":{"type":"request","identitySource":"method.request.header.Authorization",` +
					`"authorizerUri":"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:test:eu-west-1:000000000000:AuthorizerFunction:live/invocations",` +
					`"authorizerCredentials":"arn:aws:test:eu-west-1:000000000000:AuthorizerInvokeRole","authorizerResultTtlInSeconds":"300"}}}`,
				"NONE": `{}`,
			}[s.parameters["Authorization"]]
			if s.parameters["ApiKeyRequired"] == "true" {
				const key = `"apiKey":{"type":"apiKey","name":"x-api-key","in":"header"}`
				want = strings.NewReplacer(`{}`, "{"+key+"}", `"awsSigv4"}}`, `"awsSigv4"},`+key+"}", `{"authorizer"`, "{"+key+`,"authorizer"`).Replace(want)
			}
			if got := at(body(s.Resolved), "components", "securitySchemes"); got == nil || string(got.JSON()) != want {
				return []string{"securitySchemes is not " + want}
			}
			return nil
		},
		breaks: [][2]string{
			{"awsSigv4", "custom"},
			{"x-amazon-apigateway-authtype: custom", "x-amazon-apigateway-authtype: awsSigv4"},
			{"identitySource: method.request.header.Authorization", "identitySource: context.identity.sourceIp"},
			{"authorizerResultTtlInSeconds: !Ref AuthorizerTtl", "authorizerResultTtlInSeconds: 3600"},
			{"            sigv4: !If\n              - UseIam", "            sigv4: !If\n              - UseCors"},
		},
	},
	"everything about the API stands in its body": {
		why: "SAM edits the body after what these properties say; with a condition in Auth it drops the security silently",
		fix: "write the extension into the body",
		check: func(s *stack) (faults []string) {
			for _, name := range []string{"Auth", "Cors", "GatewayResponses", "Models", "DefinitionUri"} {
				if at(api(s.Resolved), name) != nil {
					faults = append(faults, name+" is set")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"      AlwaysDeploy: true", "      AlwaysDeploy: true\n      Auth: {DefaultAuthorizer: AWS_IAM}"},
			{"    OpenApiVersion: 3.0.1", "    OpenApiVersion: 3.0.1\n    Cors: \"'*'\""},
		},
	},
	"a change of a parameter reaches the stage": {
		why: "the translator makes a new deployment when the body's text changes, and a parameter's value does not change it: the API stays open after a switch to AWS_IAM",
		fix: "AlwaysDeploy: true, FailOnWarnings: true and OpenApiVersion: 3.0.1",
		check: func(s *stack) (faults []string) {
			for name, want := range map[string]string{"AlwaysDeploy": "true", "FailOnWarnings": "true", "OpenApiVersion": "3.0.1"} {
				if got := text(api(s.Resolved), name); got != want {
					faults = append(faults, fmt.Sprintf("%s is %q, not %s", name, got, want))
				}
			}
			return faults
		},
		breaks: [][2]string{{"AlwaysDeploy: true", "AlwaysDeploy: false"}, {"FailOnWarnings: true", "FailOnWarnings: false"}, {"OpenApiVersion: 3.0.1", "OpenApiVersion: 2.0"}},
	},
	"nothing passes unmapped": {
		why: "with another behaviour a body of an unknown content type goes to Kinesis as it is, unvalidated",
		fix: "passthroughBehavior: never, and templates for what has a model",
		check: func(s *stack) (faults []string) {
			for name, in := range integrations(s.Resolved) {
				if got := text(in, "passthroughBehavior"); got != "never" {
					faults = append(faults, fmt.Sprintf("%s: passthroughBehavior is %q", name, got))
				}
				for media := range each(in, "requestTemplates") {
					model := at(methodOf(s.Resolved, name), "requestBody", "content", media, "schema", "$ref")
					if text(in, "type") != "mock" && model == nil || text(in, "type") == "mock" && media != "application/json" {
						faults = append(faults, name+": has a template for "+media+", which no model validates")
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"passthroughBehavior: never", "passthroughBehavior: when_no_match"},
			{"                passthroughBehavior: never\n", ""},
			{"                  application/json: '{\"statusCode\":204}'", "                  text/plain: '{\"statusCode\":204}'"},
			{"                  text/plain: !If [UseTextBodies, !Find", "                  text/xml: !If [UseTextBodies, !Find"},
		},
	},
	"an integration ends in ten seconds": {
		why: "the default is 29 s, which is longer than most callers wait: they would send again what may yet be accepted",
		fix: "timeoutInMillis: 10000",
		check: func(s *stack) (faults []string) {
			for name, in := range integrations(s.Resolved) {
				if text(in, "type") == "aws" && text(in, "timeoutInMillis") != "10000" {
					faults = append(faults, name+": timeoutInMillis is not 10000")
				}
			}
			return faults
		},
		breaks: [][2]string{{"                timeoutInMillis: 10000\n", ""}},
	},
	"a body is validated before it is mapped": {
		why: "the mapping template counts on Data being there and PartitionKey being a text",
		fix: "x-amazon-apigateway-request-validator: body, and a required requestBody with a model for application/json",
		check: func(s *stack) (faults []string) {
			for name, method := range methods(s.Resolved) {
				if !strings.HasPrefix(name, "post ") {
					continue
				}
				validator := at(body(s.Resolved), "x-amazon-apigateway-request-validators", text(method, "x-amazon-apigateway-request-validator"))
				if text(validator, "validateRequestBody") != "true" {
					faults = append(faults, name+": its body is not validated")
				}
				if at(method, "requestBody", "content", "application/json", "schema", "$ref") == nil || text(method, "requestBody", "required") != "true" {
					faults = append(faults, name+": has no model, or none that is required")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"              x-amazon-apigateway-request-validator: body\n", ""},
			{"validateRequestBody: true", "validateRequestBody: false"},
			{"                required: true\n", ""},
		},
	},
	"every mapping template can be read": {
		why: "API Gateway answers 500 to every request whose template it cannot parse, and says so nowhere else",
		fix: "mend the template at the line that is named",
		check: func(s *stack) (faults []string) {
			for name, template := range mappingTemplates(s.Resolved) {
				if _, err := vtl.Parse(name, template); err != nil {
					faults = append(faults, err.Error())
				}
			}
			return faults
		},
		breaks: [][2]string{
			{`#if($key == "")`, `#if($key == ")`},
			{"                    ]}\n", "                    ]}#end\n"},
			{`#set($failed = 0)`, `#set($failed = )`},
		},
	},
	"a template reads the body only as parsed": {
		why: "$input.body is what the caller wrote: it can bring members of its own into the record",
		fix: "use $input.json or $input.path",
		check: func(s *stack) (faults []string) {
			for name, template := range mappingTemplates(s.Resolved) {
				if strings.Contains(template, "$input.body") || strings.Contains(template, "${input.body") || strings.Contains(template, "$context.requestId") {
					faults = append(faults, name+": uses $input.body, or $context.requestId, which a caller can set")
				}
			}
			return faults
		},
		breaks: [][2]string{{"$input.json('$.Data')", "$input.body"}},
	},
}

// api is the properties of the API.
func api(r *template.Resolved) *template.Value { return only(r, "AWS::Serverless::Api").Properties }

// body is the API's OpenAPI definition.
func body(r *template.Resolved) *template.Value { return at(api(r), "DefinitionBody") }

// methods yields the methods of the API by names such as "post /record".
func methods(r *template.Resolved) iter.Seq2[string, *template.Value] {
	return func(yield func(string, *template.Value) bool) {
		for path, item := range each(body(r), "paths") {
			for verb, method := range each(item) {
				if !yield(verb+" "+path, method) {
					return
				}
			}
		}
	}
}

// methodOf is the method of a name such as "post /record".
func methodOf(r *template.Resolved, name string) *template.Value {
	verb, path, _ := strings.Cut(name, " ")
	return at(body(r), "paths", path, verb)
}

// integrations yields the methods' integrations.
func integrations(r *template.Resolved) iter.Seq2[string, *template.Value] {
	return func(yield func(string, *template.Value) bool) {
		for name, method := range methods(r) {
			if !yield(name, at(method, "x-amazon-apigateway-integration")) {
				return
			}
		}
	}
}

// mappingTemplates are all mapping templates of the API by names such as "post /record 4\d{2}".
func mappingTemplates(r *template.Resolved) map[string]string {
	found := map[string]string{}
	for name, in := range integrations(r) {
		for _, template := range each(in, "requestTemplates") {
			found[name] = template.Text
		}
		for pattern, response := range each(in, "responses") {
			for _, template := range each(response, "responseTemplates") {
				found[name+" "+pattern] = template.Text
			}
		}
	}
	return found
}

// without is a text less the lines that contain one of the marks.
func without(text string, marks ...string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(line, mark) })
	}), "\n")
}
