package stack

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/internal/async"
	"hydrant/pkg/local/internal/eventsource"
	"hydrant/pkg/local/internal/notify"
	"hydrant/pkg/local/internal/sqs"
	"hydrant/pkg/local/internal/subscription"
	"hydrant/pkg/local/internal/template"
)

const messaging = `Transform: AWS::Serverless-2016-10-31
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /delivery}}
  Dead: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      SqsManagedSseEnabled: true
      VisibilityTimeout: 1800
      MessageRetentionPeriod: 1209600
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Policy: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Work], PolicyDocument: {}}}
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: Policy
    Properties:
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Queue: !GetAtt Work.Arn
            Filter: {S3Key: {Rules: [{Name: prefix, Value: errors/}, {Name: Suffix, Value: .gz}]}}
  Function:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Timeout: 300
      Environment: {Variables: {QUEUE_URL: !Ref Work, QUEUE_NAME: !GetAtt Work.QueueName}}
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        MaximumEventAgeInSeconds: 3600
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}
      Events:
        Errors:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 4}
        Log: {Type: CloudWatchLogs, Properties: {LogGroupName: !Ref Group, FilterPattern: ""}}
  Filter:
    Type: AWS::Logs::SubscriptionFilter
    DependsOn: Permission
    Properties: {LogGroupName: !Ref Group, FilterPattern: "", DestinationArn: !GetAtt Function.Arn}
  Permission: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref Function, Action: lambda:InvokeFunction, Principal: logs.amazonaws.com}}
  Topic: {Type: AWS::SNS::Topic}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!Ref Topic]}}
  Saved: {Type: AWS::Athena::NamedQuery, Properties: {Database: d, QueryString: SELECT 1}}
Outputs:
  Queue: {Value: !Ref Work}
`

func TestMessaging(t *testing.T) {
	here := account
	here.QueueURL = "http://127.0.0.1:4566"
	s, err := Load(write(t, messaging), nil, here)
	if err != nil {
		t.Fatal(err)
	}
	const queue, dead, function = "arn:aws:sqs:eu-west-1:000000000000:work", "arn:aws:sqs:eu-west-1:000000000000:hydrant-local-Dead", "arn:aws:lambda:eu-west-1:000000000000:function:hydrant-local-Function"
	if len(s.Queues) != 2 || len(s.Notifications) != 1 || len(s.Mappings) != 1 || len(s.Subscriptions) != 2 || len(s.Asyncs) != 1 {
		t.Fatalf("got %+v", s)
	}
	for what, pair := range map[string][2]any{
		"queue": {s.Queues[1].QueueConfig, sqs.QueueConfig{
			Name: "work", ARN: queue, Visibility: 30 * time.Minute, Retention: 14 * 24 * time.Hour, MaxMessageBytes: 1 << 20,
			DeadLetterARN: dead, MaxReceiveCount: 5,
		}},
		"queue with defaults":   {s.Queues[0].QueueConfig, sqs.QueueConfig{Name: "hydrant-local-Dead", ARN: dead, Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour, MaxMessageBytes: 1 << 20}},
		"notification":          {s.Notifications[0].Rule, notify.Rule{Bucket: "hydrant-local-bucket", QueueARN: queue, Event: "s3:ObjectCreated:*", Prefix: "errors/", Suffix: ".gz"}},
		"mapping":               {s.Mappings[0].Config, eventsource.Config{ID: "FunctionErrors", QueueARN: queue, FunctionARN: function, BatchSize: 10, Concurrency: 4, PartialFailures: true}},
		"subscription by SAM":   {s.Subscriptions[0].Config, subscription.Config{Name: "FunctionLog", LogGroup: "/delivery", FunctionARN: function}},
		"subscription filter":   {s.Subscriptions[1].Config, subscription.Config{Name: "hydrant-local-Filter", LogGroup: "/delivery", FunctionARN: function}},
		"asynchronous":          {s.Asyncs[0].Config, async.Config{FunctionARN: function, Retries: 1, MaxAge: time.Hour, OnFailureARN: dead}},
		"Ref of a queue":        {s.Functions[0].Environment["QUEUE_URL"], "http://127.0.0.1:4566/000000000000/work"},
		"QueueName of a queue":  {s.Functions[0].Environment["QUEUE_NAME"], "work"},
		"what the state shows":  {s.Resources["Work"], Resource{"AWS::SQS::Queue", "http://127.0.0.1:4566/000000000000/work", queue}},
		"Ref of a topic":        {s.Resources["Topic"].ID, "arn:aws:sns:eu-west-1:000000000000:hydrant-local-Topic"},
		"a function's defaults": {s.Functions[0].Timeout, 300 * time.Second},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: got %+v, want %+v", what, pair[0], pair[1])
		}
	}
}

// What SAM makes of a function's events and of its EventInvokeConfig is its alias's, if it has one.
func TestMessagingOfAnAlias(t *testing.T) {
	text := strings.Replace(messaging, "      CodeUri: .\n", "      CodeUri: .\n      AutoPublishAlias: live\n", 1)
	text = strings.Replace(text, "DestinationArn: !GetAtt Function.Arn", "DestinationArn: !Ref Function.Alias", 1)
	s, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	const function = "arn:aws:lambda:eu-west-1:000000000000:function:hydrant-local-Function"
	const dead = "arn:aws:sqs:eu-west-1:000000000000:hydrant-local-Dead"
	for _, called := range []string{s.Mappings[0].FunctionARN, s.Subscriptions[0].FunctionARN, s.Subscriptions[1].FunctionARN} {
		if called != function+":live" {
			t.Errorf("called is %s, not the alias", called)
		}
	}
	var got []async.Config
	for _, a := range s.Asyncs {
		got = append(got, a.Config)
	}
	if want := []async.Config{
		{FunctionARN: function + ":live", Retries: 1, MaxAge: time.Hour, OnFailureARN: dead},
		{FunctionARN: function, Retries: async.DefaultRetries, MaxAge: async.DefaultMaxAge},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("asynchronous invocations are %+v, want %+v", got, want)
	}
	_, err = load(t, strings.Replace(text, "!Ref Function.Alias", `!Sub "${Function.Arn}:other"`, 1))
	if err == nil || !strings.Contains(err.Error(), `:other", which is not in the template`) {
		t.Errorf("an alias that is not there: %v", err)
	}
}

func TestMessagingRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ old, text, want string }{
		"a FIFO queue":                          {"QueueName: work", "FifoQueue: true", "FifoQueue: not supported by the local runner"},
		"a delay of an hour":                    {"VisibilityTimeout: 1800", "DelaySeconds: 3600", "DelaySeconds: 1h0m0s is not within"},
		"a dead-letter queue elsewhere":         {"deadLetterTargetArn: !GetAtt Dead.Arn", "deadLetterTargetArn: arn:x", `dead-letter queue "arn:x" is not in the template`},
		"another bucket event":                  {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "not of s3:ObjectRemoved:*"},
		"a rule that is no filter":              {"Name: prefix", "Name: infix", `prefix or suffix, not "infix"`},
		"a notification of a function":          {"QueueConfigurations:", "LambdaConfigurations:", "LambdaConfigurations: not supported by the local runner"},
		"a queue elsewhere":                     {"Queue: !GetAtt Work.Arn\n            Filter", "Queue: arn:x\n            Filter", `notifies the queue "arn:x"`},
		"an event source elsewhere":             {"Queue: !GetAtt Work.Arn\n            BatchSize", "Queue: arn:x\n            BatchSize", `reads the queue "arn:x"`},
		"a batch of 11 without a window":        {"BatchSize: 10", "BatchSize: 11", "needs a MaximumBatchingWindowInSeconds"},
		"a concurrency of 1":                    {"MaximumConcurrency: 4", "MaximumConcurrency: 1", "between 2 and 1000, not 1"},
		"another response type":                 {"[ReportBatchItemFailures]", "[All]", "not All"},
		"a filter of messages":                  {"BatchSize: 10", "FilterCriteria: {}", "FilterCriteria: not supported by the local runner"},
		"another event":                         {"Type: CloudWatchLogs", "Type: Schedule", "types SQS and CloudWatchLogs, not Schedule"},
		"a pattern":                             {`FilterPattern: "", D`, `FilterPattern: ERROR, D`, "the empty FilterPattern alone"},
		"log events to a stream":                {"DestinationArn: !GetAtt Function.Arn", "DestinationArn: arn:aws:kinesis:x", "sends log events to functions"},
		"log events to a function elsewhere":    {"DestinationArn: !GetAtt Function.Arn", "DestinationArn: arn:aws:lambda:eu-west-1:000000000000:function:x", "is not in the template"},
		"three retries":                         {"MaximumRetryAttempts: 1", "MaximumRetryAttempts: 3", "between 0 and 2, not 3"},
		"a destination of another type":         {"Type: SQS, Destination: !GetAtt Dead.Arn", "Type: SNS, Destination: arn:x", "destination of the type SQS, not SNS"},
		"a destination elsewhere":               {"Type: SQS, Destination: !GetAtt Dead.Arn", "Type: SQS, Destination: arn:x", `failures go to the queue "arn:x"`},
		"a timeout shorter than the function's": {"VisibilityTimeout: 1800", "VisibilityTimeout: 299", "Lambda refuses that"},
		"a third filter of a group":             {"Outputs:", "  Third: {Type: AWS::Logs::SubscriptionFilter, Properties: {LogGroupName: /delivery, FilterPattern: '', DestinationArn: !GetAtt Function.Arn}}\nOutputs:", "may have two"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(messaging, tc.old) {
				t.Fatalf("the template has no %q", tc.old)
			}
			_, err := load(t, strings.Replace(messaging, tc.old, tc.text, 1))
			var fault *template.Error
			if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.As(err, &fault) {
				t.Errorf("got %v, want an error with its place that says %q", err, tc.want)
			}
		})
	}
}
