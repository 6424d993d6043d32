package kinesis

import (
	"fmt"
	"strings"
	"testing"
)

// The texts are AWS's; those of the size limits leave out the value, as the service does for data.
func TestValidation(t *testing.T) {
	s := newService(t)
	const (
		one   = "1 validation error detected: "
		isReq = " failed to satisfy constraint: Member must not be null"
		re    = " failed to satisfy constraint: Member must satisfy regular expression pattern: "
		short = " failed to satisfy constraint: Member must have length greater than or equal to "
		long  = " failed to satisfy constraint: Member must have length less than or equal to "
	)
	put := func(members string) string { return `{"StreamName":"events","Data":"eA==",` + members + `}` }
	batch := func(entries ...string) string {
		return `{"StreamName":"events","Records":[` + strings.Join(entries, ",") + `]}`
	}
	big := b64(strings.Repeat("x", 1<<20))
	for name, tc := range map[string]struct{ action, body, kind, message string }{
		"an empty key":                   {"PutRecord", put(`"PartitionKey":""`), "ValidationException", one + "Value '' at 'partitionKey'" + short + "1"},
		"a key of 257 characters":        {"PutRecord", put(`"PartitionKey":"` + strings.Repeat("é", 257) + `"`), "ValidationException", one + "Value '" + strings.Repeat("é", 257) + "' at 'partitionKey'" + long + "256"},
		"no key":                         {"PutRecord", put(`"PartitionKey":null`), "ValidationException", one + "Value null at 'partitionKey'" + isReq},
		"no data":                        {"PutRecord", `{"StreamName":"events","PartitionKey":"k"}`, "ValidationException", one + "Value null at 'data'" + isReq},
		"neither":                        {"PutRecord", `{"StreamName":"events"}`, "ValidationException", "2 validation errors detected: Value null at 'data'" + isReq + "; Value null at 'partitionKey'" + isReq},
		"a negative hash":                {"PutRecord", put(`"PartitionKey":"k","ExplicitHashKey":"-1"`), "ValidationException", one + "Value '-1' at 'explicitHashKey'" + re + `^(0|([1-9]\d{0,38}))$`},
		"a hash of 40 digits":            {"PutRecord", put(`"PartitionKey":"k","ExplicitHashKey":"` + strings.Repeat("1", 40) + `"`), "ValidationException", one + "Value '" + strings.Repeat("1", 40) + "' at 'explicitHashKey'" + re + `^(0|([1-9]\d{0,38}))$`},
		"a hash of 2^128":                {"PutRecord", put(`"PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211456"`), "InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456"},
		"an ordering that is no number":  {"PutRecord", put(`"PartitionKey":"k","SequenceNumberForOrdering":"xyz"`), "ValidationException", one + "Value 'xyz' at 'sequenceNumberForOrdering'" + re + `^(0|([1-9]\d{0,128}))$`},
		"a record over 1 MiB":            {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"` + big + `"}`, "ValidationException", one + "Value at 'data'" + long + "1048576"},
		"an unknown stream":              {"PutRecord", `{"StreamName":"other","PartitionKey":"k","Data":""}`, "ResourceNotFoundException", "Stream other under account 000000000000 not found."},
		"another account":                {"PutRecord", `{"StreamARN":"arn:aws:kinesis:eu-west-1:111111111111:stream/events","PartitionKey":"k","Data":""}`, "ResourceNotFoundException", "Stream events under account 111111111111 not found."},
		"another region":                 {"PutRecord", `{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/events","PartitionKey":"k","Data":""}`, "ResourceNotFoundException", "Stream events under account 000000000000 not found."},
		"no stream":                      {"PutRecord", `{"PartitionKey":"k","Data":""}`, "InvalidArgumentException", "Either StreamName or StreamARN must be provided."},
		"name and ARN that differ":       {"PutRecord", `{"StreamName":"other","StreamARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/events","PartitionKey":"k","Data":""}`, "InvalidArgumentException", "StreamName other and StreamARN arn:aws:kinesis:eu-west-1:000000000000:stream/events do not name the same stream."},
		"an ARN that is none":            {"PutRecord", `{"StreamARN":"events","PartitionKey":"k","Data":""}`, "ValidationException", one + "Value 'events' at 'streamARN'" + re + `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`},
		"a name with a space":            {"PutRecord", `{"StreamName":"a b","PartitionKey":"k","Data":""}`, "ValidationException", one + "Value 'a b' at 'streamName'" + re + `[a-zA-Z0-9_.-]+`},
		"a dry run":                      {"PutRecord", put(`"PartitionKey":"k","DryRun":true`), "InvalidArgumentException", "DryRun is not supported by the local runner."},
		"no body":                        {"PutRecord", ``, "SerializationException", "The request is not valid JSON."},
		"a list":                         {"PutRecord", `[]`, "SerializationException", `The value at "" can not be converted to a structure.`},
		"half an object":                 {"PutRecord", `{"StreamName":"events"`, "SerializationException", "The request is not valid JSON."},
		"two objects":                    {"PutRecord", put(`"PartitionKey":"k"`) + "{}", "SerializationException", "The request is not one JSON object."},
		"a member twice":                 {"PutRecord", put(`"PartitionKey":"k","PartitionKey":"l"`), "SerializationException", "The request is not valid JSON."},
		"a key that is a number":         {"PutRecord", put(`"PartitionKey":1`), "SerializationException", `The value at "/PartitionKey" can not be converted to a string.`},
		"data that is no base64":         {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"%"}`, "SerializationException", "A blob is not valid base64."},
		"an empty batch":                 {"PutRecords", batch(), "ValidationException", one + "Value '[]' at 'records'" + short + "1"},
		"no batch":                       {"PutRecords", `{"StreamName":"events"}`, "ValidationException", one + "Value null at 'records'" + isReq},
		"501 records":                    {"PutRecords", batch(repeat(501, `{"Data":"","PartitionKey":"k"}`)...), "ValidationException", one + "Value at 'records'" + long + "500"},
		"a batch's second entry":         {"PutRecords", batch(`{"Data":"eA==","PartitionKey":"k"}`, `{"Data":"eA==","PartitionKey":""}`), "ValidationException", one + "Value '' at 'records.2.member.partitionKey'" + short + "1"},
		"a batch's oversized entry":      {"PutRecords", batch(`{"Data":"` + big + `","PartitionKey":"k"}`), "ValidationException", one + "Value at 'records.1.member.data'" + long + "1048576"},
		"a batch's entry without data":   {"PutRecords", batch(`null`), "ValidationException", "2 validation errors detected: Value null at 'records.1.member.data'" + isReq + "; Value null at 'records.1.member.partitionKey'" + isReq},
		"a batch over 10 MiB":            {"PutRecords", batch(repeat(11, `{"Data":"`+b64(strings.Repeat("x", 1<<20-1))+`","PartitionKey":"k"}`)...), "InvalidArgumentException", "Records size exceeds 10 MB limit"},
		"a batch's hash of 2^128":        {"PutRecords", batch(`{"Data":"","PartitionKey":"k","ExplicitHashKey":"999999999999999999999999999999999999999"}`), "InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 999999999999999999999999999999999999999"},
		"a batch that is an object":      {"PutRecords", `{"StreamName":"events","Records":{}}`, "SerializationException", `The value at "/Records" can not be converted to a list.`},
		"an unknown iterator type":       {"GetShardIterator", `{"StreamName":"events","ShardId":"shardId-000000000000","ShardIteratorType":"FIRST"}`, "ValidationException", one + "Value 'FIRST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, AT_SEQUENCE_NUMBER, AT_TIMESTAMP, LATEST, TRIM_HORIZON]"},
		"an unknown shard":               {"GetShardIterator", `{"StreamName":"events","ShardId":"shardId-000000000009","ShardIteratorType":"LATEST"}`, "ResourceNotFoundException", "Shard shardId-000000000009 in stream events under account 000000000000 does not exist"},
		"nothing to iterate":             {"GetShardIterator", `{}`, "ValidationException", "2 validation errors detected: Value null at 'shardId'" + isReq + "; Value null at 'shardIteratorType'" + isReq},
		"a made-up iterator":             {"GetRecords", `{"ShardIterator":"not-an-iterator"}`, "InvalidArgumentException", "Invalid ShardIterator."},
		"no iterator":                    {"GetRecords", `{}`, "ValidationException", one + "Value null at 'shardIterator'" + isReq},
		"a limit of 0":                   {"GetRecords", `{"ShardIterator":"x","Limit":0}`, "ValidationException", one + "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"a limit of 10001":               {"GetRecords", `{"ShardIterator":"x","Limit":10001}`, "ValidationException", one + "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000"},
		"a limit that is a fraction":     {"GetRecords", `{"ShardIterator":"x","Limit":1.5}`, "SerializationException", "A number is no integer."},
		"a token with a name":            {"ListShards", `{"StreamName":"events","NextToken":"x"}`, "InvalidArgumentException", "NextToken and StreamName cannot be provided together."},
		"a made-up token":                {"ListShards", `{"NextToken":"x"}`, "InvalidArgumentException", "Invalid NextToken."},
		"a filter without a type":        {"ListShards", `{"StreamName":"events","ShardFilter":{}}`, "ValidationException", one + "Value null at 'shardFilter.type'" + isReq},
		"a filter without its timestamp": {"ListShards", `{"StreamName":"events","ShardFilter":{"Type":"AT_TIMESTAMP"}}`, "InvalidArgumentException", "ShardFilter AT_TIMESTAMP needs a Timestamp."},
		"a made-up token of streams":     {"ListStreams", `{"NextToken":"x"}`, "InvalidArgumentException", "Invalid NextToken."},
		"a stream that is gone":          {"DescribeStream", `{"StreamName":"gone"}`, "ResourceNotFoundException", "Stream gone under account 000000000000 not found."},
		"a summary of nothing":           {"DescribeStreamSummary", `{}`, "InvalidArgumentException", "Either StreamName or StreamARN must be provided."},
	} {
		t.Run(name, func(t *testing.T) {
			kind, message := refused(t, s, tc.action, tc.body)
			if kind != tc.kind || message != tc.message {
				t.Errorf("got  %s: %s\nwant %s: %s", kind, message, tc.kind, tc.message)
			}
		})
	}
	if st, _ := s.Stream("events"); st.Stats().Records != 0 || len(readAll(t, st)) != 0 {
		t.Errorf("something was stored: %+v", st.Stats())
	}
}

func repeat(n int, s string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// What is just within the limits is taken.
func TestLimitsThemselvesAreTaken(t *testing.T) {
	s := newService(t)
	for name, tc := range map[string]struct{ action, body string }{
		"a record of 1 MiB":       {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"` + b64(strings.Repeat("x", 1<<20-1)) + `"}`},
		"a key of 256 characters": {"PutRecord", `{"StreamName":"events","Data":"","PartitionKey":"` + strings.Repeat("😀", 256) + `"}`},
		"the largest hash":        {"PutRecord", `{"StreamName":"events","Data":"","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211455"}`},
		"a stream by its ARN":     {"PutRecord", `{"StreamARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/events","PartitionKey":"k","Data":""}`},
		"an escaped member name":  {"PutRecord", `{"Stream\u004eame":"events","PartitionKey":"k","Data":"e30="}`},
		"escaped base64":          {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"e30\u003d"}`},
		"a lone surrogate":        {"PutRecord", `{"StreamName":"events","PartitionKey":"a\ud800b","Data":"e30="}`},
		"an ordering":             {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"0"}`},
		"no dry run":              {"PutRecord", `{"StreamName":"events","PartitionKey":"k","Data":"","DryRun":false,"StreamId":null}`},
		"500 records":             {"PutRecords", `{"StreamName":"events","Records":[` + strings.Join(repeat(500, `{"Data":"e30=","PartitionKey":"k"}`), ",") + `]}`},
		"a batch of 10 MiB":       {"PutRecords", `{"StreamName":"events","Records":[` + strings.Join(repeat(10, `{"Data":"`+b64(strings.Repeat("x", 1<<20-1))+`","PartitionKey":"k"}`), ",") + `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			out := call(t, s, tc.action, tc.body)
			if failed := out["FailedRecordCount"]; failed != nil && failed != 0.0 {
				t.Errorf("FailedRecordCount %v", failed)
			}
		})
	}
}

func TestAtMostTenProblemsAreListed(t *testing.T) {
	s := newService(t)
	_, message := refused(t, s, "PutRecords", `{"StreamName":"events","Records":[`+strings.Join(repeat(400, `{}`), ",")+`]}`)
	if !strings.HasPrefix(message, "10 validation errors detected: ") || strings.Count(message, "; ") != 9 {
		t.Error(message)
	}
}

// A caller can write anything into a partition key; it must come back as data.
func TestHostileKeysStayData(t *testing.T) {
	s := newService(t)
	for _, key := range []string{`"`, `\`, `\"`, "\u2028", "$input.body", "#set($x=1)", `"},{"Data":"`, "\x00", "\x1f", "'"} {
		_, sequence := putOne(t, s, key, "x")
		it := iteratorOf(t, s, fmt.Sprintf(`"ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":%q`, sequence))
		records := call(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))["Records"].([]any)
		if got := records[0].(map[string]any)["PartitionKey"]; got != key {
			t.Errorf("got %q, want %q", got, key)
		}
	}
}
