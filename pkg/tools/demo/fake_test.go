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
	kept   func([]string) []string
	counts func(stream, delivery, queue map[string]int64)
	flush  func(http.ResponseWriter) // instead of flushing

	mu       sync.Mutex
	judge    *event.Judge
	requests int
	records  int
	stored   []string // the table
	failed   []string // the error objects
	held     []string // the quarantine
	redriven []string // request ids of records that went round
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
	case "GET /_hydrant/tables/quarantine":
		f.lines(w, f.held, f.kept)
	case "GET /_hydrant/where":
		fmt.Fprintln(w, `{"place":"stream","attempt":0}`)
		for _, id := range f.redriven {
			if id == r.URL.Query().Get("id") {
				fmt.Fprintln(w, `{"place":"stream","attempt":1}`+"\n"+`{"place":"table","attempt":1}`)
			}
		}
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
	answer := fmt.Sprintf(`"ShardId":"shardId-%012d","SequenceNumber":"%d"`, f.records%4, f.records)
	rows, held := f.transform(envelope)
	if held == nil {
		f.stored = append(f.stored, rows...)
		return answer
	}
	f.failed = append(f.failed, errorLine(envelope, `"errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"ProcessingFailed status set for record"`))
	f.held = append(f.held, held...)
	if len(rows) > 0 { // which go round, in a record of their own
		f.records++
		f.redriven = append(f.redriven, id)
		f.stored = append(f.stored, replaceAll(`"attempt":0`, `"attempt":1`)(rows)...)
	}
	return answer
}

func errorLine(raw []byte, code string) string {
	encoded, err := json.Marshal(raw)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"delivery":"DeliveryStream","object":"s3://bucket/errors/one","line":1,"error":{"rawData":%s,%s,"attemptsMade":1}}`, encoded, code)
}

// transform judges a record's events: the rows of the good ones, and what the quarantine has of the others.
func (f *fake) transform(envelope []byte) (rows, held []string) {
	opened, err := record.Open(envelope, record.Source{ArrivedAt: receivedAt})
	if err != nil {
		return nil, []string{quarantined(opened, opened.EventID(0), "raw", envelope, []event.Rejection{{Reason: "empty"}})}
	}
	at := time.UnixMilli(receivedAt).UTC()
	for i, text := range opened.Events() {
		row, outcome := f.judge.AppendRow(nil, text, event.Origin{
			ReceivedAt: receivedAt, Producer: opened.Producer, RequestID: opened.RequestID, EventID: opened.EventID(i),
		})
		if len(outcome.Rejections) > 0 {
			held = append(held, quarantined(opened, outcome.EventID, "data", string(text), outcome.Rejections))
			continue
		}
		rows = append(rows, fmt.Sprintf(`%s,"dt":%q,"hour":%q}`, strings.TrimSuffix(string(row), "}\n"), at.Format("2006-01-02"), at.Format("15")))
	}
	return rows, held
}

func quarantined(r record.Record, id, what string, text any, against []event.Rejection) string {
	var reasons []map[string]any
	for _, a := range against {
		reasons = append(reasons, map[string]any{"field": a.Field, "rule": a.Rule, "reason": a.Reason})
	}
	row, err := json.Marshal(map[string]any{
		"event_id": id, "request_id": r.RequestID, "received_at": time.UnixMilli(receivedAt).UTC(), "attempt": 0,
		"stage": "transformation", "code": processingFailed, "reasons": reasons, what: text,
	})
	if err != nil {
		panic(err)
	}
	return string(row)
}

func (f *fake) state(w io.Writer) {
	stream := map[string]int64{"records": int64(f.records), "throttled": 0, "openShards": 4}
	delivery := map[string]int64{"recordsRead": int64(f.records), "rows": int64(len(f.stored)), "buffered": 0, "inFlight": 0}
	queue := map[string]int64{"sent": 2, "visible": 0}
	if f.counts != nil {
		f.counts(stream, delivery, queue)
	}
	err := json.NewEncoder(w).Encode(map[string]any{
		"data": f.data,
		"resources": map[string]resource{
			"Api": {"AWS::Serverless::Api", "api"}, "Stream": {"AWS::Kinesis::Stream", "stream"}, "Bucket": {"AWS::S3::Bucket", "bucket"},
			"DeliveryStream": {"AWS::KinesisFirehose::DeliveryStream", "delivery"}, "TransformFunction": {"AWS::Serverless::Function", "transform"},
			"DlqQueue": {"AWS::SQS::Queue", "queue"},
		},
		"links": map[string]any{
			"Bucket": map[string]int64{"objects": 2, "bytes": 14148}, "Stream": stream, "DeliveryStream": delivery,
			"TransformFunction": map[string]int64{"invocations": 1}, "DlqQueue": queue, "notifications": map[string]int64{"sent": 1}, "subscriptions": nil,
			"Api": map[string]any{"requests": f.requests, "latencyMs": map[string]float64{"mean": 0.25}},
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
		"events/dt=2026-11-26/hour=12/" + name + ".parquet":                   12970,
		"errors/processing-failed/dt=2026-11-26/hour=12/" + name:              1178,
		"quarantine/dt=2026-11-26/hour=12/rssyfqw3jzrusiubcyg4tknuk4.json.gz": 702,
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
