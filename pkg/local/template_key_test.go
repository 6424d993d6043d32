package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/template"
)

// stores are the types of resources that keep something of what was sent, and where each says which KMS key encrypts it.
var stores = map[string][]string{
	"AWS::Kinesis::Stream":        {"StreamEncryption", "KeyId"},
	"AWS::S3::Bucket":             {"BucketEncryption", "ServerSideEncryptionConfiguration", "ServerSideEncryptionByDefault", "KMSMasterKeyID"},
	"AWS::SQS::Queue":             {"KmsMasterKeyId"},
	"AWS::Logs::LogGroup":         {"KmsKeyId"},
	"AWS::Athena::WorkGroup":      {"WorkGroupConfiguration", "ResultConfiguration", "EncryptionConfiguration", "KmsKey"},
	"AWS::SecretsManager::Secret": {"KmsKeyId"},
}

// storeless are the types that keep nothing, or nothing that a key of the account's can be given for.
var storeless = []string{
	"AWS::ApiGateway::Account", "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey", "AWS::Athena::NamedQuery",
	// Settings of the functions: names and numbers, as in their environments.
	"AWS::AppConfig::Application", "AWS::AppConfig::ConfigurationProfile", "AWS::AppConfig::HostedConfigurationVersion",
	"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role",
	"AWS::KinesisFirehose::DeliveryStream", "AWS::Lambda::Permission", "AWS::Logs::LogStream", "AWS::Logs::QueryDefinition", "AWS::Logs::SubscriptionFilter",
	"AWS::S3::BucketPolicy", "AWS::Scheduler::Schedule", "AWS::SQS::QueuePolicy", "AWS::Serverless::Api", "AWS::Serverless::Function", "AWS::WAFv2::WebACLAssociation",
	"AWS::XRay::SamplingRule",
}

// keyUse is what a caller of a service's action needs to be allowed of the key that encrypts the service's store: "Permissions to use user-generated KMS
// keys" (Kinesis), "Configuring AWS KMS permissions" (SQS: a data key is looked at before it is used again), "Using server-side encryption with AWS KMS
// keys" (S3, whose multipart uploads read what they wrote), "Secret encryption and decryption" (Secrets Manager).
var keyUse = map[string][]string{
	"kinesis:PutRecord": {"kms:GenerateDataKey"}, "kinesis:PutRecords": {"kms:GenerateDataKey"}, "kinesis:GetRecords": {"kms:Decrypt"},
	"s3:PutObject": {"kms:GenerateDataKey", "kms:Decrypt"}, "s3:GetObject": {"kms:Decrypt"},
	"sqs:SendMessage": {"kms:GenerateDataKey", "kms:Decrypt"}, "sqs:ReceiveMessage": {"kms:Decrypt"},
	"secretsmanager:GetSecretValue": {"kms:Decrypt"},
}

var keyRules = map[string]rule{
	"with a key everything is encrypted by it, and without one by AWS's": {
		why: "whoever gives a key has to answer for all of the data",
		fix: "name KmsKeyArn by UseKey in every store; a type that stores nothing belongs into storeless",
		check: func(s *stack) (faults []string) {
			key := s.parameters["KmsKeyArn"]
			for _, r := range s.Resources {
				where, isStore := stores[r.Type]
				if !isStore && !slices.Contains(storeless, r.Type) {
					faults = append(faults, r.LogicalID+": does a "+r.Type+" store anything?")
				}
				if !isStore {
					continue
				}
				got, want := text(first(r.Properties, where[:len(where)-1]...), where[len(where)-1]), key
				if key == "" && r.Type == "AWS::Kinesis::Stream" {
					want = "alias/aws/kinesis"
				}
				if got != want || got == "" && at(first(r.Properties, where[:len(where)-1]...), where[len(where)-1]) != nil {
					faults = append(faults, fmt.Sprintf("%s: its key is %q, not %q", r.LogicalID, got, want))
				}
				switch r.Type {
				case "AWS::S3::Bucket":
					algorithm := text(first(r.Properties, where[:len(where)-1]...), "SSEAlgorithm")
					bucketKey := text(first(r.Properties, where[:2]...), "BucketKeyEnabled")
					if key == "" && (algorithm != "AES256" || bucketKey != "") || key != "" && (algorithm != "aws:kms" || bucketKey != "true") {
						faults = append(faults, fmt.Sprintf("%s: is encrypted with %s, bucket key %q", r.LogicalID, algorithm, bucketKey))
					}
				case "AWS::Athena::WorkGroup":
					option := text(first(r.Properties, where[:len(where)-1]...), "EncryptionOption")
					if want := map[bool]string{true: "SSE_S3", false: "SSE_KMS"}[key == ""]; option != want {
						faults = append(faults, fmt.Sprintf("%s: its notes are encrypted by %s, not %s", r.LogicalID, option, want))
					}
				case "AWS::SQS::Queue":
					if (text(r.Properties, "SqsManagedSseEnabled") == "true") != (key == "") {
						faults = append(faults, r.LogicalID+": has both keys, or none")
					}
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"!If [UseKey, !Ref KmsKeyArn, alias/aws/kinesis]", "alias/aws/kinesis"},
			{"!If [UseKey, {SSEAlgorithm: aws:kms, KMSMasterKeyID: !Ref KmsKeyArn}, {SSEAlgorithm: AES256}]", "!If [UseKey, {SSEAlgorithm: aws:kms}, {SSEAlgorithm: AES256}]"},
			{"            BucketKeyEnabled: !If [UseKey, true, !Ref AWS::NoValue]\n", ""},
			{"      SqsManagedSseEnabled: !If [UseKey, !Ref AWS::NoValue, true]\n", "      SqsManagedSseEnabled: true\n"},
			{"      SqsManagedSseEnabled: !If [UseKey, !Ref AWS::NoValue, true]\n", ""},
			{"      KmsMasterKeyId: !If [UseKey, !Ref KmsKeyArn, !Ref AWS::NoValue]\n", ""},
			{"      KmsKeyId: !If [UseKey, !Ref KmsKeyArn, !Ref AWS::NoValue]\n", ""},
			{"      KmsKeyId: !If [UseKey, !Ref KmsKeyArn, !Ref AWS::NoValue]\n", "      KmsKeyId: !Ref KmsKeyArn\n"},
			{"    Type: AWS::Logs::LogStream\n", "    Type: AWS::SNS::Topic\n"},
			{"{EncryptionOption: SSE_KMS, KmsKey: !Ref KmsKeyArn}", "{EncryptionOption: SSE_KMS}"},
			{"EncryptionConfiguration: !If [UseKey, {EncryptionOption: SSE_KMS, KmsKey: !Ref KmsKeyArn}, {EncryptionOption: SSE_S3}]", "EncryptionConfiguration: {EncryptionOption: SSE_S3}"},
		},
	},
	"a role may use the key for what it does, and for nothing else": {
		why: "without a grant the store refuses it, at the first event; with one too many it reads what it has no business with",
		fix: "in the role's policy use-key the actions of keyUse, on KmsKeyArn, via the service",
		check: func(s *stack) (faults []string) {
			got, want := map[string]bool{}, map[string]bool{}
			for where, statement := range statements(s.Resolved) {
				if text(statement, "Effect") == "Deny" || at(statement, "Principal") != nil {
					continue
				}
				for _, action := range items(at(statement, "Action")) {
					if strings.HasPrefix(action.Text, "kms:") {
						if text(statement, "Resource") != s.parameters["KmsKeyArn"] {
							faults = append(faults, where+": "+action.Text+" on "+jsonOf(at(statement, "Resource")))
						}
						for _, service := range items(at(statement, "Condition", "StringEquals", "kms:ViaService")) {
							got[where+" "+action.Text+" "+service.Text] = true
						}
						if at(statement, "Condition", "StringEquals", "kms:ViaService") == nil {
							faults = append(faults, where+": "+action.Text+" by itself, not through a service")
						}
					}
					service, _, _ := strings.Cut(action.Text, ":")
					for _, use := range keyUse[action.Text] {
						want[where+" "+use+" "+service+".eu-west-1.amazonaws.com"] = s.parameters["KmsKeyArn"] != ""
					}
				}
			}
			for grant, needed := range want {
				if needed && !got[grant] {
					faults = append(faults, "missing: "+grant)
				}
			}
			for grant := range got {
				if !want[grant] {
					faults = append(faults, "needless: "+grant)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"                  Action: kms:GenerateDataKey\n", "                  Action: [kms:GenerateDataKey, kms:Decrypt]\n"},
			{"                  Action: [kms:GenerateDataKey, kms:Decrypt]\n", "                  Action: kms:GenerateDataKey\n"},
			{`, !Sub "sqs.${AWS::Region}.amazonaws.com"]`, "]"},
			{`                  Condition: {StringEquals: {kms:ViaService: !Sub "secretsmanager.${AWS::Region}.amazonaws.com"}}` + "\n", ""},
			{"                  Resource: !Ref KmsKeyArn\n", "                  Resource: !Sub arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*\n"},
			{"          - UseKey\n          - PolicyName: use-key", "          - UseIam\n          - PolicyName: use-key"},
			{"          - UseTokensKey\n", "          - UseKey\n"},
		},
	},
}

// first is at, with the first item of each list on the way.
func first(v *template.Value, path ...string) *template.Value {
	for _, name := range path {
		if v = v.Get(name); v != nil && v.Kind == template.List {
			v = v.Items[0]
		}
	}
	return v
}

// TestKeyPolicyInTheDocs holds the key policy of docs/operate.md against the template: it has to let in the services that use the key in nobody's
// name, for this stack's things, and leave the roles to their own policies.
func TestKeyPolicyInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "\n```json\n{\n  \"Version\"")
	block, _, found := strings.Cut(after, "\n```\n")
	if !found {
		t.Fatal("docs/operate.md has no policy")
	}
	type condition map[string]map[string]string
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect, Resource string
			Principal             map[string]string
			Action                any
			Condition             condition
		}
	}
	if err := json.Unmarshal([]byte("{\"Version\""+block), &policy); err != nil {
		t.Fatal(err)
	}
	type grant struct {
		actions   string
		condition condition
	}
	got := map[string]grant{}
	for _, s := range policy.Statement {
		if len(s.Principal) != 1 || s.Effect != "Allow" || s.Resource != "*" { // in a key policy "*" is the key
			t.Errorf("%s: %+v", s.Sid, s)
		}
		got[s.Principal["Service"]+s.Principal["AWS"]] = grant{fmt.Sprint(s.Action), s.Condition}
	}
	want := map[string]string{
		"arn:aws:iam::111122223333:root": "kms:*",
		"logs.eu-west-1.amazonaws.com":   "[kms:Encrypt kms:Decrypt kms:ReEncrypt* kms:GenerateDataKey* kms:DescribeKey]",
		"s3.amazonaws.com":               "[kms:GenerateDataKey kms:Decrypt]",
	}
	for principal, actions := range want {
		if got[principal].actions != actions {
			t.Errorf("%s may %s, not %s", principal, got[principal].actions, actions)
		}
	}
	if len(got) != len(want) || policy.Version != "2012-10-17" {
		t.Errorf("the policy is %+v", policy)
	}
	if got := got["s3.amazonaws.com"].condition; fmt.Sprint(got) != "map[StringEquals:map[aws:SourceAccount:111122223333]]" {
		t.Errorf("s3.amazonaws.com may use the key with %v", got)
	}
	pattern := got["logs.eu-west-1.amazonaws.com"].condition["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
	for s := range allStacks(t, source(t)) {
		for _, group := range ofType(s.Resolved, "AWS::Logs::LogGroup") {
			arn := "arn:aws:logs:eu-west-1:111122223333:log-group:" + text(group.Properties, "LogGroupName")
			// A star of ArnLike goes over slashes, that of path.Match does not.
			if ok, err := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(arn, "/", "|")); !ok || err != nil {
				t.Fatalf("the policy's %s does not take in %s", pattern, arn)
			}
		}
		for _, queue := range ofType(s.Resolved, "AWS::SNS::Topic") {
			t.Fatalf("%s is a topic: which services may use the key to send to it?", queue.LogicalID)
		}
	}
}
