package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hydrant/functions/internal/runtimetest"
	"hydrant/pkg/telemetry/emftest"
)

// printed is what the program printed for one invocation: all lines up to the one that each invocation ends with.
func printed(t runtimetest.Fataler, f *runtimetest.Function) []string {
	t.Helper()
	return f.Output(t, func(line string) bool {
		return strings.Contains(line, `"message":"batch"`) || strings.Contains(line, `errorMessage`)
	})
}

// checkOutput wants of an invocation's output that each line is one of the log in Lambda's form, and the last, and no other, a document of
// metrics that agree with one another.
func checkOutput(t runtimetest.Fataler, output []string, id string) emftest.Document {
	t.Helper()
	for i, line := range output {
		var common struct {
			Timestamp                 time.Time
			Level, Message, RequestID string
		}
		if err := json.Unmarshal([]byte(line), &common); err != nil || common.Timestamp.IsZero() || common.RequestID != id {
			t.Fatalf("%v: %s", err, line)
		}
		last := i == len(output)-1
		if emftest.Is([]byte(line)) != last || !last && (common.Level != "WARN" || common.Message != "rejected") {
			t.Fatalf("line %d of %d: %s", i+1, len(output), line)
		}
	}
	line := output[len(output)-1]
	d, err := emftest.Check([]byte(line))
	if err != nil || d.Dimensions["Service"] == "" || len(d.Dimensions) != 1 {
		t.Fatalf("%v: %s", err, line)
	}
	m := d.Metrics
	_, timed := m["DurationPerRecord"]
	if m["RecordsOk"]+m["RecordsFailed"] != m["Records"] || timed != (m["Records"] > 0) || m["BytesIn"] == 0 || m["BytesOut"] == 0 ||
		sum(m, "Events.") != m["Events"] || sum(m, "EventsRejected.") != m["EventsRejected"] || m["RecordsFailed"] > 0 != (sum(m, "Rejections.") > 0) {
		t.Fatalf("the metrics do not add up: %s", line)
	}
	return d
}

// sum adds up the metrics with a name that begins so.
func sum(metrics map[string]float64, prefix string) (total float64) {
	for name, value := range metrics {
		if strings.HasPrefix(name, prefix) {
			total += value
		}
	}
	return total
}

func checkReasons(t *testing.T, d emftest.Document, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for name, value := range d.Metrics {
		if reason, ok := strings.CutPrefix(name, "Rejections."); ok {
			got[reason] = int(value)
		}
	}
	if len(want) == 0 {
		want = map[string]int{}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reasons %v, want %v", got, want)
	}
}

// checkError wants one line that says what the invocation failed with.
func checkError(t *testing.T, output []string, got runtimetest.Outcome) {
	t.Helper()
	var line struct{ Level, Message string }
	if err := json.Unmarshal([]byte(output[0]), &line); err != nil || len(output) != 1 || line.Level != "ERROR" || line.Message != string(got.Body) {
		t.Errorf("%v: %q", err, output)
	}
}

// canary stands in events, as a value and as a name. It must never come out.
const canary = "s3crEt"

// batch is a request with these data, each in a record of its own.
func batch(data ...string) []byte {
	records := make([]string, len(data))
	for i, d := range data {
		records[i] = fmt.Sprintf(`{"recordId":"r%d","approximateArrivalTimestamp":1732269600500,"data":"%s","kinesisRecordMetadata":{"sequenceNumber":"495%d","shardId":"shardId-000000000000"}}`,
			i, base64.StdEncoding.EncodeToString([]byte(d)), i)
	}
	return []byte(`{"invocationId":"i","records":[` + strings.Join(records, ",") + `]}`)
}

// Whatever comes in: lines of JSON, one of them with the metrics, a few rejections, and nothing of an event.
func TestOutput(t *testing.T) {
	f := runtimetest.Start(t, "POWERTOOLS_METRICS_NAMESPACE=team/hydrant", "POWERTOOLS_SERVICE_NAME=hydrant-dev-transform", "REJECTION_SAMPLES=3")
	value := rapid.SampledFrom([]string{
		`"` + canary + `"`, `"https://` + canary + `.example/"`, `"2026-13-45T` + canary + `"`, `"` + canary + `@example.com"`, `["` + canary + `"]`, `{"` + canary + `":"` + canary + `"}`,
		`{"` + canary + `":{"a":["` + canary + `"]}}`, `{"` + canary + `":null,"` + canary + `":1}`, `[{"sku":"` + canary + `"}]`, `1`, `-1e99`, `true`, `null`, `"page_view"`, `"purchase"`,
		`"https://a.example/"`, `"\ud800` + canary + `"`, `"` + strings.Repeat(canary, 500) + `"`, `"` + canary,
	})
	name := rapid.SampledFrom([]string{"type", "event_id", "occurred_at", "url", "title", "context", "viewport", "items", "total", "language", "user_id", canary, canary + "\\n"})
	event := rapid.Custom(func(t *rapid.T) string {
		members := []string{fmt.Sprintf(`"type":"%s"`, rapid.SampledFrom([]string{"page_view", "purchase", "app_error", canary}).Draw(t, "type"))}
		for range rapid.IntRange(0, 6).Draw(t, "members") {
			members = append(members, fmt.Sprintf(`"%s":%s`, name.Draw(t, "name"), value.Draw(t, "value")))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
	record := rapid.OneOf(event, value, rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"hydrant":1,"request_id":"Bq0f7HXDDoEFcaA=","index":1,"received_at":1732269600123,"producer":"shop","data":[%s]}`,
			strings.Join(rapid.SliceOfN(event, 0, 4).Draw(t, "events"), ","))
	}), rapid.SampledFrom([]string{"", "%" + canary, `{"hydrant":2,"data":"` + canary + `"}`, `{"type":"page_view","url":"https://a.example/"}`}))
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(record, 0, 8).Draw(rt, "records")
		got := f.Invoke(rt, batch(data...))
		if got.Path != "response" {
			rt.Fatalf("%s: %s", got.Path, got.Body)
		}
		output := printed(rt, f)
		d := checkOutput(rt, output, got.ID)
		if d.Metrics["Records"] != float64(len(data)) || len(output) > 4 || d.Metrics["RecordsFailed"] > 0 != (len(output) > 1) {
			rt.Fatalf("%d records: %q", len(data), output)
		}
		if d.Namespaces[0] != "team/hydrant" || d.Dimensions["Service"] != "hydrant-dev-transform" {
			rt.Fatalf("got %+v", d)
		}
		for _, line := range output {
			if strings.Contains(line, canary) {
				rt.Fatalf("the log has something of an event: %s", line)
			}
		}
	})
}

func TestSamplesInTheLog(t *testing.T) {
	records := batch(
		`{"hydrant":1,"request_id":"Bq0f7HXDDoEFcaA=","index":3,"data":[{"type":"page_view","url":"https://a.example/"},{"type":"page_view","event_id":"e","url":7}]}`,
		`{"type":"page_view","url":8}`,
		`{"type":"page_view","url":"https://a.example/","context":{"`+canary+`":7,"b":8,"99999":9},"viewport":{"width":-1}}`,
		`{"type":"purchase","items":[{"sku":"a","quantity":1,"unit_price":1},{}],"currency":"EUR","order_id":"o","total":1}`,
		`{"hydrant":1,"request_id":"`+canary+` <script>","index":0,"data":{"type":"`+canary+`"}}`,
		"%",
	)
	want := []string{
		`"type":"page_view","field":"/url","rule":"string","reason":"wrong_type","count":2,"record_id":"r0","sequence_number":"4950","request_id":"Bq0f7HXDDoEFcaA=","index":3,"event":1,`,
		`"type":"page_view","field":"/context/*","rule":"string","reason":"wrong_type","count":3,"record_id":"r2","sequence_number":"4952","request_id":"","index":-1,"event":0,`,
		`"type":"page_view","field":"/viewport/width","rule":"min=0","reason":"out_of_range","count":1,"record_id":"r2",`,
		`"type":"purchase","field":"/items/1/sku","rule":"required","reason":"missing","count":1,"record_id":"r3",`,
	}
	for samples, lines := range map[string]int{"": 5, "0": 0, "1": 1, "4": 4, "255": 7} {
		t.Run("REJECTION_SAMPLES="+samples, func(t *testing.T) {
			f := runtimetest.Start(t, "REJECTION_SAMPLES="+samples)
			got := f.Invoke(t, records)
			output := printed(t, f)
			d := checkOutput(t, output, got.ID)
			if len(output)-1 != lines || d.Metrics["RecordsFailed"] != 6 || d.Namespaces[0] != "hydrant" || d.Dimensions["Service"] != "transform" {
				t.Errorf("%d samples: %q", len(output)-1, output)
			}
			for i, line := range output[:len(output)-1] {
				if i < len(want) && !strings.Contains(line, want[i]) || strings.Contains(line, canary) {
					t.Errorf("line %d is %s", i, line)
				}
			}
		})
	}
}

// Metrics are no part of the log's text: neither its format nor its level keeps them from CloudWatch.
func TestMetricsInOtherLogs(t *testing.T) {
	for _, setting := range []string{"AWS_LAMBDA_LOG_FORMAT=Text", "AWS_LAMBDA_LOG_LEVEL=ERROR", "POWERTOOLS_LOG_LEVEL=ERROR"} {
		t.Run(setting, func(t *testing.T) {
			f := runtimetest.Start(t, setting)
			got := f.Invoke(t, batch("%"))
			output := printed(t, f)
			if i := slices.IndexFunc(output, func(line string) bool { return emftest.Is([]byte(line)) }); i != len(output)-1 {
				t.Fatalf("printed %q", output)
			}
			if d := checkOutput(t, output[len(output)-1:], got.ID); d.Metrics["Rejections.invalid_json"] != 1 {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// The level of the log leaves lines out, and what is no level is told and leaves out none.
func TestLogLevel(t *testing.T) {
	for setting, want := range map[string]int{
		"POWERTOOLS_LOG_LEVEL=": 1, "POWERTOOLS_LOG_LEVEL=INFO": 1, "POWERTOOLS_LOG_LEVEL=warn": 1, "POWERTOOLS_LOG_LEVEL=ERROR": 0, "POWERTOOLS_LOG_LEVEL=loud": 1,
	} {
		t.Run(setting, func(t *testing.T) {
			f := runtimetest.Start(t, setting)
			got := f.Invoke(t, batch("%"))
			output := printed(t, f)
			if strings.HasSuffix(setting, "loud") {
				if !strings.Contains(output[0], `"level":"WARN","message":"no level of the log, so it is INFO"`) {
					t.Fatalf("printed %q", output)
				}
				output = output[1:]
			}
			if checkOutput(t, output, got.ID); len(output)-1 != want {
				t.Errorf("%d rejections: %q", len(output)-1, output)
			}
		})
	}
}
