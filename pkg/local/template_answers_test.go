package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// codes are the values of an error's Code. Clients act on them: none is taken away or renamed.
var codes = map[string]bool{
	"AccessDenied": true, "AuthorizerFailure": true, "Blocked": true, "ExpiredToken": true, "IntegrationFailure": true, "IntegrationTimeout": true, "InternalError": true,
	"InternalFailure": true, "InvalidApiKey": true, "InvalidBody": true, "InvalidParameters": true, "InvalidRequest": true, "InvalidSignature": true,
	"Misconfigured": true, "NotFound": true, "QuotaExceeded": true, "RecordTooLarge": true, "Refused": true, "Throttled": true,
	"Unauthorized": true, "UnknownRouteOrUnsigned": true, "UnsupportedMediaType": true,
}

// gatewayResponses are the kinds that there are, with their status; "" keeps the kind's own. REQUEST_TOO_LARGE cannot be changed.
var gatewayResponses = map[string]string{
	"ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500", "AUTHORIZER_FAILURE": "500",
	"BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400",
	"DEFAULT_4XX": "", "DEFAULT_5XX": "", "EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "504", "INTEGRATION_TIMEOUT": "504",
	"INVALID_API_KEY": "403", "INVALID_SIGNATURE": "403", "MISSING_AUTHENTICATION_TOKEN": "403", "QUOTA_EXCEEDED": "429", "RESOURCE_NOT_FOUND": "404", "THROTTLED": "429",
	"UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
}

const (
	allowOrigin   = "Access-Control-Allow-Origin"
	exposeHeaders = "Access-Control-Expose-Headers"
)

var documentedCode = regexp.MustCompile("(?m)^\\| [0-9][0-9x]{2} \\| `([A-Za-z]+)`")

// undocumentedCodes compares the list with the table in docs/api.md.
func undocumentedCodes() (faults []string) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		return []string{err.Error()}
	}
	documented := map[string]bool{}
	for _, found := range documentedCode.FindAllStringSubmatch(string(page), -1) {
		code := found[1]
		if documented[code] = true; !codes[code] {
			faults = append(faults, code+" stands in docs/api.md and is not on the list")
		}
	}
	for code := range codes {
		if !documented[code] {
			faults = append(faults, code+" is missing in the table of docs/api.md")
		}
	}
	return faults
}

var answerRules = map[string]rule{
	"no unforeseen status is a success": {
		why: "a status that no pattern matches takes the default: as a 2xx it would tell a producer that a lost record was accepted",
		fix: "give each integration a response named default with a 5xx, and name each 2xx by itself",
		check: func(s *stack) (faults []string) {
			for name, in := range integrations(s.Resolved) {
				if status := text(in, "responses", "default", "statusCode"); !strings.HasPrefix(status, "5") {
					faults = append(faults, fmt.Sprintf("%s: the default response is %q", name, status))
				}
				for pattern, response := range each(in, "responses") {
					if strings.HasPrefix(text(response, "statusCode"), "2") && pattern != text(response, "statusCode") {
						faults = append(faults, fmt.Sprintf("%s: %q becomes a success", name, pattern))
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"default:\n                    statusCode: \"503\"", "default:\n                    statusCode: \"200\""},
			{"                  default:\n                    statusCode: \"500\"", "                  '500':\n                    statusCode: \"500\""},
			{"                  \"200\":\n                    statusCode: \"200\"", "                  '2\\d{2}':\n                    statusCode: \"200\""},
		},
	},
	"API Gateway's own answers are ours": {
		why: "a client that reads Code must find it in every answer but the success",
		fix: "describe the kind in x-amazon-apigateway-gateway-responses",
		check: func(s *stack) (faults []string) {
			responses := at(body(s.Resolved), "x-amazon-apigateway-gateway-responses")
			for kind, status := range gatewayResponses {
				response := responses.Get(kind)
				if response == nil || text(response, "statusCode") != status {
					faults = append(faults, fmt.Sprintf("%s is missing or has not the status %q", kind, status))
					continue
				}
				if err := checkGatewayBody(text(response, "responseTemplates", "application/json")); err != nil {
					faults = append(faults, fmt.Sprintf("%s: %v", kind, err))
				}
			}
			for kind := range each(responses) {
				if _, known := gatewayResponses[kind]; !known {
					faults = append(faults, kind+" cannot occur")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"          THROTTLED:", "          THROTTLING:"},
			{`{"Code":"AccessDenied","Message":$context.error.messageString`, `{"Code":"AccessDenied","Message":"$context.error.messageString"`},
			{`{"Code":"AccessDenied","Message":$context.error.messageString`, `{"Code":"AccessDenied","Message":"$context.error.validationErrorString"`},
			{`"Code":"AccessDenied",`, ``},
			{`$context.error.messageString,"RequestId":"$context.extendedRequestId"}`, `$context.error.messageString,"RequestId":"$context.requestId"}`},
		},
	},
	"every Code is on the list": {
		why: "Codes are a closed list that clients are told of",
		fix: "use a Code of the list, or add the new one here and in docs/api.md",
		check: func(s *stack) (faults []string) {
			used := map[string]bool{}
			for _, found := range codePattern.FindAllStringSubmatch(s.source, -1) {
				if used[found[1]] = true; !codes[found[1]] {
					faults = append(faults, found[1]+" is not on the list")
				}
			}
			for code := range codes {
				if !used[code] {
					faults = append(faults, code+" is on the list and used nowhere")
				}
			}
			return append(faults, undocumentedCodes()...)
		},
		breaks: [][2]string{{`"Code":"AccessDenied"`, `"Code":"accessDenied"`}, {`#set($code = "Throttled")`, `#set($code = "Busy")`}},
	},
	"a browser may read every answer that one origin gets": {
		why: "without the header on an error too, a page sees neither its status nor its Code",
		fix: "map Access-Control-Allow-Origin, and Access-Control-Expose-Headers beside Retry-After, with !If [UseCors, ...]",
		check: func(s *stack) (faults []string) {
			origin := s.parameters["CorsOrigin"]
			for name, in := range integrations(s.Resolved) {
				for pattern, response := range each(in, "responses") {
					if text(in, "type") == "mock" && pattern == "default" {
						continue // never sent: the template above it names the status
					}
					faults = append(faults, checkCors(name+" "+pattern, response, "method.response.header.", origin)...)
				}
			}
			for kind, response := range each(body(s.Resolved), "x-amazon-apigateway-gateway-responses") {
				faults = append(faults, checkCors(kind, response, "gatewayresponse.header.", origin)...)
			}
			return faults
		},
		breaks: [][2]string{
			{"gatewayresponse.header.Access-Control-Allow-Origin", "gatewayresponse.header.Access-Control-Allow-Origins"},
			{"method.response.header.Access-Control-Allow-Origin: !If [UseCors, !Sub \"'${CorsOrigin}'\", !Ref AWS::NoValue]", "method.response.header.Access-Control-Allow-Origin: \"'*'\""},
			{"method.response.header.Access-Control-Expose-Headers: !If [UseCors, \"'Retry-After'\", !Ref AWS::NoValue]", "method.response.header.Access-Control-Expose-Headers: !Ref AWS::NoValue"},
		},
	},
	"a preflight allows what the API takes": {
		why: "a browser asks before it posts JSON, and does not post when the answer leaves the method or a header out",
		fix: "name the path's methods, and Content-Type and the headers of AWS's signature",
		check: func(s *stack) (faults []string) {
			for path, item := range each(body(s.Resolved), "paths") {
				for _, missing := range missingFromPreflight(item, s.parameters["CorsOrigin"]) {
					faults = append(faults, path+" does not allow "+missing)
				}
			}
			return faults
		},
		breaks: [][2]string{{"'POST,OPTIONS'", "'GET,OPTIONS'"}, {"'Content-Type,Authorization,", "'Authorization,"}},
	},
	"throttling says when to come again": {
		why: "without Retry-After a client guesses, and guesses short",
		fix: "set Retry-After wherever the status is or may become 429 or 503",
		check: func(s *stack) (faults []string) {
			if text(body(s.Resolved), "x-amazon-apigateway-gateway-responses", "THROTTLED", "responseParameters", "gatewayresponse.header.Retry-After") == "" {
				faults = append(faults, "THROTTLED has no Retry-After")
			}
			for name, in := range integrations(s.Resolved) {
				for pattern, response := range each(in, "responses") {
					if text(response, "statusCode") == "503" && text(response, "responseParameters", "method.response.header.Retry-After") == "" {
						faults = append(faults, name+" "+pattern+" has no Retry-After")
					}
				}
			}
			return faults
		},
		breaks: [][2]string{{"gatewayresponse.header.Retry-After", "gatewayresponse.header.Retry"}, {"method.response.header.Retry-After: \"'1'\"", "method.response.header.X: \"'1'\""}},
	},
	"what both write routes share is the same": {
		why: "CloudFormation knows no YAML aliases, so the text stands twice: a change of one alone is a mistake",
		fix: "make the same change in both",
		check: func(s *stack) (faults []string) {
			all := mappingTemplates(s.Resolved)
			if without(all[`post /record 4\d{2}`], "$message =") != without(all[`post /records 4\d{2}`], "$message =") {
				faults = append(faults, "the answers to Kinesis's 4xx differ in more than their messages")
			}
			one, _, _ := strings.Cut(all["post /record"], "#set($key")
			many, _, _ := strings.Cut(all["post /records"], `{"StreamName"`)
			if one != many {
				faults = append(faults, "the request templates differ before the first record")
			}
			return faults
		},
		breaks: [][2]string{{"Throttling).*'))", "Throttled).*'))"}, {`replaceAll('/[^/]*$', '')`, `replaceAll('/.*$', '')`}},
	},
}

// codePattern finds Codes in mapping templates and gateway responses alike.
var codePattern = regexp.MustCompile(`(?:"Code":|\$code = )"([A-Za-z]+)"`)

// checkGatewayBody fills in what API Gateway would, messageString with its quotes, and looks at the JSON.
func checkGatewayBody(text string) error {
	filled := strings.NewReplacer(
		"$context.error.messageString", `"a message"`, "$context.extendedRequestId", "the id", "$context.error.validationErrorString", `a "quoted" text`,
	).Replace(text)
	var got map[string]string
	if err := json.Unmarshal([]byte(filled), &got); err != nil {
		return fmt.Errorf("%s is no JSON when it is filled in: %w", text, err)
	}
	if len(got) != 3 || got["Code"] == "" || got["Message"] == "" || got["RequestId"] != "the id" {
		return fmt.Errorf("%s has other members than Code, Message and RequestId, or another id than extendedRequestId", text)
	}
	return nil
}

// checkCors looks at the headers of one answer; origin "" allows none.
func checkCors(name string, response *template.Value, prefix, origin string) (faults []string) {
	headers := at(response, "responseParameters")
	want := ""
	if origin != "" {
		want = "'" + origin + "'"
	}
	if got := text(headers, prefix+allowOrigin); got != want {
		faults = append(faults, fmt.Sprintf("%s: %s is %q, not %q", name, allowOrigin, got, want))
	}
	retries := text(headers, prefix+"Retry-After") != "" || strings.Contains(text(response, "responseTemplates", "application/json"), "header.Retry-After")
	exposed := text(headers, prefix+exposeHeaders) == "'Retry-After'"
	if exposed != (retries && origin != "") {
		faults = append(faults, fmt.Sprintf("%s: a page may read Retry-After: %v", name, exposed))
	}
	return faults
}

// missingFromPreflight is what a path's OPTIONS does not allow, though the path has it; nothing is to be allowed without an origin.
func missingFromPreflight(item *template.Value, origin string) (missing []string) {
	headers := at(item, "options", "x-amazon-apigateway-integration", "responses", "204", "responseParameters")
	allowed := strings.Split(strings.Trim(text(headers, "method.response.header.Access-Control-Allow-Methods"), "'"), ",")
	allowed = append(allowed, strings.Split(strings.Trim(text(headers, "method.response.header.Access-Control-Allow-Headers"), "'"), ",")...)
	wanted := []string{"Content-Type", "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"}
	for verb := range each(item) {
		wanted = append(wanted, strings.ToUpper(verb))
	}
	if origin == "" {
		wanted = nil
	}
	for _, want := range wanted {
		found := false
		for _, name := range allowed {
			found = found || name == want
		}
		if !found {
			missing = append(missing, want)
		}
	}
	return missing
}
