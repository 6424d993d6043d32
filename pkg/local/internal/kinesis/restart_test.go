package kinesis

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crash leaves a service as a killed process does: nothing is closed in order, but the lock goes with the process.
func crash(t *testing.T, s *Service) {
	t.Helper()
	if err := s.version.Close(); err != nil {
		t.Fatal(err)
	}
	s.version = nil
}

func TestRestartGoesOn(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *Service){
		"after Close": func(t *testing.T, s *Service) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"after a crash": crash,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			s := openService(t, cfg, unmetered())
			var sequences []string
			for i := range 3 {
				_, sequence := putOne(t, s, "k", fmt.Sprint(i))
				sequences = append(sequences, sequence)
			}
			it := iteratorOf(t, s, `"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"`+sequences[0]+`"`)
			created := call(t, s, "DescribeStreamSummary", `{"StreamName":"events"}`)
			end(t, s)

			again := openService(t, cfg, unmetered())
			if got := call(t, again, "DescribeStreamSummary", `{"StreamName":"events"}`); fmt.Sprint(got) != fmt.Sprint(created) {
				t.Errorf("got %v, want %v", got, created)
			}
			_, sequence := putOne(t, again, "k", "3")
			if sequence <= sequences[2] || len(sequence) != 56 || !strings.HasPrefix(sequence, "49") {
				t.Errorf("sequence number %s after %s", sequence, sequences[2])
			}
			st, _ := again.Stream("events")
			if got := readAll(t, st)["shardId-000000000000"]; fmt.Sprint(got) != "[0 1 2 3]" {
				t.Errorf("got %v", got)
			}
			if data, _, _ := get(t, again, it, 10); len(data) != 3 {
				t.Errorf("an iterator from before the restart: %d records, want 3", len(data))
			}
			r, err := st.Reader("shardId-000000000000", sequences[2])
			if err != nil {
				t.Fatal(err)
			}
			if records, err := r.Read(10, 100); err != nil || len(records) != 1 {
				t.Errorf("a checkpoint from before the restart: %v, %v", records, err)
			}
		})
	}
}

// What a killed process had written in part was never acknowledged.
func TestRestartCutsATornRecord(t *testing.T) {
	cfg := testConfig(t.TempDir())
	s := openService(t, cfg, unmetered())
	putOne(t, s, "k", "whole")
	crash(t, s)
	files, err := filepath.Glob(filepath.Join(cfg.Dir, "events", "shardId-000000000000", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], append(content, content[:len(content)-1]...), 0o644); err != nil {
		t.Fatal(err)
	}
	again := openService(t, cfg, unmetered())
	st, _ := again.Stream("events")
	if got := readAll(t, st)["shardId-000000000000"]; fmt.Sprint(got) != "[whole]" {
		t.Errorf("got %v", got)
	}
	if got := st.Stats().TornBytes; got != int64(len(content)-1) {
		t.Errorf("TornBytes %d, want %d", got, len(content)-1)
	}
}

func TestAFolderInUseOrOfAnotherVersionIsRefused(t *testing.T) {
	cfg := testConfig(t.TempDir())
	s := openService(t, cfg, unmetered())
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(path string) error{
		"newer":      func(path string) error { return os.WriteFile(path, []byte("hydrant kinesis 2\n"), 0o644) },
		"no version": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(filepath.Join(cfg.Dir, versionFile)); err != nil {
				t.Fatal(err)
			}
			want := cfg.Dir + ": made by another version of hydrant: remove it or use another data folder"
			if _, err := Open(cfg); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// A template with another shard count closes the old shards: what they hold is still read, and nothing goes to them.
func TestAnotherShardCountReshards(t *testing.T) {
	synctest.Test(t, testReshard)
}

func testReshard(t *testing.T) {
	dir := t.TempDir()
	count := func(n int) Config {
		return testConfig(dir, StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: n})
	}
	s := openService(t, count(1), unmetered())
	_, last := putOne(t, s, "k", "old")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // so that times tell the old shard from the new ones
	s = openService(t, count(3), unmetered())
	st, _ := s.Stream("events")
	if got := fmt.Sprint(st.Shards()); got != "[shardId-000000000000 shardId-000000000001 shardId-000000000002 shardId-000000000003]" {
		t.Fatal(got)
	}
	for i := range 20 {
		if shard, _ := putOne(t, s, fmt.Sprint(i), "new"); shard == "shardId-000000000000" {
			t.Errorf("a closed shard took a record")
		}
	}
	out := call(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)))
	if len(out["Records"].([]any)) != 1 || out["NextShardIterator"] != nil || len(out["ChildShards"].([]any)) != 3 {
		t.Errorf("at the end of a closed shard: %v", out)
	}
	closed := call(t, s, "ListShards", `{"StreamName":"events"}`)["Shards"].([]any)[0].(map[string]any)["SequenceNumberRange"].(map[string]any)
	if end, _ := closed["EndingSequenceNumber"].(string); end <= last {
		t.Errorf("EndingSequenceNumber %q, last record %s", end, last)
	}
	for filter, want := range map[string]int{
		`{"Type":"AT_LATEST"}`: 3, `{"Type":"FROM_TRIM_HORIZON"}`: 4, `{"Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000002"}`: 1,
		`{"Type":"AT_TRIM_HORIZON"}`: 1, `{"Type":"FROM_TIMESTAMP","Timestamp":0}`: 4, `{"Type":"AT_TIMESTAMP","Timestamp":0}`: 0,
	} {
		shards, _ := call(t, s, "ListShards", `{"StreamName":"events","ShardFilter":`+filter+`}`)["Shards"].([]any)
		if len(shards) != want {
			t.Errorf("%s: %d shards, want %d", filter, len(shards), want)
		}
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openService(t, count(2), unmetered())
	st, _ = s.Stream("events")
	if got := fmt.Sprint(st.Shards()); got != "[shardId-000000000004 shardId-000000000005]" {
		t.Errorf("empty closed shards stay: %s", got)
	}
	parents := call(t, s, "ListShards", `{"StreamName":"events"}`)["Shards"].([]any)[0].(map[string]any)
	if parents["ParentShardId"] != "shardId-000000000001" || parents["AdjacentParentShardId"] != "shardId-000000000002" {
		t.Errorf("%v", parents)
	}
}

func TestRecordsOlderThanTheRetentionGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		defer s.Close()
		st, _ := s.Stream("events")
		putOne(t, s, "k", "old")
		time.Sleep(23*time.Hour + 59*time.Minute)
		if got := readAll(t, st); len(got) != 1 {
			t.Errorf("gone before its time: %v", got)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := readAll(t, st); len(got) != 0 {
			t.Errorf("kept beyond its time: %v", got)
		}
	})
}

func TestAShardsFilesRotate(t *testing.T) {
	s := newService(t)
	st, _ := s.Stream("events")
	body := strings.Repeat("x", 1<<20-1)
	for range 10 {
		putOne(t, s, "k", body)
	}
	files, err := filepath.Glob(filepath.Join(st.dir, "shardId-000000000000", "*"))
	if err != nil || len(files) != 4 {
		t.Errorf("%d files, %v; want 4, of three records each", len(files), err)
	}
}

// Writers, readers, a reset and statistics at once.
func TestConcurrentUse(t *testing.T) {
	s := newService(t, StreamConfig{Name: "events", Mode: "ON_DEMAND"})
	st, _ := s.Stream("events")
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 50 {
				if i%2 == 0 {
					putOne(t, s, fmt.Sprint(w, i), "x")
				} else {
					call(t, s, "PutRecords", `{"StreamName":"events","Records":[{"Data":"","PartitionKey":"a"},{"Data":"","PartitionKey":"b"}]}`)
				}
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for range 20 {
				readAll(t, st)
				get(t, s, iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`), 10)
				call(t, s, "DescribeStream", `{"StreamName":"events"}`)
				st.Stats()
			}
		})
	}
	group.Wait()
	total := 0
	for _, records := range readAll(t, st) {
		total += len(records)
	}
	if total != 8*(25+50) || st.Stats().Records != int64(total) {
		t.Errorf("%d records stored, %d counted", total, st.Stats().Records)
	}
	group.Go(func() {
		if err := s.Reset(); err != nil {
			t.Error(err)
		}
	})
	group.Go(func() { readAll(t, st) })
	group.Go(func() { putOne(t, s, "k", "x") })
	group.Wait()
}
