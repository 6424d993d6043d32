package async

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hydrant/pkg/local/internal/sqs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const function, destination = "arn:aws:lambda:eu-west-1:000000000000:function:f", "arn:aws:sqs:eu-west-1:000000000000:dead"

// fake is a function, which notes when it is called, and a destination.
type fake struct {
	mu        sync.Mutex
	begin     time.Time
	calls     []string // seconds since begin
	published []string
	do        func(call int) (functionError string, err error)
}

func (f *fake) Invoke(_ context.Context, name string, payload []byte) ([]byte, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("%.0f", time.Since(f.begin).Seconds()))
	if name != function || !strings.HasPrefix(string(payload), `{"n":1}`) {
		return nil, "", errors.New("not what was sent")
	}
	functionError, err := f.do(len(f.calls))
	return []byte(`{"errorMessage":"no","errorType":"E"}`), functionError, err
}

func (f *fake) Publish(arn, body string) error {
	f.published = append(f.published, arn+" "+body)
	return nil
}

func open(t *testing.T, dir string, f *fake, c Config) *Service {
	t.Helper()
	queues, err := sqs.Open(sqs.Config{Dir: dir, Queues: []sqs.QueueConfig{
		{Name: "async", Visibility: sqs.MaxVisibility, Retention: sqs.MaxRetention, MaxMessageBytes: sqs.MaxMessageBytes, Private: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.FunctionARN = function
	s := New([]Config{c}, queues.Queue("async"), f, f, 1, func(err error) { t.Error(err) })
	t.Cleanup(func() {
		s.Stop(t.Context())
		if err := queues.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestRetries(t *testing.T) {
	sound := Config{Retries: DefaultRetries, MaxAge: DefaultMaxAge, OnFailureARN: destination}
	fails := func(int) (string, error) { return "Unhandled", nil }
	throttles := func(int) (string, error) { return "", errors.New("TooManyRequestsException") }
	for name, tc := range map[string]struct {
		cfg       Config
		do        func(int) (string, error)
		calls     string
		condition string
	}{
		"none after a success":           {sound, func(int) (string, error) { return "", nil }, "0", ""},
		"one after one failure":          {sound, func(n int) (string, error) { return map[int]string{1: "Unhandled"}[n], nil }, "0 60", ""},
		"two after failures":             {sound, fails, "0 60 180", "RetriesExhausted"},
		"none where none are wanted":     {Config{MaxAge: DefaultMaxAge, OnFailureARN: destination}, fails, "0", "RetriesExhausted"},
		"no longer than an event's age":  {Config{Retries: 2, MaxAge: 100 * time.Second, OnFailureARN: destination}, fails, "0 60", "EventAgeExceeded"},
		"more and more slowly throttled": {Config{Retries: 2, MaxAge: 70 * time.Second, OnFailureARN: destination}, throttles, "0 1 3 7 15 31 63", "EventAgeExceeded"},
		"without a destination":          {Config{Retries: 0, MaxAge: DefaultMaxAge}, fails, "0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{begin: time.Now(), do: tc.do}
				s := open(t, t.TempDir(), f, tc.cfg)
				if err := s.Start(); err != nil {
					t.Fatal(err)
				}
				id, err := s.Invoke(function, []byte(`{"n":1}`))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := strings.Join(f.calls, " "); got != tc.calls || !s.Quiet() {
					t.Errorf("called at %s, want %s (%+v)", got, tc.calls, s.Stats())
				}
				if (len(f.published) == 1) != (tc.condition != "") {
					t.Fatalf("got %v, want %q", f.published, tc.condition)
				}
				if tc.condition == "" {
					return
				}
				var record struct {
					RequestContext struct {
						RequestID, FunctionARN, Condition string
						ApproximateInvokeCount            int
					}
					RequestPayload json.RawMessage
				}
				text, _ := strings.CutPrefix(f.published[0], destination+" ")
				if err := json.Unmarshal([]byte(text), &record); err != nil {
					t.Fatal(err)
				}
				if c := record.RequestContext; c.RequestID != id || c.Condition != tc.condition || c.FunctionARN != function+":$LATEST" ||
					c.ApproximateInvokeCount != len(f.calls) || string(record.RequestPayload) != `{"n":1}` {
					t.Errorf("got %s", text)
				}
			})
		})
	}
}

// A service beside one that never started sees the folder as kill -9 leaves it.
func TestEventsSurviveKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, cfg := t.TempDir(), Config{Retries: 2, MaxAge: DefaultMaxAge}
		if _, err := open(t, dir, &fake{}, cfg).Invoke(function, []byte(`{"n":1}`)); err != nil {
			t.Fatal(err)
		}
		f := &fake{begin: time.Now(), do: func(int) (string, error) { return "", nil }}
		s := open(t, dir, f, cfg)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.Stats(); got.Succeeded != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestInvokeRefuses(t *testing.T) {
	s := open(t, t.TempDir(), &fake{}, Config{})
	if _, err := s.Invoke("arn:other", nil); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Invoke(function, make([]byte, MaxPayload+1)); err == nil || !strings.Contains(err.Error(), "RequestTooLargeException") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Invoke(function, []byte(`{"n":1}`+strings.Repeat(" ", MaxPayload-7))); err != nil {
		t.Errorf("the largest event: %v", err)
	}
}
