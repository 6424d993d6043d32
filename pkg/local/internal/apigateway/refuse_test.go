package apigateway

import (
	"errors"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/template"
)

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct{ old, replacement, want string }{
		"another OpenAPI":            {"openapi: 3.0.1", "openapi: 3.1.0", "openapi: not supported by the local runner: only OpenAPI 3.0 is"},
		"an unknown extension":       {"info: {", "x-amazon-apigateway-more: {}\ninfo: {", "x-amazon-apigateway-more: not supported by the local runner"},
		"security at the root":       {"info: {", "security: [{sigv4: []}]\ninfo: {", "API Gateway ignores security at the root: write it in each method"},
		"security of a method":       {"      requestBody:", "      security: [{sigv4: []}]\n      requestBody:", "sigv4: names nothing in components.securitySchemes"},
		"security left out":          {"      requestBody:", "      security: [{}]\n      requestBody:", "API Gateway knows no security that may be left out"},
		"security by extension":      {"      requestBody:", "      x-amazon-apigateway-auth: {type: CUSTOM}\n      requestBody:", "only NONE and AWS_IAM are"},
		"binary media types":         {"info: {", "x-amazon-apigateway-binary-media-types: ['*/*']\ninfo: {", "not supported by the local runner"},
		"an unknown validator":       {"request-validator: all", "request-validator: some", `"some" is not one of x-amazon-apigateway-request-validators`},
		"an unknown gateway answer":  {"  BAD_REQUEST_BODY:", "  BAD_BODY:", "API Gateway has no gateway response of this name"},
		"a fixed gateway answer":     {"  BAD_REQUEST_BODY:", "  REQUEST_TOO_LARGE:", "API Gateway does not let this answer be changed"},
		"VTL in a gateway answer":    {`'{"Why":`, `'#if(true)#end{"Why":`, "#if would be printed as it stands"},
		"a model without its target": {"schemas/Envelope", "schemas/Envelop", `"#/components/schemas/Envelop" names nothing in components.schemas`},
		"a model's name":             {"    Envelope:\n", "    Envelope: {}\n    My_Envelope:\n", "API Gateway takes only letters and digits in a model's name"},
		"a keyword of no model":      {"maxLength: 4", "exclusiveMinimum: 4", "exclusiveMinimum: not supported in a model"},
		"a format":                   {"maxLength: 4", "format: email", "API Gateway does not say whether it checks the format email"},
		"a schema that is none":      {"maxLength: 4", "maxLength: many", "is no JSON Schema of draft 4"},
		"a pattern that is none":     {"maxLength: 4", "pattern: '('", "is no JSON Schema of draft 4"},
		"a header not declared":      {"method.response.header.X-Shard:", "method.response.header.X-Shart:", "does not declare the header X-Shart"},
		"a status not declared":      {`statusCode: "500"`, `statusCode: "502"`, "the method's responses do not declare 502"},
		"a parameter not declared":   {": context.stage", ": method.request.header.Who", `"method.request.header.Who" is not declared in the method's parameters`},
		"a mapping of the body":      {": context.stage", ": method.request.body.x", "is not supported by the local runner"},
		"a request's parameter late": {": context.resourcePath", ": method.request.path.status", `mapping expression "method.request.path.status" is not supported by the local runner here`},
		"a response's header early":  {": context.stage", ": integration.response.header.X", `mapping expression "integration.response.header.X" is not supported by the local runner here`},
		"a text without quotes":      {"\"'today'\"", "today", `mapping expression "today" is not supported by the local runner`},
		"a header not mappable":      {"integration.request.header.X-Stage", "integration.request.header.Authorization", "API Gateway answers 500 to a request whose integration sets Authorization"},
		"a mapping to the query":     {"integration.request.header.X-Stage", "integration.request.querystring.x", "only integration.request.header.NAME is"},
		"another integration":        {"type: aws\n", "type: aws_proxy\n", `type "aws_proxy" is not supported by the local runner: only aws and mock are`},
		"another service":            {"kinesis:action", "sqs:action", "only arn:aws:apigateway:REGION:kinesis:action/NAME is"},
		"another Region":             {"eu-west-1:kinesis", "eu-west-2:kinesis", "is in eu-west-2, but the local runner is in eu-west-1 only"},
		"another verb":               {"httpMethod: POST", "httpMethod: GET", "httpMethod must be POST"},
		"no role":                    {"credentials: arn:aws:iam::000000000000:role/ingest", "connectionType: INTERNET", "API Gateway needs a role to call kinesis"},
		"a timeout":                  {"timeoutInMillis: 50", "timeoutInMillis: 30000", "must be a whole number from 50 to 29000"},
		"a passthrough":              {"passthroughBehavior: never", "passthroughBehavior: sometimes", "must be when_no_match, when_no_templates or never"},
		"a contentHandling":          {"passthroughBehavior: never", "contentHandling: CONVERT_TO_TEXT", "contentHandling: not supported by the local runner"},
		"a broken pattern":           {`4\d{2}:`, `"4[":`, "selection pattern"},
		"a pattern that hits half":   {`4\d{2}:`, `"4":`, "selects no HTTP status"},
		"patterns that overlap":      {`4\d{2}:`, `"[24]00":`, "selects status 200, which another response selects too"},
		"a template that is none":    {`'{"Data":"$util.base64Encode($input.json("$.Data"))","StreamName":"$stageVariables.stream"}'`, `'#if('`, "of the mapping template"},
		"a method without one":       {"x-amazon-apigateway-integration: &ok", "x-documented: &ok", "has no x-amazon-apigateway-integration"},
		"a cookie":                   {"in: query,", "in: cookie,", "a parameter has a name and is in header, path or query"},
		"two names of one place":     {"/files/readme", "/mock/{other}/x", "siblings share one name"},
		"a greedy part inside":       {"/files/readme", "/files/{name+}/x", "the last may be {name+}"},
		"a callback":                 {"      requestBody:", "      callbacks: {}\n      requestBody:", "callbacks: not supported by the local runner"},
	} {
		t.Run(name, func(t *testing.T) {
			body := read(t, "testdata/api.yaml")
			if !strings.Contains(body, tc.old) {
				t.Fatalf("%q is not in testdata/api.yaml", tc.old)
			}
			_, err := New(Config{Stage: "v1", Region: "eu-west-1", Body: openAPI(t, strings.Replace(body, tc.old, tc.replacement, 1))}, &answerer{})
			var placed *template.Error
			if !errors.As(err, &placed) || placed.Pos.Line < 6 || !strings.Contains(placed.Message, tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestAccessLogFormats(t *testing.T) {
	for name, tc := range map[string]struct{ format, want string }{
		"two lines": {"$context.requestId\n$context.status", "access log format: must be one line"},
		"no id":     {"$context.status", "access log format: must have $context.requestId or $context.extendedRequestId"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{
				Stage: "v1", Region: "eu-west-1", Body: openAPI(t, read(t, "testdata/api.yaml")),
				AccessLogFormat: tc.format, AccessLog: func(string) {},
			}, &answerer{})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
