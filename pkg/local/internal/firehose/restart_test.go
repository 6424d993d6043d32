package firehose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/local/internal/kinesis"
)

// runOnce runs a delivery stream over dir until while returns, as one process would.
func runOnce(t *testing.T, cfg Config, stream source, b *bucket, f function, while func(*DeliveryStream)) {
	t.Helper()
	d, err := open(cfg, stream, f, b, &memoryLogs{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	while(d)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func flushed(t *testing.T) func(*DeliveryStream) {
	return func(d *DeliveryStream) {
		if err := d.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestARestartGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, stream, b := testConfig(t.TempDir()), newMemoryStream(3), &bucket{}
		for i := range 9 {
			stream.put(i%3, fmt.Sprint(i, ","))
		}
		runOnce(t, cfg, stream, b, echo, flushed(t))
		// What is only buffered when the process ends is read again by the next.
		for i := range 9 {
			stream.put(i%3, fmt.Sprint(10+i, ","))
		}
		runOnce(t, cfg, stream, b, echo, func(*DeliveryStream) { time.Sleep(30 * time.Second); synctest.Wait() })
		runOnce(t, cfg, stream, b, echo, flushed(t))
		got := b.under("events/")
		for i := range 9 {
			for _, want := range []string{fmt.Sprint(i, ","), fmt.Sprint(10+i, ",")} {
				if n := strings.Count(","+got, ","+want); n != 1 {
					t.Errorf("%s is delivered %d times: %s", want, n, got)
				}
			}
		}
	})
}

func TestS3IsTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		r := start(t, testConfig(t.TempDir()), stream, echo, func(r *rig) {
			r.bucket.fail = func(string) error { return apiError("NoSuchBucket") }
		})
		stream.put(0, "a")
		err := r.Flush(t.Context())
		if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
			t.Errorf("got error %v", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		s := r.Stats()
		checkBalance(t, s)
		if s.Delivered != 0 || s.Buffered != 1 || s.StoreFailures < 100 || !strings.Contains(s.LastError, "S3.NoSuchBucket") {
			t.Errorf("got %+v", s)
		}
		r.bucket.mu.Lock()
		r.bucket.fail = nil
		r.bucket.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.bucket.under("events/"); got != "a" {
			t.Errorf("delivered %q", got)
		}
		if got := r.logs.codes(t); len(got) < 100 || got[0] != "S3.NoSuchBucket" {
			t.Errorf("the error log has %d lines", len(got))
		}
	})
}

func TestMemoryIsBoundedWhileS3IsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform.BufferBytes, cfg.BufferBytes = 1000, 1000
		stream := newMemoryStream(4)
		r := start(t, cfg, stream, echo, func(r *rig) {
			r.bucket.fail = func(string) error { return apiError("SlowDown") }
		})
		for i := range 10_000 {
			stream.put(i%4, strings.Repeat("x", 100))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		// One shipment is being stored, one waits, batches fill every place, and a read may be half taken.
		if s := r.Stats(); s.RecordsRead > 10*int64(4+cfg.InFlight+DefaultInFlight)+readRecords {
			t.Errorf("%d records are read while none can be stored", s.RecordsRead)
		}
		checkBalance(t, r.Stats())
	})
}

func TestABrokenSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		stream.put(0, "a")
		r := start(t, testConfig(t.TempDir()), stream, echo)
		time.Sleep(15 * time.Second) // the record is buffered
		stream.mu.Lock()
		stream.broken = errors.New("disk on fire")
		stream.mu.Unlock()
		stream.put(0, "b")
		time.Sleep(time.Second)
		synctest.Wait()
		s := r.Stats()
		checkBalance(t, s)
		if s.RecordsRead != 0 || !strings.Contains(s.LastError, "disk on fire") {
			t.Errorf("got %+v, want what was buffered taken back", s)
		}
		stream.mu.Lock()
		stream.broken = nil
		stream.mu.Unlock()
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.bucket.under("events/"); got != "ab" {
			t.Errorf("delivered %q", got)
		}
	})
}

func TestFlush(t *testing.T) {
	t.Run("takes what was put before it, and no time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stream := newMemoryStream(5)
			r := start(t, testConfig(t.TempDir()), stream, echo)
			for i := range 20_000 {
				stream.put(i%5, "x")
			}
			started := time.Now()
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Stats(); s.Delivered != 20_000 || s.Objects != 1 {
				t.Errorf("got %+v", s)
			}
			if waited := time.Since(started); waited > time.Second {
				t.Errorf("the flush took %v", waited)
			}
		})
	})
	t.Run("takes what was put before the clock was set back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stream := newMemoryStream(1)
			stream.ahead = time.Hour
			for range 50 * readRecords { // so many that the flush comes before all are read
				stream.put(0, "x")
			}
			r := start(t, testConfig(t.TempDir()), stream, echo)
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Stats(); s.Delivered != 50*readRecords {
				t.Errorf("got %+v", s)
			}
		})
	})
	t.Run("says so when nothing runs", func(t *testing.T) {
		d, err := open(testConfig(t.TempDir()), newMemoryStream(1), nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Flush(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("ends when the delivery stream does", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stream := newMemoryStream(1)
			stream.put(0, "a")
			invoked := make(chan struct{})
			hang := func(ctx context.Context, _ []byte) ([]byte, string, error) {
				close(invoked)
				<-ctx.Done()
				return nil, "", ctx.Err()
			}
			runOnce(t, testConfig(t.TempDir()), stream, &bucket{}, hang, func(d *DeliveryStream) {
				go func() {
					if err := d.Flush(context.Background()); !errors.Is(err, context.Canceled) {
						t.Errorf("got error %v", err)
					}
				}()
				<-invoked
			})
			synctest.Wait()
		})
	})
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, stream := testConfig(t.TempDir()), newMemoryStream(1)
		r := start(t, cfg, stream, echo)
		stream.put(0, "a")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stream.put(0, "b")
		time.Sleep(15 * time.Second) // b is buffered
		if err := r.ResetWith(stream.empty); err != nil {
			t.Fatal(err)
		}
		if s := r.Stats(); s != (Stats{}) {
			t.Errorf("got %+v", s)
		}
		stream.put(0, "c")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.bucket.under("events/"); got != "ac" {
			t.Errorf("delivered %q, want b forgotten", got)
		}
		if err := r.Reset(); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.bucket.under("events/"); got != "acc" {
			t.Errorf("delivered %q, want c once more", got)
		}
	})
}

func TestResetWhileNothingCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		stream.broken = errors.New("disk on fire")
		r := start(t, testConfig(t.TempDir()), stream, echo)
		time.Sleep(10 * time.Minute)
		started := time.Now()
		if err := r.Reset(); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited != 0 {
			t.Errorf("the reset took %v", waited)
		}
	})
}

// A full disk, say. Nobody must wait for ever, or not be told.
func TestAFlushWhileNothingCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, cfg := newMemoryStream(1), testConfig(t.TempDir())
		stream.broken = errors.New("disk on fire")
		var heard []string
		cfg.Trouble = func(err error) { heard = append(heard, err.Error()) }
		r := start(t, cfg, stream, echo)
		for range 3 {
			started := time.Now()
			if err := r.Flush(t.Context()); err == nil || strings.Count(err.Error(), "disk on fire") != 1 {
				t.Errorf("got error %v", err)
			}
			if waited := time.Since(started); waited > time.Minute {
				t.Errorf("the flush took %v", waited)
			}
		}
		if want := []string{"reading shardId-000000000000: disk on fire"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

func TestAFlushThatAResetCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, invoked := newMemoryStream(1), make(chan struct{})
		stream.put(0, "a")
		r := start(t, testConfig(t.TempDir()), stream, func(ctx context.Context, _ []byte) ([]byte, string, error) {
			close(invoked)
			<-ctx.Done()
			return nil, "", ctx.Err()
		})
		flushed := make(chan error, 1)
		go func() { flushed <- r.Flush(t.Context()) }()
		<-invoked
		if err := r.ResetWith(stream.empty); err != nil {
			t.Fatal(err)
		}
		if err := <-flushed; !errors.Is(err, errReset) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestResetBeforeRun(t *testing.T) {
	cfg := testConfig(t.TempDir())
	if err := os.WriteFile(filepath.Join(cfg.Dir, "checkpoint.json"), []byte(`{"shards":{"shardId-000000000000":"49"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := open(cfg, newMemoryStream(1), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.checkpoint.shards["shardId-000000000000"] != "49" {
		t.Errorf("the checkpoint is %v", d.checkpoint.shards)
	}
	if err := d.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.checkpoint.path); !os.IsNotExist(err) || len(d.checkpoint.shards) != 0 {
		t.Errorf("the checkpoint is still there: %v", err)
	}
}

func TestABrokenCheckpointIsRefused(t *testing.T) {
	cfg := testConfig(t.TempDir())
	if err := os.WriteFile(filepath.Join(cfg.Dir, "checkpoint.json"), []byte(`{"sha`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(cfg, newMemoryStream(1), nil, nil, nil); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("got error %v", err)
	}
}

func TestOneRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, testConfig(t.TempDir()), newMemoryStream(1), echo)
		synctest.Wait()
		if err := r.Run(t.Context()); err == nil {
			t.Error("a second Run was let in")
		}
	})
}

// late is a stream that gets its one record just behind a look that found none.
type late struct {
	*memoryStream
	looked bool
}

func (l *late) Reader(shard, after string) (reader, error) {
	r, err := l.memoryStream.Reader(shard, after)
	return &lateReader{r, l}, err
}

type lateReader struct {
	reader
	stream *late
}

func (r *lateReader) Read(maxRecords, maxBytes int) ([]kinesis.Record, error) {
	records, err := r.reader.Read(maxRecords, maxBytes)
	if !r.stream.looked {
		r.stream.looked = true
		r.stream.put(0, "late,")
	}
	return records, err
}

// A record that comes in between a look at its shard and the wait for the next is not left there until another one comes.
func TestAPutBehindALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream, b := &late{memoryStream: newMemoryStream(1)}, &bucket{}
		runOnce(t, testConfig(t.TempDir()), stream, b, echo, func(*DeliveryStream) { time.Sleep(time.Hour); synctest.Wait() })
		if got := b.under("events/"); got != "late," {
			t.Errorf("delivered %q", got)
		}
	})
}
