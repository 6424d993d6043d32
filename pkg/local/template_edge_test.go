package main_test

import (
	"fmt"
	"slices"
	"strings"
)

var edgeRules = map[string]rule{
	"the resource policy keeps addresses out and lets nobody in": {
		why: "an Allow for what is signed or authorized would do instead of a permission or of the authorizer's answer; without one, what is open would be shut",
		fix: "Deny for the addresses that AllowedCidrs does not name; Allow for everything with NONE, else for /health and OPTIONS alone",
		check: func(s *stack) []string {
			policy := at(body(s.Resolved), "x-amazon-apigateway-policy")
			if s.parameters["AllowedCidrs"] == "" {
				if policy != nil {
					return []string{"there is a policy without AllowedCidrs"}
				}
				return nil
			}
			open := `["execute-api:/*/GET/health","execute-api:/*/OPTIONS/*"]`
			if s.parameters["Authorization"] == "NONE" {
				open = `["execute-api:/*"]`
			}
			want := `{"Version":"2012-10-17","Statement":[` +
				`{"Sid":"OtherAddresses","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",` +
				`"Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}},` +
				`{"Sid":"OpenMethods","Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":` + open + `}]}`
			if policy == nil || string(policy.JSON()) != want {
				return []string{"the policy is not " + want}
			}
			return nil
		},
		breaks: [][2]string{
			{"Resource: !If [UseNone, [execute-api:/*], [", "Resource: !If [UseCidrs, [execute-api:/*], ["},
			{"!If [UseNone, [execute-api:/*], [execute-api:/*/GET/health, execute-api:/*/OPTIONS/*]]", "[execute-api:/*]"},
			{"execute-api:/*/OPTIONS/*", "execute-api:/*/POST/*"},
			{"NotIpAddress:", "IpAddress:"},
			{"x-amazon-apigateway-policy: !If\n          - UseCidrs", "x-amazon-apigateway-policy: !If\n          - UseIam"},
		},
	},
	"what stands at the edge is there when it is chosen": {
		why: "a key without a plan is refused everywhere, and a plan of another stage counts nothing",
		fix: "UseApiKey for the key, its plan and what joins them, UseQuota, UseThrottle and UseWebAcl for the rest",
		check: func(s *stack) (faults []string) {
			expect := func(what, got, want string) {
				if got != want {
					faults = append(faults, fmt.Sprintf("%s is %s, not %s", what, got, want))
				}
			}
			key, quota, throttle, settings, web := "", "", "", "", s.parameters["WebAclArn"]
			if s.parameters["ApiKeyRequired"] == "true" {
				key = `{"KeyId":"ApiKey","KeyType":"API_KEY","UsagePlanId":"UsagePlan"} ["Api","v1"]`
				if s.parameters["QuotaRequests"] != "0" {
					quota = `{"Limit":"1000","Period":"DAY"}`
				}
			}
			if s.parameters["ThrottleRate"] != "0" {
				throttle = `"ThrottlingRateLimit":"50","ThrottlingBurstLimit":"100"`
			}
			for _, setting := range items(at(api(s.Resolved), "MethodSettings")) {
				all, _ := strings.CutPrefix(jsonOf(setting.Without("LoggingLevel")), `{"ResourcePath":"/*","HttpMethod":"*"`)
				settings += strings.Trim(all, ",}")
			}
			if web != "" {
				web += " arn:aws:apigateway:eu-west-1::/restapis/Api/stages/v1"
			}
			joint, plan := resource(s.Resolved, "UsagePlanKey").Properties, resource(s.Resolved, "UsagePlan").Properties
			gotKey := ""
			for _, stage := range items(at(plan, "ApiStages")) {
				gotKey += string(joint.JSON()) + fmt.Sprintf(" [%q,%q]", text(stage, "ApiId"), text(stage, "Stage"))
			}
			expect("the API key's plan", gotKey, key)
			expect("the quota", jsonOf(at(plan, "Quota")), quota)
			expect("the throttle of MethodSettings", settings, throttle)
			association := resource(s.Resolved, "WebAclAssociation").Properties
			expect("the web ACL's association", strings.TrimSpace(text(association, "WebACLArn")+" "+text(association, "ResourceArn")), web)
			if there := len(ofType(s.Resolved, "AWS::ApiGateway::ApiKey")) > 0; there != (key != "") {
				faults = append(faults, fmt.Sprintf("there is an API key: %v", there))
			}
			return faults
		},
		breaks: [][2]string{
			{"Type: AWS::ApiGateway::ApiKey\n    Condition: UseApiKey", "Type: AWS::ApiGateway::ApiKey"},
			{"Quota: !If [UseQuota,", "Quota: !If [UseThrottle,"},
			{"ThrottlingRateLimit: !If [UseThrottle, !Ref ThrottleRate", "ThrottlingRateLimit: !If [UseThrottle, !Ref ThrottleBurst"},
			{"            HttpMethod: \"*\"\n            Throttling", "            HttpMethod: POST\n            Throttling"},
			{"Condition: UseWebAcl", "Condition: UseApiKey"},
			{"{ApiId: !Ref Api, Stage: !Ref Api.Stage}", "{ApiId: !Ref Api, Stage: prod}"},
		},
	},
	"a body that calls itself text is one like another": {
		why: "what has no model goes to Kinesis unvalidated, and a template of its own would be another way in",
		fix: "the same model and the same Fn::FindInMap for application/json and text/plain, the latter by UseTextBodies",
		check: func(s *stack) (faults []string) {
			for name, method := range methods(s.Resolved) {
				content, templates := at(method, "requestBody", "content"), at(method, "x-amazon-apigateway-integration", "requestTemplates")
				var media []string
				for one, model := range each(content) {
					media = append(media, one)
					if text(templates, one) != text(templates, "application/json") || jsonOf(model) != jsonOf(at(content, "application/json")) {
						faults = append(faults, name+": "+one+" has another model or template than application/json")
					}
				}
				slices.Sort(media)
				want := "application/json"
				if s.parameters["TextBodies"] == "true" {
					want += " text/plain"
				}
				if got := strings.Join(media, " "); content != nil && got != want {
					faults = append(faults, fmt.Sprintf("%s takes %s, not %s", name, got, want))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"text/plain: !If [UseTextBodies, !FindInMap [RequestTemplates, PutRecord, Vtl]", "text/plain: !If [UseTextBodies, !FindInMap [RequestTemplates, PutRecords, Vtl]"},
			{"text/plain: !If [UseTextBodies, {schema: {$ref: \"#/components/schemas/RecordRequest\"}}", "text/plain: !If [UseTextBodies, {schema: {$ref: \"#/components/schemas/RecordsRequest\"}}"},
			{"text/plain: !If [UseTextBodies, {schema: {$ref: \"#/components/schemas/RecordRequest\"}}, !Ref AWS::NoValue]", "text/plain: {schema: {$ref: \"#/components/schemas/RecordRequest\"}}"},
		},
	},
}
