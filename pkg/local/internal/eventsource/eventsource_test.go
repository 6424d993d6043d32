package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hydrant/pkg/local/internal/sqs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPartialBatchResponses(t *testing.T) {
	const all = "a b"
	for name, tc := range map[string]struct {
		answer, failed string
		unsound        bool
	}{
		"an empty list":               {`{"batchItemFailures":[]}`, "", false},
		"a null list":                 {`{"batchItemFailures":null}`, "", false},
		"an empty response":           {`{}`, "", false},
		"a null response":             {`null`, "", false},
		"no response":                 {``, "", false},
		"one of two":                  {`{"batchItemFailures":[{"itemIdentifier":"b"}]}`, "b", false},
		"one of two, twice":           {`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}`, "b", false},
		"both":                        {`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"a"}]}`, all, false},
		"other members beside it":     {`{"batchItemFailures":[{"itemIdentifier":"b","why":1}],"n":2}`, "b", false},
		"no JSON":                     {`{"batchItemFailures":[`, all, true},
		"text":                        {`"ok"`, all, true},
		"a list":                      {`[]`, all, true},
		"an empty identifier":         {`{"batchItemFailures":[{"itemIdentifier":""}]}`, all, true},
		"a null identifier":           {`{"batchItemFailures":[{"itemIdentifier":null}]}`, all, true},
		"a number for an identifier":  {`{"batchItemFailures":[{"itemIdentifier":1}]}`, all, true},
		"a wrong key":                 {`{"batchItemFailures":[{"itemIdentifer":"a"}]}`, all, true},
		"a key in another case":       {`{"batchItemFailures":[{"ItemIdentifier":"a"}]}`, all, true},
		"an unknown identifier":       {`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`, all, true},
		"a null item":                 {`{"batchItemFailures":[null]}`, all, true},
		"identifiers without objects": {`{"batchItemFailures":["a"]}`, all, true},
		"a list that is an object":    {`{"batchItemFailures":{}}`, all, true},
		"a misspelt list":             {`{"BatchItemFailures":[{"itemIdentifier":"a"}]}`, all, true},
	} {
		t.Run(name, func(t *testing.T) {
			failed, sound := partial([]byte(tc.answer), map[string]bool{"a": true, "b": true})
			var got []string
			for _, id := range []string{"a", "b"} {
				if failed(id) {
					got = append(got, id)
				}
			}
			if strings.Join(got, " ") != tc.failed || sound == tc.unsound {
				t.Errorf("got %v, sound %v, want %q, %v", got, sound, tc.failed, !tc.unsound)
			}
		})
	}
}

func FuzzPartial(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"a"}]}`))
	f.Add([]byte(`{"batchItemFailures":null}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		failed, sound := partial(answer, map[string]bool{"a": true, "b": true})
		if !sound && (!failed("a") || !failed("b")) {
			t.Error("a message is done that no sound answer said of")
		}
	})
}

// function is a fake: it notes the bodies of each event, and answers as do says.
type function struct {
	mu     sync.Mutex
	events []string
	busy   int
	most   int
	do     func(messages []record) (answer, functionError string, err error)
}

func (f *function) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, string, error) {
	var event struct{ Records []record }
	if err := json.Unmarshal(payload, &event); err != nil || len(payload) > maxEvent {
		return nil, "", fmt.Errorf("%d bytes: %w", len(payload), err)
	}
	var bodies []string
	for _, r := range event.Records {
		bodies = append(bodies, r.Body[:1]+r.Attributes["ApproximateReceiveCount"])
	}
	f.mu.Lock()
	f.busy++
	f.most = max(f.most, f.busy)
	f.events = append(f.events, strings.Join(bodies, "+"))
	f.mu.Unlock()
	defer func() { f.mu.Lock(); f.busy--; f.mu.Unlock() }()
	if f.do == nil {
		return []byte("null"), "", nil
	}
	answer, functionError, err := f.do(event.Records)
	return []byte(answer), functionError, err
}

func (f *function) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sort.Strings(f.events)
	return strings.Join(f.events, " ")
}

type throttled struct{}

func (throttled) Error() string     { return "TooManyRequestsException: Rate Exceeded." }
func (throttled) ErrorCode() string { return "TooManyRequestsException" }

func run(t *testing.T, f *function, cfg Config, bodies ...string) (*Mapping, *sqs.Queue) {
	t.Helper()
	return runScaled(t, 1, f, cfg, bodies...)
}

func runScaled(t *testing.T, scale float64, f *function, cfg Config, bodies ...string) (*Mapping, *sqs.Queue) {
	t.Helper()
	const arn = "arn:aws:sqs:eu-west-1:000000000000:work"
	s, err := sqs.Open(sqs.Config{Dir: t.TempDir(), AccountID: "000000000000", TimeScale: scale, Queues: []sqs.QueueConfig{
		{Name: "work", ARN: arn, Visibility: 30 * time.Minute, Retention: sqs.MaxRetention, MaxMessageBytes: sqs.MaxMessageBytes},
	}})
	if err != nil {
		t.Fatal(err)
	}
	q := s.Queue("work")
	for _, body := range bodies {
		if _, err := q.Send(sqs.Sending{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	cfg.QueueARN = arn
	m := New(cfg, Place{"eu-west-1", "000000000000", scale}, q, f, func(err error) { t.Error(err) })
	m.Start()
	t.Cleanup(func() {
		m.Stop(t.Context())
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return m, q
}

func TestBatches(t *testing.T) {
	large := strings.Repeat("\x7f", 1<<20)
	for name, tc := range map[string]struct {
		cfg    Config
		bodies []string
		do     func([]record) (string, string, error)
		after  time.Duration
		want   string // events, sorted
		left   int    // messages in the queue
	}{
		"are bounded by their size": {Config{BatchSize: 2, Concurrency: 1}, []string{"a", "b", "c"}, nil, 0, "a1+b1 c1", 0},
		"are bounded by 6 MB":       {Config{BatchSize: 10, Concurrency: 1}, []string{"a" + large[1:], "b" + large[1:], "c" + large[1:], "d" + large[1:], "e" + large[1:], "f" + large[1:], "g"}, nil, 0, "a1+b1+c1+d1+e1 f1+g1", 0},
		"are split when JSON makes them longer": {
			Config{BatchSize: 10, Concurrency: 1},
			[]string{"a" + strings.Repeat("\n", 1<<20-1), "b" + strings.Repeat("\n", 1<<20-1), "c" + strings.Repeat("\n", 1<<20-1)},
			nil, 0, "a1+b1 c1", 0,
		},
		"fill within the window":                       {Config{BatchSize: 10, Concurrency: 1, Window: time.Second}, []string{"a", "b"}, nil, time.Second, "a1+b1", 0},
		"wait for their window":                        {Config{BatchSize: 10, Concurrency: 1, Window: 2 * time.Second}, []string{"a"}, nil, time.Second, "", 1},
		"that failed come again":                       {Config{BatchSize: 2, Concurrency: 1}, []string{"a", "b"}, failing, 31 * time.Minute, "a1+b1 a2+b2", 2},
		"stay away for the visibility timeout":         {Config{BatchSize: 2, Concurrency: 1}, []string{"a", "b"}, failing, 29 * time.Minute, "a1+b1", 2},
		"that failed in part come again in part":       {Config{BatchSize: 2, Concurrency: 1, PartialFailures: true}, []string{"a", "b"}, secondFails, 31 * time.Minute, "a1+b1 b2", 1},
		"count as done when part reports are not read": {Config{BatchSize: 2, Concurrency: 1}, []string{"a", "b"}, secondFails, time.Minute, "a1+b1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &function{do: tc.do}
				m, q := run(t, f, tc.cfg, tc.bodies...)
				time.Sleep(tc.after)
				synctest.Wait()
				stats := q.Stats()
				if got := f.seen(); got != tc.want || stats.InFlight+stats.Visible != tc.left {
					t.Errorf("got %q and %+v, want %q and %d messages left (%+v)", got, stats, tc.want, tc.left, m.Stats())
				}
			})
		})
	}
}

func failing([]record) (string, string, error) { return `{"errorMessage":"no"}`, "Unhandled", nil }

func secondFails(messages []record) (string, string, error) {
	return `{"batchItemFailures":[{"itemIdentifier":"` + messages[len(messages)-1].MessageID + `"}]}`, "", nil
}

// However fast a visibility timeout passes, it does not while the function has the messages; afterwards it does.
func TestMessagesAreHiddenWhileTheFunctionHasThem(t *testing.T) {
	const scale, longer = 600, 20 * time.Second // half an hour passes in three seconds
	for name, tc := range map[string]struct {
		do    func([]record) (string, string, error)
		after time.Duration
		want  string
		left  int
	}{
		"until it is done":                    {nil, 30 * time.Second, "a1+b1", 0},
		"and for the timeout after a failure": {failing, longer + 2500*time.Millisecond, "a1+b1", 2},
		"and no longer than that":             {failing, longer + 3500*time.Millisecond, "a1+b1 a2+b2", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &function{do: func(messages []record) (string, string, error) {
					time.Sleep(longer)
					if tc.do == nil {
						return "", "", nil
					}
					return tc.do(messages)
				}}
				m, q := runScaled(t, scale, f, Config{BatchSize: 2, Concurrency: 3}, "a", "b")
				time.Sleep(tc.after)
				synctest.Wait()
				stats := q.Stats()
				if got := f.seen(); got != tc.want || stats.InFlight+stats.Visible != tc.left {
					t.Errorf("got %q and %+v, want %q and %d messages left (%+v)", got, stats, tc.want, tc.left, m.Stats())
				}
			})
		})
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	for concurrency, want := range map[int]int{0: 5, 2: 2, 8: 8} {
		synctest.Test(t, func(t *testing.T) {
			f := &function{do: func([]record) (string, string, error) { time.Sleep(time.Minute); return "", "", nil }}
			m, _ := run(t, f, Config{BatchSize: 1, Concurrency: concurrency}, strings.Split("abcdefghijklmno", "")...)
			if m.Quiet() {
				t.Error("it says that it is quiet")
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if f.most != want || !m.Quiet() || m.Stats().Deleted != 15 {
				t.Errorf("concurrency %d: %d at the same time, %+v", concurrency, f.most, m.Stats())
			}
		})
	}
}

func TestThrottling(t *testing.T) {
	for name, tc := range map[string]struct {
		after    time.Duration
		want     string
		finished bool
	}{
		"is waited out":                          {time.Minute, "a1 a1 a1 a1 a1 a1 a1", true},
		"ends at the visibility timeout at last": {25 * time.Hour, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				f := &function{do: func([]record) (string, string, error) {
					if time.Since(begin) < tc.after {
						return "", "", throttled{}
					}
					return "", "", nil
				}}
				m, q := run(t, f, Config{BatchSize: 1, Concurrency: 2}, "a")
				if !m.Quiet() {
					t.Error("waiting out a throttle counts as movement")
				}
				time.Sleep(61 * time.Minute)
				synctest.Wait()
				if tc.want != "" && f.seen() != tc.want {
					t.Errorf("got %q, want %q", f.seen(), tc.want)
				}
				if got := q.Stats(); (got.Deleted == 1) != tc.finished || !tc.finished && (got.Received != 3 || m.Stats().Failed != 2) {
					t.Errorf("got %+v, %+v", got, m.Stats())
				}
			})
		})
	}
}

func TestStopBreaksOffWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		blocked := &blocking{function: f}
		s, err := sqs.Open(sqs.Config{Dir: t.TempDir(), Queues: []sqs.QueueConfig{{Name: "q", Visibility: time.Minute, Retention: time.Hour, MaxMessageBytes: 1024}}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Queue("q").Send(sqs.Sending{Body: "a"}); err != nil {
			t.Fatal(err)
		}
		m := New(Config{BatchSize: 1}, Place{TimeScale: 1}, s.Queue("q"), blocked, func(err error) { t.Error(err) })
		m.Start()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m.Stop(ctx)
		if got := s.Queue("q").Stats(); got.InFlight != 1 || !errors.Is(blocked.err, context.Canceled) {
			t.Errorf("got %+v, %v", got, blocked.err)
		}
	})
}

type blocking struct {
	*function
	err error
}

func (b *blocking) Invoke(ctx context.Context, _ string, _ []byte) ([]byte, string, error) {
	<-ctx.Done()
	b.err = ctx.Err()
	return nil, "", ctx.Err()
}
