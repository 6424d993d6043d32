package kinesis

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestDescriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, StreamConfig{Name: "events", Mode: "ON_DEMAND", Retention: 48 * time.Hour})
		defer s.Close()
		const head = `"StreamName":"events","StreamARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/events","StreamStatus":"ACTIVE","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"StreamCreationTimestamp":946684800.000`
		for action, want := range map[string]string{
			"DescribeStreamSummary": `{"StreamDescriptionSummary":{` + head + `,"RetentionPeriodHours":48,"EnhancedMonitoring":[{"ShardLevelMetrics":[]}],"EncryptionType":"NONE","OpenShardCount":4,"ConsumerCount":0,"ChannelCount":0,"MaxRecordSizeInKiB":1024}}`,
			"ListStreams":           `{"HasMoreStreams":false,"StreamNames":["events"],"StreamSummaries":[{` + head + `}]}`,
			"DescribeLimits":        `{"OnDemandStreamCount":1,"OnDemandStreamCountLimit":50,"OpenShardCount":0,"ShardLimit":20000}`,
		} {
			_, _, got := s.Call(t.Context(), action, []byte(`{"StreamName":"events"}`))
			if string(got) != want {
				t.Errorf("%s:\ngot  %s\nwant %s", action, got, want)
			}
		}
		out := call(t, s, "DescribeStream", `{"StreamName":"events","Limit":1,"ExclusiveStartShardId":"shardId-000000000002"}`)["StreamDescription"].(map[string]any)
		shard, err := json.Marshal(out["Shards"])
		if err != nil {
			t.Fatal(err)
		}
		want := `[{"HashKeyRange":{"EndingHashKey":"340282366920938463463374607431768211455","StartingHashKey":"255211775190703847597530955573826158592"},"SequenceNumberRange":{"StartingSequenceNumber":"` +
			s.streams["events"].shards[3].sequence(uint64(time.Now().UnixMicro()), time.Now().UnixMilli()) + `"},"ShardId":"shardId-000000000003"}]`
		if string(shard) != want || out["HasMoreShards"] != false || out["RetentionPeriodHours"] != 48.0 {
			t.Errorf("got %s, %v\nwant %s", shard, out["HasMoreShards"], want)
		}
	})
}

// Pages of every list together hold each member once, in order.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: 7}, StreamConfig{Name: "a", Mode: "ON_DEMAND"}, StreamConfig{Name: "z", Mode: "ON_DEMAND"})
		defer s.Close()
		var shards, streams []string
		token := `"StreamName":"events","ShardFilter":{"Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000000"}`
		for token != "" {
			out := call(t, s, "ListShards", `{"MaxResults":2,`+token+`}`)
			for _, sh := range out["Shards"].([]any) {
				shards = append(shards, sh.(map[string]any)["ShardId"].(string)[18:])
			}
			token = next(out)
		}
		if fmt.Sprint(shards) != "[01 02 03 04 05 06]" {
			t.Errorf("shards %v", shards)
		}
		for token = `"Limit":1`; token != ""; {
			out := call(t, s, "ListStreams", `{`+token+`}`)
			for _, name := range out["StreamNames"].([]any) {
				streams = append(streams, name.(string))
			}
			if token = next(out); token != "" {
				token += `,"Limit":1`
			}
		}
		if fmt.Sprint(streams) != "[a events z]" {
			t.Errorf("streams %v", streams)
		}
		old := next(call(t, s, "ListShards", `{"MaxResults":2,"StreamName":"events"}`))
		time.Sleep(300*time.Second + time.Millisecond)
		if kind, _ := refused(t, s, "ListShards", `{`+old+`}`); kind != "ExpiredNextTokenException" {
			t.Errorf("an old token: %s", kind)
		}
	})
}

func next(out map[string]any) string {
	if token, ok := out["NextToken"].(string); ok {
		return fmt.Sprintf(`"NextToken":%q`, token)
	}
	return ""
}
