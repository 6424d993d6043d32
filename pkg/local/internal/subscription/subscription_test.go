package subscription

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
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

// functions is a fake that notes the documents that it gets.
type functions struct {
	mu   sync.Mutex
	seen []string
	t    *testing.T
}

func (f *functions) invoke(function string, payload []byte) (string, error) {
	var event struct{ AWSLogs struct{ Data []byte } }
	var document struct {
		MessageType, Owner, LogGroup, LogStream string
		SubscriptionFilters                     []string
		LogEvents                               []logEvent
	}
	err := json.Unmarshal(payload, &event)
	if err == nil {
		var unzipped *gzip.Reader
		if unzipped, err = gzip.NewReader(bytes.NewReader(event.AWSLogs.Data)); err == nil {
			err = json.NewDecoder(unzipped).Decode(&document)
		}
	}
	if err != nil {
		f.t.Error(err)
	}
	var messages []string
	for _, e := range document.LogEvents {
		messages = append(messages, e.Message)
		if len(e.ID) != 56 || e.Timestamp == 0 {
			f.t.Errorf("got %+v", e)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, fmt.Sprintf("%s %s %s %s %s %v %s", function, document.MessageType, document.Owner, document.LogGroup, document.LogStream, document.SubscriptionFilters, strings.Join(messages, "+")))
	return "id", nil
}

func open(t *testing.T, dir string, f *functions) *Service {
	t.Helper()
	queues, err := sqs.Open(sqs.Config{Dir: dir, Queues: []sqs.QueueConfig{
		{Name: "log-events", Visibility: sqs.MaxVisibility, Retention: sqs.MaxRetention, MaxMessageBytes: sqs.MaxMessageBytes, Private: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := New([]Config{{"filter", "/delivery", "function"}}, "000000000000", queues.Queue("log-events"), f.invoke, func(err error) { t.Error(err) })
	t.Cleanup(func() {
		s.Stop(t.Context())
		if err := queues.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *Service, group, stream string, messages ...string) {
	t.Helper()
	for _, message := range messages {
		if err := s.Put(group, stream, time.Now(), message); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{t: t}
		s := open(t, t.TempDir(), f)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		put(t, s, "/delivery", "one", `{"a":1}`, "\x00 b")
		put(t, s, "/other", "one", "not subscribed")
		time.Sleep(500 * time.Millisecond)
		put(t, s, "/delivery", "two", "c")
		put(t, s, "/delivery", "one", "d")
		time.Sleep(time.Second)
		synctest.Wait()
		const head = "function DATA_MESSAGE 000000000000 /delivery "
		if got, want := strings.Join(f.seen, "\n"), head+"one [filter] {\"a\":1}+\x00 b+d\n"+head+"two [filter] c"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		put(t, s, "/delivery", "one", "e")
		synctest.Wait()
		if s.Quiet() {
			t.Error("it gathers, and says that it is quiet")
		}
		s.Hurry()
		synctest.Wait()
		if !s.Quiet() || len(f.seen) != 3 || s.Stats() != (Stats{Events: 5, Batches: 3}) {
			t.Errorf("got %q, %+v", f.seen, s.Stats())
		}
	})
}

// A service beside one that never started sees the folder as kill -9 leaves it.
func TestEventsSurviveKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, f := t.TempDir(), &functions{t: t}
		put(t, open(t, dir, f), "/delivery", "one", "a")
		s := open(t, dir, f)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(f.seen) != 1 || !strings.HasSuffix(f.seen[0], " a") {
			t.Errorf("got %q", f.seen)
		}
	})
}
