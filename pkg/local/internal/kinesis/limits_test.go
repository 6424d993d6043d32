package kinesis

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// metered runs f against AWS's limits with a clock that only moves when f sleeps.
func metered(t *testing.T, shards int, f func(t *testing.T, s *Service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := openService(t, testConfig(t.TempDir(), StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: shards}), awsLimits)
		defer s.Close()
		f(t, s)
	})
}

const rateExceeded = "Rate exceeded for shard shardId-000000000000 in stream events under account 000000000000."

// puts counts how many records of that size a shard takes now.
func puts(t testing.TB, s *Service, key string, size int) int {
	t.Helper()
	body := fmt.Sprintf(`{"StreamName":"events","PartitionKey":%q,"Data":%q}`, key, b64(strings.Repeat("x", size-len(key))))
	for n := 0; ; n++ {
		status, _, answer := s.Call(t.Context(), "PutRecord", []byte(body))
		if status == 200 {
			continue
		}
		if want := `{"__type":"ProvisionedThroughputExceededException","message":"` + rateExceeded + `"}`; status != 400 || string(answer) != want {
			t.Fatalf("%d %s, want 400 %s", status, answer, want)
		}
		return n
	}
}

func TestShardTakesAThousandRecordsASecond(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		for _, step := range []struct {
			pause time.Duration
			want  int
		}{{0, 1000}, {0, 0}, {100 * time.Millisecond, 100}, {time.Second, 1000}, {time.Hour, 1000}} {
			time.Sleep(step.pause)
			if got := puts(t, s, "k", 10); got != step.want {
				t.Errorf("after %v: %d records, want %d", step.pause, got, step.want)
			}
		}
		st, _ := s.Stream("events")
		if stats := st.Stats(); stats.Records != 3100 || stats.Throttled != 5 || stats.Bytes != 31_000 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestShardTakesAMebibyteASecond(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		for _, step := range []struct {
			pause      time.Duration
			size, want int
		}{{0, 1 << 18, 4}, {time.Second, 1 << 20, 1}, {500 * time.Millisecond, 1 << 19, 1}, {500 * time.Millisecond, 1<<19 + 1, 0}} {
			time.Sleep(step.pause)
			if got := puts(t, s, "k", step.size); got != step.want {
				t.Errorf("after %v: %d records of %d bytes, want %d", step.pause, got, step.size, step.want)
			}
		}
	})
}

// One key is one shard, however many there are; another shard takes its own thousand.
func TestOneKeyIsOneShard(t *testing.T) {
	metered(t, 2, func(t *testing.T, s *Service) {
		key := keyOf(s, "shardId-000000000000")
		if got := puts(t, s, key, 40); got != 1000 {
			t.Errorf("%d records", got)
		}
		putOne(t, s, keyOf(s, "shardId-000000000001"), "x")
	})
}

func keyOf(s *Service, shard string) string {
	for i := 0; ; i++ {
		key := fmt.Sprint("key", i)
		if place(s.streams["events"].open, hashOf(key)).id == shard {
			return key
		}
	}
}

func TestBatchIsRefusedEntryByEntry(t *testing.T) {
	metered(t, 2, func(t *testing.T, s *Service) {
		full, free := keyOf(s, "shardId-000000000000"), keyOf(s, "shardId-000000000001")
		puts(t, s, full, 40)
		out := call(t, s, "PutRecords", fmt.Sprintf(`{"StreamName":"events","Records":[{"PartitionKey":%q,"Data":"YQ=="},{"PartitionKey":%q,"Data":"Yg=="},{"PartitionKey":%q,"Data":"Yw=="}]}`, free, full, free))
		records := out["Records"].([]any)
		if out["FailedRecordCount"] != 1.0 || len(records) != 3 {
			t.Fatalf("%v", out)
		}
		a, b, c := records[0].(map[string]any), records[1].(map[string]any), records[2].(map[string]any)
		if b["ErrorCode"] != throughputExceeded || b["ErrorMessage"] != rateExceeded || b["ShardId"] != nil || b["SequenceNumber"] != nil {
			t.Errorf("%v", b)
		}
		if a["ShardId"] != "shardId-000000000001" || a["ErrorCode"] != nil || a["SequenceNumber"].(string) >= c["SequenceNumber"].(string) {
			t.Errorf("%v %v", a, c)
		}
		st, _ := s.Stream("events")
		if got := readAll(t, st)["shardId-000000000001"]; fmt.Sprint(got) != "[a c]" {
			t.Errorf("stored %v", got)
		}
	})
}

func TestReadsAreFiveASecond(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		it := iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)
		for range 5 {
			_, it, _ = get(t, s, it, 1)
		}
		kind, message := refused(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))
		if kind != throughputExceeded || message != rateExceeded {
			t.Errorf("%s: %s", kind, message)
		}
		time.Sleep(200 * time.Millisecond)
		get(t, s, it, 1)
		for range 4 {
			iteratorOf(t, s, `"ShardIteratorType":"LATEST"`) // one has been asked for, and one has come back
		}
		time.Sleep(time.Second)
		st, _ := s.Stream("events")
		if got := st.Stats().GetsThrottled; got != 1 {
			t.Errorf("%d throttled", got)
		}
	})
}

// "If a call returns this amount of data, subsequent calls made within the next 5 seconds throw" (GetRecords).
func TestALargeAnswerBlocksTheShard(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		for range 10 {
			putOne(t, s, "k", strings.Repeat("x", 1<<20-1))
			time.Sleep(time.Second)
		}
		data, next, _ := get(t, s, iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`), 10_000)
		if len(data) != 10 {
			t.Fatalf("%d records", len(data))
		}
		for range 4 {
			time.Sleep(time.Second)
			if kind, _ := refused(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, next)); kind != throughputExceeded {
				t.Errorf("%s", kind)
			}
		}
		time.Sleep(time.Second)
		get(t, s, next, 1)
	})
}

func TestDescriptionsAreLimitedForTheAccount(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		for action, perSecond := range map[string]int{"DescribeStream": 10, "DescribeStreamSummary": 20, "ListStreams": 5, "DescribeLimits": 1} {
			for range perSecond {
				call(t, s, action, `{"StreamName":"events"}`)
			}
			if kind, _ := refused(t, s, action, `{"StreamName":"events"}`); kind != "LimitExceededException" {
				t.Errorf("%s: %s", action, kind)
			}
			time.Sleep(time.Second)
			call(t, s, action, `{"StreamName":"events"}`)
		}
	})
}

// A Reader in process has no limits: Firehose's reads count as its own.
func TestReaderIsNotMetered(t *testing.T) {
	metered(t, 1, func(t *testing.T, s *Service) {
		st, _ := s.Stream("events")
		for range 1000 {
			r, err := st.Reader("shardId-000000000000", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(1, 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}
