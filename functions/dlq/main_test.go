package main_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hydrant/functions/internal/runtimetest"
)

const inputs = "../../events/dlq"

// What each input comes to: the answer, or an error's beginning; what there is afterwards, beyond what was there before.
var wanted = map[string]struct {
	answer   string
	err      string
	records  []string // attempt and event ids of each record in the stream
	rows     []string // reason and event id, or line, of each row of the quarantine
	delays   []int    // of messages on the queue, in seconds
	markers  int
	explains []string // codes that the log explains
	problems int
	earlier  string // an input that comes before it
	object   string // the key of an object that is made for it
}{
	"s3-notification.json": {
		answer:   `{"batchItemFailures":[]}`,
		records:  []string{"1 view-1 view-2", "1 view-4", "1 view-5"},
		rows:     []string{"invalid_json 4", "missing view-3", "unknown_type typo-1"},
		explains: []string{"Lambda.FunctionError 1", "Lambda.FunctionTimedOut 1", "Lambda.ProcessingFailedStatus 3"},
	},
	"s3-conversion.json": {
		answer:   `{"batchItemFailures":[]}`,
		records:  []string{"1 view-9"},
		rows:     []string{"invalid_json 2"},
		explains: []string{"DataFormatConversion.EntityNotFound 1", "DataFormatConversion.ParseError 1"},
	},
	"s3-several-records.json": {
		answer:   `{"batchItemFailures":[]}`,
		records:  []string{"1 view-10"},
		rows:     []string{"attempts_exhausted view-7", "no_error_line 4", "unknown_code view-8"},
		delays:   []int{60},
		explains: []string{"Lambda.FunctionError 1", "Lambda.FunctionTimedOut 1", "Lambda.SomethingNew 1", "unnamed 1"},
		problems: 1, // the object that is gone
	},
	"s3-test-event.json": {answer: `{"batchItemFailures":[]}`},
	"waiting-lines.json": {answer: `{"batchItemFailures":[]}`, records: []string{"2 view-6"}, explains: []string{"Lambda.FunctionError 1"}},
	"mixed-messages.json": {
		answer:   `{"batchItemFailures":[{"itemIdentifier":"19dd0b57-b21e-4ac1-bd88-01bbb068cb71"},{"itemIdentifier":"19dd0b57-b21e-4ac1-bd88-01bbb068cb72"}]}`,
		records:  []string{"1 view-1 view-2", "1 view-4", "1 view-5"},
		rows:     []string{"invalid_json 4", "missing view-3", "unknown_type typo-1"},
		explains: []string{"Lambda.FunctionError 1", "Lambda.FunctionTimedOut 1", "Lambda.ProcessingFailedStatus 3"},
		problems: 2,
	},
	"error-log.json":         {answer: `{}`, explains: []string{"Lambda.FunctionTimedOut 2", "Lambda.SomethingNew 1", "S3.AccessDenied 1"}},
	"error-log-control.json": {answer: `{}`},
	"redrive-dry-run.json": {
		earlier: "s3-several-records.json",
		answer:  `{"dry_run":true,"matched":2,"sent":0,"by_reason":{"attempts_exhausted":1,"unknown_code":1},"valid_now":2,"sent_before":0,"unfit":1,"more":false}`,
	},
	"redrive.json": {
		earlier: "s3-several-records.json",
		answer:  `{"dry_run":false,"matched":1,"sent":1,"by_reason":{"attempts_exhausted":1},"valid_now":1,"sent_before":0,"unfit":0,"more":false}`,
		records: []string{"7 view-7"},
		markers: 1,
	},
	"nonsense.json":          {err: "expected one of: "},
	"error-log-largest.json": {answer: `{}`, explains: loggedCounts()},
	"s3-largest.json": {
		object: largeRecords, answer: `{"batchItemFailures":[]}`, records: largeEvents(), explains: []string{"Lambda.FunctionError 100"},
	},
	"waiting-lines-largest.json": {
		object: manyLines, answer: `{"batchItemFailures":[]}`, records: dueRecords(), explains: []string{fmt.Sprint("Lambda.FunctionError ", len(dueRecords()))},
	},
}

func TestMain(m *testing.M) { runtimetest.Main(m) }

// environment is the program's settings, with AWS at that URL, and credentials that it knows.
func environment(aws string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + aws, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=",
		"STREAM_NAME=the-stream", "QUEUE_URL=" + queueURL, "BUCKET_NAME=" + bucket,
	}
}

// The program that is deployed, over the Runtime API that Lambda has, between servers that answer as S3, Kinesis and SQS do, with every input
// that `sam local invoke` is given.
func TestProgram(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(inputs, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("inputs: %v, %v", files, err)
	}
	aws := newAWS(t)
	f := runtimetest.Start(t, environment(aws.url)...)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			want, ok := wanted[name]
			if !ok {
				t.Fatal("nothing says what this input comes to")
			}
			aws.reset(t)
			if want.object != "" {
				aws.objects[want.object] = madeObject(want.object)
			}
			if want.earlier != "" {
				f.Invoke(t, read(t, want.earlier))
				aws.forget()
			}
			got := f.Invoke(t, read(t, name))
			if want.err != "" {
				if got.Path != "error" || !strings.HasPrefix(got.Message(t), want.err) || aws.calls > 0 {
					t.Errorf("%s: %s after %d calls, want an error: %s", got.Path, got.Body, aws.calls, want.err)
				}
				return
			}
			if got.Path != "response" || string(got.Body) != want.answer {
				t.Fatalf("%s: %s\nwant %s", got.Path, got.Body, want.answer)
			}
			check(t, "records", aws.records(t), want.records)
			check(t, "rows", aws.rows(t), want.rows)
			check(t, "delays", aws.delays, want.delays)
			if aws.markers != want.markers {
				t.Errorf("%d markers, want %d", aws.markers, want.markers)
			}
			checkLog(t, f, got.ID, want.explains, want.problems)

			// Delivered a second time, it changes nothing but for copies in the stream and on the queue.
			if before := aws.objectNames(); want.earlier == "" {
				if again := f.Invoke(t, read(t, name)); string(again.Body) != want.answer || !slices.Equal(aws.objectNames(), before) {
					t.Errorf("the second time: %s, objects %q", again.Body, aws.objectNames())
				}
			}
		})
	}
	for name := range wanted {
		if !slices.Contains(files, filepath.Join(inputs, name)) {
			t.Errorf("%s is not there", name)
		}
	}
}

func check[T any](t *testing.T, what string, got, want []T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join(inputs, name))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// records are the attempt and the event ids of what is in the stream.
func (a *aws) records(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, data := range a.stream {
		var r struct {
			Attempt int
			Data    json.RawMessage
		}
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(r.Attempt)
		if r.Data[0] == '{' {
			r.Data = slices.Concat([]byte("["), r.Data, []byte("]"))
		}
		var events []struct {
			EventID string `json:"event_id"`
		}
		if err := json.Unmarshal(r.Data, &events); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			text += " " + e.EventID
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// rows are the reason and the event id of what was quarantined, or the line where the event has no id of its own.
func (a *aws) rows(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(a.created)) {
		if !strings.HasPrefix(name, "quarantine/") {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(a.objects[name]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r struct {
				EventID string `json:"event_id"`
				Line    int    `json:"source_line"`
				Data    *string
				Reasons []struct{ Reason string }
			}
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			id := r.EventID
			if r.Data == nil {
				id = fmt.Sprint(r.Line)
			}
			all = append(all, r.Reasons[0].Reason+" "+id)
		}
	}
	slices.Sort(all)
	return all
}

// Without what it needs the program ends before it takes an invocation, and names all of it.
func TestSettings(t *testing.T) {
	runtimetest.CheckRefused(t, nil, []string{"STREAM_NAME", "QUEUE_URL", "BUCKET_NAME"})
}
