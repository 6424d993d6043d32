package main_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// settingTag is where the function names a variable that it reads.
var settingTag = regexp.MustCompile("`env:\"([A-Z_]+)\"")

var authorizerRules = map[string]rule{
	"nothing of the authorizer is there unless it is chosen": {
		why: "who signs or sends openly pays for no function, and a secret that nothing reads is one more to guard",
		fix: "Condition: UseLambda for whatever is the authorizer's, UseTokens for the secret",
		check: func(s *stack) (faults []string) {
			chosen := s.parameters["Authorization"] == "LAMBDA"
			want := map[string]bool{"TokensSecret": chosen && s.parameters["StaticTokens"] == "true"}
			for _, name := range []string{"Function", "LogGroup", "Role", "InvokeRole", "FaultsAlarm", "ErrorsAlarm", "RefreshAlarm"} {
				want["Authorizer"+name] = chosen
			}
			for _, r := range s.Resources {
				if wanted, known := want[r.LogicalID]; known && !wanted || !known && strings.HasPrefix(r.LogicalID, "Authorizer") {
					faults = append(faults, r.LogicalID+" is there")
				}
				delete(want, r.LogicalID)
			}
			for name, wanted := range want {
				if wanted {
					faults = append(faults, name+" is missing")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    Type: AWS::Logs::LogGroup\n    Condition: UseLambda\n", "    Type: AWS::Logs::LogGroup\n"},
			{"    Type: AWS::CloudWatch::Alarm\n    Condition: UseLambda\n", "    Type: AWS::CloudWatch::Alarm\n"},
			{"    Condition: UseTokens\n    DeletionPolicy", "    Condition: UseLambda\n    DeletionPolicy"},
		},
	},
	"the authorizer gets the settings that were chosen": {
		why: "a variable of another name is a setting that the function never hears of: no scope is then asked for",
		fix: "the names of functions/authorizer/settings.go",
		check: func(s *stack) (faults []string) {
			source, err := os.ReadFile("../../functions/authorizer/settings.go")
			if err != nil {
				return []string{err.Error()}
			}
			var known []string
			for _, tag := range settingTag.FindAllStringSubmatch(string(source), -1) {
				known = append(known, tag[1])
			}
			want := map[string]string{"JWT_ALGORITHMS": "", "TOKENS_SECRET_ARN": ""}
			for variable, parameter := range map[string]string{
				"JWT_ISSUER": "JwtIssuer", "JWT_AUDIENCE": "JwtAudience", "JWT_AUDIENCE_CLAIM": "JwtAudienceClaim", "JWT_JWKS_URL": "JwtJwksUrl",
				"JWT_SCOPE": "JwtScope", "JWT_PRODUCER_CLAIM": "JwtProducerClaim",
			} {
				want[variable] = s.Parameters[parameter]
			}
			if s.Parameters["JwtIssuer"] != "" {
				want["JWT_ALGORITHMS"] = "RS256" // alone it would ask for tokens of nobody
			}
			if s.Parameters["StaticTokens"] == "true" {
				want["TOKENS_SECRET_ARN"] = "TokensSecret"
			}
			variables := at(resource(s.Resolved, "AuthorizerFunction").Properties, "Environment", "Variables")
			for name, value := range each(variables) {
				wanted, chosen := want[name]
				if !slices.Contains(known, name) && !strings.HasPrefix(name, "POWERTOOLS_") || chosen && value.Text != wanted {
					faults = append(faults, fmt.Sprintf("%s is %q, not %q, or no setting", name, value.Text, wanted))
				}
				delete(want, name)
			}
			if variables != nil && len(want) > 0 {
				faults = append(faults, fmt.Sprintf("it is not told %v", want))
			}
			return faults
		},
		breaks: [][2]string{
			{"          JWT_SCOPE: !Ref JwtScope\n", ""},
			{"          JWT_SCOPE: !Ref JwtScope\n", "          JWT_SCOPES: !Ref JwtScope\n"},
			{"JWT_ISSUER: !Ref JwtIssuer", "JWT_ISSUER: !Ref JwtAudience"},
			{`!If [UseJwt, !Ref JwtAlgorithms, ""]`, "!Ref JwtAlgorithms"},
			{`!If [UseTokens, !Ref TokensSecret, ""]`, `""`},
		},
	},
	"only the authorizer reads the static tokens, and they outlive the stack": {
		why: "the hashes are all there is: a stack that is deleted and made again would lock out every producer",
		fix: "Retain for the secret with no token in it, and secretsmanager:GetSecretValue on it for AuthorizerRole",
		check: func(s *stack) (faults []string) {
			readers := 0
			for where, statement := range statements(s.Resolved) {
				for _, action := range items(at(statement, "Action")) {
					if !strings.HasPrefix(action.Text, "secretsmanager:") {
						continue
					}
					readers++
					if where != "AuthorizerRole" || action.Text != "secretsmanager:GetSecretValue" || text(statement, "Resource") != "TokensSecret" {
						faults = append(faults, where+": "+action.Text)
					}
				}
			}
			secrets := ofType(s.Resolved, "AWS::SecretsManager::Secret")
			if readers != len(secrets) {
				faults = append(faults, fmt.Sprintf("%d permissions for %d secrets", readers, len(secrets)))
			}
			for _, secret := range secrets {
				if text(secret.Properties, "SecretString") != `{"tokens":[]}` {
					faults = append(faults, "the secret is not made empty")
				}
				for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
					if n := written(s.file(), "Resources", secret.LogicalID, policy); n == nil || n.Value != "Retain" {
						faults = append(faults, secret.LogicalID+" has no "+policy+": Retain")
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    Condition: UseTokens\n    DeletionPolicy: Retain\n", "    Condition: UseTokens\n"},
			{"Action: secretsmanager:GetSecretValue", "Action: secretsmanager:ListSecrets"},
			{"Action: secretsmanager:GetSecretValue", "Action: logs:PutLogEvents"},
			{"Resource: !Ref TokensSecret", "Resource: !GetAtt AuthorizerLogGroup.Arn"},
			{`SecretString: '{"tokens":[]}'`, `SecretString: '{}'`},
		},
	},
	"the authorizer is done before its caller gives up": {
		// AWS names no time limit of an authorizer's. It names one of an integration's, 29 seconds ("Quotas for configuring and running a REST API in API
		// Gateway"), and this takes it that API Gateway waits no longer for anything.
		why: "an invocation that nobody waits for any more is paid for, and holds up those that somebody does wait for",
		fix: "a Timeout of less than 29 seconds, and of more than a fetch of keys and one of tokens take (pkg/authorizer: three seconds each)",
		check: func(s *stack) (faults []string) {
			if s.parameters["Authorization"] != "LAMBDA" {
				return nil
			}
			if timeout := number(resource(s.Resolved, "AuthorizerFunction").Properties, "Timeout"); timeout <= 6 || timeout >= 29 {
				faults = append(faults, fmt.Sprintf("its Timeout is %d s", timeout))
			}
			return faults
		},
		breaks: [][2]string{{"      Timeout: 10\n", "      Timeout: 60\n"}, {"      Timeout: 10\n", "      Timeout: 29\n"}, {"      Timeout: 10\n", "      Timeout: 3\n"}, {"      Timeout: 10\n", ""}},
	},
	"a scan raises no alarm": {
		why: "Lambda's metric Errors counts every caller without a good credential",
		fix: "the metric Faults of the function's own, for its service",
		check: func(s *stack) (faults []string) {
			if s.parameters["Authorization"] != "LAMBDA" {
				return nil
			}
			alarm := resource(s.Resolved, "AuthorizerFaultsAlarm").Properties
			variables := at(resource(s.Resolved, "AuthorizerFunction").Properties, "Environment", "Variables")
			dimension := `[{"Name":"Service","Value":"` + text(variables, "POWERTOOLS_SERVICE_NAME") + `"}]`
			if text(alarm, "Namespace") != s.Parameters["MetricsNamespace"] || text(alarm, "MetricName") != "Faults" || at(alarm, "Dimensions") == nil ||
				string(at(alarm, "Dimensions").JSON()) != dimension {
				faults = append(faults, "the alarm is not on Faults of "+dimension)
			}
			for where, metric := range watched(s.Resolved) {
				if text(metric, "MetricName") == "Errors" && strings.HasSuffix(jsonOf(at(metric, "Dimensions")), `"AuthorizerFunction"}]`) {
					faults = append(faults, where+" counts every caller without a good credential")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"      MetricName: Faults\n", "      MetricName: Errors\n"},
			{"MetricName: Invocations, Dimensions: [{Name: FunctionName, Value: !Ref AuthorizerFunction}]", "MetricName: Errors, Dimensions: [{Name: FunctionName, Value: !Ref AuthorizerFunction}]"},
			{`Value: !Sub "${AWS::StackName}-authorizer"`, `Value: !Sub "${AWS::StackName}-transform"`},
		},
	},
	"a caller without a credential is told what to send": {
		why: "RFC 6750 asks for WWW-Authenticate with a 401, and some clients ask for a token only then",
		fix: "gatewayresponse.header.WWW-Authenticate: \"'Bearer'\" in UNAUTHORIZED",
		check: func(s *stack) []string {
			headers := at(body(s.Resolved), "x-amazon-apigateway-gateway-responses", "UNAUTHORIZED", "responseParameters")
			if text(headers, "gatewayresponse.header.WWW-Authenticate") != "'Bearer'" {
				return []string{"UNAUTHORIZED has no WWW-Authenticate"}
			}
			return nil
		},
		breaks: [][2]string{{"gatewayresponse.header.WWW-Authenticate: \"'Bearer'\"", "gatewayresponse.header.X: \"'Bearer'\""}},
	},
}
