package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/internal/kinesis"
)

func openKinesis(t testing.TB, dir string, shards int) *kinesis.Service {
	t.Helper()
	s, err := kinesis.Open(kinesis.Config{
		Dir: dir, AccountID: "000000000000", Region: "eu-west-1",
		Streams: []kinesis.StreamConfig{{Name: "raw", Mode: "PROVISIONED", Shards: shards}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// putAll stores records, 500 to a request, and tries those again that are throttled. A record's partition key is its place.
func putAll(t testing.TB, s *kinesis.Service, records []string) {
	t.Helper()
	type entry struct{ PartitionKey, Data string }
	var entries []entry
	for i, data := range records {
		entries = append(entries, entry{fmt.Sprint("key", i), base64.StdEncoding.EncodeToString([]byte(data))})
	}
	for len(entries) > 0 {
		sent := entries[:min(500, len(entries))]
		entries = entries[len(sent):]
		body, err := json.Marshal(map[string]any{"StreamName": "raw", "Records": sent})
		if err != nil {
			t.Fatal(err)
		}
		status, _, answer := s.Call(t.Context(), "PutRecords", body)
		var parsed struct{ Records []struct{ ErrorCode string } }
		if err := json.Unmarshal(answer, &parsed); err != nil || status != http.StatusOK {
			t.Fatalf("PutRecords: %d %.500s %v", status, answer, err)
		}
		for i, r := range parsed.Records {
			if r.ErrorCode != "" {
				entries = append(entries, sent[i])
			}
		}
	}
}

// deliver runs a delivery stream over a real Kinesis stream until everything in it is delivered.
func deliver(t testing.TB, cfg Config, s *kinesis.Service, inv Invoker, objects Objects) Stats {
	t.Helper()
	stream, found := s.Stream("raw")
	if !found {
		t.Fatal("no stream")
	}
	d, err := New(cfg, stream, inv, objects, &memoryLogs{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return d.Stats()
}

func realConfig(t testing.TB) Config {
	cfg := testConfig(t.TempDir())
	cfg.BufferInterval, cfg.Transform.BufferInterval = 900*time.Second, 900*time.Second
	return cfg
}

func TestARealStream(t *testing.T) {
	dir, b := t.TempDir(), &bucket{}
	cfg := converting(realConfig(t))
	cfg.BufferBytes = 64 << 20
	var want []string
	more := func(n int) []string {
		var records []string
		for range n {
			records = append(records, fmt.Sprintf(`{"id":"%d"}`, len(want)))
			want = append(want, records[len(records)-1])
		}
		return records
	}
	check := func(when string) {
		t.Helper()
		got := rows(t, b)
		slices.Sort(got)
		sorted := slices.Sorted(slices.Values(want))
		if !slices.Equal(got, sorted) {
			t.Errorf("%s: %d rows, want %d", when, len(got), len(sorted))
		}
	}

	s := openKinesis(t, dir, 4)
	putAll(t, s, more(1200))
	deliver(t, cfg, s, function(echo), b)
	check("after a flush")
	putAll(t, s, more(300))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Another number of shards: those before are still read to their ends.
	s = openKinesis(t, dir, 7)
	putAll(t, s, more(500))
	if s := deliver(t, cfg, s, function(echo), b); s.RecordsRead != 800 {
		t.Errorf("%d records are read again or not at all", s.RecordsRead-800)
	}
	check("after a restart with other shards")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A checkpoint that belongs to a stream that is no more says nothing about the one in its stead.
func TestAForeignCheckpoint(t *testing.T) {
	b, cfg := &bucket{}, realConfig(t)
	for range 2 {
		s := openKinesis(t, filepath.Join(t.TempDir(), "kinesis"), 1)
		putAll(t, s, []string{"a"})
		content, err := os.ReadFile(filepath.Join(cfg.Dir, "checkpoint.json"))
		if err == nil {
			// Whatever the streams are called and whenever they were made, this number is none of theirs.
			foreign := strings.Replace(string(content), `:"49`, `:"48`, 1)
			if err := os.WriteFile(filepath.Join(cfg.Dir, "checkpoint.json"), []byte(foreign), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		deliver(t, cfg, s, function(echo), b)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.under("events/"); got != "aa" {
		t.Errorf("delivered %q", got)
	}
}
