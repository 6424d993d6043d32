package main_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hydrant/pkg/local/internal/template"
)

// functionARN is the ARN of a function as attribute makes it, with what is behind it.
var functionARN = regexp.MustCompile(`arn:aws:test:eu-west-1:000000000000:(\w+Function)(:\w+)?`)

// inside are names that stand in something that has a name of its own: a table's in its database, a stage's in its API.
var inside = map[string]string{
	"AWS::Glue::Table": "TableInput", "AWS::Logs::LogStream": "LogStreamName", "AWS::Serverless::Api": "StageName", "AWS::AppConfig::ConfigurationProfile": "Name",
}

// gradual are the functions whose new versions take over by and by, if DeploymentType says so.
var gradual = []string{"AuthorizerFunction", "TransformFunction"}

var deploymentRules = map[string]rule{
	"whatever calls a function calls its alias": {
		why: "$LATEST changes before its version is there, no deployment can shift it, and none can take it back",
		fix: "!Ref <function>.Alias in the place of <function>.Arn or the function's name",
		check: func(s *stack) (faults []string) {
			for _, r := range s.Resources {
				if r.LogicalID == "DeploymentRole" {
					continue // it moves the aliases
				}
				for _, found := range functionARN.FindAllStringSubmatch(string(r.Properties.JSON()), -1) {
					if found[2] != ":live" {
						faults = append(faults, r.LogicalID+" names "+found[0])
					}
				}
				if r.Type == "AWS::Lambda::Permission" && !functionARN.MatchString(text(r.Properties, "FunctionName")) {
					faults = append(faults, r.LogicalID+" is for "+text(r.Properties, "FunctionName"))
				}
				if r.Type == "AWS::Serverless::Function" && text(r.Properties, "AutoPublishAlias") != "live" {
					faults = append(faults, r.LogicalID+" has no alias live")
				}
			}
			for _, output := range s.Outputs {
				if resource(s.Resolved, output.Value).Type == "AWS::Serverless::Function" || strings.HasSuffix(output.Value, "Function") {
					faults = append(faults, output.Name+" is "+output.Value)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"ParameterValue: !Ref TransformFunction.Alias", "ParameterValue: !GetAtt TransformFunction.Arn"},
			{"{Alias: !Ref AuthorizerFunction.Alias}", "{Alias: !GetAtt AuthorizerFunction.Arn}"},
			{"                Resource: !Ref TransformFunction.Alias\n", "                Resource: !GetAtt TransformFunction.Arn\n"},
			{"                Resource: !Ref TransformFunction.Alias\n", "                Resource: !Sub ${TransformFunction.Arn}:*\n"},
			{"      DestinationArn: !Ref DlqFunction.Alias\n", "      DestinationArn: !GetAtt DlqFunction.Arn\n"},
			{"      FunctionName: !Ref DlqFunction.Alias\n", "      FunctionName: !Ref DlqFunction\n"},
			{"    Value: !Ref DlqFunction.Alias\n", "    Value: !Ref DlqFunction\n"},
		},
	},
	"a parameter that a function is made of makes a new version": {
		why: "SAM sees the text of a function and no parameter's value: the alias would stay at the version with the old value",
		fix: "name the parameter in Settings, and Settings in the function's Description and VersionDescription",
		check: func(s *stack) (faults []string) {
			want := map[string]bool{}
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				properties := written(s.file(), "Resources", function.LogicalID, "Properties")
				for name, property := range writtenEach(properties) {
					// What SAM makes resources of is no part of the function, and a name of Settings would be one of itself.
					if !slices.Contains([]string{"DeploymentPreference", "EventInvokeConfig", "Events", "VersionDescription"}, name) {
						maps.Copy(want, s.decidedBy(property))
					}
				}
				if !strings.HasSuffix(text(function.Properties, "Description"), " (settings Settings)") || text(function.Properties, "VersionDescription") != "settings Settings" {
					faults = append(faults, function.LogicalID+": its Description and its version's do not end in the number of Settings")
				}
			}
			maps.Copy(want, s.decidedBy(written(s.file(), "Globals", "Function")))
			content := text(resource(s.Resolved, "Settings").Properties, "Content")
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if !strings.Contains("\n"+content, "\n"+name+"="+s.Parameters[name]+"\n") {
					faults = append(faults, "Settings does not name "+name)
				}
			}
			for line := range strings.Lines(content) {
				if name, _, _ := strings.Cut(line, "="); !want[name] && (s.parameters["Authorization"] == "LAMBDA" || !strings.Contains(line, "Jwt")) && !s.ofAuthorizer(name) {
					faults = append(faults, "Settings names "+name+", which no function is made of")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"        DlqMemory=${DlqMemory}\n", ""},
			{"        StaticTokens=${StaticTokens}\n", ""},
			{"        Authorization=${Authorization}\n", ""},
			{"        Architecture=${Architecture}\n", ""},
			{"        Tracing=${Tracing}\n", "        Tracing=${Stage}\n"},
			{"        Tracing=${Tracing}\n", "        Tracing=${Tracing}\n        Stage=${Stage}\n"},
			{"      VersionDescription: !Sub settings ${Settings}\n", ""},
			{"one verdict for each record (settings ${Settings})\"", "one verdict for each record\""},
		},
	},
	"a new version takes over as DeploymentType says, and is watched": {
		why: "SAM takes an Enabled that it cannot read for true, and a canary that no alarm watches only comes later",
		fix: "the mapping CodeDeploy for Enabled, an entry in it for each value of DeploymentType, and alarms on the function",
		check: func(s *stack) (faults []string) {
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				preference := at(function.Properties, "DeploymentPreference")
				if !slices.Contains(gradual, function.LogicalID) {
					if preference != nil {
						faults = append(faults, function.LogicalID+": messages come again, and a canary of it protects nobody")
					}
					continue
				}
				on := s.Parameters["DeploymentType"] != "AllAtOnce"
				if text(preference, "Enabled") != fmt.Sprint(on) || text(preference, "Type") != s.Parameters["DeploymentType"] {
					faults = append(faults, fmt.Sprintf("%s: is deployed by %s", function.LogicalID, jsonOf(preference)))
				}
				watchers := 0
				for _, name := range items(at(preference, "Alarms")) {
					alarm := resource(s.Resolved, name.Text)
					if alarm.Type != "AWS::CloudWatch::Alarm" {
						faults = append(faults, name.Text+" is no alarm")
					}
					if strings.Contains(jsonOf(alarm.Properties), `"Name":"FunctionName","Value":"`+function.LogicalID+`"`) {
						watchers++
					}
				}
				if watchers == 0 {
					faults = append(faults, function.LogicalID+": no alarm watches its new version")
				}
			}
			var types, mapped []string
			for _, value := range written(s.file(), "Parameters", "DeploymentType", "AllowedValues").Content {
				types = append(types, value.Value)
			}
			for name := range writtenEach(written(s.file(), "Mappings", "CodeDeploy")) {
				mapped = append(mapped, name)
			}
			if slices.Sort(types); !slices.Equal(types, slices.Sorted(slices.Values(mapped))) {
				faults = append(faults, fmt.Sprintf("DeploymentType takes %v, and the mapping has %v", types, mapped))
			}
			return faults
		},
		breaks: [][2]string{
			{"        Enabled: !FindInMap [CodeDeploy, !Ref DeploymentType, Enabled]\n", ""},
			{"AllAtOnce: {Enabled: \"false\"}", "AllAtOnce: {Enabled: \"true\"}"},
			{"    Linear10PercentEvery3Minutes: {Enabled: \"true\"}\n", ""},
			{"        Alarms: [!Ref TransformErrorsAlarm]\n", ""},
			{"        Alarms: [!Ref TransformErrorsAlarm]\n", "        Alarms: [!Ref DlqErrorsAlarm]\n"},
			{"        Type: !Ref DeploymentType\n", "        Type: Canary10Percent5Minutes\n"},
			{"      Role: !GetAtt DlqRole.Arn\n", "      Role: !GetAtt DlqRole.Arn\n      DeploymentPreference: {Enabled: false}\n"},
		},
	},
	"a deployment that was taken back can be tried again": {
		why: "a version that stays is the one that Lambda has of this code, and refuses to make again",
		fix: "VersionDeletionPolicy: Delete, in Globals; no DeletionPolicy on a function, which SAM would give its versions",
		check: func(s *stack) (faults []string) {
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				if text(function.Properties, "VersionDeletionPolicy") != "Delete" || written(s.file(), "Resources", function.LogicalID, "DeletionPolicy") != nil {
					faults = append(faults, function.LogicalID+": its versions stay")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    VersionDeletionPolicy: Delete\n", ""},
			{"    VersionDeletionPolicy: Delete\n", "    VersionDeletionPolicy: Retain\n"},
			{"    Type: AWS::Serverless::Function\n", "    Type: AWS::Serverless::Function\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n"},
		},
	},
	"two stacks can stand in one account and Region": {
		why: "what has a name that another stack's has too cannot be made, and the whole deployment fails",
		fix: "no name, or one with ${AWS::StackName} or from DatabaseName, which the stacks of an account do not share",
		check: func(s *stack) (faults []string) {
			other, err := s.beside()
			if err != nil {
				return []string{err.Error()}
			}
			for i, r := range s.Resources {
				for _, name := range namesOf(r) {
					same := at(other.Resources[i].Properties, name...)
					value := text(r.Properties, name...)
					if same == nil || same.Text != value || inside[r.Type] == name[0] || resource(s.Resolved, value).LogicalID != "" || strings.HasPrefix(value, "arn:") {
						continue
					}
					if node := written(s.file(), append([]string{"Resources", r.LogicalID, "Properties"}, name...)...); node == nil || !unique(node) {
						faults = append(faults, fmt.Sprintf("%s: every stack's %s is %q", r.LogicalID, strings.Join(name, "."), value))
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"LogGroupName: !Sub /hydrant/${AWS::StackName}/dlq", "LogGroupName: /hydrant/dlq"},
			{"        Name: !Ref DatabaseName\n", "        Name: hydrant\n"},
			{"      MessageRetentionPeriod: 1209600\n", "      MessageRetentionPeriod: 1209600\n      QueueName: hydrant-dlq\n"},
			{"      Name: !Select [2, !Split [\"/\", !Ref AWS::StackId]]\n", "      Name: settings\n"},
			{"      Description: Lets the API write records to the stream\n", "      Description: Lets the API write records to the stream\n      RoleName: hydrant-ingest\n"},
			{"      AlarmDescription: The dlq function falls", "      AlarmName: dlq depth\n      AlarmDescription: The dlq function falls"},
		},
	},
	"what outlives a stack is in no later one's way": {
		why: "a stack that is deleted and deployed again cannot make what is still there under its name; and what is not meant to stay is paid for",
		fix: "Retain for data and for what other stacks lean on, without a name of its own",
		check: func(s *stack) (faults []string) {
			keeps := []string{"ApiGatewayAccount", "ApiGatewayLogRole", "Bucket", "BucketPolicy", "TokensSecret"}
			var kept []string
			for _, r := range s.Resources {
				deletion, replacement := written(s.file(), "Resources", r.LogicalID, "DeletionPolicy"), written(s.file(), "Resources", r.LogicalID, "UpdateReplacePolicy")
				if deletion == nil && replacement == nil {
					continue
				}
				if deletion == nil || replacement == nil || deletion.Value != "Retain" || replacement.Value != "Retain" {
					faults = append(faults, r.LogicalID+": is kept in one case, and not in the other")
				}
				kept = append(kept, r.LogicalID)
				for _, name := range namesOf(r) {
					if !strings.HasSuffix(text(r.Properties, name...), ":ApiGatewayLogRole") {
						faults = append(faults, r.LogicalID+": stays, and has a name")
					}
				}
			}
			for _, id := range kept {
				if !slices.Contains(keeps, id) {
					faults = append(faults, id+" stays when the stack is deleted: is it data? (make delete tells of it)")
				}
			}
			for _, id := range keeps {
				if resource(s.Resolved, id).LogicalID != "" && !slices.Contains(kept, id) {
					faults = append(faults, id+" goes with the stack")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    DependsOn: DlqQueuePolicy\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n", "    DependsOn: DlqQueuePolicy\n"},
			{"    DependsOn: DlqQueuePolicy\n    DeletionPolicy: Retain\n", "    DependsOn: DlqQueuePolicy\n    DeletionPolicy: Snapshot\n"},
			{"      SecretString: '{\"tokens\":[]}'\n", "      SecretString: '{\"tokens\":[]}'\n      Name: !Sub ${AWS::StackName}-tokens\n"},
			{"  Stream:\n    Type: AWS::Kinesis::Stream\n", "  Stream:\n    Type: AWS::Kinesis::Stream\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n"},
		},
	},
	"a role has its permissions when it is made": {
		why: "Firehose, S3 and CloudWatch Logs try what they may when they are made, and a policy beside a role is made at the same time",
		fix: "Policies in the role",
		check: func(s *stack) (faults []string) {
			for _, r := range s.Resources {
				if slices.Contains([]string{"AWS::IAM::Policy", "AWS::IAM::RolePolicy"}, r.Type) {
					faults = append(faults, r.LogicalID+" is made beside its role")
				}
				if r.Type == "AWS::IAM::ManagedPolicy" && (at(r.Properties, "Roles") != nil || at(r.Properties, "Users") != nil || at(r.Properties, "Groups") != nil) {
					faults = append(faults, r.LogicalID+" is given to a role beside it")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    Type: AWS::IAM::ManagedPolicy\n", "    Type: AWS::IAM::Policy\n"},
			{"      Description: !Sub Lets a role or user send events to ${AWS::StackName}\n", "      Description: !Sub Lets a role or user send events to ${AWS::StackName}\n      Roles: [!Ref IngestRole]\n"},
		},
	},
}

// decidedBy are the parameters that a piece of the template depends on, by a reference or by a condition.
func (s *stack) decidedBy(n *yaml.Node) map[string]bool {
	found := map[string]bool{}
	if n == nil {
		return found
	}
	names := refs(n)
	var conditions func(*yaml.Node)
	conditions = func(n *yaml.Node) {
		name := ""
		switch {
		case n.Tag == "!If" && len(n.Content) > 0:
			name = n.Content[0].Value
		case n.Tag == "!Condition":
			name = n.Value
		}
		if condition := written(s.file(), "Conditions", name); condition != nil {
			maps.Copy(names, refs(condition))
			conditions(condition)
		}
		for _, child := range n.Content {
			conditions(child)
		}
	}
	conditions(n)
	for name := range names {
		if _, is := s.Parameters[name]; is {
			found[name] = true
		}
	}
	return found
}

// ofAuthorizer says whether the authorizer, which this stack may not have, is made of a parameter.
func (s *stack) ofAuthorizer(parameter string) bool {
	return s.decidedBy(written(s.file(), "Resources", "AuthorizerFunction", "Properties"))[parameter]
}

// beside is the stack as it is under another name, with another database.
func (s *stack) beside() (*template.Resolved, error) {
	parsed, err := template.Parse("template.yaml", []byte(s.source))
	if err != nil {
		return nil, err
	}
	parameters := maps.Clone(s.parameters)
	parameters["DatabaseName"] = "another"
	return parsed.Resolve(template.Environment{
		Parameters: parameters,
		AccountID:  "000000000000", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "another",
		Attribute: attribute,
	})
}

// namesOf are the paths of what may be a resource's own name.
func namesOf(r template.Resource) (paths [][]string) {
	for name, value := range each(r.Properties) {
		switch {
		case name == "MetricName": // what an alarm watches
		case value.Kind == template.Scalar && strings.HasSuffix(name, "Name"):
			paths = append(paths, []string{name})
		case value.Kind == template.Map && at(value, "Name") != nil && at(value, "Name").Kind == template.Scalar:
			paths = append(paths, []string{name, "Name"})
		}
	}
	return paths
}

// unique says whether a name is made of what no other stack shares.
func unique(n *yaml.Node) bool { return refs(n)["AWS::StackId"] || refs(n)["AWS::StackName"] }
