package main_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
)

var permissionRules = map[string]rule{
	"no permission names every action": {
		why: "what a role may do is what it needs, and a reader must see it",
		fix: "name the actions",
		check: func(s *stack) (faults []string) {
			for where, statement := range statements(s.Resolved) {
				for _, action := range items(at(statement, "Action")) {
					if text(statement, "Effect") != "Deny" && strings.Contains(action.Text, "*") {
						faults = append(faults, where+": "+action.Text)
					}
				}
			}
			return faults
		},
		breaks: [][2]string{{"Action: [kinesis:PutRecord, kinesis:PutRecords]", "Action: kinesis:*"}, {"Action: logs:PutLogEvents", "Action: logs:Put*"}},
	},
	"a permission on many resources says why": {
		why: "a wildcard where an ARN can stand lets a role do its work on other people's things",
		fix: "name the ARN, or say in a comment above the line why it cannot be named",
		check: func(s *stack) (faults []string) {
			lines := strings.Split(s.source, "\n")
			for where, statement := range statements(s.Resolved) {
				resources := items(at(statement, "Resource"))
				if len(resources) == 0 && at(statement, "Principal") == nil {
					faults = append(faults, where+": names no resource")
				}
				for _, resource := range resources {
					if strings.Contains(resource.Text, "*") && !commented(lines, resource.Pos.Line) {
						faults = append(faults, fmt.Sprintf("%s: line %d: %s", where, resource.Pos.Line, resource.Text))
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"Resource: " + streamARN, `Resource: "*"`},
			{"                # Ends in \":*\", for the group's streams.\n", ""},
			{"                # Their state and no more. It asks for alarms by name, which IAM may take for asking for all of the account's.\n", ""},
		},
	},
	"a function has its own role and log group": {
		why: "SAM's own role may write to every log group, and Lambda's own log group keeps its lines for ever",
		fix: "Role and LoggingConfig, with a role and an AWS::Logs::LogGroup of the template",
		check: func(s *stack) (faults []string) {
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				p := function.Properties
				if !strings.HasSuffix(text(p, "Role"), ":"+strings.TrimSuffix(function.LogicalID, "Function")+"Role") {
					faults = append(faults, function.LogicalID+": its role is not its own")
				}
				if text(p, "LoggingConfig", "LogFormat") != "JSON" {
					faults = append(faults, function.LogicalID+": does not log JSON")
				}
				if !slices.ContainsFunc(ofType(s.Resolved, "AWS::Logs::LogGroup"), func(g template.Resource) bool {
					return g.LogicalID == text(p, "LoggingConfig", "LogGroup")
				}) {
					faults = append(faults, function.LogicalID+": has no log group of the template")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"        LogGroup: !Ref TransformLogGroup\n", ""},
			{"        LogFormat: JSON\n", "        LogFormat: Text\n"},
			{"      Role: !GetAtt TransformRole.Arn\n", ""},
		},
	},
	"a log group forgets": {
		why: "without RetentionInDays a log group is kept, and paid for, for ever",
		fix: "RetentionInDays: !Ref LogDays",
		check: func(s *stack) (faults []string) {
			for _, group := range ofType(s.Resolved, "AWS::Logs::LogGroup") {
				if text(group.Properties, "RetentionInDays") != s.Parameters["LogDays"] {
					faults = append(faults, group.LogicalID+": keeps its lines for another time than LogDays")
				}
			}
			return faults
		},
		breaks: [][2]string{{"      RetentionInDays: !Ref LogDays\n", ""}, {"      RetentionInDays: !Ref LogDays\n", "      RetentionInDays: 3653\n"}},
	},
	"a producer may call the write routes and nothing else": {
		why: "the policy is attached to other people's roles",
		fix: "execute-api:Invoke on the two routes of this stage",
		check: func(s *stack) (faults []string) {
			policies := ofType(s.Resolved, "AWS::IAM::ManagedPolicy")
			if s.parameters["Authorization"] != "AWS_IAM" {
				if len(policies) != 0 {
					faults = append(faults, "there is a policy, though nobody signs")
				}
				return faults
			}
			const prefix = "arn:aws:execute-api:eu-west-1:000000000000:Api/v1/POST/"
			want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["` +
				prefix + `record","` + prefix + `records"]}]}`
			if len(policies) != 1 || string(at(policies[0].Properties, "PolicyDocument").JSON()) != want {
				faults = append(faults, "ProducerPolicy is not "+want)
			}
			return faults
		},
		breaks: [][2]string{{"${Api}/${Stage}/POST/records", "${Api}/${Stage}/POST/*"}, {"    Condition: UseIam\n    Properties:\n      Description: !Sub Lets a role", "    Properties:\n      Description: !Sub Lets a role"}},
	},
}

// statements yields the statements of all permissions, of roles, managed policies and bucket policies; what a role may be assumed by
// is not among them.
func statements(r *template.Resolved) iter.Seq2[string, *template.Value] {
	return func(yield func(string, *template.Value) bool) {
		for _, resource := range r.Resources {
			documents := []*template.Value{at(resource.Properties, "PolicyDocument")}
			for _, policy := range items(at(resource.Properties, "Policies")) {
				documents = append(documents, at(policy, "PolicyDocument"))
			}
			for _, document := range documents {
				for _, statement := range items(at(document, "Statement")) {
					if !yield(resource.LogicalID, statement) {
						return
					}
				}
			}
		}
	}
}

// commented says whether a line, counted from 1, or the list that it is in, has a comment right above it.
func commented(lines []string, line int) bool {
	above := func(i int) string { return strings.TrimSpace(lines[i-2]) }
	for strings.HasPrefix(strings.TrimSpace(lines[line-1]), "- ") && strings.HasPrefix(above(line), "- ") {
		line--
	}
	return strings.HasPrefix(above(line), "#")
}
