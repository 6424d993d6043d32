package kinesis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "000000000000"

func testConfig(dir string, streams ...StreamConfig) Config {
	if streams == nil {
		streams = []StreamConfig{{Name: "events", Mode: "PROVISIONED", Shards: 1}}
	}
	return Config{
		Dir: dir, AccountID: account, Region: "eu-west-1", Streams: streams,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// unmetered are AWS's limits without those that count seconds.
func unmetered() limits {
	l := awsLimits
	l.shardRecords, l.shardBytes, l.shardReads, l.shardReadBytes, l.shardIterators, l.calls = 1e12, 1e15, 1e12, 1e15, 1e12, nil
	return l
}

func openService(t testing.TB, cfg Config, l limits) *Service {
	t.Helper()
	s, err := open(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newService(t testing.TB, streams ...StreamConfig) *Service {
	t.Helper()
	return openService(t, testConfig(t.TempDir(), streams...), unmetered())
}

// call runs an operation in process and fails the test unless it answers 200.
func call(t testing.TB, s *Service, action, body string) map[string]any {
	t.Helper()
	status, _, answer := s.Call(t.Context(), action, []byte(body))
	if status != http.StatusOK {
		t.Fatalf("%s %.200s: %d %s", action, body, status, answer)
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("%s: %v: %s", action, err, answer)
	}
	return out
}

// refuse runs an operation that must fail and returns its type and message.
func refused(t testing.TB, s *Service, action, body string) (kind, message string) {
	t.Helper()
	status, _, answer := s.Call(t.Context(), action, []byte(body))
	var f struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &f); err != nil {
		t.Fatalf("%s: %v: %s", action, err, answer)
	}
	if status != http.StatusBadRequest {
		t.Errorf("%s %.200s: %d %s; want 400", action, body, status, answer)
	}
	return f.Type, f.Message
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func putOne(t testing.TB, s *Service, key, data string) (shard, sequence string) {
	t.Helper()
	quoted, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	out := call(t, s, "PutRecord", fmt.Sprintf(`{"StreamName":"events","PartitionKey":%s,"Data":%q}`, quoted, b64(data)))
	return out["ShardId"].(string), out["SequenceNumber"].(string)
}

// readAll returns the data of a stream's records, shard by shard, from a Reader.
func readAll(t testing.TB, st *Stream) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, shard := range st.Shards() {
		r, err := st.Reader(shard, "")
		if err != nil {
			t.Fatal(err)
		}
		for {
			records, err := r.Read(100, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) == 0 {
				break
			}
			for _, rec := range records {
				out[shard] = append(out[shard], string(rec.Data))
			}
		}
	}
	return out
}

func serve(t *testing.T, s *Service) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return server.URL
}

func post(t *testing.T, url, target, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", contentType)
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

func TestProtocolOverHTTP(t *testing.T) {
	s := newService(t)
	url := serve(t, s)
	put := `{"StreamName":"events","PartitionKey":"k","Data":"e30="}`
	for name, tc := range map[string]struct {
		target, contentType, body string
		status                    int
		kind, message             string
	}{
		"answers a put":                     {"Kinesis_20131202.PutRecord", contentType, put, 200, "", ""},
		"takes a charset":                   {"Kinesis_20131202.PutRecord", contentType + "; charset=utf-8", put, 200, "", ""},
		"takes plain JSON":                  {"Kinesis_20131202.PutRecord", "application/json", put, 200, "", ""},
		"refuses CBOR":                      {"Kinesis_20131202.PutRecord", "application/x-amz-cbor-1.1", "\xbf\xff", 415, "SerializationException", "CBOR is not supported by the local runner: send application/x-amz-json-1.1. The SDKs for Java do so with CBOR disabled (AWS_CBOR_DISABLE=true)."},
		"refuses XML":                       {"Kinesis_20131202.PutRecord", "text/xml", "<a/>", 415, "SerializationException", `Content-Type "text/xml" is not supported: send application/x-amz-json-1.1.`},
		"refuses an unknown operation":      {"Kinesis_20131202.PutRecordz", contentType, put, 400, "UnknownOperationException", `"PutRecordz" is no operation of Kinesis Data Streams.`},
		"refuses another service":           {"DynamoDB_20120810.PutItem", contentType, put, 400, "UnknownOperationException", "The X-Amz-Target header is not Kinesis_20131202.<Operation>."},
		"refuses no target":                 {"", contentType, put, 400, "UnknownOperationException", "The X-Amz-Target header is not Kinesis_20131202.<Operation>."},
		"refuses a body without end":        {"Kinesis_20131202.PutRecord", contentType, strings.Repeat(" ", maxBody+1), 413, "SerializationException", "The request is larger than 16777216 bytes."},
		"leaves the stream to the template": {"Kinesis_20131202.UpdateShardCount", contentType, "{}", 400, "InvalidArgumentException", "UpdateShardCount is not supported by the local runner: its streams are those of the template. Change the template and start the runner again."},
		"says what it does not do":          {"Kinesis_20131202.SubscribeToShard", contentType, "{}", 400, "InvalidArgumentException", "SubscribeToShard is not supported by the local runner."},
	} {
		t.Run(name, func(t *testing.T) {
			res, answer := post(t, url, tc.target, tc.contentType, tc.body)
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d: %s", res.StatusCode, tc.status, answer)
			}
			if got := res.Header.Get("Content-Type"); got != contentType {
				t.Errorf("Content-Type %q", got)
			}
			if id := res.Header.Get("x-amzn-RequestId"); len(id) != 36 {
				t.Errorf("x-amzn-RequestId %q", id)
			}
			if id := res.Header.Get("x-amz-id-2"); len(id) != 96 {
				t.Errorf("x-amz-id-2 %q", id)
			}
			var f struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal([]byte(answer), &f); err != nil {
				t.Fatal(err)
			}
			if f.Type != tc.kind || f.Message != tc.message {
				t.Errorf("got %s %q, want %s %q", f.Type, f.Message, tc.kind, tc.message)
			}
		})
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, _ := do(t, r); res.StatusCode != http.StatusForbidden {
		t.Errorf("GET: %d, want 403", res.StatusCode)
	}
}

func TestWhatIsStoredIsWhatWasSent(t *testing.T) {
	s := newService(t)
	url := serve(t, s)
	key := "k\u2028\u00e9\U0001f600 \"$#\\ ' \x01"
	data := "\x00\xff\n\"$input #set \u2029" + strings.Repeat("x", 300_000)
	quoted, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = post(t, url, "Kinesis_20131202.PutRecord", contentType, fmt.Sprintf(`{"StreamName":"events","Unknown":{"a":[1,null]},"PartitionKey":%s,"Data":%q}`, quoted, b64(data)))
	it := iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)
	out := call(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))
	records := out["Records"].([]any)
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	got := records[0].(map[string]any)
	if got["PartitionKey"] != key {
		t.Errorf("key %q, want %q", got["PartitionKey"], key)
	}
	if got["Data"] != b64(data) {
		t.Error("the data changed")
	}
}

func iteratorOf(t testing.TB, s *Service, how string) string {
	t.Helper()
	out := call(t, s, "GetShardIterator", `{"StreamName":"events","ShardId":"shardId-000000000000",`+how+`}`)
	return out["ShardIterator"].(string)
}

func TestHeaderIsTheSameWithoutTheSocket(t *testing.T) {
	s := newService(t)
	_, header, _ := s.Call(t.Context(), "PutRecord", nil)
	if header.Get("x-amzn-RequestId") == "" || header.Get("x-amz-id-2") == "" || header.Get("Content-Type") != contentType {
		t.Errorf("header %v", header)
	}
}

func TestOpenRefuses(t *testing.T) {
	provisioned := StreamConfig{Name: "a", Mode: "PROVISIONED", Shards: 1}
	for name, tc := range map[string]struct {
		streams []StreamConfig
		want    string
	}{
		"a stream twice":         {[]StreamConfig{provisioned, provisioned}, "taken twice"},
		"a path as a name":       {[]StreamConfig{{Name: "../a", Mode: "ON_DEMAND"}}, "stream name"},
		"no shards":              {[]StreamConfig{{Name: "a", Mode: "PROVISIONED"}}, "ShardCount 0"},
		"another mode":           {[]StreamConfig{{Name: "a", Mode: "on_demand"}}, "StreamMode"},
		"an hour of retention":   {[]StreamConfig{{Name: "a", Mode: "ON_DEMAND", Retention: time.Hour}}, "retention of 1h0m0s"},
		"two years of retention": {[]StreamConfig{{Name: "a", Mode: "ON_DEMAND", Retention: 17520 * time.Hour}}, "retention of"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(testConfig(t.TempDir(), tc.streams...))
			if err == nil {
				t.Fatal(s.Close())
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q in it", err, tc.want)
			}
		})
	}
}

func TestErrorsNeverHoldData(t *testing.T) {
	s := newService(t)
	secret := "c2VjcmV0IHNlY3JldA"
	for _, body := range []string{
		`{"StreamName":"events","PartitionKey":"k","Data":"` + secret + `!"}`,
		`{"StreamName":"events","PartitionKey":"k","Data":{"` + secret + `":1}}`,
		`{"StreamName":"events","PartitionKey":"k","Data":"` + secret,
		`{"StreamName":"events","PartitionKey":"k","Data":"` + strings.Repeat(secret+"AA", 100_000) + `"}`,
	} {
		_, _, answer := s.Call(t.Context(), "PutRecord", []byte(body))
		if bytes.Contains(answer, []byte(secret)) {
			t.Errorf("%.80s: the answer holds the data: %.200s", body, answer)
		}
	}
}
