package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// grantRules are about what may be done on what. Which calls a function makes is dlqRules', what is asked of a key keyRules'.
var grantRules = map[string]rule{
	"a role may do what it is for, on what it is for, and nothing else": {
		why: "a grant that is missing fails when it is needed, perhaps in an outage only; one too many is what somebody does with the role who got hold of it",
		fix: "the grants that follow from the resources which name the role: see needs",
		check: func(s *stack) (faults []string) {
			got, want := map[string]bool{}, map[string]bool{}
			for role, statement := range statements(s.Resolved) {
				if resource(s.Resolved, role).Type != "AWS::IAM::Role" {
					continue // resourcePolicies, and ProducerPolicy
				}
				for name := range each(statement) {
					if !slices.Contains([]string{"Effect", "Action", "Resource", "Condition"}, name) {
						faults = append(faults, role+": a statement has "+name)
					}
				}
				if text(statement, "Effect") != "Allow" {
					faults = append(faults, role+": a statement's Effect is "+text(statement, "Effect"))
				}
				for _, action := range items(at(statement, "Action")) {
					for _, on := range items(at(statement, "Resource")) {
						if !strings.HasPrefix(action.Text, "kms:") {
							got[strings.TrimSpace(role+": "+action.Text+" on "+on.Text+" "+jsonOf(at(statement, "Condition")))] = true
						}
					}
				}
			}
			for _, n := range s.needs() {
				for _, action := range n.actions {
					for _, on := range n.on {
						want[n.role+": "+action+" on "+on] = true
					}
				}
			}
			for _, grant := range slices.Sorted(maps.Keys(want)) {
				if !got[grant] {
					faults = append(faults, "missing: "+grant)
				}
			}
			for _, grant := range slices.Sorted(maps.Keys(got)) {
				if !want[grant] {
					faults = append(faults, "needless: "+grant)
				}
			}
			return faults
		},
		breaks: [][2]string{
			// The API's.
			{"Action: [kinesis:PutRecord, kinesis:PutRecords]", "Action: [kinesis:PutRecord]"},
			{"Action: [kinesis:PutRecord, kinesis:PutRecords]", "Action: [kinesis:PutRecord, kinesis:PutRecords, kinesis:ListShards]"},
			{":kinesis:action/PutRecords", ":kinesis:action/PutRecord"},
			{"credentials: !GetAtt IngestRole.Arn", "credentials: !GetAtt DeliveryRole.Arn"},
			{"Resource: !Ref AuthorizerFunction.Alias", "Resource: !Ref TransformFunction.Alias"},
			{"Resource: !Ref AuthorizerFunction.Alias", "Resource: !GetAtt AuthorizerFunction.Arn"},
			{"authorizerCredentials: !GetAtt AuthorizerInvokeRole.Arn", "authorizerCredentials: !GetAtt IngestRole.Arn"},
			// CodeDeploy's.
			{"lambda:UpdateAlias, ", ""},
			{"                  - !Sub ${TransformFunction.Arn}:live\n", "                  - !Sub ${TransformFunction.Arn}:*\n"},
			{"                  - !If [UseLambda, !GetAtt AuthorizerFunction.Arn, !Ref AWS::NoValue]\n", ""},
			{"    Condition: UseCodeDeploy\n", ""},
			// Firehose's.
			{"                  - !Sub ${Bucket.Arn}/events/*\n", ""},
			{"                  - !Sub ${Bucket.Arn}/errors/*\n                  - !If", "                  - !If"},
			{"Action: [s3:AbortMultipartUpload, s3:GetObject, s3:PutObject]", "Action: [s3:GetObject, s3:PutObject]"},
			{"Action: [s3:AbortMultipartUpload, s3:GetObject, s3:PutObject]", "Action: [s3:AbortMultipartUpload, s3:GetObject, s3:PutObject, s3:DeleteObject]"},
			{"Action: [glue:GetTable, glue:GetTableVersion, glue:GetTableVersions]", "Action: [glue:GetTable]"},
			{"table/${Database}/${EventsTable}", "table/${Database}/${QuarantineTable}"},
			{"Action: [lambda:InvokeFunction, lambda:GetFunctionConfiguration]", "Action: lambda:GetFunctionConfiguration"},
			{"Action: [kinesis:DescribeStream, kinesis:GetShardIterator,", "Action: [kinesis:GetShardIterator,"},
			{":log-stream:${DeliveryLogStream}", ":log-stream:*"},
			{`!If [BackUpSource, !Sub "${Bucket.Arn}/source/*", !Ref AWS::NoValue]`, `!Sub ${Bucket.Arn}/source/*`},
			{`ErrorOutputPrefix: "errors/`, `ErrorOutputPrefix: "failures/`},
			// The functions'.
			{"                  - !Sub ${Bucket.Arn}/redriven/*\n              # A missing object", "              # A missing object"},
			{"or in a digest.\n                  - !Sub ${Bucket.Arn}/errors/*\n", "or in a digest.\n"},
			{"                  # Their names end in a digest.\n                  - !Sub ${Bucket.Arn}/quarantine/*\n", "                  # Their names end in a digest.\n                  - !Sub ${Bucket.Arn}/*\n"},
			{"Resource: !GetAtt DlqDeadLetterQueue.Arn", "Resource: !GetAtt DlqQueue.Arn"},
			{"sqs:GetQueueAttributes]\n                Resource: !GetAtt DlqQueue.Arn", "sqs:GetQueueAttributes]\n                Resource: !GetAtt DlqDeadLetterQueue.Arn"},
			{"Resource: !GetAtt DlqLogGroup.Arn", "Resource: !GetAtt TransformLogGroup.Arn"},
			{"Action: [logs:CreateLogStream, logs:PutLogEvents]", "Action: [logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents]"},
			{"Resource: !Ref TokensSecret", `Resource: "*"`},
			{"QUARANTINE_PREFIX: quarantine/", "QUARANTINE_PREFIX: kept/"},
			// The compaction's.
			{"Action: [s3:PutObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts]", "Action: [s3:PutObject, s3:DeleteObject]"},
			{"Action: [glue:CreatePartition, glue:BatchCreatePartition]", "Action: [glue:CreatePartition, glue:BatchCreatePartition, glue:DeleteTable]"},
			{"                  - !Sub arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:database/default\n", ""},
			{"workgroup/${CompactionWorkGroup}", "workgroup/primary"},
			{"Resource: !GetAtt CompactionDeadLetterQueue.Arn", "Resource: !GetAtt DlqDeadLetterQueue.Arn"},
			{"OutputLocation: !Sub s3://${Bucket}/athena/compaction/", "OutputLocation: !Sub s3://${Bucket}/athena/"},
			// Anybody's.
			{"              - Effect: Allow\n                Action: kinesis:PutRecords\n", "              - Effect: Deny\n                Action: kinesis:PutRecords\n"},
			{"                Action: kinesis:PutRecords\n", "                Action: kinesis:PutRecords\n                Condition: {StringEquals: {aws:PrincipalTag/team: data}}\n"},
			{"                Action: kinesis:PutRecords\n                Resource:", "                Action: kinesis:PutRecords\n                NotResource:"},
		},
	},
	"a role has no policy of AWS's": {
		why: "it allows more than is needed, on everything of the account, and AWS may add to it",
		fix: "a statement in the role's own policies; only API Gateway takes no other role than one with its policy",
		check: func(s *stack) (faults []string) {
			for _, role := range ofType(s.Resolved, "AWS::IAM::Role") {
				want := map[string]string{
					"ApiGatewayLogRole": `["arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"]`,
				}[role.LogicalID]
				if got := jsonOf(at(role.Properties, "ManagedPolicyArns")); got != want {
					faults = append(faults, role.LogicalID+": has the managed policies "+got)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{
				"      Description: Lets the transform function write its log and its traces, and nothing else\n",
				"      Description: Lets the transform function write its log and its traces, and nothing else\n" +
					"      ManagedPolicyArns: [!Sub \"arn:${AWS::Partition}:iam::aws:policy/AmazonS3FullAccess\"]\n",
			},
			{"policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs", "policy/AdministratorAccess"},
		},
	},
	"a role is for one service, in this account's name": {
		why: "who may assume a role may do all that it may, and a service may act for other accounts, too",
		fix: "one role for each service that acts, with this service as the only principal, and the condition that it takes",
		check: func(s *stack) (faults []string) {
			for _, role := range ofType(s.Resolved, "AWS::IAM::Role") {
				document := at(role.Properties, "AssumeRolePolicyDocument")
				service := text(first(document, "Statement"), "Principal", "Service")
				condition := map[string]string{
					// "Controlling access with Amazon Data Firehose" and "Confused deputy prevention in EventBridge Scheduler".
					"firehose.amazonaws.com":  `,"Condition":{"StringEquals":{"sts:ExternalId":"000000000000"}}`,
					"scheduler.amazonaws.com": `,"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}}`,
				}[service]
				want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"` + condition + `}]}`
				if !strings.HasSuffix(service, ".amazonaws.com") || jsonOf(document) != want {
					faults = append(faults, fmt.Sprintf("%s: it may be assumed by %s", role.LogicalID, jsonOf(document)))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"Principal: {Service: lambda.amazonaws.com}", "Principal: {AWS: \"*\"}"},
			{"Principal: {Service: lambda.amazonaws.com}", "Principal: {Service: [lambda.amazonaws.com, ec2.amazonaws.com]}"},
			{"            Condition: {StringEquals: {sts:ExternalId: !Ref AWS::AccountId}}\n", ""},
			{"            Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}\n", ""},
		},
	},
	"a resource's own policy is no other than this": {
		why: "one word decides whether it keeps out those without TLS or all with it, S3's notifications among them; and it lets others in with no role",
		fix: "as in resourcePolicies",
		check: func(s *stack) (faults []string) {
			want := maps.Clone(resourcePolicies)
			for _, r := range s.Resources {
				if !slices.Contains([]string{"AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::Lambda::Permission"}, r.Type) {
					continue
				}
				if got := jsonOf(r.Properties); got != want[r.LogicalID] {
					faults = append(faults, fmt.Sprintf("%s is %s, not %s", r.LogicalID, got, want[r.LogicalID]))
				}
				delete(want, r.LogicalID)
			}
			for _, id := range slices.Sorted(maps.Keys(want)) {
				faults = append(faults, id+" is missing")
			}
			return faults
		},
		breaks: [][2]string{
			{"Resource: !GetAtt DlqQueue.Arn\n            Condition: {Bool: {aws:SecureTransport: \"false\"}}", "Resource: !GetAtt DlqQueue.Arn\n            Condition: {Bool: {aws:SecureTransport: \"true\"}}"},
			{"            Action: sqs:*\n", "            Action: sqs:SendMessage\n"},
			{"      Queues: [!Ref DlqQueue]\n", "      Queues: [!Ref DlqDeadLetterQueue]\n"},
			{"- !Sub ${Bucket.Arn}/*\n            Condition: {Bool: {aws:SecureTransport: \"false\"}}", "- !Sub ${Bucket.Arn}/*\n            Condition: {Bool: {aws:SecureTransport: \"true\"}}"},
			{"              - !GetAtt Bucket.Arn\n              # A Deny", "              # A Deny"},
			{
				"            Action: s3:*\n            Resource:\n",
				"            Action: s3:*\n            Resource: !GetAtt Bucket.Arn\n" +
					"          - Effect: Allow\n            Principal: {AWS: arn:aws:iam::111122223333:root}\n            Action: s3:GetObject\n            Resource:\n",
			},
			{"      SourceAccount: !Ref AWS::AccountId\n", ""},
			{"      Action: lambda:InvokeFunction\n      Principal: logs", "      Action: lambda:*\n      Principal: logs"},
		},
	},
}

// resourcePolicies are the properties of whatever lets others than the stack's roles in, or keeps them out, by their logical ids. S3 names the bucket
// whose event it is, and the queue's policy cannot: see the template.
var resourcePolicies = map[string]string{
	"BucketPolicy": `{"Bucket":"Bucket","PolicyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["` + anARN + `Bucket","` + anARN + `Bucket/*"],` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}}`,
	"DlqQueuePolicy": `{"Queues":["DlqQueue"],"PolicyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"ErrorObjects","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + anARN + `DlqQueue",` +
		`"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}},` +
		`{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"` + anARN + `DlqQueue",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}}`,
	"DeliveryLogPermission": `{"FunctionName":"` + anARN + `DlqFunction:live","Action":"lambda:InvokeFunction","Principal":"logs.amazonaws.com",` +
		`"SourceAccount":"000000000000","SourceArn":"` + logARN + `DeliveryLogGroup:*"}`,
}

// What the ARNs of these tests begin with: a resource's as attribute makes it, and others'.
const (
	anARN   = "arn:aws:test:eu-west-1:000000000000:"
	logARN  = "arn:aws:logs:eu-west-1:000000000000:log-group:"
	glueARN = "arn:aws:glue:eu-west-1:000000000000:"
)

// A need is what a role has to allow so that whoever names it can work.
type need struct {
	role    string
	actions []string
	on      []string // resources, as they stand in a policy
}

// needs are those of everything in the stack that names a role.
func (s *stack) needs() []need {
	return slices.Concat(s.needsOfAPI(), s.needsOfFunctions(), s.needsOfFirehose(), s.needsOfCompaction())
}

// needsOfAPI are those of the integrations' uris, on the stream that they write to, and that of the authorizer's.
func (s *stack) needsOfAPI() (all []need) {
	stream := s.streamARN(text(api(s.Resolved), "Variables", "stream"))
	for _, method := range methods(s.Resolved) {
		integration := at(method, "x-amazon-apigateway-integration")
		if text(integration, "type") != "aws" {
			continue
		}
		// arn:aws:apigateway:eu-west-1:kinesis:action/PutRecord
		parts := strings.Split(text(integration, "uri"), ":")
		action := parts[len(parts)-2] + ":" + strings.TrimPrefix(parts[len(parts)-1], "action/")
		all = append(all, need{lastOfARN(text(integration, "credentials")), []string{action}, []string{stream}})
	}
	for _, scheme := range each(body(s.Resolved), "components", "securitySchemes") {
		if authorizer := at(scheme, "x-amazon-apigateway-authorizer"); authorizer != nil {
			function := functionARN.FindString(text(authorizer, "authorizerUri"))
			all = append(all, need{lastOfARN(text(authorizer, "authorizerCredentials")), []string{"lambda:InvokeFunction"}, []string{function}})
		}
	}
	return all
}

// needsOfFunctions are those of what the functions are told of in their environment, of what Lambda does for them, and of CodeDeploy, which moves their
// aliases.
func (s *stack) needsOfFunctions() (all []need) {
	for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
		p := function.Properties
		variables := at(p, "Environment", "Variables")
		bucket := anARN + text(variables, "BUCKET_NAME")
		may := func(on string, actions ...string) {
			all = append(all, need{lastOfARN(text(p, "Role")), actions, []string{on}})
		}
		may(logARN+text(p, "LoggingConfig", "LogGroup")+":*", "logs:CreateLogStream", "logs:PutLogEvents")
		if text(p, "Tracing") == "Active" {
			may("*", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
		}
		for name, value := range each(variables) {
			switch name {
			case "BUCKET_NAME":
				may(bucket, "s3:ListBucket")
			case "QUARANTINE_PREFIX", "REDRIVEN_PREFIX":
				may(bucket+"/"+value.Text+"*", "s3:GetObject", "s3:PutObject")
			case "QUEUE_URL":
				may(anARN+value.Text, "sqs:SendMessage")
			case "STREAM_NAME":
				may(s.streamARN(value.Text), "kinesis:PutRecords")
			case "TOKENS_SECRET_ARN":
				if value.Text != "" {
					may(value.Text, "secretsmanager:GetSecretValue")
				}
			}
		}
		for _, event := range each(p, "Events") {
			queue := text(event, "Properties", "Queue")
			may(queue, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
			for _, told := range items(at(only(s.Resolved, "AWS::S3::Bucket").Properties, "NotificationConfiguration", "QueueConfigurations")) {
				if text(told, "Queue") == queue { // the messages name objects
					may(bucket+"/"+text(first(told, "Filter", "S3Key", "Rules"), "Value")+"*", "s3:GetObject")
				}
			}
		}
		if destination := text(p, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"); destination != "" {
			may(destination, "sqs:SendMessage")
		}
		if preference := at(p, "DeploymentPreference"); text(preference, "Enabled") == "true" {
			role := lastOfARN(text(preference, "Role"))
			all = append(all,
				need{
					role,
					[]string{"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"},
					[]string{anARN + function.LogicalID, anARN + function.LogicalID + ":live"},
				},
				need{role, []string{"cloudwatch:DescribeAlarms"}, []string{"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:*"}})
		}
	}
	return all
}

// needsOfFirehose are those of a delivery stream's source, destination, backup, function, table and logs ("Controlling access with Amazon Data
// Firehose").
func (s *stack) needsOfFirehose() (all []need) {
	for _, stream := range ofType(s.Resolved, "AWS::KinesisFirehose::DeliveryStream") {
		d := at(stream.Properties, "ExtendedS3DestinationConfiguration")
		source, schema := at(stream.Properties, "KinesisStreamSourceConfiguration"), at(d, "DataFormatConversionConfiguration", "SchemaConfiguration")
		database := text(schema, "DatabaseName")
		all = append(all,
			need{
				lastOfARN(text(source, "RoleARN")),
				[]string{"kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"},
				[]string{text(source, "KinesisStreamARN")},
			},
			need{
				lastOfARN(text(schema, "RoleARN")),
				[]string{"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"},
				[]string{glueARN + "catalog", glueARN + "database/" + database, glueARN + "table/" + database + "/" + text(schema, "TableName")},
			})
		for _, processor := range items(at(d, "ProcessingConfiguration", "Processors")) {
			parameters := map[string]string{}
			for _, p := range items(at(processor, "Parameters")) {
				parameters[text(p, "ParameterName")] = text(p, "ParameterValue")
			}
			all = append(all, need{
				lastOfARN(parameters["RoleArn"]), []string{"lambda:InvokeFunction", "lambda:GetFunctionConfiguration"}, []string{parameters["LambdaArn"]},
			})
		}
		for _, place := range []*template.Value{d, at(d, "S3BackupConfiguration")} {
			if place == nil {
				continue
			}
			role, bucket, log := lastOfARN(text(place, "RoleARN")), text(place, "BucketARN"), at(place, "CloudWatchLoggingOptions")
			all = append(all,
				need{role, []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}, []string{bucket}},
				need{role, []string{"logs:PutLogEvents"}, []string{logARN + text(log, "LogGroupName") + ":log-stream:" + text(log, "LogStreamName")}})
			for _, name := range []string{"Prefix", "ErrorOutputPrefix"} {
				if prefix := at(place, name); prefix != nil {
					fixed, _, _ := strings.Cut(prefix.Text, "!{")
					folder := fixed[:strings.LastIndex(fixed, "/")+1]
					all = append(all, need{role, []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, []string{bucket + "/" + folder + "*"}})
				}
			}
		}
	}
	return all
}

// The tables that a statement of the compaction reads and writes.
var (
	tableRead    = regexp.MustCompile(`\bFROM (\w+)`)
	tableWritten = regexp.MustCompile(`\bINSERT INTO (\w+)`)
)

// needsOfCompaction are those of whoever starts a query with Athena that reads and writes tables, and of the scheduler's dead-letter queue ("Configure
// access to databases and tables in the AWS Glue Data Catalog" and "Control access to Amazon S3 from Athena", Amazon Athena User Guide).
func (s *stack) needsOfCompaction() (all []need) {
	for _, schedule := range ofType(s.Resolved, "AWS::Scheduler::Schedule") {
		target := at(schedule.Properties, "Target")
		var input struct {
			WorkGroup, QueryString string
			QueryExecutionContext  struct{ Database string }
		}
		if json.Unmarshal([]byte(text(target, "Input")), &input) != nil {
			continue // then the role's grants are all needless
		}
		may := func(on []string, actions ...string) {
			all = append(all, need{lastOfARN(text(target, "RoleArn")), actions, on})
		}
		database := glueARN + "database/" + input.QueryExecutionContext.Database
		notes := objects(text(resource(s.Resolved, input.WorkGroup).Properties, "WorkGroupConfiguration", "ResultConfiguration", "OutputLocation"))
		read, readObjects := s.tables(tableRead, input.QueryString)
		written, writtenObjects := s.tables(tableWritten, input.QueryString)
		may([]string{"arn:aws:athena:eu-west-1:000000000000:workgroup/" + input.WorkGroup}, "athena:StartQueryExecution")
		may([]string{text(target, "DeadLetterConfig", "Arn")}, "sqs:SendMessage")
		may([]string{glueARN + "catalog", glueARN + "database/default", database}, "glue:GetDatabase")
		may(append(read, glueARN+"catalog", database), "glue:GetTable", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition")
		may(append(written, glueARN+"catalog", database), "glue:CreatePartition", "glue:BatchCreatePartition")
		may([]string{anARN + "Bucket"}, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
		may(append(readObjects, notes), "s3:GetObject")
		may(append(writtenObjects, notes), "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
	}
	return all
}

// tables are the ARNs of the tables that a pattern finds in a statement, and of their objects.
func (s *stack) tables(pattern *regexp.Regexp, statement string) (tables, places []string) {
	for _, name := range pattern.FindAllStringSubmatch(statement, -1) {
		for _, table := range ofType(s.Resolved, "AWS::Glue::Table") {
			if input := at(table.Properties, "TableInput"); text(input, "Name") == name[1] {
				tables = append(tables, glueARN+"table/"+text(table.Properties, "DatabaseName")+"/"+table.LogicalID)
				places = append(places, objects(text(input, "StorageDescriptor", "Location")))
			}
		}
	}
	return tables, places
}

// objects is how a policy names what is under an address as s3://bucket/prefix/.
func objects(location string) string { return anARN + strings.TrimPrefix(location, "s3://") + "*" }

// streamARN is the ARN of the stack's own stream, or of the one that exists, by its name.
func (s *stack) streamARN(name string) string {
	if resource(s.Resolved, name).Type == "AWS::Kinesis::Stream" {
		return anARN + name
	}
	return "arn:aws:kinesis:eu-west-1:000000000000:stream/" + name
}
