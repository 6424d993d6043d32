package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// mischief answers a request wrongly in one of the ways that a function, Lambda or the network has.
func mischief(kind int, payload []byte) (answer []byte, functionError string, err error) {
	honest, _, _ := echo(context.Background(), payload)
	var parsed struct {
		Records []verdict `json:"records"`
	}
	if err := json.Unmarshal(honest, &parsed); err != nil {
		panic(err)
	}
	records := parsed.Records
	switch kind {
	case 0:
		return nil, "", apiError("TooManyRequestsException")
	case 1:
		return []byte(`{"errorType":"Runtime.ExitError"}`), "Unhandled", nil
	case 2:
		return nil, "", errors.New("connection reset")
	case 3:
		return []byte("oops"), "", nil
	case 4:
		return answerOf(records[1:]...), "", nil
	case 5:
		return answerOf(append(records, records[0])...), "", nil
	case 6:
		records[0].Result = "Maybe"
		return answerOf(records...), "", nil
	case 7:
		records[len(records)-1].Result, records[len(records)-1].Data = "Ok", nil
		return answerOf(records...), "", nil
	default:
		return honest, "", nil
	}
}

// Whatever fails in whatever order, and whenever the process ends, every record is in an object or an error object, or was dropped.
func TestNothingIsLost(t *testing.T) {
	dirs := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(dirs, "")
		if err != nil {
			rt.Fatal(err)
		}
		cfg := testConfig(dir)
		cfg.Transform.BufferBytes = rapid.IntRange(1, 200).Draw(rt, "transform bytes")
		cfg.BufferBytes = rapid.IntRange(1, 500).Draw(rt, "delivery bytes")
		cfg.InFlight = rapid.IntRange(1, 4).Draw(rt, "in flight")
		cfg.Transform.Retries = rapid.IntRange(0, 2).Draw(rt, "retries")
		if rapid.Bool().Draw(rt, "convert") {
			cfg = converting(cfg)
		}
		kinds := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 30).Draw(rt, "what the function does")
		puts := rapid.SliceOfN(rapid.Bool(), 1, 20).Draw(rt, "puts that succeed")
		runs := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 4).Draw(rt, "seconds of each run")
		records := rapid.SliceOfN(rapid.SampledFrom([]string{"drop", "fail", `{"id":"x"}`, "text", ""}), 1, 60).Draw(rt, "records")
		synctest.Test(t, func(t *testing.T) { nothingIsLost(t, cfg, kinds, puts, runs, records) })
	})
}

func nothingIsLost(t *testing.T, cfg Config, kinds []int, puts []bool, runs []int, records []string) {
	stream, b := newMemoryStream(3), &bucket{}
	calls := make(chan int, 1)
	calls <- 0
	f := func(_ context.Context, payload []byte) ([]byte, string, error) {
		n := <-calls
		calls <- n + 1
		time.Sleep(time.Duration(n%5) * time.Second) // so that answers come in another order
		return mischief(kinds[n%len(kinds)], payload)
	}
	attempts := 0
	b.fail = func(string) error {
		attempts++
		if attempts%7 != 0 && !puts[attempts%len(puts)] {
			return apiError("InternalError")
		}
		return nil
	}
	var want []string
	for i, seconds := range runs {
		for j, r := range records {
			data := fmt.Sprintf("%s #%d.%d", r, i, j)
			if strings.HasPrefix(r, "{") {
				data = fmt.Sprintf(`{"id":"#%d.%d"}`, i, j)
			}
			stream.put(j%3, data)
			want = append(want, data)
		}
		runOnce(t, cfg, stream, b, f, func(d *DeliveryStream) {
			time.Sleep(time.Duration(seconds) * time.Second)
			synctest.Wait()
			checkBalance(t, d.Stats())
			if i == len(runs)-1 {
				// A flush fails while objects cannot be stored; they are in the end.
				for d.Flush(t.Context()) != nil {
					time.Sleep(time.Minute)
				}
				checkBalance(t, d.Stats())
			}
		})
	}
	found := everything(t, b, cfg.Convert != nil)
	for _, data := range want {
		if !found[data] && !strings.HasPrefix(data, "drop") {
			t.Fatalf("%q is nowhere: %v", data, b.bodies)
		}
	}
}

// everything answers the data that is in objects and error objects.
func everything(t *testing.T, b *bucket, converted bool) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(b.under("errors/")) {
		var failure struct{ RawData string }
		if err := json.Unmarshal([]byte(line), &failure); err != nil {
			t.Fatal(err)
		}
		data, err := base64.StdEncoding.DecodeString(failure.RawData)
		if err != nil {
			t.Fatal(err)
		}
		found[string(data)] = true
	}
	if converted {
		for _, row := range rows(t, b) {
			found[row] = true
		}
		return found
	}
	// Records end in #run.number, which none of them is the beginning of.
	rest := b.under("events/")
	for rest != "" {
		end := strings.IndexByte(rest, '#') + 1
		end += len(rest[end:]) - len(strings.TrimLeft(rest[end:], "0123456789."))
		if strings.HasPrefix(rest[end:], `"}`) {
			end += 2
		}
		found[rest[:end]] = true
		rest = rest[end:]
	}
	return found
}

// A process that is killed behind any of its writes to S3 leaves a checkpoint from which the next one stores all the rest.
func TestACrashAtAnyPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, stream := converting(testConfig(t.TempDir())), newMemoryStream(2)
		cfg.Transform.BufferBytes, cfg.BufferBytes = 30, 60
		records := []string{`{"id":"#1"}`, "fail #2", `{"id":"#3"}`, "no JSON #4", `{"id":"#5"}`, `{"id":"#6"}`, "fail #7", `{"id":"#8"}`}
		for i, data := range records {
			stream.put(i%2, data)
		}
		b := &bucket{}
		type moment struct {
			dir    string
			bodies map[string]string
		}
		var moments []moment
		b.after = func(string) error {
			m := moment{filepath.Join(t.TempDir(), "data"), map[string]string{}}
			if err := os.CopyFS(m.dir, os.DirFS(cfg.Dir)); err != nil {
				t.Error(err)
			}
			for key, body := range b.bodies {
				m.bodies[key] = body
			}
			moments = append(moments, m)
			return nil
		}
		runOnce(t, cfg, stream, b, echo, flushed(t))
		if len(moments) < 4 {
			t.Fatalf("there were %d moments", len(moments))
		}
		for i, m := range moments {
			after := &bucket{bodies: m.bodies, labels: map[string]string{}}
			cfg.Dir = m.dir
			runOnce(t, cfg, stream, after, echo, flushed(t))
			found := everything(t, after, true)
			for _, data := range records {
				if !found[data] {
					t.Errorf("killed at put %d: %q is nowhere", i+1, data)
				}
			}
		}
	})
}
