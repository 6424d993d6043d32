package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/parquet"
)

func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(2)
		r := start(t, testConfig(t.TempDir()), stream, echo)
		started := time.Now()
		stream.put(0, "a\n")
		stream.put(1, "drop")
		stream.put(0, "b\n")
		// The function's buffer waits ten seconds, the delivery's a minute more.
		time.Sleep(69 * time.Second)
		synctest.Wait()
		if got := r.bucket.keys(""); got != nil {
			t.Errorf("after 69 s there are %q", got)
		}
		checkBalance(t, r.Stats())
		if s := r.Stats(); s.Buffered != 3 || s.BufferedBytes != 8 || s.OldestAge != 69_000 {
			t.Errorf("got %+v, want 3 records of 8 bytes buffered, the oldest 69 s old", s)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		keys := r.bucket.keys("")
		want := regexp.MustCompile(`^events/2000-01-01-00/events-1-2000-01-01-00-00-00-[0-9a-f-]{36}$`)
		if len(keys) != 1 || !want.MatchString(keys[0]) {
			t.Fatalf("after 71 s there are %q", keys)
		}
		if got := r.bucket.bodies[keys[0]]; got != "a\nb\n" {
			t.Errorf("the object holds %q", got)
		}
		if got := r.bucket.labels[keys[0]]; got != "application/octet-stream " {
			t.Errorf("the object is labelled %q", got)
		}
		if waited := r.bucket.times[0].Sub(started); waited != 70*time.Second {
			t.Errorf("the object was stored after %v", waited)
		}
		s := r.Stats()
		checkBalance(t, s)
		if s.Delivered != 2 || s.Dropped != 1 || s.Objects != 1 || s.Invocations != 1 || s.OldestAge != 0 || s.BufferedBytes != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestBatchesEndBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform.BufferBytes, cfg.BufferBytes = 100, 250
		var sizes []int
		var mu sync.Mutex
		f := func(ctx context.Context, payload []byte) ([]byte, string, error) {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(parseRequest(payload).Records))
			return echo(ctx, payload)
		}
		stream := newMemoryStream(1)
		for i := range 40 {
			stream.put(0, fmt.Sprintf("%09d\n", i))
		}
		r := start(t, cfg, stream, f)
		synctest.Wait()
		if !slices.Equal(sizes, []int{10, 10, 10, 10}) {
			t.Errorf("the function had batches of %v records", sizes)
		}
		// Three batches fill a delivery buffer; the fourth waits for the interval.
		if got := r.Stats(); got.Objects != 1 || got.Delivered != 30 || got.Buffered != 10 {
			t.Errorf("got %+v", got)
		}
		if got := r.bucket.under("events/"); len(got) != 300 || !strings.HasPrefix(got, "000000000\n000000001\n") || !strings.HasSuffix(got, "000000029\n") {
			t.Errorf("the object holds %q", got)
		}
	})
}

// However many batches the function has at once, and in whatever order it is done with them, each shard's records keep theirs.
func TestOrderIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform.BufferBytes, cfg.InFlight = 20, 4
		var mu sync.Mutex
		calls, now, most := 0, 0, 0
		stream := newMemoryStream(2)
		for i := range 100 {
			stream.put(i%2, fmt.Sprintf("%d:%03d ", i%2, i))
		}
		r := start(t, cfg, stream, func(ctx context.Context, payload []byte) ([]byte, string, error) {
			mu.Lock()
			calls, now = calls+1, now+1
			most = max(most, now)
			wait := time.Duration(7-calls%7) * time.Second
			mu.Unlock()
			time.Sleep(wait)
			mu.Lock()
			now--
			mu.Unlock()
			return echo(ctx, payload)
		})
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if most != cfg.InFlight {
			t.Errorf("at most %d batches were at the function, want %d", most, cfg.InFlight)
		}
		last := map[string]string{}
		got := strings.Fields(r.bucket.under("events/"))
		for _, word := range got {
			shard, n, _ := strings.Cut(word, ":")
			if n <= last[shard] {
				t.Errorf("%s comes behind %s", n, last[shard])
			}
			last[shard] = n
		}
		if len(got) != 100 {
			t.Errorf("%d records are delivered", len(got))
		}
	})
}

func TestProcessingFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		r := start(t, testConfig(t.TempDir()), stream, echo)
		time.Sleep(1234 * time.Millisecond)
		stream.put(0, "fail")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		const want = `{"rawData":"ZmFpbA==","errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"ProcessingFailed status set for record",` +
			`"attemptsMade":1,"arrivalTimestamp":946684801234,"attemptEndingTimestamp":946684801234,` +
			`"lambdaARN":"arn:aws:lambda:eu-west-1:000000000000:function:transform:$LATEST"}` + "\n"
		if got := r.bucket.under("errors/processing-failed/"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		keys := r.bucket.keys("")
		if len(keys) != 1 || !regexp.MustCompile(`^errors/processing-failed/events-1-2000-01-01-00-00-01-[0-9a-f-]{36}$`).MatchString(keys[0]) {
			t.Errorf("objects %q", keys)
		}
		if s := r.Stats(); s.ProcessingFailed != 1 || s.ErrorObjects != 1 || s.Objects != 0 {
			t.Errorf("got %+v", s)
		}
		if got := r.logs.codes(t); got != nil {
			t.Errorf("the error log has %q: what the function says is its own to log", got)
		}
	})
}

func TestInvocationFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		failures      int // until the function answers
		functionError string
		answer        string
		err           error
		want          string // error code of the record, "" if it is delivered
		attempts      float64
		logged        int
	}{
		"an error once":          {1, "Unhandled", `{"errorMessage":"x","errorType":"errorString"}`, nil, "", 0, 1},
		"an error each time":     {9, "Unhandled", `{"errorMessage":"x","errorType":"errorString"}`, nil, "Lambda.FunctionError", 4, 4},
		"an error without JSON":  {9, "Unhandled", `oops`, nil, "Lambda.FunctionError", 4, 4},
		"a timeout":              {9, "Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x Error: Task timed out after 1.00 seconds"}`, nil, "Lambda.FunctionTimedOut", 4, 4},
		"no concurrency left":    {9, "", "", apiError("TooManyRequestsException"), "Lambda.InvokeLimitExceeded", 4, 4},
		"access denied":          {9, "", "", apiError("AccessDeniedException"), "Lambda.InvokeAccessDenied", 4, 4},
		"no such function":       {9, "", "", apiError("ResourceNotFoundException"), "Lambda.ResourceNotFound", 4, 4},
		"another of Lambda's":    {9, "", "", apiError("KMSDisabledException"), "Lambda.KMSDisabledException", 4, 4},
		"a network failure":      {3, "", "", errors.New("connection refused"), "", 0, 3},
		"too large an answer":    {9, "", strings.Repeat(" ", answerLimit+1), nil, "Lambda.FunctionError", 4, 4},
		"an answer of nonsense":  {1, "", "nonsense", nil, "Lambda.JsonProcessingException", 1, 1},
		"an answer without them": {1, "", `{"records":[]}`, nil, "Lambda.MissingRecordId", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ids := map[string]bool{}
				var requests []request
				f := func(ctx context.Context, payload []byte) ([]byte, string, error) {
					request := parseRequest(payload)
					requests = append(requests, request)
					ids[request.InvocationID] = true
					if len(requests) <= tc.failures {
						return []byte(tc.answer), tc.functionError, tc.err
					}
					return echo(ctx, payload)
				}
				stream := newMemoryStream(1)
				r := start(t, testConfig(t.TempDir()), stream, f)
				stream.put(0, "a")
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, request := range requests {
					if request.Records[0].RecordID != requests[0].Records[0].RecordID {
						t.Errorf("the record's id changed from %s to %s", requests[0].Records[0].RecordID, request.Records[0].RecordID)
					}
				}
				if len(ids) != len(requests) {
					t.Errorf("%d invocations have %d ids", len(requests), len(ids))
				}
				if got := r.logs.codes(t); len(got) != tc.logged {
					t.Errorf("the error log has %q, want %d lines", got, tc.logged)
				}
				if tc.want == "" {
					if got := r.bucket.under("events/"); got != "a" {
						t.Errorf("delivered %q", got)
					}
					return
				}
				var line map[string]any
				if err := json.Unmarshal([]byte(r.bucket.under("errors/processing-failed/")), &line); err != nil {
					t.Fatal(err)
				}
				if line["errorCode"] != tc.want || line["attemptsMade"] != tc.attempts || line["rawData"] != "YQ==" {
					t.Errorf("got %v, want code %s after %v attempts", line, tc.want, tc.attempts)
				}
				checkBalance(t, r.Stats())
			})
		})
	}
}

// Lambda may hold on to the request of an invocation that failed.
func TestAFailedRequestIsLeftAlone(t *testing.T) {
	for name, retries := range map[string]int{"by a retry": 3, "by another batch": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var held, copied []byte
				cfg, stream := testConfig(t.TempDir()), newMemoryStream(1)
				cfg.Transform.Retries = retries
				r := start(t, cfg, stream, func(ctx context.Context, payload []byte) ([]byte, string, error) {
					if held == nil {
						held, copied = payload, bytes.Clone(payload)
						return nil, "", errors.New("broken pipe")
					}
					return echo(ctx, payload)
				})
				for range 3 {
					stream.put(0, "a")
					if err := r.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(held, copied) {
					t.Errorf("the request changed from %s to %s", copied, held)
				}
			})
		})
	}
}

// A read may end early because the next record is large: then there is more, though no put announces it.
func TestLargeRecordsAreReadWithoutAnotherPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		for _, size := range []int{200 << 10, 400 << 10, 900 << 10, 1} {
			stream.put(0, strings.Repeat("x", size))
		}
		r := start(t, testConfig(t.TempDir()), stream, echo)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := r.Stats(); s.RecordsRead != 4 {
			t.Errorf("%d records are read", s.RecordsRead)
		}
	})
}

func TestFirehoseGivesUpOnASlowFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform.Retries = 0
		stream := newMemoryStream(1)
		started := time.Now()
		r := start(t, cfg, stream, func(ctx context.Context, _ []byte) ([]byte, string, error) {
			<-ctx.Done()
			return nil, "", ctx.Err()
		})
		stream.put(0, "a")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started).Round(time.Second); waited != 5*time.Minute {
			t.Errorf("Firehose waited %v", waited)
		}
		if got := r.bucket.under("errors/"); !strings.Contains(got, "Lambda.FunctionTimedOut") {
			t.Errorf("got %s", got)
		}
	})
}

func TestErrorLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		attempts := 0
		r := start(t, testConfig(t.TempDir()), stream, func(ctx context.Context, payload []byte) ([]byte, string, error) {
			if attempts++; attempts == 1 {
				return nil, "", apiError("TooManyRequestsException")
			}
			return echo(ctx, payload)
		}, func(r *rig) {
			r.bucket.fail = func(string) error {
				r.bucket.fail = nil
				return apiError("AccessDenied")
			}
		})
		stream.put(0, "a")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			`{"deliveryStreamARN":"arn:aws:firehose:eu-west-1:000000000000:deliverystream/events","destination":"arn:aws:s3:::bucket","deliveryStreamVersionId":1,` +
				`"message":"The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit.","errorCode":"Lambda.InvokeLimitExceeded",` +
				`"processor":"arn:aws:lambda:eu-west-1:000000000000:function:transform:$LATEST"}`,
			`{"deliveryStreamARN":"arn:aws:firehose:eu-west-1:000000000000:deliverystream/events","destination":"arn:aws:s3:::bucket","deliveryStreamVersionId":"1",` +
				`"message":"` + s3Messages["AccessDenied"] + `","errorCode":"S3.AccessDenied"}`,
		}
		if !slices.Equal(r.logs.lines, want) {
			t.Errorf("got  %s\nwant %s", strings.Join(r.logs.lines, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestErrorLogIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform.BufferBytes, cfg.Transform.Retries = 1, 0
		stream := newMemoryStream(1)
		for range 30 {
			stream.put(0, "a")
		}
		r := start(t, cfg, stream, func(context.Context, []byte) ([]byte, string, error) { return nil, "Unhandled", nil })
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := r.Stats(); s.LogLines != logLinesPerSecond || s.LogDropped != 30-logLinesPerSecond || len(r.logs.lines) != logLinesPerSecond {
			t.Errorf("%d lines are logged, %d are not", s.LogLines, s.LogDropped)
		}
	})
}

func converting(cfg Config) Config {
	cfg.Convert = &Convert{
		Table: table, Database: "db", Name: "events", Version: "LATEST", Parquet: parquet.Options{CaseInsensitive: true},
	}
	return cfg
}

// rows reads all Parquet objects of a bucket.
func rows(t *testing.T, b *bucket) []string {
	t.Helper()
	var all []string
	for _, key := range b.keys("events/") {
		body := b.bodies[key]
		err := parquet.Read(strings.NewReader(body), int64(len(body)), table().Columns, func(row []byte) error {
			all = append(all, string(row))
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	return all
}

func TestConversion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		r := start(t, converting(testConfig(t.TempDir())), stream, echo)
		stream.put(0, `{"id":"one"}`+"\n"+`{"id":"two"}`+"\n")
		sequence := stream.put(0, `{"id":`)
		stream.put(0, `{"ID":"three"}`)
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := rows(t, r.bucket), []string{`{"id":"one"}`, `{"id":"two"}`, `{"id":"three"}`}; !slices.Equal(got, want) {
			t.Errorf("got rows %q, want %q", got, want)
		}
		key := r.bucket.keys("events/")[0]
		if !strings.HasSuffix(key, ".parquet") || r.bucket.labels[key] != "application/octet-stream hadoop-snappy" {
			t.Errorf("%s is labelled %q", key, r.bucket.labels[key])
		}
		var line map[string]any
		failures := r.bucket.under("errors/format-conversion-failed/")
		if err := json.Unmarshal([]byte(failures), &line); err != nil {
			t.Fatal(err)
		}
		message := line["lastErrorMessage"].(string)
		want := `{"attemptsMade":1,"arrivalTimestamp":946684800000,"lastErrorCode":"DataFormatConversion.ParseError","lastErrorMessage":` +
			string(appendJSONString(nil, message)) + `,"attemptEndingTimestamp":946684800000,"rawData":"eyJpZCI6","sequenceNumber":"` + sequence +
			`","subSequenceNumber":0,"dataCatalogTable":{"catalogId":"000000000000","databaseName":"db","tableName":"events","region":"eu-west-1",` +
			`"versionId":"LATEST","catalogArn":null}}` + "\n"
		if failures != want || !strings.HasPrefix(message, "Encountered malformed JSON.") {
			t.Errorf("got  %s\nwant %s", failures, want)
		}
		s := r.Stats()
		checkBalance(t, s)
		if s.Delivered != 2 || s.Rows != 3 || s.ConversionFailed != 1 || s.Objects != 1 || s.ErrorObjects != 1 {
			t.Errorf("got %+v", s)
		}
		if got := r.logs.codes(t); !slices.Equal(got, []string{"DataFormatConversion.ParseError"}) {
			t.Errorf("the error log has %q", got)
		}
	})
}

func TestConversionWithoutItsTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		cfg := converting(testConfig(t.TempDir()))
		gone := true
		cfg.Convert.Table = func() *glue.Table {
			if gone {
				return nil
			}
			return table()
		}
		r := start(t, cfg, stream, echo)
		stream.put(0, `{"id":"one"}`)
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone = false
		stream.put(0, `{"id":"two"}`)
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.bucket.under("errors/format-conversion-failed/"); !strings.Contains(got, `"lastErrorCode":"DataFormatConversion.EntityNotFound"`) {
			t.Errorf("got %s", got)
		}
		if got := rows(t, r.bucket); !slices.Equal(got, []string{`{"id":"two"}`}) {
			t.Errorf("got rows %q", got)
		}
	})
}

func TestNoObjectOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		r := start(t, converting(testConfig(t.TempDir())), stream, echo)
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stream.put(0, "drop")
		stream.put(0, "neither JSON")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.bucket.keys("events/"); got != nil {
			t.Errorf("there are %q", got)
		}
		if s := r.Stats(); s.Dropped != 1 || s.ConversionFailed != 1 || s.Buffered != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestWithoutTransform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Transform, cfg.Compression = nil, "GZIP"
		stream := newMemoryStream(1)
		r := start(t, cfg, stream, nil)
		stream.put(0, "a")
		stream.put(0, "b")
		time.Sleep(61 * time.Second)
		synctest.Wait()
		keys := r.bucket.keys("events/")
		if len(keys) != 1 || !strings.HasSuffix(keys[0], ".gz") || r.bucket.labels[keys[0]] != "application/octet-stream gzip" {
			t.Fatalf("objects %q, labels %q", keys, r.bucket.labels)
		}
		unzip, err := gzip.NewReader(strings.NewReader(r.bucket.bodies[keys[0]]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(unzip); err != nil || !bytes.Equal(got, []byte("ab")) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestObjectsAreNamedByTheirOldestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newMemoryStream(1)
		r := start(t, testConfig(t.TempDir()), stream, echo)
		time.Sleep(time.Hour - time.Second)
		stream.put(0, "a")
		time.Sleep(2 * time.Second)
		stream.put(0, "b")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys := r.bucket.keys("")
		if len(keys) != 1 || !strings.HasPrefix(keys[0], "events/2000-01-01-00/events-1-2000-01-01-00-59-59-") || r.bucket.bodies[keys[0]] != "ab" {
			t.Errorf("got %q", r.bucket.bodies)
		}
	})
}

func TestConfigRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"too small a buffer":             {func(c *Config) { c.BufferBytes = 1000 }, "BufferingHints.SizeInMBs"},
		"too small to convert":           {func(c *Config) { *c = converting(*c); c.BufferBytes = 63 << 20 }, "BufferingHints.SizeInMBs"},
		"too large a buffer":             {func(c *Config) { c.BufferBytes = 129 << 20 }, "BufferingHints.SizeInMBs"},
		"too long an interval":           {func(c *Config) { c.BufferInterval = time.Hour }, "BufferingHints.IntervalInSeconds"},
		"too large a transform buffer":   {func(c *Config) { c.Transform.BufferBytes = 4 << 20 }, "BufferSizeInMBs"},
		"a negative transform interval":  {func(c *Config) { c.Transform.BufferInterval = -1 }, "BufferIntervalInSeconds"},
		"too many retries":               {func(c *Config) { c.Transform.Retries = 301 }, "NumberOfRetries"},
		"an extension without a dot":     {func(c *Config) { c.Extension = "json" }, "FileExtension"},
		"an extension with capitals":     {func(c *Config) { c.Extension = ".JSON" }, "FileExtension"},
		"an unknown compression":         {func(c *Config) { c.Compression = "HADOOP_SNAPPY" }, "CompressionFormat"},
		"compression beside conversion":  {func(c *Config) { *c = converting(*c); c.BufferBytes = 64 << 20; c.Compression = "GZIP" }, "CompressionFormat"},
		"a table that is not there":      {func(c *Config) { *c = converting(*c); c.Convert.Table = func() *glue.Table { return nil } }, "SchemaConfiguration"},
		"an unknown Parquet compression": {func(c *Config) { *c = converting(*c); c.Convert.Parquet.Compression = "LZ4" }, "DataFormatConversionConfiguration"},
		"a prefix":                       {func(c *Config) { c.Prefix = "!{x}" }, "Prefix: "},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			tc.change(&cfg)
			if _, err := New(cfg, nil, nil, nil, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one about %s", err, tc.want)
			}
		})
	}
}
