package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/kinesis"
)

// memoryStream is a source stream in memory.
type memoryStream struct {
	mu      sync.Mutex
	names   []string
	shards  map[string][]kinesis.Record
	puts    chan struct{}
	written int
	broken  error         // what reading answers
	ahead   time.Duration // of the clock that says when records arrive
}

func newMemoryStream(shards int) *memoryStream {
	s := &memoryStream{shards: map[string][]kinesis.Record{}, puts: make(chan struct{})}
	for i := range shards {
		s.names = append(s.names, fmt.Sprintf("shardId-%012d", i))
	}
	return s
}

// put stores one record and answers its sequence number.
func (s *memoryStream) put(shard int, data string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written++
	r := kinesis.Record{Sequence: fmt.Sprintf("49%054d", s.written), Arrival: time.Now().Add(s.ahead), PartitionKey: "key", Data: []byte(data)}
	s.shards[s.names[shard]] = append(s.shards[s.names[shard]], r)
	close(s.puts)
	s.puts = make(chan struct{})
	return r.Sequence
}

func (s *memoryStream) empty() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.shards)
	return nil
}

func (s *memoryStream) Shards() []string { return s.names }

func (s *memoryStream) Puts() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

func (s *memoryStream) Reader(shard, after string) (reader, error) {
	return &memoryReader{s, shard, after}, nil
}

type memoryReader struct {
	stream *memoryStream
	shard  string
	after  string
}

func (r *memoryReader) Read(maxRecords, maxBytes int) ([]kinesis.Record, error) {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	if r.stream.broken != nil {
		return nil, r.stream.broken
	}
	records := r.stream.shards[r.shard]
	start, _ := slices.BinarySearchFunc(records, r.after, func(rec kinesis.Record, after string) int {
		if rec.Sequence <= after {
			return -1
		}
		return 1
	})
	bytes, end := 0, start
	for ; end < len(records) && end-start < maxRecords && (end == start || bytes+len(records[end].Data) <= maxBytes); end++ {
		bytes += len(records[end].Data)
	}
	if end > start {
		r.after = records[end-1].Sequence
	}
	return slices.Clone(records[start:end]), nil
}

func (r *memoryReader) Unread() int {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(r.stream.shards[r.shard]), func(rec kinesis.Record) bool { return rec.Sequence <= r.after }))
}

// function is an Invoker.
type function func(ctx context.Context, request []byte) (answer []byte, functionError string, err error)

func (f function) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, string, error) {
	return f(ctx, payload)
}

// request is what a function reads of an invocation.
type request struct {
	InvocationID string `json:"invocationId"`
	Records      []struct {
		RecordID string `json:"recordId"`
		Data     []byte `json:"data"`
		Metadata struct {
			ShardID        string `json:"shardId"`
			SequenceNumber string `json:"sequenceNumber"`
		} `json:"kinesisRecordMetadata"`
	} `json:"records"`
}

func parseRequest(payload []byte) request {
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		panic(err)
	}
	return r
}

// verdict is one record of an answer.
type verdict struct {
	RecordID string  `json:"recordId"`
	Result   string  `json:"result"`
	Data     *string `json:"data,omitempty"`
}

func ok(id string, data []byte) verdict {
	text := base64.StdEncoding.EncodeToString(data)
	return verdict{id, "Ok", &text}
}

func answerOf(verdicts ...verdict) []byte {
	answer, err := json.Marshal(map[string]any{"records": verdicts})
	if err != nil {
		panic(err)
	}
	return answer
}

// echo answers every record Ok with its own data; data that begins with drop or fail is dropped or failed.
func echo(_ context.Context, payload []byte) ([]byte, string, error) {
	verdicts := []verdict{}
	for _, r := range parseRequest(payload).Records {
		switch {
		case strings.HasPrefix(string(r.Data), "drop"):
			verdicts = append(verdicts, verdict{RecordID: r.RecordID, Result: "Dropped"})
		case strings.HasPrefix(string(r.Data), "fail"):
			verdicts = append(verdicts, verdict{RecordID: r.RecordID, Result: "ProcessingFailed"})
		default:
			verdicts = append(verdicts, ok(r.RecordID, r.Data))
		}
	}
	return answerOf(verdicts...), "", nil
}

// bucket is an Objects in memory.
type bucket struct {
	mu     sync.Mutex
	bodies map[string]string // by key
	labels map[string]string // content type and encoding, by key
	times  []time.Time
	fail   func(key string) error // before an object is stored
	after  func(key string) error // when it is stored
}

func (b *bucket) Put(ctx context.Context, name, key string, body io.ReadSeeker, size int64, contentType, contentEncoding string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(key); err != nil {
			return err
		}
	}
	data, err := io.ReadAll(body)
	if err != nil || int64(len(data)) != size || name != "bucket" {
		return fmt.Errorf("%s/%s: read %d bytes of %d: %v", name, key, len(data), size, err)
	}
	if b.bodies == nil {
		b.bodies, b.labels = map[string]string{}, map[string]string{}
	}
	b.bodies[key], b.labels[key] = string(data), contentType+" "+contentEncoding
	b.times = append(b.times, time.Now())
	if b.after != nil {
		return b.after(key)
	}
	return nil
}

// keys answers the keys under prefix, sorted.
func (b *bucket) keys(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(b.bodies)) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// under answers what the objects under prefix hold, one behind the other.
func (b *bucket) under(prefix string) string {
	var all strings.Builder
	for _, key := range b.keys(prefix) {
		all.WriteString(b.bodies[key])
	}
	return all.String()
}

// memoryLogs is a Logs in memory.
type memoryLogs struct {
	mu    sync.Mutex
	lines []string
}

func (l *memoryLogs) Put(group, stream string, _ time.Time, message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if group != "group" || stream != "stream" {
		return fmt.Errorf("no log stream %s in %s", stream, group)
	}
	l.lines = append(l.lines, message)
	return nil
}

// codes answers the error codes of the lines.
func (l *memoryLogs) codes(t *testing.T) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var codes []string
	for _, line := range l.lines {
		var parsed logLine
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		codes = append(codes, parsed.ErrorCode)
	}
	return codes
}

// apiError is an error as AWS clients answer it.
type apiError string

func (e apiError) Error() string     { return "service says " + string(e) }
func (e apiError) ErrorCode() string { return string(e) }

// rig is a delivery stream amid fakes.
type rig struct {
	*DeliveryStream
	stream *memoryStream
	bucket *bucket
	logs   *memoryLogs
}

func testConfig(dir string) Config {
	return Config{
		Name: "events", ARN: "arn:aws:firehose:eu-west-1:000000000000:deliverystream/events",
		StreamARN: "arn:aws:kinesis:eu-west-1:000000000000:stream/raw", StreamName: "raw", Region: "eu-west-1", AccountID: "000000000000",
		Dir: dir, BufferBytes: 1 << 20, BufferInterval: 60 * time.Second,
		Transform: &Transform{
			FunctionARN: "arn:aws:lambda:eu-west-1:000000000000:function:transform",
			BufferBytes: 1 << 20, BufferInterval: 10 * time.Second, Retries: 3,
		},
		Bucket: "bucket", Prefix: "events/!{timestamp:yyyy-MM-dd-HH}/", ErrorPrefix: "errors/!{firehose:error-output-type}/",
		LogGroup: "group", LogStream: "stream",
	}
}

// table has one column, "id" of type string.
func table() *glue.Table {
	text, err := glue.ParseType("string")
	if err != nil {
		panic(err)
	}
	return &glue.Table{Database: "db", Name: "events", Columns: []glue.Column{{Name: "id", Type: text}}}
}

// start opens a delivery stream and runs it until the test ends.
func start(t *testing.T, cfg Config, stream *memoryStream, f function, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{stream: stream, bucket: &bucket{}, logs: &memoryLogs{}}
	for _, c := range change {
		c(r)
	}
	var err error
	if r.DeliveryStream, err = open(cfg, stream, f, r.bucket, r.logs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// checkBalance says whether the counts add up.
func checkBalance(t *testing.T, s Stats) {
	t.Helper()
	if sum := s.Delivered + s.Dropped + s.ProcessingFailed + s.ConversionFailed + s.Buffered + s.InFlight; sum != s.RecordsRead {
		t.Errorf("records read %d, accounted for %d: %+v", s.RecordsRead, sum, s)
	}
}
