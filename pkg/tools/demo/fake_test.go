package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// fake answers as the runner does, from memory, and the same each time. What a test puts into its hooks it gets wrong.
type fake struct {
	data   string // its data folder
	answer func(route string, status int, body string) (int, string)
	rows   func([]string) []string
	errors func([]string) []string
	counts func(stream, delivery map[string]int64)
	flush  func(http.ResponseWriter) // instead of flushing

	mu       sync.Mutex
	judge    *event.Judge
	requests int
	records  int
	stored   []string // the table
	failed   []string // the error objects
}

const receivedAt = 1795695600123 // 2026-11-26T12:20:00.123Z

func newFake(data string) *fake {
	judge, err := event.NewJudge()
	if err != nil {
		panic(err)
	}
	return &fake{data: data, judge: judge}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /_hydrant/flush":
		if f.flush != nil {
			f.flush(w)
			return
		}
		f.state(w)
	case "GET /_hydrant/tables/events":
		f.lines(w, f.stored, f.rows)
	case "GET /_hydrant/errors":
		f.lines(w, f.failed, f.errors)
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		f.requests++
		status, answer := f.api(r.URL.Path, body)
		if f.answer != nil {
			status, answer = f.answer(strings.TrimPrefix(r.URL.Path, "/v1/"), status, answer)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}
}

func (f *fake) lines(w io.Writer, lines []string, hook func([]string) []string) {
	if hook != nil {
		lines = hook(append([]string(nil), lines...))
	}
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}

func (f *fake) api(path string, body []byte) (int, string) {
	id := fmt.Sprintf("request-%d=", f.requests)
	refuse := func(status int, code, message string) (int, string) {
		return status, fmt.Sprintf(`{"Code":%q,"Message":%q,"RequestId":%q}`, code, message, id)
	}
	var request struct {
		Data    json.RawMessage
		Records []struct{ Data json.RawMessage }
	}
	if path != "/v1/record" && path != "/v1/records" {
		return refuse(403, "UnknownRouteOrUnsigned", "There is no such method and path, or the request is not signed.")
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return refuse(400, "InvalidBody", "Invalid request body")
	}
	if path == "/v1/record" {
		return 200, fmt.Sprintf(`{"RequestId":%q,%s}`, id, f.store(id, 0, request.Data))
	}
	var answers []string
	for i, r := range request.Records {
		answers = append(answers, "{"+f.store(id, i, r.Data)+"}")
	}
	return 200, fmt.Sprintf(`{"RequestId":%q,"FailedRecordCount":0,"Resend":[],"Records":[%s]}`, id, strings.Join(answers, ","))
}

// store does what stream, transform and delivery do to a record.
func (f *fake) store(id string, index int, data json.RawMessage) string {
	f.records++
	envelope := fmt.Appendf(nil, `{"hydrant":1,"request_id":%q,"index":%d,"received_at":%d,"data":%s}`, id, index, receivedAt, data)
	rows, ok := f.transform(envelope)
	if ok {
		f.stored = append(f.stored, rows...)
	} else {
		f.failed = append(f.failed, errorLine(envelope, `"errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"ProcessingFailed status set for record"`))
	}
	return fmt.Sprintf(`"ShardId":"shardId-%012d","SequenceNumber":"%d"`, f.records%4, f.records)
}

func errorLine(raw []byte, code string) string {
	encoded, err := json.Marshal(raw)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"delivery":"DeliveryStream","object":"s3://bucket/errors/one","line":1,"error":{"rawData":%s,%s,"attemptsMade":1}}`, encoded, code)
}

func (f *fake) transform(envelope []byte) (rows []string, ok bool) {
	opened, err := record.Open(envelope, record.Source{ArrivedAt: receivedAt})
	if err != nil {
		return nil, false
	}
	at := time.UnixMilli(receivedAt).UTC()
	for i, text := range opened.Events() {
		row, outcome := f.judge.AppendRow(nil, text, event.Origin{
			ReceivedAt: receivedAt, Producer: opened.Producer, RequestID: opened.RequestID, EventID: opened.EventID(i),
		})
		if len(outcome.Rejections) > 0 {
			return nil, false
		}
		rows = append(rows, fmt.Sprintf(`%s,"dt":%q,"hour":%q}`, strings.TrimSuffix(string(row), "}\n"), at.Format("2006-01-02"), at.Format("15")))
	}
	return rows, true
}

func (f *fake) state(w io.Writer) {
	stream := map[string]int64{"records": int64(f.records), "throttled": 0, "openShards": 4}
	delivery := map[string]int64{"recordsRead": int64(f.records), "rows": int64(len(f.stored)), "buffered": 0, "inFlight": 0}
	if f.counts != nil {
		f.counts(stream, delivery)
	}
	err := json.NewEncoder(w).Encode(map[string]any{
		"data": f.data,
		"resources": map[string]resource{
			"Api": {"AWS::Serverless::Api", "api"}, "Stream": {"AWS::Kinesis::Stream", "stream"}, "Bucket": {"AWS::S3::Bucket", "bucket"},
			"DeliveryStream": {"AWS::KinesisFirehose::DeliveryStream", "delivery"}, "TransformFunction": {"AWS::Serverless::Function", "transform"},
		},
		"links": map[string]any{
			"Bucket": map[string]int64{"objects": 2, "bytes": 14148}, "Stream": stream, "DeliveryStream": delivery,
			"TransformFunction": map[string]int64{"invocations": 1},
			"Api":               map[string]any{"requests": f.requests, "latencyMs": map[string]float64{"mean": 0.25}},
		},
	})
	if err != nil {
		panic(err)
	}
}

// makeFiles makes what the runner would have left in its bucket.
func (f *fake) makeFiles() error {
	name := "hydrant-local-DeliveryStream-1-2026-11-26-12-20-00-0cf2eb6a-b0e9-4872-8501-bcd412d070f3"
	for key, size := range map[string]int{
		"events/dt=2026-11-26/hour=12/" + name + ".parquet":      12970,
		"errors/processing-failed/dt=2026-11-26/hour=12/" + name: 1178,
	} {
		path := filepath.Join(f.data, "s3", "bucket", filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	return nil
}
