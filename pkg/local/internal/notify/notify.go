package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// Publisher sends a message to a queue.
type Publisher interface {
	Publish(queueARN, body string) error
}

// Config says what is notified, and where what is not notified yet is kept.
type Config struct {
	Dir       string // of this package alone
	Region    string
	AccountID string
	Rules     []Rule
	// Stat answers an object's ETag and size. Its error has a method ErrorCode() string with NoSuchKey or NoSuchBucket if it is not there.
	Stat func(ctx context.Context, bucket, key string) (etag string, size int64, err error)
}

// Stats counts notifications since the start.
type Stats struct {
	Sent    int64 `json:"sent"`
	Pending int   `json:"pending"` // writes whose outcome is not known yet, or whose notification could not be sent
}

// Notifier watches the requests that pass through it. A write of an object that a rule is about is noted in a log before S3 gets it, and
// struck off when its notification is in the queue, or when S3 refused it. What is left of a process that was killed is looked up in the
// bucket at the next start, and notified if the object is there: at least once, like S3.
type Notifier struct {
	cfg       Config
	publisher Publisher
	sent      atomic.Int64
	sequence  atomic.Int64

	mu     sync.Mutex
	log    *recordlog.Log
	open   map[uint64]write // by the index of their record
	again  map[uint64]bool  // those of open that nobody works on
	retry  chan struct{}
	halt   context.CancelFunc
	worker sync.WaitGroup
}

// write is a request that writes an object.
type write struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Event  string `json:"event"` // as ObjectCreated:Put
	At     int64  `json:"at"`    // Unix milliseconds
}

// Open opens a notifier with what an earlier run left undone.
func Open(cfg Config, publisher Publisher) (*Notifier, error) {
	log, err := recordlog.Open(filepath.Join(cfg.Dir, "writes"), recordlog.Options{SegmentBytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	n := &Notifier{cfg: cfg, publisher: publisher, log: log, open: map[uint64]write{}, again: map[uint64]bool{}, retry: make(chan struct{}, 1)}
	n.sequence.Store(time.Now().UnixNano())
	position := log.Oldest()
	for {
		records, err := log.Read(&position, 1000, 1<<20)
		if err != nil {
			return nil, errors.Join(err, log.Close())
		}
		if len(records) == 0 {
			return n, nil
		}
		for _, r := range records {
			if err := n.replay(r); err != nil {
				return nil, errors.Join(err, log.Close())
			}
		}
	}
}

// The keys of the log's records: a write, with its JSON; and that one is settled, with the index of its record.
const (
	keyWrite   = "w"
	keySettled = "s"
)

func (n *Notifier) replay(r recordlog.Record) error {
	switch r.Key {
	case keyWrite:
		var w write
		if err := json.Unmarshal(r.Data, &w); err != nil {
			return err
		}
		n.open[r.Index], n.again[r.Index] = w, true
	case keySettled:
		var index uint64
		if _, err := fmt.Sscan(string(r.Data), &index); err != nil {
			return err
		}
		delete(n.open, index)
		delete(n.again, index)
	}
	return nil
}

// Start sends the test events of rules that are new, and works off what an earlier run left undone until Close.
func (n *Notifier) Start() error {
	if err := n.test(); err != nil {
		return err
	}
	ctx, halt := context.WithCancel(context.Background())
	n.halt = halt
	n.worker.Go(func() { n.work(ctx) })
	return nil
}

// test sends each rule's queue the message that S3 sends when a notification is configured, once for a data folder.
func (n *Notifier) test() error {
	path := filepath.Join(n.cfg.Dir, "tested.json")
	tested := map[string]bool{}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &tested)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	known := len(tested)
	for _, r := range n.cfg.Rules {
		key := strings.Join([]string{r.Bucket, r.QueueARN, r.Event, r.Prefix, r.Suffix}, "\n")
		if tested[key] {
			continue
		}
		if err := n.publisher.Publish(r.QueueARN, testEvent(r.Bucket)); err != nil {
			return err
		}
		tested[key] = true
	}
	if len(tested) == known {
		return nil
	}
	if text, err = json.Marshal(tested); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// retryInterval is how often a write that could not be settled is looked at again.
const retryInterval = time.Second

func (n *Notifier) work(ctx context.Context) {
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	for {
		n.mu.Lock()
		var indexes []uint64
		for index := range n.again {
			indexes = append(indexes, index)
		}
		n.mu.Unlock()
		for _, index := range indexes {
			if ctx.Err() != nil {
				return
			}
			n.mu.Lock()
			w := n.open[index]
			n.mu.Unlock()
			if n.notify(ctx, w) == nil && n.settle(index) == nil {
				n.mu.Lock()
				delete(n.again, index)
				n.mu.Unlock()
			}
		}
		select {
		case <-tick.C:
		case <-n.retry:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the work and closes the log.
func (n *Notifier) Close() error {
	if n.halt != nil {
		n.halt()
	}
	n.worker.Wait()
	return n.log.Close()
}

// Stats answers the counts.
func (n *Notifier) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return Stats{n.sent.Load(), len(n.open)}
}

// Reset forgets what is not notified yet.
func (n *Notifier) Reset() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open, n.again = map[uint64]write{}, map[uint64]bool{}
	n.sent.Store(0)
	return n.log.Reset()
}

// Wrap answers a transport to S3 whose writes are notified.
func (n *Notifier) Wrap(next http.RoundTripper) http.RoundTripper {
	return transport{n, next}
}

type transport struct {
	n    *Notifier
	next http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w, ok := written(r)
	if !ok || !t.n.concerns(w) {
		return t.next.RoundTrip(r)
	}
	index, err := t.n.note(w)
	if err != nil {
		if r.Body != nil {
			err = errors.Join(err, r.Body.Close())
		}
		return nil, err
	}
	response, err := t.next.RoundTrip(r)
	switch {
	case err == nil && response.StatusCode/100 == 4:
		if err := t.n.settle(index); err != nil { // refused: there is nothing to tell
			t.n.later(index)
		}
	case err == nil && response.StatusCode/100 == 2:
		if t.n.answered(r, response) != nil || t.n.notify(context.WithoutCancel(r.Context()), w) != nil || t.n.settle(index) != nil {
			t.n.later(index)
		}
	default: // it may be written or not
		t.n.later(index)
	}
	return response, err
}

// answered waits for an answer that begins before the write is done: CompleteMultipartUpload's may send spaces first.
func (n *Notifier) answered(r *http.Request, response *http.Response) error {
	if r.Method != http.MethodPost {
		return nil
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	body := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(string(text)), body), body}
	return err
}

// written says which object a request writes, if any. The runner serves S3 by path: /bucket/key.
func written(r *http.Request) (w write, ok bool) {
	bucket, key, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !found || bucket == "" || key == "" {
		return write{}, false
	}
	q := r.URL.Query()
	w = write{Bucket: bucket, Key: key, At: time.Now().UnixMilli()}
	switch {
	case r.Method == http.MethodPost && q.Has("uploadId"):
		w.Event = "ObjectCreated:CompleteMultipartUpload"
	case r.Method != http.MethodPut || q.Has("uploadId") || q.Has("acl") || q.Has("tagging") || q.Has("retention") || q.Has("legal-hold"):
		return write{}, false
	case r.Header.Get("X-Amz-Copy-Source") != "":
		w.Event = "ObjectCreated:Copy"
	default:
		w.Event = "ObjectCreated:Put"
	}
	return w, true
}

func (n *Notifier) concerns(w write) bool {
	for i := range n.cfg.Rules {
		if n.cfg.Rules[i].matches(w.Bucket, w.Event, w.Key) {
			return true
		}
	}
	return false
}

func (n *Notifier) note(w write) (uint64, error) {
	data, err := json.Marshal(w)
	if err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	index, err := n.log.Append(w.At, recordlog.Entry{Key: keyWrite, Data: data})
	if err == nil {
		n.open[index] = w
	}
	return index, err
}

// settle strikes a write off.
func (n *Notifier) settle(index uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, there := n.open[index]; !there {
		return nil // reset meanwhile
	}
	if _, err := n.log.Append(time.Now().UnixMilli(), recordlog.Entry{Key: keySettled, Data: fmt.Append(nil, index)}); err != nil {
		return err
	}
	delete(n.open, index)
	oldest := n.log.Tip().Index
	for index := range n.open {
		oldest = min(oldest, index)
	}
	return n.log.Drop(oldest)
}

// later leaves a write to the worker.
func (n *Notifier) later(index uint64) {
	n.mu.Lock()
	n.again[index] = true
	n.mu.Unlock()
	select {
	case n.retry <- struct{}{}:
	default:
	}
}

// notify tells the queues of a write, if the object is there.
func (n *Notifier) notify(ctx context.Context, w write) error {
	etag, size, err := n.cfg.Stat(ctx, w.Bucket, w.Key)
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) && (coded.ErrorCode() == "NoSuchKey" || coded.ErrorCode() == "NoSuchBucket") {
		return nil // never written, or gone again
	}
	if err != nil {
		return err
	}
	for i := range n.cfg.Rules {
		r := &n.cfg.Rules[i]
		if !r.matches(w.Bucket, w.Event, w.Key) {
			continue
		}
		body, err := n.message(w, etag, size)
		if err != nil {
			return err
		}
		if err := n.publisher.Publish(r.QueueARN, body); err != nil {
			return err
		}
		n.sent.Add(1)
	}
	return nil
}
