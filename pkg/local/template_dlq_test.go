package main_test

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hydrant/pkg/local/internal/template"
)

var dlqRules = map[string]rule{
	"a message waits out the function that has it": {
		why: "a message that becomes visible while it is worked on is worked on twice, and one that is never given up comes for ever",
		fix: "VisibilityTimeout of six timeouts at least, and a RedrivePolicy with a maxReceiveCount of five at least (\"Using Lambda with Amazon SQS\")",
		check: func(s *stack) (faults []string) {
			for function, event := range events(s.Resolved, "SQS") {
				queue := resource(s.Resolved, lastOfARN(text(event, "Queue")))
				timeout, visibility := number(function.Properties, "Timeout"), number(queue.Properties, "VisibilityTimeout")
				if timeout < 1 || visibility < 6*timeout {
					faults = append(faults, fmt.Sprintf("%s: visible again after %d s, and %s may take %d s", queue.LogicalID, visibility, function.LogicalID, timeout))
				}
				dead := resource(s.Resolved, lastOfARN(text(queue.Properties, "RedrivePolicy", "deadLetterTargetArn")))
				if number(queue.Properties, "RedrivePolicy", "maxReceiveCount") < 5 || dead.Type != "AWS::SQS::Queue" {
					faults = append(faults, queue.LogicalID+": gives messages up too early, or never")
				}
				if types := items(at(event, "FunctionResponseTypes")); len(types) != 1 || types[0].Text != "ReportBatchItemFailures" {
					faults = append(faults, function.LogicalID+": one message that fails fails its whole batch")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"VisibilityTimeout: 1800", "VisibilityTimeout: 900"},
			{"      Timeout: 300\n", "      Timeout: 900\n"},
			{"maxReceiveCount: 100", "maxReceiveCount: 3"},
			{"        deadLetterTargetArn: !GetAtt DlqDeadLetterQueue.Arn\n", "        deadLetterTargetArn: !GetAtt Stream.Arn\n"},
			{"            FunctionResponseTypes: [ReportBatchItemFailures]\n", ""},
		},
	},
	"a message waits for no other": {
		why: "a batch ends with its largest error object, and what did not fit the timeout is hidden for as long as VisibilityTimeout says",
		fix: "BatchSize: 1",
		check: func(s *stack) (faults []string) {
			for function, event := range events(s.Resolved, "SQS") {
				if number(event, "BatchSize") != 1 {
					faults = append(faults, function.LogicalID+": takes several messages at once")
				}
			}
			return faults
		},
		breaks: [][2]string{{"            BatchSize: 1\n", ""}, {"            BatchSize: 1\n", "            BatchSize: 10\n"}},
	},
	"queues keep what they get as long as they can": {
		why: "whoever is away for a long weekend must find the messages when he is back",
		fix: "MessageRetentionPeriod: 1209600",
		check: func(s *stack) (faults []string) {
			for _, queue := range ofType(s.Resolved, "AWS::SQS::Queue") {
				if number(queue.Properties, "MessageRetentionPeriod") != 14*24*3600 {
					faults = append(faults, queue.LogicalID+": forgets early")
				}
			}
			return faults
		},
		breaks: [][2]string{{"      MessageRetentionPeriod: 1209600\n", ""}},
	},
	"the bucket may tell its queue, before it does": {
		why: "S3 tries its notification when the bucket is made; a policy that refers to the bucket would have to wait for it",
		fix: "name the bucket by its account in the policy, and let the bucket wait for the policy",
		check: func(s *stack) (faults []string) {
			for _, bucket := range ofType(s.Resolved, "AWS::S3::Bucket") {
				for _, notification := range items(at(bucket.Properties, "NotificationConfiguration", "QueueConfigurations")) {
					queue := lastOfARN(text(notification, "Queue"))
					policies := ofType(s.Resolved, "AWS::SQS::QueuePolicy")
					i := slices.IndexFunc(policies, func(p template.Resource) bool { return maySend(p, queue) })
					if i < 0 {
						faults = append(faults, queue+": its policy lets S3 send nothing, or other people's buckets too")
						continue
					}
					if !slices.Contains(bucket.DependsOn, policies[i].LogicalID) {
						faults = append(faults, bucket.LogicalID+" does not wait for "+policies[i].LogicalID)
					}
					if refs(written(s.file(), "Resources", policies[i].LogicalID))[bucket.LogicalID] {
						faults = append(faults, policies[i].LogicalID+" refers to "+bucket.LogicalID)
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    DependsOn: DlqQueuePolicy\n", ""},
			{"aws:SourceArn: !Sub \"arn:${AWS::Partition}:s3:::*\"", "aws:SourceArn: !GetAtt Bucket.Arn"},
			{"aws:SourceArn: !Sub \"arn:${AWS::Partition}:s3:::*\"", "aws:SourceArn: !Sub \"arn:${AWS::Partition}:s3:::${Bucket}\""},
			{"              StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}\n", ""},
			{"            Principal: {Service: s3.amazonaws.com}\n            Action: sqs:SendMessage", "            Principal: {Service: s3.amazonaws.com}\n            Action: sqs:ReceiveMessage"},
		},
	},
	"only error objects are told of": {
		why: "the dlq function writes to the bucket too: told of what it writes, it would be called for ever",
		fix: "a filter with the prefix that ErrorOutputPrefix begins with",
		check: func(s *stack) (faults []string) {
			for _, notification := range items(at(only(s.Resolved, "AWS::S3::Bucket").Properties, "NotificationConfiguration", "QueueConfigurations")) {
				rules := items(at(notification, "Filter", "S3Key", "Rules"))
				if len(rules) != 1 || text(rules[0], "Name") != "prefix" || !strings.HasSuffix(text(rules[0], "Value"), "/") ||
					!strings.HasPrefix(text(destination(s.Resolved), "ErrorOutputPrefix"), text(rules[0], "Value")) {
					faults = append(faults, "the notification is not about error objects alone")
				}
			}
			return faults
		},
		breaks: [][2]string{{"{Name: prefix, Value: errors/}", "{Name: prefix, Value: \"\"}"}, {"            Filter: {S3Key: {Rules: [{Name: prefix, Value: errors/}]}}\n", ""}},
	},
	"Firehose's error log reaches the dlq function": {
		why: "it is all there is of a failed delivery, and CloudWatch Logs refuses a filter whose destination it may not invoke",
		fix: "a subscription filter of Firehose's log group that waits for the permission",
		check: func(s *stack) (faults []string) {
			filter, permission := only(s.Resolved, "AWS::Logs::SubscriptionFilter"), resource(s.Resolved, "DeliveryLogPermission")
			group := text(destination(s.Resolved), "CloudWatchLoggingOptions", "LogGroupName")
			if text(filter.Properties, "LogGroupName") != group || text(filter.Properties, "FilterPattern") != "" {
				faults = append(faults, "the filter is not of all of "+group)
			}
			if !slices.Contains(filter.DependsOn, permission.LogicalID) || text(permission.Properties, "Principal") != "logs.amazonaws.com" ||
				text(permission.Properties, "FunctionName") != text(filter.Properties, "DestinationArn") ||
				!strings.HasSuffix(text(permission.Properties, "SourceArn"), ":"+group+":*") {
				faults = append(faults, "the filter does not wait for a permission to invoke its destination")
			}
			return faults
		},
		breaks: [][2]string{
			{"    DependsOn: DeliveryLogPermission\n", ""},
			{"      Principal: logs.amazonaws.com\n", "      Principal: s3.amazonaws.com\n"},
			{"FilterPattern: \"\"", "FilterPattern: Lambda"},
			{"      SourceArn: !GetAtt DeliveryLogGroup.Arn\n", "      SourceArn: !GetAtt DlqLogGroup.Arn\n"},
			{"      FunctionName: !Ref DlqFunction.Alias\n", "      FunctionName: !Ref DlqFunction\n"},
		},
	},
	"what a function fails at is kept when nobody waits for its answer": {
		why: "Lambda tries an asynchronous invocation three times and then drops the event without a word (\"Capturing records of Lambda asynchronous invocations\")",
		fix: "EventInvokeConfig with a queue of the template as OnFailure",
		check: func(s *stack) (faults []string) {
			for _, permission := range ofType(s.Resolved, "AWS::Lambda::Permission") {
				// The services that a function's own policy lets in all invoke it asynchronously here. Kinesis and SQS are polled for, Firehose and API
				// Gateway come with a role, and wait.
				name := functionARN.FindStringSubmatch(text(permission.Properties, "FunctionName"))
				if name == nil {
					faults = append(faults, permission.LogicalID+": is for no function")
					continue
				}
				failed := at(resource(s.Resolved, name[1]).Properties, "EventInvokeConfig", "DestinationConfig", "OnFailure")
				queue := text(failed, "Destination")
				if text(failed, "Type") != "SQS" || resource(s.Resolved, lastOfARN(queue)).Type != "AWS::SQS::Queue" {
					faults = append(faults, fmt.Sprintf("%s: what it fails at for %s goes to %q", name[1], text(permission.Properties, "Principal"), queue))
				}
				for function, event := range events(s.Resolved, "SQS") {
					if function.LogicalID == name[1] && text(event, "Queue") == queue {
						faults = append(faults, name[1]+": what it fails at comes back to itself")
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"        DestinationConfig:\n          OnFailure: {Type: SQS, Destination: !GetAtt DlqDeadLetterQueue.Arn}\n", ""},
			{"OnFailure: {Type: SQS, Destination: !GetAtt DlqDeadLetterQueue.Arn}", "OnFailure: {Type: SQS, Destination: !GetAtt Stream.Arn}"},
			{"OnFailure: {Type: SQS, Destination: !GetAtt DlqDeadLetterQueue.Arn}", "OnFailure: {Type: SQS, Destination: !GetAtt DlqQueue.Arn}"},
			{"OnFailure: {Type: SQS, Destination: !GetAtt DlqDeadLetterQueue.Arn}", "OnFailure: {Type: SNS, Destination: !GetAtt DlqDeadLetterQueue.Arn}"},
		},
	},
	"a role allows what its function calls, and no more": {
		why: "a call that is not allowed fails when it is needed, and a permission without a call is somebody else's",
		fix: "add the action to the role, or the operation to operations",
		check: func(s *stack) (faults []string) {
			for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
				want, err := needed(s.Resolved, function)
				if err != nil {
					return []string{err.Error()}
				}
				got := map[string]bool{}
				role := strings.TrimSuffix(function.LogicalID, "Function") + "Role"
				for where, statement := range statements(s.Resolved) {
					for _, action := range items(at(statement, "Action")) {
						if where == role && !strings.HasPrefix(action.Text, "kms:") { // what is asked of the key follows from the others: keyRules
							got[action.Text] = true
						}
					}
				}
				if !maps.Equal(got, want) {
					faults = append(faults, fmt.Sprintf("%s allows %v, not %v", role, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"                Action: kinesis:PutRecords\n", "                Action: [kinesis:PutRecords, kinesis:PutRecord]\n"},
			{"                Action: s3:ListBucket\n                Resource: !GetAtt Bucket.Arn\n              - Effect: Allow\n                Action: kinesis:PutRecords", "                Action: kinesis:PutRecords"},
			{"Action: [sqs:SendMessage, sqs:ReceiveMessage, sqs:DeleteMessage,", "Action: [sqs:SendMessage, sqs:ReceiveMessage,"},
			{"                Action: [logs:CreateLogStream, logs:PutLogEvents]\n", "                Action: logs:PutLogEvents\n"},
		},
	},
	"the tables find what the dlq function writes": {
		why: "Athena looks only where the partition projection says: an object anywhere else is in no query",
		fix: "the prefixes of the function's environment, and dt and hour as package dlq writes them",
		check: func(s *stack) (faults []string) {
			for _, moment := range moments {
				written, err := quarantineAndRedrive(s, moment)
				if err != nil {
					return []string{err.Error()}
				}
				for id, object := range written {
					partition, err := projectedPath(resource(s.Resolved, id).Properties, moment)
					if err != nil {
						return []string{id + ": " + err.Error()}
					}
					if !strings.HasPrefix("s3://"+object.key, partition) {
						faults = append(faults, fmt.Sprintf("at %s the function writes to %s, and %s looks in %s", moment, object.key, id, partition))
					}
					faults = append(faults, object.columns(id, resource(s.Resolved, id).Properties)...)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"QUARANTINE_PREFIX: quarantine/", "QUARANTINE_PREFIX: quarantined/"},
			{"REDRIVEN_PREFIX: redriven/", "REDRIVEN_PREFIX: quarantine/redriven/"},
			{"s3://${Bucket}/quarantine/dt=${!dt}/hour=${!hour}/", "s3://${Bucket}/quarantine/${!dt}/${!hour}/"},
			{"s3://${Bucket}/redriven/dt=${!dt}/hour=${!hour}/", "s3://${Bucket}/redriven/day=${!dt}/hour=${!hour}/"},
			{"{Name: source_object, Type: string", "{Name: object, Type: string"},
			{"{Name: quarantine_line, Type: bigint", "{Name: quarantine_line, Type: string"},
			{"            - {Name: explanation, Type: string, Comment: What the code means and what to do.}\n", ""},
		},
	},
}

// operations are the calls of AWS's clients, with the action that allows each ("Actions, resources, and condition keys", Service Authorization
// Reference). Their names are not always the same.
var operations = map[string]string{
	"GetObject": "s3:GetObject", "PutObject": "s3:PutObject", "ListObjectsV2": "s3:ListBucket", "SendMessage": "sqs:SendMessage",
	"PutRecords": "kinesis:PutRecords", "GetSecretValue": "secretsmanager:GetSecretValue",
}

// needed are the actions that a function needs: for what its source calls, and for what Lambda does in its name.
func needed(r *template.Resolved, function template.Resource) (map[string]bool, error) {
	actions := map[string]bool{"logs:CreateLogStream": true, "logs:PutLogEvents": true}
	var unknown []string
	clients := false // of AWS's, in this file
	err := eachNode(folder(function), func(n ast.Node) {
		if file, ok := n.(*ast.File); ok {
			clients = slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.Contains(i.Path.Value, "/aws-sdk-go-v2/service/") })
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || !clients {
			return
		}
		operation, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if client, ok := operation.X.(*ast.SelectorExpr); ok && client.Sel.Name == "client" {
			if action := operations[operation.Sel.Name]; action != "" {
				actions[action] = true
			} else {
				unknown = append(unknown, operation.Sel.Name)
			}
		}
	})
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%s calls %v: add it to operations", function.LogicalID, unknown)
	}
	if len(ofType(r, "AWS::SecretsManager::Secret")) == 0 {
		delete(actions, "secretsmanager:GetSecretValue") // there is none to read
	}
	for f := range events(r, "SQS") {
		if f.LogicalID == function.LogicalID {
			actions["sqs:ReceiveMessage"], actions["sqs:DeleteMessage"], actions["sqs:GetQueueAttributes"] = true, true, true
		}
	}
	if text(function.Properties, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Type") == "SQS" {
		actions["sqs:SendMessage"] = true
	}
	if text(function.Properties, "Tracing") == "Active" {
		actions["xray:PutTraceSegments"], actions["xray:PutTelemetryRecords"] = true, true
	}
	return actions, err
}

// events yields the functions' events of a type.
func events(r *template.Resolved, kind string) func(func(template.Resource, *template.Value) bool) {
	return func(yield func(template.Resource, *template.Value) bool) {
		for _, function := range ofType(r, "AWS::Serverless::Function") {
			for _, event := range each(function.Properties, "Events") {
				if text(event, "Type") == kind && !yield(function, at(event, "Properties")) {
					return
				}
			}
		}
	}
}

// maySend says whether a queue's policy lets the account's own buckets, and nobody else's, send to it.
func maySend(policy template.Resource, queue string) bool {
	return slices.ContainsFunc(items(at(policy.Properties, "PolicyDocument", "Statement")), func(s *template.Value) bool {
		return text(s, "Effect") == "Allow" && text(s, "Principal", "Service") == "s3.amazonaws.com" && text(s, "Action") == "sqs:SendMessage" &&
			lastOfARN(text(s, "Resource")) == queue && text(s, "Condition", "StringEquals", "aws:SourceAccount") == "000000000000"
	})
}

// lastOfARN is the logical id in an ARN as attribute makes it.
func lastOfARN(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// number is the whole number that stands there, or 0.
func number(v *template.Value, path ...string) int {
	n, err := strconv.Atoi(text(v, path...))
	if err != nil {
		return 0
	}
	return n
}
