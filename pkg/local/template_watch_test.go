package main_test

import (
	"fmt"
	"regexp"
	"strings"
)

// Rules of what is told of requests: the access log, API Gateway's own log, and traces.
var watchRules = map[string]rule{
	"the access log splits the latency and quotes nothing that a caller wrote": {
		why: "a slow request, or one that failed, is explained by which part took how long; a path, a header or a token would be a caller's text in the log",
		fix: "one flat JSON object with each value quoted, of variables of this list and no others",
		check: func(s *stack) (faults []string) {
			format := strings.TrimSpace(text(api(s.Resolved), "AccessLogSetting", "Format"))
			left := format
			for name, variable := range accessLog {
				member := fmt.Sprintf("%q:\"$context.%s\"", name, variable)
				if !strings.Contains(left, member) {
					faults = append(faults, "it has no "+member)
				}
				left = strings.Replace(left, member, "", 1)
			}
			if rest := regexp.MustCompile(`[{}, ]`).ReplaceAllString(left, ""); rest != "" {
				faults = append(faults, "it has something else: "+rest)
			}
			if strings.Contains(format, "\n") {
				faults = append(faults, "it is not one line")
			}
			return faults
		},
		breaks: [][2]string{
			{`"integrationLatency":"$context.integration.latency",`, ""},
			{`"responseLatency":"$context.responseLatency"`, `"responseLatency":$context.responseLatency`},
			{`"sourceIp":"$context.identity.sourceIp"`, `"sourceIp":"$context.identity.sourceIp","agent":"$context.identity.userAgent"`},
			{`"apiKeyId":"$context.identity.apiKeyId"`, `"apiKeyId":"$context.identity.apiKey"`},
			{"        Format: >-\n", "        Format: |-\n"},
		},
	},
	"API Gateway's own log is asked for, and has no bodies": {
		why: "with DataTraceEnabled every event and every header of a caller stands in a log that is kept for ever",
		fix: "LoggingLevel: !If [UseExecutionLog, !Ref ExecutionLogs, !Ref AWS::NoValue], and no DataTraceEnabled",
		check: func(s *stack) (faults []string) {
			level := "OFF"
			for _, setting := range items(at(api(s.Resolved), "MethodSettings")) {
				if one := text(setting, "LoggingLevel"); one != "" {
					level = one
				}
				if at(setting, "DataTraceEnabled") != nil {
					faults = append(faults, "it has DataTraceEnabled")
				}
			}
			if level != s.parameters["ExecutionLogs"] {
				faults = append(faults, "the level is "+level)
			}
			return faults
		},
		breaks: [][2]string{
			{"            LoggingLevel: !If [UseExecutionLog, !Ref ExecutionLogs, !Ref AWS::NoValue]\n", ""},
			{"            LoggingLevel: !If [UseExecutionLog, !Ref ExecutionLogs, !Ref AWS::NoValue]\n", "            LoggingLevel: !Ref ExecutionLogs\n            DataTraceEnabled: true\n"},
			{"UseMethodSettings: !Or [!Condition UseThrottle, !Condition UseExecutionLog]", "UseMethodSettings: !Or [!Condition UseThrottle, !Condition UseThrottle]"},
		},
	},
	"requests are traced by a rule for this API alone": {
		why: "without a rule the account's traces one request in twenty; one that fits other services changes what they trace and cost, and names over 32 characters are refused",
		fix: "TracingEnabled and ApiSamplingRule by UseTracing, the rule with the stage's ARN and the API's id in its name",
		check: func(s *stack) (faults []string) {
			traced := s.parameters["Tracing"] == "Active"
			if got := text(api(s.Resolved), "TracingEnabled"); got != fmt.Sprint(traced) {
				faults = append(faults, "TracingEnabled is "+got)
			}
			rules := ofType(s.Resolved, "AWS::XRay::SamplingRule")
			if len(rules) > 1 || (len(rules) == 1) != traced {
				return append(faults, fmt.Sprintf("there are %d rules", len(rules)))
			}
			for _, r := range rules {
				rule := at(r.Properties, "SamplingRule")
				// "Api" stands for an API's id, which has ten letters and digits.
				name := text(rule, "RuleName")
				if !strings.Contains(name, "Api") || len(name)-len("Api")+10 > 32 {
					faults = append(faults, "its name is "+name)
				}
				const want = `"ServiceType":"AWS::ApiGateway::Stage","ResourceARN":"arn:aws:apigateway:eu-west-1::/restapis/Api/stages/v1","ServiceName":"*","Host":"*",` +
					`"HTTPMethod":"*","URLPath":"*","Priority":1000,"ReservoirSize":1,"FixedRate":"0.01","Version":1}`
				if !strings.HasSuffix(jsonOf(rule), want) {
					faults = append(faults, "it is "+jsonOf(rule))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"TracingEnabled: !If [UseTracing, true, false]", "TracingEnabled: true"},
			{"Type: AWS::XRay::SamplingRule\n    Condition: UseTracing", "Type: AWS::XRay::SamplingRule"},
			{"RuleName: !Sub hydrant-${Api}", "RuleName: !Ref AWS::StackName"},
			{"::/restapis/${Api}/stages/${Stage}\n        ServiceName", "::/restapis/*/stages/${Stage}\n        ServiceName"},
			{"FixedRate: !Ref TracingRate", "FixedRate: 1"},
		},
	},
}

// accessLog are the access log's members, each a variable of $context ("Variables for access logging for API Gateway").
var accessLog = map[string]string{
	"time": "requestTimeEpoch", "requestId": "extendedRequestId", "method": "httpMethod", "route": "resourcePath", "status": "status",
	"error": "error.responseType", "responseLatency": "responseLatency", "wafLatency": "waf.latency", "authenticateLatency": "authenticate.latency",
	"authorizeLatency": "authorize.latency", "authorizerLatency": "authorizer.latency", "authorizerIntegrationLatency": "authorizer.integrationLatency",
	"authorizerStatus": "authorizer.status", "authorizerRequestId": "authorizer.requestId", "integrationLatency": "integration.latency",
	"integrationStatus": "integration.status", "integrationRequestId": "integration.requestId", "responseLength": "responseLength",
	"caller": "identity.userArn", "producer": "authorizer.producer", "apiKeyId": "identity.apiKeyId", "sourceIp": "identity.sourceIp", "trace": "xrayTraceId",
}
