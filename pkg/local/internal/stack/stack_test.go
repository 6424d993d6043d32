package stack

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/internal/firehose"
	"hydrant/pkg/local/internal/kinesis"
	"hydrant/pkg/local/internal/template"
)

var account = Account{ID: "000000000000", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "hydrant-local"}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string) (*Stack, error) {
	t.Helper()
	return Load(write(t, text), nil, account)
}

func TestTheTemplateOfThisProject(t *testing.T) {
	s, err := Load("../../../../template.yaml", map[string]string{
		"Authorization": "NONE", "StreamMode": "PROVISIONED", "ShardCount": "64", "RetentionHours": "48", "DeliverySeconds": "90",
		"TransformBufferMB": "0.25", "TransformRetries": "7", "TransformMemory": "512", "TransformTimeout": "30",
	}, account)
	if err != nil {
		t.Fatal(err)
	}
	if want := []kinesis.StreamConfig{{Name: "hydrant-local-Stream", Mode: "PROVISIONED", Shards: 64, Retention: 48 * time.Hour}}; !reflect.DeepEqual(s.Streams, want) {
		t.Errorf("got the streams %+v, want %+v", s.Streams, want)
	}
	if len(s.Deliveries) != 1 || len(s.Functions) != 2 || len(s.Tables) != 3 || s.API == nil {
		t.Fatalf("got %d delivery streams, %d functions, %d tables, API %v", len(s.Deliveries), len(s.Functions), len(s.Tables), s.API)
	}
	if len(s.Queues) != 2 || len(s.Notifications) != 1 || len(s.Mappings) != 1 || len(s.Subscriptions) != 1 || len(s.Asyncs) != 4 {
		t.Fatalf("got %d queues, %d notifications, %d event source mappings, %d subscriptions, %d asynchronous invocations",
			len(s.Queues), len(s.Notifications), len(s.Mappings), len(s.Subscriptions), len(s.Asyncs))
	}
	const queue, dead, dlq = "arn:aws:sqs:eu-west-1:000000000000:hydrant-local-DlqQueue",
		"arn:aws:sqs:eu-west-1:000000000000:hydrant-local-DlqDeadLetterQueue", "arn:aws:lambda:eu-west-1:000000000000:function:hydrant-local-DlqFunction:live"
	d, f, table := s.Deliveries[0], s.Functions[0], s.Tables[0]
	for what, pair := range map[string][2]any{
		"delivery buffer":     {d.BufferBytes, 128 << 20},
		"delivery interval":   {d.BufferInterval, 90 * time.Second},
		"transform buffer":    {d.Transform.BufferBytes, 256 << 10},
		"transform interval":  {d.Transform.BufferInterval, 10 * time.Second},
		"transform retries":   {d.Transform.Retries, 7},
		"transform function":  {d.Transform.FunctionARN, "arn:aws:lambda:eu-west-1:000000000000:function:hydrant-local-TransformFunction:live"},
		"source":              {d.StreamARN, "arn:aws:kinesis:eu-west-1:000000000000:stream/hydrant-local-Stream"},
		"bucket":              {d.Bucket, "hydrant-local-bucket"},
		"error log":           {d.LogGroup + " " + d.LogStream, "/hydrant/hydrant-local/delivery DestinationDelivery"},
		"exact letter case":   {d.Convert.Parquet.CaseInsensitive, false},
		"compression":         {d.Convert.Parquet.Compression, "SNAPPY"},
		"converted by":        {d.Convert.Table(), table},
		"table":               {table.Database + "." + table.Name + " " + table.Location, "hydrant.events s3://hydrant-local-bucket/events/"},
		"partitions":          {len(table.PartitionKeys), 2},
		"function's timeout":  {f.Timeout, 30 * time.Second},
		"function's memory":   {f.MemoryMB, 512},
		"function's log":      {f.LogGroup + " " + f.LogFormat, "/hydrant/hydrant-local/transform JSON"},
		"stage":               {s.API.Stage, "v1"},
		"access log":          {s.API.AccessLogGroup, "/hydrant/hydrant-local/api"},
		"stream of the stage": {s.API.StageVariables["stream"], "hydrant-local-Stream"},
		"Ref of a policy":     {s.Resources["BucketPolicy"].ID, "hydrant-local-bucket"},
		"failures go to":      {s.Asyncs[2].FunctionARN + " " + s.Asyncs[2].OnFailureARN, dlq + " " + dead},
		"dlq reads":           {s.Mappings[0].QueueARN, queue},
		"dlq's batches":       {s.Mappings[0].FunctionARN, dlq},
		"error log goes to":   {s.Subscriptions[0].LogGroup + " " + s.Subscriptions[0].FunctionARN, d.LogGroup + " " + dlq},
		"notified of":         {s.Notifications[0].Prefix + " " + s.Notifications[0].QueueARN, "errors/ " + queue},
		"quarantine":          {s.Table("", "quarantine").Location, "s3://hydrant-local-bucket/quarantine/"},
		"ARN of a role":       {s.Resources["IngestRole"].ARN, "arn:aws:iam::000000000000:role/hydrant-local-IngestRole"},
		"found by its name":   {s.Table("", "events"), table},
		"found by its id":     {s.Table("", "EventsTable"), table},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if other := s.Table("another", "events"); other != nil {
		t.Errorf("got %v for a table of another database", other)
	}
}

// delivery is a template with a delivery stream: what is put behind it is of the destination.
const delivery = `
Resources:
  Stream: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Bucket: {Type: AWS::S3::Bucket}
  Delivery:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamType: KinesisStreamAsSource
      KinesisStreamSourceConfiguration: {KinesisStreamARN: !GetAtt Stream.Arn, RoleARN: r}
      ExtendedS3DestinationConfiguration:
        BucketARN: !GetAtt Bucket.Arn
        RoleARN: r
`

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a type it does not know": {
			"Resources:\n  Items: {Type: AWS::DynamoDB::Table}", "t.yaml:2:3: Items: the local runner does not support resources of the type AWS::DynamoDB::Table",
		},
		"a property it does not know": {
			"Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      ReplicationConfiguration: {}", "t.yaml:5:7: B.Properties.ReplicationConfiguration: not supported by the local runner",
		},
		"an attribute it does not know": {
			"Resources:\n  B: {Type: AWS::S3::Bucket}\n  S: {Type: AWS::Kinesis::Stream, Properties: {Name: !GetAtt B.WebsiteURL}}", "t.yaml:3:",
		},
		"a runtime it cannot run": {
			"Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: ., Handler: h, Runtime: python3.12}", "runs provided.al2023 and provided.al2, not python3.12",
		},
		"a function that it cannot build": {
			"Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: ., Handler: h, Runtime: provided.al2023}", "BuildMethod: makefile",
		},
		"a second API": {
			"Transform: AWS::Serverless-2016-10-31\nResources:\n  A: &a\n    Type: AWS::Serverless::Api\n    Properties: {StageName: s, DefinitionBody: {openapi: 3.0.1}}\n  B: *a", "serves one API; A is another",
		},
		"a column type it cannot write": {
			"Resources:\n  T:\n    Type: AWS::Glue::Table\n    Properties:\n      DatabaseName: d\n      TableInput:\n        StorageDescriptor:\n          Columns:\n            - {Name: a, Type: binary}", `t.yaml:9:`,
		},
		"a source of another Region":   {strings.Replace(delivery, "!GetAtt Stream.Arn", "arn:aws:kinesis:us-east-1:000000000000:stream/other", 1), `neither in the template nor in this account and Region (000000000000, eu-west-1)`},
		"a source without a name":      {strings.Replace(delivery, "!GetAtt Stream.Arn", "arn:aws:kinesis:eu-west-1:000000000000:stream/", 1), "neither in the template nor in this account"},
		"a bucket that is not there":   {strings.Replace(delivery, "!GetAtt Bucket.Arn", "arn:aws:s3:::other", 1), `delivers to the bucket "other", which is not in the template`},
		"direct put":                   {strings.Replace(delivery, "KinesisStreamAsSource", "DirectPut", 1), "supports KinesisStreamAsSource, not DirectPut"},
		"a function that is not there": {delivery + "        ProcessingConfiguration: {Enabled: true, Processors: [{Type: Lambda, Parameters: [{ParameterName: LambdaArn, ParameterValue: arn:f}]}]}\n", `calls the function "arn:f", which is not in the template`},
		"another processor":            {delivery + "        ProcessingConfiguration: {Enabled: true, Processors: [{Type: Decompression}]}\n", "one processor, of the type Lambda"},
		"no function":                  {delivery + "        ProcessingConfiguration: {Enabled: true, Processors: [{Type: Lambda}]}\n", "the processor has no LambdaArn"},
		"a parameter it does not know": {delivery + "        ProcessingConfiguration: {Enabled: true, Processors: [{Type: Lambda, Parameters: [{ParameterName: Speed, ParameterValue: 1}]}]}\n", "does not know the processor's parameter Speed"},
		"a number that is none":        {delivery + "        ProcessingConfiguration: {Enabled: true, Processors: [{Type: Lambda, Parameters: [{ParameterName: BufferSizeInMBs, ParameterValue: much}]}]}\n", `BufferSizeInMBs must be a number, not "much"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			var fault *template.Error
			if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.As(err, &fault) {
				t.Errorf("got %v, want an error with its place that says %q", err, tc.want)
			}
		})
	}
	if s, err := load(t, delivery); err != nil || s.Deliveries[0].BufferInterval != 300*time.Second {
		t.Errorf("the sound form of these: %v", err)
	}
}

func TestAStreamThatExistsIsMade(t *testing.T) {
	s, err := Load("../../../../template.yaml", map[string]string{"ExistingStreamName": "events.existing", "StreamMode": "PROVISIONED"}, account)
	if err != nil {
		t.Fatal(err)
	}
	if want := []kinesis.StreamConfig{{Name: "events.existing", Mode: "ON_DEMAND"}}; !reflect.DeepEqual(s.Streams, want) || !reflect.DeepEqual(s.Existing, []string{"events.existing"}) {
		t.Errorf("got the streams %+v, of which %v exist", s.Streams, s.Existing)
	}
	const arn = "arn:aws:kinesis:eu-west-1:000000000000:stream/events.existing"
	if got := s.Resources["events.existing"]; got != (Resource{"AWS::Kinesis::Stream", "events.existing", arn}) || s.Deliveries[0].StreamARN != arn {
		t.Errorf("got the resource %+v, and Firehose reads %s", got, s.Deliveries[0].StreamARN)
	}
	if _, made := s.Resources["Stream"]; made {
		t.Error("the stack's own stream is made, too")
	}
	if s, err = Load("../../../../template.yaml", map[string]string{"ExistingStreamName": "Bucket"}, account); err != nil {
		t.Fatal(err)
	}
	if s.Resources["Bucket"].Type != "AWS::S3::Bucket" || s.Resources["arn:aws:kinesis:eu-west-1:000000000000:stream/Bucket"].ID != "Bucket" {
		t.Errorf("a stream that is called like a resource: %v", s.Resources)
	}
}

func TestSourceBackup(t *testing.T) {
	s, err := Load("../../../../template.yaml", map[string]string{"SourceBackup": "Enabled"}, account)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Deliveries[0]
	want := firehose.Config{
		Name: d.Name, ARN: d.ARN, StreamARN: d.StreamARN, StreamName: d.StreamName, Region: d.Region, AccountID: d.AccountID,
		BufferBytes: 128 << 20, BufferInterval: 300 * time.Second, Bucket: "hydrant-local-bucket", Prefix: "source/", Compression: "GZIP",
		LogGroup: d.LogGroup, LogStream: "BackupDelivery",
	}
	if !reflect.DeepEqual(*d.Backup, want) {
		t.Errorf("got the backup %+v, want %+v", *d.Backup, want)
	}
	const text = delivery + `        S3BackupMode: Enabled
        S3BackupConfiguration: {BucketARN: !GetAtt Bucket.Arn, RoleARN: r, BufferingHints: {SizeInMBs: 1, IntervalInSeconds: 60}}
`
	if s, err = load(t, text); err != nil || s.Deliveries[0].Backup.BufferInterval != time.Minute {
		t.Fatalf("the sound form of these: %v", err)
	}
	for change, refused := range map[[2]string]string{
		{"S3BackupMode: Enabled", "S3BackupMode: FailedDataOnly"}:                                                                                   "t.yaml:13:",
		{"IntervalInSeconds: 60", "IntervalInSeconds: 0"}:                                                                                           "IntervalInSeconds is 60 at least",
		{"S3BackupConfiguration: {BucketARN: !GetAtt Bucket.Arn", "S3BackupConfiguration: {BucketARN: arn:aws:s3:::other"}:                          `backs up to the bucket "other"`,
		{"        S3BackupConfiguration: {BucketARN: !GetAtt Bucket.Arn, RoleARN: r, BufferingHints: {SizeInMBs: 1, IntervalInSeconds: 60}}\n", ""}: "there is no S3BackupConfiguration",
	} {
		if _, err := load(t, strings.Replace(text, change[0], change[1], 1)); err == nil || !strings.Contains(err.Error(), refused) {
			t.Errorf("%s: got %v, want %q", change[1], err, refused)
		}
	}
	off, err := load(t, strings.Replace(text, "S3BackupMode: Enabled", "S3BackupMode: Disabled", 1))
	if err != nil || off.Deliveries[0].Backup != nil {
		t.Errorf("Disabled: %v, %v", off.Deliveries[0].Backup, err)
	}
}
