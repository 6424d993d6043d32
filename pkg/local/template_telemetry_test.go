package main_test

import (
	"slices"
	"strings"
)

var telemetryRules = map[string]rule{
	"a function traces where it may, and may where it traces": {
		why: "Lambda's mode, what the function does by itself and its permission are three places, and Active without the permission fails silently",
		fix: "Tracing: !Ref Tracing, POWERTOOLS_TRACE_ENABLED and a policy with xray:PutTraceSegments, all by the condition UseTracing",
		check: func(s *stack) (faults []string) {
			traced := s.Parameters["Tracing"] == "Active"
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				role := strings.TrimSuffix(function.LogicalID, "Function") + "Role"
				permitted := false
				for where, statement := range statements(s.Resolved) {
					for _, action := range items(at(statement, "Action")) {
						permitted = permitted || where == role && action.Text == "xray:PutTraceSegments"
					}
				}
				enabled := text(function.Properties, "Environment", "Variables", "POWERTOOLS_TRACE_ENABLED")
				if text(function.Properties, "Tracing") != s.Parameters["Tracing"] || (enabled == "true") != traced || permitted != traced {
					faults = append(faults, function.LogicalID+": its Tracing, POWERTOOLS_TRACE_ENABLED and permission do not agree")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"      Tracing: !Ref Tracing\n", ""},
			{`!If [UseTracing, "true", "false"]`, `"true"`},
			{"          POWERTOOLS_TRACE_ENABLED: !If [UseTracing, \"true\", \"false\"]\n", ""},
			{"        - !If\n          - UseTracing\n          - PolicyName: write-traces", "        - !If\n          - UseIam\n          - PolicyName: write-traces"},
			{"[xray:PutTraceSegments, ", "["},
		},
	},
	"metrics say which stack and which function they are of": {
		why: "stacks share a namespace by default: without it the alarm of one would count what another does",
		fix: "POWERTOOLS_SERVICE_NAME: !Sub ${AWS::StackName}-<function>, POWERTOOLS_METRICS_NAMESPACE: !Ref MetricsNamespace",
		check: func(s *stack) (faults []string) {
			var services []string
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				variables := at(function.Properties, "Environment", "Variables")
				service := text(variables, "POWERTOOLS_SERVICE_NAME")
				if !strings.HasPrefix(service, stackName+"-") || slices.Contains(services, service) {
					faults = append(faults, function.LogicalID+": its service is "+service)
				}
				if text(variables, "POWERTOOLS_METRICS_NAMESPACE") != s.Parameters["MetricsNamespace"] {
					faults = append(faults, function.LogicalID+": its metrics have another namespace")
				}
				services = append(services, service)
			}
			return faults
		},
		breaks: [][2]string{
			{"${AWS::StackName}-transform", "transform"},
			{"POWERTOOLS_METRICS_NAMESPACE: !Ref MetricsNamespace", "POWERTOOLS_METRICS_NAMESPACE: ours"},
		},
	},
	"the level of the log drops no metric": {
		why: "metrics are lines at INFO: with ApplicationLogLevel Lambda would drop them, and with SystemLogLevel the lines of cold starts and durations",
		fix: "POWERTOOLS_LOG_LEVEL: !Ref LogLevel, LogFormat: JSON, and neither of the two levels in LoggingConfig",
		check: func(s *stack) (faults []string) {
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				logging := at(function.Properties, "LoggingConfig")
				level := text(function.Properties, "Environment", "Variables", "POWERTOOLS_LOG_LEVEL")
				if level != s.Parameters["LogLevel"] || text(logging, "LogFormat") != "JSON" || at(logging, "ApplicationLogLevel") != nil || at(logging, "SystemLogLevel") != nil {
					faults = append(faults, function.LogicalID+": its log has the level "+level+" and "+jsonOf(logging))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"          POWERTOOLS_LOG_LEVEL: !Ref LogLevel\n", ""},
			{"        LogFormat: JSON\n", "        LogFormat: JSON\n        ApplicationLogLevel: WARN\n"},
			{"        LogFormat: JSON\n", "        LogFormat: JSON\n        SystemLogLevel: WARN\n"},
			{"        LogFormat: JSON\n", "        LogFormat: Text\n"},
		},
	},
}
