package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const smallTemplate = `{"parameters": {}, "resources": {
	"F": {"type": "AWS::Serverless::Function", "properties": {"MemorySize": "512", "Architectures": ["arm64"], "Tracing": "Active", "LoggingConfig": {"SystemLogLevel": "WARN"},
		"Events": {"Q": {"Type": "SQS"}}}},
	"A": {"type": "AWS::Serverless::Function", "properties": {"MemorySize": 256}},
	"D": {"type": "AWS::KinesisFirehose::DeliveryStream", "properties": {"ExtendedS3DestinationConfiguration": {
		"BufferingHints": {"SizeInMBs": "64", "IntervalInSeconds": "300"}, "S3BackupMode": "Enabled", "DataFormatConversionConfiguration": {"Enabled": "true"},
		"ProcessingConfiguration": {"Processors": [{"Type": "Lambda", "Parameters": [
			{"ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:eu-west-1:0:function:stack-F:live"},
			{"ParameterName": "BufferSizeInMBs", "ParameterValue": "0.5"}, {"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "0"}]}]}}}},
	"S": {"type": "AWS::Kinesis::Stream", "properties": {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": "3", "RetentionPeriodHours": "200", "StreamEncryption": {"EncryptionType": "KMS"}}},
	"Api": {"type": "AWS::Serverless::Api", "properties": {"TracingEnabled": "true", "MethodSettings": [{"LoggingLevel": "INFO"}], "AccessLogSetting": {"Format": "$context.status $context.error.responseType $context.extendedRequestId"},
		"DefinitionBody": {"components": {"securitySchemes": {"sigv4": {"type": "apiKey"}, "authorizer": {"x-amazon-apigateway-authorizer": {
			"authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:0:function:stack-A:live/invocations", "authorizerResultTtlInSeconds": "60"}}}}}}},
	"R": {"type": "AWS::XRay::SamplingRule", "properties": {"SamplingRule": {"Priority": "100", "ServiceType": "*", "FixedRate": "0.01", "ReservoirSize": "2"}}},
	"R2": {"type": "AWS::XRay::SamplingRule", "properties": {"SamplingRule": {"Priority": 10, "ServiceType": "AWS::ApiGateway::Stage", "FixedRate": 0, "ReservoirSize": 1}}},
	"Slow": {"type": "AWS::CloudWatch::Alarm", "properties": {"Period": "60"}},
	"Fast": {"type": "AWS::CloudWatch::Alarm", "properties": {"Period": "10"}},
	"Share": {"type": "AWS::CloudWatch::Alarm", "properties": {"Metrics": [{"Expression": "a/b"}, {"MetricStat": {"Period": "300"}}, {"MetricStat": {"Period": "300"}}]}},
	"All": {"type": "AWS::CloudWatch::CompositeAlarm", "properties": {}},
	"Board": {"type": "AWS::CloudWatch::Dashboard", "properties": {}},
	"Filter": {"type": "AWS::Logs::MetricFilter", "properties": {"MetricTransformations": [{}, {}]}},
	"Log": {"type": "AWS::Logs::LogGroup", "properties": {"RetentionInDays": "90"}},
	"Key": {"type": "AWS::KMS::Key", "properties": {}},
	"Secret": {"type": "AWS::SecretsManager::Secret", "properties": {}}}}`

func TestReadStack(t *testing.T) {
	var r resolved
	if err := json.Unmarshal([]byte(smallTemplate), &r); err != nil {
		t.Fatal(err)
	}
	got, err := readStack(&r)
	if err != nil {
		t.Fatal(err)
	}
	if got.authorizer == nil || *got.authorizer != (function{id: "A", memory: 0.25, architecture: "lambda.x86_64", platformLog: true, sampling: sampling{2, 0.01}}) {
		t.Errorf("the authorizer is %+v", got.authorizer)
	}
	got.authorizer = nil
	want := stack{
		ownStream: true, shards: 3, retention: 200, keyUsers: 2, conversion: true,
		transform:   function{id: "F", memory: 0.5, architecture: "lambda.arm64", traced: true, sampling: sampling{2, 0.01}},
		bufferBytes: 0.5 * 1048576, bufferSeconds: 1, delivery: 300, deliveryBytes: 64 * 1048576, sourceBackup: true,
		accessLine: len("200 200 DKLr9HzXoAMEsHQ="), executionLog: true, apiTraced: true, apiSampling: sampling{1, 0}, authorizerTTL: 60, logDays: 90,
		alarmMetrics: 3, fastAlarmMetrics: 1, compositeAlarms: 1, dashboards: 1, metricFilters: 2, polledQueues: 1, keys: 1, secrets: 1,
	}
	if *got != want {
		t.Errorf("the stack is\n%+v, want\n%+v", *got, want)
	}
	lines := (&model{got, usEast(t), 1e6}).bill(shape{1024, 1, 1})
	for _, what := range []string{"API Gateway's own log", "retention beyond 7 days", "traces of requests", "alarms with periods below a minute", "composite alarms", "dashboards", "metrics of log filters", "keys", "secrets"} {
		found := 0.
		for _, l := range lines {
			if l.what == what {
				found = l.fixed + l.perMillion
			}
		}
		if found == 0 {
			t.Errorf("the bill has no %s", what)
		}
	}
}

func TestReadStackMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"no delivery stream":      {"AWS::KinesisFirehose::DeliveryStream", "AWS::Other", "no delivery stream with a transform"},
		"no function of that ARN": {"function:stack-F:live", "function:stack-G", "no delivery stream with a transform"},
		"no hints":                {`"BufferingHints": {"SizeInMBs": "64", "IntervalInSeconds": "300"}`, `"BufferingHints": {}`, "no BufferingHints"},
		"no number":               {`"ShardCount": "3"`, `"ShardCount": "three"`, "S: "},
		"no truth":                {`"TracingEnabled": "true"`, `"TracingEnabled": "perhaps"`, "Api: "},
	} {
		var r resolved
		if err := json.Unmarshal([]byte(strings.Replace(smallTemplate, tc.from, tc.to, 1)), &r); err != nil {
			t.Fatal(err)
		}
		if _, err := readStack(&r); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, tc.want)
		}
	}
}
