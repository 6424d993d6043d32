package dlq_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
)

const (
	bucket = "the-bucket"
	view   = `{"type":"page_view","event_id":"e-1","url":"https://a.example/"}`
	view2  = `{"type":"page_view","event_id":"e-2","url":"https://b.example/"}`
	bad    = `{"type":"page_view","event_id":"e-9"}`
)

var (
	modified = time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)
	settings = dlq.Settings{Bucket: bucket, Quarantine: "quarantine/", Redriven: "redriven/", MaxAttempts: 6, RecordsPerSecond: 1_000_000}
)

// world is S3, the stream, the queue and the recorder. Each call of the first three is counted, and fault may spoil it.
type world struct {
	mu      sync.Mutex
	objects map[string][]byte // bucket/key
	stream  []dlq.Entry
	queue   []sent
	reports []dlq.Report
	faults  []dlq.Problem

	calls int
	// fault is asked before each call, and again when it was done, with how many calls there were. It may panic, as a crash does.
	fault func(call int, done bool) error
	// refuse says which of the entries of a PutRecords are refused.
	refuse func(call, entry int) bool
}

type sent struct {
	body  string
	delay time.Duration
}

func newWorld() *world { return &world{objects: map[string][]byte{}} }

func (w *world) call(do func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.fault == nil {
		return do()
	}
	if err := w.fault(w.calls, false); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return w.fault(w.calls, true)
}

func (w *world) Open(_ context.Context, bucket, key string, offset int64) (o dlq.Object, err error) {
	err = w.call(func() error {
		body, ok := w.objects[bucket+"/"+key]
		if !ok {
			return fmt.Errorf("get: %w", dlq.ErrNotFound)
		}
		o = dlq.Object{Body: io.NopCloser(bytes.NewReader(body[offset:])), Modified: modified}
		return nil
	})
	return o, err
}

func (w *world) Create(_ context.Context, bucket, key string, o dlq.NewObject) error {
	return w.call(func() error {
		if _, ok := w.objects[bucket+"/"+key]; ok {
			return fmt.Errorf("put: %w", dlq.ErrExists)
		}
		w.objects[bucket+"/"+key] = bytes.Clone(o.Body)
		return nil
	})
}

func (w *world) List(_ context.Context, bucket, prefix, after string) (keys []string, err error) {
	err = w.call(func() error {
		for name := range w.objects {
			if key, ok := strings.CutPrefix(name, bucket+"/"); ok && strings.HasPrefix(key, prefix) && key > after {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		keys = keys[:min(len(keys), 2)] // S3 gives 1,000
		return nil
	})
	return keys, err
}

func (w *world) Put(_ context.Context, entries []dlq.Entry) (refused []int, err error) {
	err = w.call(func() error {
		if len(entries) == 0 || len(entries) > dlq.PutLimit {
			return fmt.Errorf("%d entries", len(entries))
		}
		for i, e := range entries {
			switch {
			case len(e.Data)+len(e.Key) > 1<<20 || e.Key == "" || len(e.Key) > 256:
				return fmt.Errorf("an entry of %d bytes with key %q", len(e.Data), e.Key)
			case w.refuse != nil && w.refuse(w.calls, i):
				refused = append(refused, i)
			default:
				w.stream = append(w.stream, dlq.Entry{Key: e.Key, Data: bytes.Clone(e.Data)})
			}
		}
		return nil
	})
	return refused, err
}

func (w *world) Send(_ context.Context, body string, delay time.Duration) error {
	return w.call(func() error {
		if delay < 0 || delay > 15*time.Minute || delay%time.Second != 0 || len(body) > 256<<10 {
			return fmt.Errorf("a message of %d bytes for after %v", len(body), delay)
		}
		w.queue = append(w.queue, sent{body, delay})
		return nil
	})
}

func (w *world) Report(_ context.Context, r dlq.Report) { w.reports = append(w.reports, r) }
func (w *world) Problem(_ context.Context, p dlq.Problem) {
	w.faults = append(w.faults, p)
}

// put puts an error object into the bucket.
func (w *world) put(key string, lines ...string) {
	w.objects[bucket+"/"+key] = []byte(strings.Join(lines, "\n") + "\n")
}

// rows returns the quarantine.
func (w *world) rows(t testing.TB) []row {
	t.Helper()
	var names []string
	for name := range w.objects {
		if strings.HasPrefix(name, bucket+"/quarantine/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var rows []row
	for _, name := range names {
		z, err := gzip.NewReader(bytes.NewReader(w.objects[name]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r row
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.Line - b.Line })
	return rows
}

type row struct {
	QuarantinedAt string `json:"quarantined_at"`
	EventID       string `json:"event_id"`
	Type          string
	Producer      string
	RequestID     string `json:"request_id"`
	ReceivedAt    string `json:"received_at"`
	Attempt       int
	Stage, Code   string
	Explanation   string
	Reasons       []struct{ Field, Rule, Reason string }
	Data          string
	Raw           []byte
	Object        string `json:"source_object"`
	Line          int    `json:"source_line"`
}

func (r row) reasons() string {
	var all []string
	for _, w := range r.Reasons {
		all = append(all, w.Reason)
	}
	return strings.Join(all, " ")
}

// judge is the real one.
var judge = func() *event.Judge {
	j, err := event.NewJudge()
	if err != nil {
		panic(err)
	}
	return j
}()

func (w *world) dlq(t testing.TB, s dlq.Settings) *dlq.DLQ {
	t.Helper()
	d, err := dlq.New(s, judge, w, w, w, w)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// invoke returns the answer to a payload.
func (w *world) invoke(t testing.TB, payload string) string {
	t.Helper()
	answer, err := w.dlq(t, settings).Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// notify hands over a notification of an object, and wants it done.
func (w *world) notify(t testing.TB, key string) {
	t.Helper()
	if got := w.invoke(t, batch(notification(key))); got != `{"batchItemFailures":[]}` {
		t.Fatalf("answer %s, problems %+v", got, w.faults)
	}
}

// settle hands over the messages on the queue, and those that come of them, until there is none.
func (w *world) settle(t testing.TB) {
	t.Helper()
	for len(w.queue) > 0 {
		next := w.queue[0]
		w.queue = w.queue[1:]
		if got := w.invoke(t, batch(next.body)); got != `{"batchItemFailures":[]}` {
			t.Fatalf("answer %s, problems %+v", got, w.faults)
		}
	}
}

func batch(bodies ...string) string {
	var records []map[string]any
	for i, body := range bodies {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m", i), "body": body, "eventSource": "aws:sqs"})
	}
	return object(map[string]any{"Records": records})
}

func object(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func notification(keys ...string) string {
	var records []string
	for _, key := range keys {
		records = append(records, `{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"`+bucket+`"},"object":{"key":`+object(key)+`,"size":1}}}`)
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

const errors1 = "errors/processing-failed/dt=2026-11-22/hour=10/s-1-x"

// failed is a line of a processing-failed object.
func failed(code, record string) string {
	return `{"rawData":"` + base64.StdEncoding.EncodeToString([]byte(record)) + `","errorCode":"` + code + `","errorMessage":"secret message","attemptsMade":1,` +
		`"arrivalTimestamp":1795339800500,"attemptEndingTimestamp":1795339860500,"lambdaARN":"arn:f"}`
}

// refused is a line of a format-conversion-failed object.
func refused(code, row string) string {
	return `{"attemptsMade":1,"arrivalTimestamp":1795339800500,"lastErrorCode":"` + code + `","lastErrorMessage":"For input string: oops",` +
		`"attemptEndingTimestamp":1795339860500,"rawData":"` + base64.StdEncoding.EncodeToString([]byte(row)) + `","sequenceNumber":"49","subSequenceNumber":0,"dataCatalogTable":{"tableName":"t"}}`
}

func enveloped(attempt int, data string) string {
	return fmt.Sprintf(`{"hydrant":1,"request_id":"req=","index":2,"received_at":1732269600123,"producer":"shop","attempt":%d,"data":%s}`, attempt, data)
}

var errFault = errors.New("out of order")
