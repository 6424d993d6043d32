package kinesis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever arrives, each operation answers JSON with a status of the protocol; what it accepts is what encoding/json
// reads from the same bytes, and it is stored exactly once.
func FuzzCall(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `{"StreamName":"events","Data":"eA==","PartitionKey":"k"}`,
		`{"StreamName":"events","Data":"eA==","PartitionKey":"\ud800","ExplicitHashKey":"7"}`,
		`{"StreamName":"events","Records":[{"Data":"eA==","PartitionKey":"k"},null]}`,
		`{"StreamName":"events","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1e9}`,
		`{"ShardIterator":"AAAAAAAAAAE=","Limit":1}`, `{"StreamName":"events","ShardFilter":{"Type":"AT_LATEST"}}`,
		`{"Data":"e30=","a":[[[{"b":{}}]]],"Stream\u004eame":"events","PartitionKey":"k"} `,
	} {
		for action := range operations {
			f.Add(action, []byte(body))
		}
	}
	s, err := open(testConfig(f.TempDir()), unmetered())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	st, _ := s.Stream("events")
	f.Fuzz(func(t *testing.T, action string, body []byte) {
		before := st.Stats().Records
		sent := bytes.Clone(body)
		status, _, answer := s.Call(t.Context(), action, body)
		if !bytes.Equal(sent, body) {
			t.Fatal("the request was changed")
		}
		if status != http.StatusOK && status != http.StatusBadRequest || !json.Valid(answer) {
			t.Fatalf("%d %q", status, answer)
		}
		stored := st.Stats().Records - before
		if status != http.StatusOK && stored != 0 {
			t.Fatalf("%d, and %d records stored", status, stored)
		}
		if status == http.StatusOK && action == "PutRecord" {
			checkStored(t, st, sent, answer)
		}
	})
}

// checkStored reads back what PutRecord acknowledged.
func checkStored(t *testing.T, st *Stream, sent, answer []byte) {
	t.Helper()
	var ack struct{ SequenceNumber, ShardId string }
	if err := json.Unmarshal(answer, &ack); err != nil {
		t.Fatal(err)
	}
	seq, ok := parseSequence(ack.SequenceNumber)
	if !ok {
		t.Fatalf("sequence number %q", ack.SequenceNumber)
	}
	sh := st.shard(ack.ShardId)
	p := sh.position(seq, false)
	records, err := sh.log.Read(&p, 1, 1)
	if err != nil || len(records) != 1 || records[0].Index != seq.index {
		t.Fatalf("%v, %v", records, err)
	}
	want := map[string]json.RawMessage{}
	if err := json.Unmarshal(sent, &want); err != nil {
		t.Fatalf("accepted what encoding/json refuses: %v", err)
	}
	var key, data string
	for name, into := range map[string]*string{"PartitionKey": &key, "Data": &data} {
		if err := json.Unmarshal(want[name], into); err != nil {
			t.Fatal(err)
		}
	}
	if !utf8.ValidString(records[0].Key) || records[0].Key != key {
		t.Fatalf("key %q, want %q", records[0].Key, key)
	}
	bytes64, err := base64.StdEncoding.DecodeString(data)
	if err != nil || !bytes.Equal(bytes64, records[0].Data) {
		t.Fatalf("data %q, want %q (%v)", records[0].Data, bytes64, err)
	}
}

func FuzzUnseal(f *testing.F) {
	s, err := open(testConfig(f.TempDir()), unmetered())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	st, _ := s.Stream("events")
	f.Add(st.seal(kindIterator, make([]byte, iteratorBytes)))
	f.Add(st.seal(kindToken, nil))
	f.Add("")
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, sealed string) {
		for _, kind := range []uint64{kindIterator, kindToken} {
			if st, body := s.unseal(kind, sealed); st != nil && st.seal(kind, body) != sealed {
				t.Errorf("%q is not what was given out", sealed)
			}
		}
	})
}
