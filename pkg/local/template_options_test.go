package main_test

import (
	"fmt"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// optionRules are about what is off until its parameter is given.
var optionRules = map[string]rule{
	"every role is within the boundary": {
		why: "where an account asks for a permissions boundary, a role without it is refused, and the deployment with it",
		fix: "PermissionsBoundary: !If [UseBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]; a role that SAM would make has to be written out",
		check: func(s *stack) (faults []string) {
			for _, role := range ofType(s.Resolved, "AWS::IAM::Role") {
				got := at(role.Properties, "PermissionsBoundary")
				if text(role.Properties, "PermissionsBoundary") != s.parameters["PermissionsBoundaryArn"] || got != nil && got.Text == "" {
					faults = append(faults, role.LogicalID+": its boundary is not PermissionsBoundaryArn")
				}
			}
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				if preference := at(function.Properties, "DeploymentPreference"); text(preference, "Enabled") == "true" && text(preference, "Role") == "" {
					faults = append(faults, function.LogicalID+": SAM makes a role for CodeDeploy, which has no boundary")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"      PermissionsBoundary: !If [UseBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", ""},
			{"!If [UseBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]", "!Ref PermissionsBoundaryArn"},
			{"        Role: !If [UseCodeDeploy, !GetAtt DeploymentRole.Arn, !GetAtt TransformRole.Arn]\n", ""},
		},
	},
	"there is one stream, the stack's or the one that is named": {
		why: "a record that goes into another stream than Firehose reads is in none",
		fix: "name the stream by !If [CreateStream, ...], everywhere",
		check: func(s *stack) (faults []string) {
			name, arn := "Stream", "arn:aws:test:eu-west-1:000000000000:Stream"
			if given := s.parameters["ExistingStreamName"]; given != "" {
				name, arn = given, "arn:aws:kinesis:eu-west-1:000000000000:stream/"+given
			}
			if made := len(ofType(s.Resolved, "AWS::Kinesis::Stream")) == 1; made != (name == "Stream") {
				faults = append(faults, fmt.Sprintf("a stream is made: %v, with ExistingStreamName %q", made, s.parameters["ExistingStreamName"]))
			}
			for what, pair := range map[string][2]string{
				"the API writes to":    {text(resource(s.Resolved, "Api").Properties, "Variables", "stream"), name},
				"the dlq writes to":    {text(resource(s.Resolved, "DlqFunction").Properties, "Environment", "Variables", "STREAM_NAME"), name},
				"Firehose reads":       {text(resource(s.Resolved, "DeliveryStream").Properties, "KinesisStreamSourceConfiguration", "KinesisStreamARN"), arn},
				"the stack's outputs":  {s.output("StreamName"), name},
				"roles with access to": {strings.Join(s.permitted("kinesis:"), " "), "DeliveryRole " + arn + " DlqRole " + arn + " IngestRole " + arn},
			} {
				if pair[0] != pair[1] {
					faults = append(faults, fmt.Sprintf("%s %s, not %s", what, pair[0], pair[1]))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"        stream: " + streamName, "        stream: !Ref ExistingStreamName"},
			{"          STREAM_NAME: " + streamName, "          STREAM_NAME: events.existing"},
			{"KinesisStreamARN: " + streamARN, "KinesisStreamARN: !Sub arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${ExistingStreamName}"},
			{"Resource: " + streamARN, "Resource: !Sub arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/events"},
			{"    Value: " + streamName, "    Value: !Ref ExistingStreamName"},
			{"    Condition: CreateStream\n", ""},
		},
	},
	"the backup of source records is beside everything else": {
		why: "Firehose writes it to the same bucket, where other prefixes are tables, notify, and end after other times",
		fix: "S3BackupConfiguration with a prefix of its own, a permission for it, a log stream that exists, and all of it by BackUpSource",
		check: func(s *stack) (faults []string) {
			d := destination(s.Resolved)
			backup, role := at(d, "S3BackupConfiguration"), jsonOf(resource(s.Resolved, "DeliveryRole").Properties)
			const bucket = "arn:aws:test:eu-west-1:000000000000:Bucket"
			if s.parameters["SourceBackup"] == "Disabled" {
				if text(d, "S3BackupMode") != "Disabled" || backup != nil || strings.Contains(role, "/source/") || strings.Contains(role, "BackupLogStream") {
					faults = append(faults, "there is a backup, or a permission for one, though SourceBackup is Disabled")
				}
				return faults
			}
			prefix := text(backup, "Prefix")
			if text(d, "S3BackupMode") != "Enabled" || text(backup, "BucketARN") != bucket || text(backup, "CompressionFormat") != "GZIP" {
				faults = append(faults, "the backup is "+jsonOf(backup))
			}
			if !strings.HasSuffix(prefix, "/") || strings.Contains(prefix, "!{") {
				faults = append(faults, "its prefix is "+prefix)
			}
			for _, statement := range items(at(resource(s.Resolved, "Bucket").Properties, "NotificationConfiguration", "QueueConfigurations")) {
				for _, rule := range items(at(statement, "Filter", "S3Key", "Rules")) {
					if overlap(prefix, text(rule, "Value")) {
						faults = append(faults, "its objects are notified as those under "+text(rule, "Value"))
					}
				}
			}
			for _, table := range ofType(s.Resolved, "AWS::Glue::Table") {
				if location := text(table.Properties, "TableInput", "StorageDescriptor", "Location"); overlap("s3://Bucket/"+prefix, location) {
					faults = append(faults, "its objects are rows of "+table.LogicalID)
				}
			}
			stream := resource(s.Resolved, text(backup, "CloudWatchLoggingOptions", "LogStreamName"))
			if text(stream.Properties, "LogGroupName") != text(backup, "CloudWatchLoggingOptions", "LogGroupName") || text(stream.Properties, "LogStreamName") == "DestinationDelivery" {
				faults = append(faults, "its log stream is not one of the template")
			}
			for _, granted := range []string{bucket + "/" + prefix + "*", ":log-stream:" + stream.LogicalID + `"`} {
				if !strings.Contains(role, granted) {
					faults = append(faults, "DeliveryRole may not use "+granted)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"Prefix: source/\n", "Prefix: errors/source/\n"},
			{"Prefix: source/\n", "Prefix: events/\n"},
			{"Prefix: source/\n", "Prefix: source\n"},
			{`${Bucket.Arn}/source/*`, `${Bucket.Arn}/sources/*`},
			{`!If [BackUpSource, !Sub "${Bucket.Arn}/source/*", !Ref AWS::NoValue]`, `!Sub ${Bucket.Arn}/source/*`},
			{"LogStreamName: !Ref BackupLogStream", "LogStreamName: BackupDelivery"},
			{":log-stream:${BackupLogStream}", ":log-stream:${DeliveryLogStream}"},
			{"        S3BackupMode: !Ref SourceBackup\n", "        S3BackupMode: Enabled\n"},
			{"        S3BackupMode: !Ref SourceBackup\n", "        S3BackupMode: !If [BackUpSource, Enabled, !Ref AWS::NoValue]\n"},
		},
	},
}

// overlap says whether one of two prefixes holds the other.
func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// How the template names the stream: where its name is meant, and where its ARN is.
const (
	streamName = "!If [CreateStream, !Ref Stream, !Ref ExistingStreamName]"
	streamARN  = `!If [CreateStream, !GetAtt Stream.Arn, !Sub "arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${ExistingStreamName}"]`
)

// permitted are roles and the resources on which they may do something of a service, sorted.
func (s *stack) permitted(service string) []string {
	var found []string
	for role, statement := range statements(s.Resolved) {
		if !slices.ContainsFunc(items(at(statement, "Action")), func(a *template.Value) bool { return strings.HasPrefix(a.Text, service) }) {
			continue
		}
		for _, resource := range items(at(statement, "Resource")) {
			found = append(found, role+" "+resource.Text)
		}
	}
	slices.Sort(found)
	return found
}

// output is the value of one of the stack's outputs, or "".
func (s *stack) output(name string) string {
	for _, o := range s.Outputs {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}
