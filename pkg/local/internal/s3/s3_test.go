package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// TestMain is also the server's process: Start runs the test's own binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := Serve(config(os.Args[2]), os.Args[3], os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func config(dir string) Config {
	return Config{Dir: dir, Region: "eu-west-1", AccessKey: "hydrant", SecretKey: "hydrant-local"}
}

func start(t *testing.T, dir string) (*Server, *Client) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), config(dir), []string{self, "serve", dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-s.Exited():
		default:
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func code(err error) string {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.ErrorCode()
	}
	return ""
}

func keys(t *testing.T, c *Client, prefix string) string {
	t.Helper()
	var got []string
	for o, err := range c.List(t.Context(), "bucket", prefix) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d", o.Key, o.Size))
	}
	return strings.Join(got, " ")
}

func TestObjectsArePlainFilesThatOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	s, c := start(t, dir)
	for range 2 {
		if err := c.EnsureBucket(t.Context(), "bucket"); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"events/dt=2026-11-22/hour=09/a.parquet", "errors/b"} {
		if err := c.Put(t.Context(), "bucket", key, strings.NewReader(key), int64(len(key)), "application/octet-stream", ""); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "s3/bucket/events/dt=2026-11-22/hour=09/a.parquet"))
	if err != nil || string(file) != "events/dt=2026-11-22/hour=09/a.parquet" {
		t.Errorf("got %q, %v", file, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, c = start(t, dir)
	if got, want := keys(t, c, ""), "errors/b:8 events/dt=2026-11-22/hour=09/a.parquet:38"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := keys(t, c, "events/"), "events/dt=2026-11-22/hour=09/a.parquet:38"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	body, size, err := c.Open(t.Context(), "bucket", "errors/b")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); err != nil || string(text) != "errors/b" || size != 8 {
		t.Errorf("got %q of %d bytes, %v", text, size, err)
	}
	if err := c.Empty(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, c, ""); got != "" {
		t.Errorf("left after Empty: %s", got)
	}
}

func TestEmptyTakesEveryKey(t *testing.T) {
	dir := t.TempDir()
	_, c := start(t, dir)
	if err := c.EnsureBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a/b/c", "a/d", "%2e%2e/x", `..\..`, "<&>'\"", "a b", "ü/ü"} {
		if err := c.Put(t.Context(), "bucket", key, strings.NewReader("x"), 1, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	// Our own client takes no key of blanks; S3 and other clients do.
	if err := os.WriteFile(filepath.Join(dir, "s3/bucket", "\u2028"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Empty(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, c, ""); got != "" {
		t.Errorf("left: %q", got)
	}
}

func TestClosingAServerThatHasEnded(t *testing.T) {
	s, _ := start(t, t.TempDir())
	if err := s.input.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.Exited()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestErrorsCarryS3sCode(t *testing.T) {
	_, c := start(t, t.TempDir())
	if err := c.Put(t.Context(), "missing", "a", strings.NewReader(""), 0, "", ""); code(err) != "NoSuchBucket" {
		t.Errorf("got %v, want NoSuchBucket", err)
	}
	if err := c.EnsureBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Open(t.Context(), "bucket", "a"); code(err) != "NoSuchKey" {
		t.Errorf("got %v, want NoSuchKey", err)
	}
}

// A request that is refused before its body is read leaves nothing behind for the next one.
func TestARefusalIsItsRequestsAlone(t *testing.T) {
	_, c := start(t, t.TempDir())
	for range 200 {
		for _, body := range []string{"", "abc", strings.Repeat("abc", 10_000)} {
			if err := c.Put(t.Context(), "missing", "a", strings.NewReader(body), int64(len(body)), "", ""); code(err) != "NoSuchBucket" {
				t.Fatalf("%d bytes: got %v, want NoSuchBucket", len(body), err)
			}
			if err := c.EnsureBucket(t.Context(), "bucket"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Clients of the handler sign the address they see, not the socket behind it.
func TestTheHandlerKeepsSignaturesWhole(t *testing.T) {
	s, c := start(t, t.TempDir())
	if err := c.EnsureBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s.Handler())
	defer front.Close()
	for secret, want := range map[string]string{"hydrant-local": "", "wrong": "SignatureDoesNotMatch"} {
		client, err := minio.New(strings.TrimPrefix(front.URL, "http://"), &minio.Options{Creds: credentials.NewStaticV4("hydrant", secret, ""), Region: "eu-west-1"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.PutObject(t.Context(), "bucket", "a b/ü+", strings.NewReader("x"), 1, minio.PutObjectOptions{})
		if minio.ToErrorResponse(err).Code != want {
			t.Errorf("secret %s: got %v, want %q", secret, err, want)
		}
	}
	if got := keys(t, c, ""); got != "a b/ü+:1" {
		t.Errorf("got %s", got)
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s3"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), config(dir), []string{self, "serve", dir}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v, want the server's own words", err)
	}
}

func TestHandlerWithoutAServer(t *testing.T) {
	s, _ := start(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/bucket", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "ServiceUnavailable") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
