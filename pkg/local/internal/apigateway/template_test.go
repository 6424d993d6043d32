package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/internal/template"
)

// deployTemplate makes the API of the project's template.yaml, as anyone may call it.
func deployTemplate(t testing.TB, b Backend, parameters map[string]string) *API {
	t.Helper()
	a, err := newFromTemplate(t, b, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newFromTemplate(t testing.TB, b Backend, parameters map[string]string) (*API, error) {
	t.Helper()
	parsed, err := template.Read("../../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"Authorization": "NONE"}
	maps.Copy(all, parameters)
	resolved, err := parsed.Resolve(template.Environment{
		Parameters: all, AccountID: "000000000000", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "hydrant-local",
		Attribute: func(id, _, attribute string, _ *template.Value) (string, error) {
			return strings.TrimSuffix(id+"-"+attribute, "-"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resolved.Resources {
		if r.Type == "AWS::Serverless::Api" {
			return New(Config{
				ID: "local1", Stage: r.Properties.Get("StageName").Text, AccountID: "000000000000", Region: "eu-west-1",
				Body:           r.Properties.Get("DefinitionBody"),
				Callers:        testCallers,
				StageVariables: map[string]string{"stream": r.Properties.Get("Variables").Get("stream").Text},
				AccessLog:      func(string) {}, AccessLogFormat: r.Properties.Get("AccessLogSetting").Get("Format").Text,
				ExecutionLog: func(_, message string) { t.Log(message) },
			}, b)
		}
	}
	t.Fatal("template.yaml has no API")
	return nil, nil
}

const (
	oneRecord  = "POST /v1/record\nContent-Type: application/json\n\n" + `{"Data":{"type":"page_view"}}`
	twoRecords = "POST /v1/records\nContent-Type: application/json\n\n" + `{"Records":[{"Data":{"a":1}},{"Data":[2],"PartitionKey":"k"}]}`
)

// faulty is Kinesis's answer to what it refuses.
func faulty(status int, kind, message string) *answerer {
	body, err := json.Marshal(map[string]string{"__type": kind, "message": message})
	if err != nil {
		panic(err)
	}
	return &answerer{answer: Answer{Status: status, Body: body}}
}

func says(body string) *answerer {
	return &answerer{answer: Answer{Status: 200, Body: []byte(body)}}
}

// TestTemplateAnswers goes through what docs/api.md promises for every kind of request.
func TestTemplateAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		backend *answerer
		status  int
		code    string // "" for none
		headers string
		calls   int
	}{
		"one record": {oneRecord, says(accepted), 200, "", "Retry-After:", 1},
		"a batch": {
			twoRecords,
			says(`{"FailedRecordCount":0,"Records":[{"SequenceNumber":"1","ShardId":"s0"},{"SequenceNumber":"2","ShardId":"s1"}]}`), 200, "", "Retry-After:", 1,
		},
		"a batch that is partly throttled": {
			twoRecords,
			says(`{"FailedRecordCount":1,"Records":[{"SequenceNumber":"1","ShardId":"s0"},{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"account 123"}]}`),
			429, "Throttled", "Retry-After: 1", 1,
		},
		"a batch that partly failed": {
			twoRecords,
			says(`{"FailedRecordCount":2,"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"x"},{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"y"}]}`),
			503, "InternalFailure", "Retry-After: 1", 1,
		},
		"malformed JSON":          {oneRecord + "}", nil, 400, "InvalidBody", "", 0},
		"no Data":                 {"POST /v1/record\n\n{\"PartitionKey\":\"k\"}", nil, 400, "InvalidBody", "", 0},
		"Data is null":            {"POST /v1/record\n\n{\"Data\":null}", nil, 400, "InvalidBody", "", 0},
		"a typo":                  {"POST /v1/record\n\n{\"Data\":1,\"partitionKey\":\"k\"}", nil, 400, "InvalidBody", "", 0},
		"no body":                 {"POST /v1/records", nil, 400, "InvalidBody", "", 0},
		"wrong content type":      {strings.Replace(oneRecord, "application/json", "text/plain", 1), nil, 415, "UnsupportedMediaType", "", 0},
		"unknown route":           {"GET /v1/nothing", nil, 403, "UnknownRouteOrUnsigned", "", 0},
		"a long partition key":    {"POST /v1/record\n\n{\"Data\":1,\"PartitionKey\":\"" + strings.Repeat("é", 257) + "\"}", nil, 400, "InvalidBody", "", 0},
		"the longest key":         {"POST /v1/record\n\n{\"Data\":1,\"PartitionKey\":\"" + strings.Repeat("é", 256) + "\"}", says(accepted), 200, "", "", 1},
		"501 records":             {"POST /v1/records\n\n{\"Records\":[" + strings.Repeat(`{"Data":1},`, 500) + `{"Data":1}]}`, faulty(400, "ValidationException", "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"), 400, "InvalidRequest", "", 1},
		"a record too large":      {oneRecord, faulty(400, "ValidationException", "1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 10485760"), 413, "RecordTooLarge", "", 1},
		"a batch too large":       {twoRecords, faulty(400, "InvalidArgumentException", "Records size exceeds 10 MB limit"), 413, "RecordTooLarge", "", 1},
		"one record throttled":    {oneRecord, faulty(400, "ProvisionedThroughputExceededException", "Rate exceeded for shard"), 429, "Throttled", "Retry-After: 1", 1},
		"a batch throttled":       {twoRecords, faulty(400, "com.amazonaws.kinesis#LimitExceededException", "x"), 429, "Throttled", "Retry-After: 1", 1},
		"access denied":           {oneRecord, faulty(400, "AccessDeniedException", "User: arn:aws:sts::123456789012:x is not authorized"), 500, "Misconfigured", "", 1},
		"no such stream":          {twoRecords, faulty(400, "ResourceNotFoundException", "Stream x under account 123456789012 not found."), 500, "Misconfigured", "", 1},
		"a failure of Kinesis's":  {oneRecord, faulty(500, "InternalFailure", "x"), 503, "InternalFailure", "Retry-After: 1", 1},
		"an odd status":           {twoRecords, faulty(302, "x", "y"), 503, "InternalFailure", "Retry-After: 1", 1},
		"Kinesis is down":         {oneRecord, &answerer{err: http.ErrServerClosed}, 504, "IntegrationFailure", "", 1},
		"health":                  {"GET /v1/health", nil, 200, "", "", 0},
		"health by another verb":  {"PUT /v1/health", nil, 403, "UnknownRouteOrUnsigned", "", 0},
		"a batch without records": {"POST /v1/records\n\n{\"Records\":[]}", faulty(400, "ValidationException", "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"), 400, "InvalidRequest", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			backend := tc.backend
			if backend == nil {
				backend = &answerer{}
			}
			answer, body := ask(t, deployTemplate(t, backend, map[string]string{"CorsOrigin": "https://a.example"}), tc.request)
			var got struct{ Code, Message, RequestId string }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%d %s: %s", answer.StatusCode, body, err)
			}
			if answer.StatusCode != tc.status || got.Code != tc.code || (got.Message == "") != (tc.code == "") {
				t.Errorf("got %d %s, want %d %s", answer.StatusCode, body, tc.status, tc.code)
			}
			if got.RequestId != "ID" || strings.Contains(body, "123") {
				t.Errorf("got %s, want the request's id and no account's", body)
			}
			if len(backend.calls) != tc.calls {
				t.Errorf("got %d calls, want %d", len(backend.calls), tc.calls)
			}
			checkHeaders(t, answer.Header, "Content-Type: application/json\nAccess-Control-Allow-Origin: https://a.example\n"+tc.headers)
		})
	}
}

func TestTemplateTimesOut(t *testing.T) {
	a := deployTemplate(t, &answerer{hang: true}, nil)
	a.routes.literal["record"].methods["POST"].integration.timeout = time.Millisecond // the template's own is ten seconds
	answer, body := ask(t, a, oneRecord)
	if answer.StatusCode != 504 || !strings.Contains(body, `"Code":"IntegrationTimeout"`) {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
}

func TestTemplateBatchAnswerSaysWhatToResend(t *testing.T) {
	backend := says(`{"FailedRecordCount":1,"Records":[{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"x"},{"SequenceNumber":"2","ShardId":"s1"}]}`)
	_, body := ask(t, deployTemplate(t, backend, nil), twoRecords)
	var got struct {
		FailedRecordCount int
		Resend            []int
		Records           []map[string]string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %s", body, err)
	}
	if got.FailedRecordCount != 1 || len(got.Resend) != 1 || got.Resend[0] != 0 ||
		len(got.Records) != 2 || got.Records[0]["ErrorCode"] == "" || got.Records[1]["SequenceNumber"] != "2" {
		t.Errorf("got %s", body)
	}
}

// TestTemplateRecords looks at what reaches the stream.
func TestTemplateRecords(t *testing.T) {
	data := `{"quote":"\" ' \\ \u2028 \ud800 $x #set($y=1) ${context.stage}","n":1.50,"big":123456789012345678901234567890,"deep":[[{}]]}`
	backend := says(accepted)
	answer, _ := ask(t, deployTemplate(t, backend, nil),
		"POST /v1/records\nX-Amzn-RequestId: 0a1b2c3d-0000-4000-8000-000000000000\n\n"+
			`{"Records":[{"Data":`+data+`,"PartitionKey":"\"},{'$k\\"},{"Data":"text"}]}`)
	if len(backend.calls) != 1 {
		t.Fatalf("got %d and %d calls", answer.StatusCode, len(backend.calls))
	}
	var call struct {
		StreamName string
		Records    []struct{ Data, PartitionKey string }
	}
	if err := json.Unmarshal(backend.calls[0].Body, &call); err != nil {
		t.Fatalf("%s: %s", backend.calls[0].Body, err)
	}
	id := answer.Header.Get("X-Amz-Apigw-Id")
	if call.StreamName != "Stream" || len(call.Records) != 2 || call.Records[0].PartitionKey != `"},{'$k\` || call.Records[1].PartitionKey != id+"-1" {
		t.Errorf("got %s", backend.calls[0].Body)
	}
	for i, want := range []string{data, `"text"`} {
		record, err := base64.StdEncoding.DecodeString(call.Records[i].Data)
		if err != nil {
			t.Fatal(err)
		}
		checkRecord(t, record, i, id, want)
	}
}

// normal is JSON text in a form in which equal values are equal texts. Numbers keep theirs.
func normal(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %s", text, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTemplateAllowsTheOriginOnly(t *testing.T) {
	for name, tc := range map[string]struct{ origin, headers string }{
		"an origin": {"https://a.example", "Access-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Methods: POST,OPTIONS\nAccess-Control-Max-Age: 600"},
		"none":      {"", "Access-Control-Allow-Origin:\nAccess-Control-Allow-Methods:\nAccess-Control-Max-Age:"},
	} {
		t.Run(name, func(t *testing.T) {
			a := deployTemplate(t, &answerer{}, map[string]string{"CorsOrigin": tc.origin})
			for _, path := range []string{"/v1/record", "/v1/records"} {
				answer, _ := ask(t, a, "OPTIONS "+path+"\nOrigin: https://evil.example\nAccess-Control-Request-Method: POST")
				if answer.StatusCode/100 != 2 {
					t.Errorf("%s: got %d", path, answer.StatusCode)
				}
				checkHeaders(t, answer.Header, tc.headers)
			}
		})
	}
}

// trivial is a service that costs nothing.
type trivial struct{}

func (trivial) Call(context.Context, Call) (Answer, error) {
	return Answer{Status: 200, Body: []byte(accepted)}, nil
}

func BenchmarkPutRecord(b *testing.B) {
	event := `{"type":"page_view","url":"https://www.example.com/","context":{"filler":"` + strings.Repeat("x", 900) + `"}}`
	body := `{"Data":` + event + `,"PartitionKey":"user-1"}`
	a := deployTemplate(b, trivial{}, nil)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if w := serve(a, request(b, "POST /v1/record\nContent-Type: application/json\n\n"+body)); w.Code != 200 {
			b.Fatal(strconv.Itoa(w.Code) + w.Body.String())
		}
	}
}
