package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hydrant/functions/internal/runtimetest"
	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/transform"
)

const inputs = "../../events/transform"

// The results that each input gets, and what is counted of it; an error's beginning where there is no answer.
var wanted = map[string]struct {
	results string // a letter a record: Ok or Failed
	rows    int
	reasons map[string]int
	err     string
	largest bool // all records are good, and what the batch is made of is counted instead
}{
	"batch.json": {
		results: "OOOOOFFFFF", rows: 8,
		reasons: map[string]int{"missing": 1, "not_allowed": 1, "unknown_type": 1, "invalid_json": 1, "not_base64": 1, "empty": 1},
	},
	"enveloped.json": {results: "OOOO", rows: 5},
	"direct.json":    {results: "OOOOO", rows: 10},
	"redriven.json":  {results: "OOO", rows: 5},
	"failing.json": {
		results: "FFFFFFFFFFFFFFFFFF",
		reasons: map[string]int{
			"not_base64": 1, "empty": 3, "invalid_json": 1, "invalid_envelope": 4, "unknown_type": 1,
			"invalid_format": 1, "wrong_type": 1, "missing": 1, "duplicate_name": 1, "out_of_range": 1, "in_future": 1, "too_long": 1, "too_deep": 1,
		},
	},
	"empty.json":        {},
	"not-firehose.json": {err: "not a Firehose transformation request"},
	"largest.json":      {largest: true},
}

func TestMain(m *testing.M) { runtimetest.Main(m) }

// The program that is deployed, over the Runtime API that Lambda has, with every input that `sam local invoke` is given.
func TestProgram(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(inputs, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("inputs: %v, %v", files, err)
	}
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	plain := transform.New(judge, silent{})
	f := runtimetest.Start(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, ok := wanted[filepath.Base(file)]
			if !ok {
				t.Fatal("nothing says what this input gets")
			}
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if want.largest {
				want.results, want.rows = largest(t, payload)
			}
			got := f.Invoke(t, payload)
			if want.err != "" {
				if got.Path != "error" || !strings.HasPrefix(got.Message(t), want.err) {
					t.Errorf("%s: %s, want an error: %s", got.Path, got.Body, want.err)
				}
				checkError(t, printed(t, f), got)
				return
			}
			if got.Path != "response" {
				t.Fatalf("%s: %s", got.Path, got.Body)
			}
			if inside, err := plain.Invoke(t.Context(), payload); err != nil || !bytes.Equal(got.Body, inside) {
				t.Errorf("%v: answered\n%s\nwant what the package answers:\n%s", err, got.Body, inside)
			}
			if results, rows := read(t, payload, got.Body); results != want.results || rows != want.rows {
				t.Errorf("%s with %d rows, want %s with %d", results, rows, want.results, want.rows)
			}
			d := checkOutput(t, printed(t, f), got.ID)
			checkReasons(t, d, want.reasons)
			if d.Metrics["Rows"] != float64(want.rows) || d.Metrics["RecordsFailed"] != float64(strings.Count(want.results, "F")) {
				t.Errorf("metrics %v", d.Metrics)
			}
		})
	}
	for name, payload := range map[string][]byte{
		"the largest batch that TransformBufferMB allows": ofData(3 << 20),
		"the largest request":                             ofSize(lambdaLimit),
	} {
		t.Run(name, func(t *testing.T) {
			got := f.Invoke(t, payload)
			if got.Path != "response" || len(got.Body) > firehose.AnswerLimit {
				t.Fatalf("%s: %d bytes: %.200s", got.Path, len(got.Body), got.Body)
			}
			if inside, err := plain.Invoke(t.Context(), payload); err != nil || !bytes.Equal(got.Body, inside) {
				t.Errorf("%v: answered %d bytes, and the package %d others", err, len(got.Body), len(inside))
			}
			results, rows := read(t, payload, got.Body)
			failed := strings.Count(results, "F")
			d := checkOutput(t, printed(t, f), got.ID)
			// What no longer fits the answer fails, and is not lost; nothing else does.
			reasons := map[string]int{}
			if failed > 0 {
				reasons["answer_full"] = failed
			}
			checkReasons(t, d, reasons)
			if rows == 0 || rows != len(results)-failed || d.Metrics["RecordsFailed"] != float64(failed) {
				t.Errorf("%d records, %d rows, %d failed; metrics %v", len(results), rows, failed, d.Metrics)
			}
		})
	}
	for name := range wanted {
		if !slices.Contains(files, filepath.Join(inputs, name)) {
			t.Errorf("%s is not there", name)
		}
	}
}

// largest answers what a batch of good events comes to, and wants it to be as large as Firehose makes them by default: within an event.
func largest(t *testing.T, payload []byte) (results string, rows int) {
	t.Helper()
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(template), "  TransformBufferMB:\n    Type: Number\n")
	_, rest, _ = strings.Cut(rest, "Default: ")
	megabytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	var in struct{ Records []struct{ Data []byte } }
	if err := json.Unmarshal(payload, &in); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, r := range in.Records {
		size += len(r.Data)
		results += "O"
		rows += bytes.Count(r.Data, []byte(`"event_id":"sample-`))
	}
	if most := int(megabytes * (1 << 20)); size > most || size < most-2048 {
		t.Errorf("it has %d bytes of data, and a batch %d at most", size, most)
	}
	return results, rows
}

// lambdaLimit is how many bytes a request may have: a synchronous one of 6 MB ("Lambda quotas").
const lambdaLimit = 6 << 20

// ofData is a request with so many bytes of data, in records of 1 KB with an event each.
func ofData(size int) []byte {
	const event = `{"type":"app_error","event_id":"e-%d","message":"%s"}`
	var data []string
	for left := size; left >= 1100; {
		data = append(data, fmt.Sprintf(event, len(data), strings.Repeat("out of water ", 75)))
		left -= len(data[len(data)-1])
	}
	return batch(data...)
}

// ofSize is such a request of so many bytes in all.
func ofSize(size int) []byte {
	payload := events(size)
	return slices.Concat(payload[:len(payload)-1], []byte(strings.Repeat(" ", size-len(payload))), []byte("}"))
}

// silent records nothing.
type silent struct{}

func (silent) Batch(context.Context, transform.Batch) {}
func (silent) Panic(context.Context, string, []byte)  {}

// read returns a letter for each record's result, and how many rows there are.
func read(t *testing.T, payload, answer []byte) (results string, rows int) {
	t.Helper()
	var in, out struct {
		Records []struct{ RecordID, Result, Data string }
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, &out); err != nil || len(out.Records) != len(in.Records) {
		t.Fatalf("%d verdicts for %d records: %v", len(out.Records), len(in.Records), err)
	}
	for i, v := range out.Records {
		if v.RecordID != in.Records[i].RecordID {
			t.Errorf("verdict %d is for record %s", i, v.RecordID)
		}
		letter, ok := map[string]string{"Ok": "O", "ProcessingFailed": "F"}[v.Result]
		if !ok {
			t.Errorf("verdict %d is %q", i, v.Result)
		}
		results += letter
		data, err := base64.StdEncoding.DecodeString(v.Data)
		if err != nil {
			t.Error(err)
		}
		for line := range bytes.Lines(data) {
			if rows++; !json.Valid(line) {
				t.Errorf("record %d: not JSON: %s", i, line)
			}
		}
	}
	return results, rows
}
