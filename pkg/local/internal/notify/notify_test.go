package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"hydrant/pkg/local/internal/s3"
)

// TestMain is also the S3 server's process.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := s3.Serve(s3Config(os.Args[2]), os.Args[3], os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func s3Config(dir string) s3.Config {
	return s3.Config{Dir: dir, Region: "eu-west-1", AccessKey: "hydrant", SecretKey: "hydrant-local"}
}

// queue is a fake: it takes messages unless it is told to refuse them.
type queue struct {
	mu       sync.Mutex
	messages []string
	refuse   bool
}

func (q *queue) Publish(arn, body string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse {
		return errors.New("refused")
	}
	q.messages = append(q.messages, arn+" "+body)
	return nil
}

// seen answers the event names and keys of the notifications, and empties the queue.
func (q *queue) seen(t *testing.T) string {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []string
	for _, text := range q.messages {
		arn, body, _ := strings.Cut(text, " ")
		var m struct {
			Event   string
			Records []struct {
				EventName string
				EventTime time.Time
				S3        struct {
					Bucket struct{ Name, ARN string }
					Object struct {
						Key, ETag, Sequencer string
						Size                 int64
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		if m.Event != "" {
			out = append(out, arn+" "+m.Event)
		}
		for _, r := range m.Records {
			out = append(out, fmt.Sprintf("%s %s %s %d", arn, r.EventName, r.S3.Object.Key, r.S3.Object.Size))
			if r.S3.Object.ETag == "" || strings.Contains(r.S3.Object.ETag, `"`) || len(r.S3.Object.Sequencer) != 18 || r.S3.Bucket.ARN != "arn:aws:s3:::"+r.S3.Bucket.Name || r.EventTime.IsZero() {
				t.Errorf("got %s", body)
			}
		}
	}
	q.messages = nil
	return strings.Join(out, "\n")
}

var rules = []Rule{
	{Bucket: "bucket", QueueARN: "q", Event: "s3:ObjectCreated:*", Prefix: "errors/"},
	{Bucket: "bucket", QueueARN: "copies", Event: "s3:ObjectCreated:Copy", Suffix: ".copy"},
}

func TestEveryWriteIsNotified(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server, err := s3.Start(t.Context(), s3Config(dir), []string{self, "serve", dir})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	own, err := server.Client()
	if err != nil {
		t.Fatal(err)
	}
	q := &queue{}
	n, err := Open(Config{Dir: t.TempDir(), Region: "eu-west-1", AccountID: "000000000000", Rules: rules, Stat: own.Stat}, q)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	through := server.Through(n.Wrap(server.Transport()))
	front := httptest.NewServer(through.Handler())
	defer front.Close()
	runners, err := through.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := own.EnsureBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(strings.TrimPrefix(front.URL, "http://"), &minio.Options{Creds: credentials.NewStaticV4("hydrant", "hydrant-local", ""), Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string, body string, o minio.PutObjectOptions) error {
		_, err := client.PutObject(t.Context(), "bucket", key, strings.NewReader(body), int64(len(body)), o)
		return err
	}
	part := strings.Repeat("x", 5<<20)
	for what, tc := range map[string]struct {
		do   func() error
		want string
	}{
		"by the runner": {func() error {
			return runners.Put(t.Context(), "bucket", "errors/dt=1/a b+ü", strings.NewReader("12"), 2, "", "")
		}, "q ObjectCreated:Put errors/dt%3D1/a+b%2B%C3%BC 2"},
		"by a client": {func() error { return put("errors/b", "123", minio.PutObjectOptions{}) }, "q ObjectCreated:Put errors/b 3"},
		"of no rule":  {func() error { return put("events/b", "123", minio.PutObjectOptions{}) }, ""},
		"in parts":    {func() error { return put("errors/c", part+"x", minio.PutObjectOptions{PartSize: 5 << 20}) }, "q ObjectCreated:CompleteMultipartUpload errors/c 5242881"},
		"a copy": {func() error {
			if err := put("events/source", "1234", minio.PutObjectOptions{}); err != nil {
				return err
			}
			_, err := client.CopyObject(t.Context(), minio.CopyDestOptions{Bucket: "bucket", Object: "errors/d.copy"}, minio.CopySrcOptions{Bucket: "bucket", Object: "events/source"})
			return err
		}, "q ObjectCreated:Copy errors/d.copy 4\ncopies ObjectCreated:Copy errors/d.copy 4"},
		"that S3 refuses": {func() error {
			o := minio.PutObjectOptions{}
			o.SetMatchETagExcept("*")
			if err := put("errors/once", "1", o); err != nil {
				return err
			}
			if err := put("errors/once", "2", o); minio.ToErrorResponse(err).Code != "PreconditionFailed" {
				return fmt.Errorf("a second write: %w", err)
			}
			return nil
		}, "q ObjectCreated:Put errors/once 1"},
		"by a signed URL": {func() error {
			u, err := client.PresignedPutObject(t.Context(), "bucket", "errors/signed", time.Minute)
			if err != nil {
				return err
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.String(), strings.NewReader("1"))
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			return response.Body.Close()
		}, "q ObjectCreated:Put errors/signed 1"},
	} {
		t.Run(what, func(t *testing.T) {
			if err := tc.do(); err != nil {
				t.Fatal(err)
			}
			if got := q.seen(t); got != tc.want || n.Stats().Pending != 0 {
				t.Errorf("got %q and %+v, want %q", got, n.Stats(), tc.want)
			}
		})
	}
}

// bucket is a fake S3: do says what a request comes to, and what is there then.
type bucket struct {
	mu   sync.Mutex
	keys map[string]bool
	do   func(key string) (status int, written bool, err error)
}

type noSuchKey struct{}

func (noSuchKey) Error() string     { return "NoSuchKey" }
func (noSuchKey) ErrorCode() string { return "NoSuchKey" }

func (b *bucket) RoundTrip(r *http.Request) (*http.Response, error) {
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	status, written, err := b.do(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if written {
		b.keys[key] = true
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func TestAtLeastOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		written bool
		err     error
		refuse  bool // the queue refuses at first
		kill    bool // a new notifier goes on
		want    string
	}{
		"a write":                             {200, true, nil, false, false, "q ObjectCreated:Put errors/a 1"},
		"a refused write":                     {412, false, nil, false, false, ""},
		"a write whose answer was lost":       {0, true, errors.New("reset"), false, false, "q ObjectCreated:Put errors/a 1"},
		"a request that was lost":             {0, false, errors.New("reset"), false, false, ""},
		"a write that S3 says failed":         {500, true, nil, false, false, "q ObjectCreated:Put errors/a 1"},
		"a queue that refuses for a while":    {200, true, nil, true, false, "q ObjectCreated:Put errors/a 1"},
		"a kill before the queue has it":      {200, true, nil, true, true, "q ObjectCreated:Put errors/a 1"},
		"a kill while S3 has it":              {0, true, errors.New("killed"), true, true, "q ObjectCreated:Put errors/a 1"},
		"a kill before S3 has it":             {0, false, errors.New("killed"), true, true, ""},
		"a kill when everything is done with": {200, true, nil, false, true, "q ObjectCreated:Put errors/a 1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bucket{keys: map[string]bool{}, do: func(string) (int, bool, error) { return tc.status, tc.written, tc.err }}
				q := &queue{refuse: tc.refuse}
				dir := t.TempDir()
				n := b.open(t, dir, q)
				if !tc.kill {
					begin(t, n)
				}
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/bucket/errors/a", nil)
				if response, err := n.Wrap(b).RoundTrip(request); err == nil {
					_ = response.Body.Close()
				}
				synctest.Wait()
				q.mu.Lock()
				q.refuse = false
				q.mu.Unlock()
				if tc.kill { // the first one never did a thing again
					n = b.open(t, dir, q)
					begin(t, n)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				got := strings.ReplaceAll(strings.ReplaceAll(q.seen(t), "q s3:TestEvent", ""), "\n", "")
				if got != tc.want || n.Stats().Pending != 0 {
					t.Errorf("got %q and %+v, want %q", got, n.Stats(), tc.want)
				}
			})
		})
	}
}

func (b *bucket) open(t *testing.T, dir string, q *queue) *Notifier {
	t.Helper()
	stat := func(_ context.Context, _, key string) (string, int64, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.keys[key] {
			return "", 0, noSuchKey{}
		}
		return "etag", 1, nil
	}
	n, err := Open(Config{Dir: dir, Rules: rules[:1], Stat: stat}, q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func begin(t *testing.T, n *Notifier) {
	t.Helper()
	accepts := n.publisher.(*queue)
	accepts.mu.Lock()
	refuse := accepts.refuse
	accepts.refuse = false
	accepts.mu.Unlock()
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	accepts.mu.Lock()
	accepts.refuse = refuse
	accepts.mu.Unlock()
}

func TestTheTestEventIsSentOnce(t *testing.T) {
	dir, q, b := t.TempDir(), &queue{}, &bucket{}
	for _, want := range []string{"q s3:TestEvent", ""} {
		n := b.open(t, dir, q)
		begin(t, n)
		if got := q.seen(t); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheLogDoesNotGrowForEver(t *testing.T) {
	dir, q := t.TempDir(), &queue{}
	b := &bucket{keys: map[string]bool{}, do: func(string) (int, bool, error) { return 200, true, nil }}
	n := b.open(t, dir, q)
	key := strings.Repeat("k", 1000)
	for range 5000 {
		response, err := n.Wrap(b).RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/bucket/errors/"+key, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if size := n.log.Bytes(); size > 3<<20 {
		t.Errorf("the log has %d bytes with nothing open", size)
	}
}
