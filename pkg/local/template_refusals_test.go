package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/apigateway"
)

// What Kinesis says, in its own words; each text names the account, which must not get out.
const (
	throttled = `{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded for shard shardId-000000000000 in stream s under account 111111111111."}`
	denied    = `{"__type":"AccessDeniedException","Message":"User: arn:aws:sts::111111111111:assumed-role/r/s is not authorized to perform: kinesis:PutRecord"}`
	missing   = `{"__type":"ResourceNotFoundException","message":"Stream s under account 111111111111 not found."}`
	longKey   = `{"__type":"ValidationException","message":"1 validation error detected: Value '111111111111' at 'partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256"}`
	large     = `{"__type":"ValidationException","message":"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]' at 'data' failed to satisfy constraint: Member must have length less than or equal to 1048576"}`
	largeIn   = `{"__type":"ValidationException","message":"1 validation error detected: Value at 'records.3.member.data' failed to satisfy constraint: Member must have length less than or equal to 1048576"}`
	tooMany   = `{"__type":"ValidationException","message":"1 validation error detected: Value '[PutRecordsRequestEntry(...111111111111...)]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"}`
	tooMuch   = `{"__type":"InvalidArgumentException","message":"Records size exceeds 10 MB limit"}`
)

func TestKinesisErrorsBecomeOurs(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		body       string
		wantStatus int
		wantCode   string
	}{
		"throttling":                   {400, throttled, 429, "Throttled"},
		"throttling of the key's use":  {400, `{"__type":"KMSThrottlingException","message":"111111111111"}`, 429, "Throttled"},
		"a limit":                      {400, `{"__type":"LimitExceededException","message":"111111111111"}`, 429, "Throttled"},
		"a namespace before the type":  {400, `{"__type":"com.amazonaws.kinesis.v20131202#ProvisionedThroughputExceededException"}`, 429, "Throttled"},
		"a large record":               {400, large, 413, "RecordTooLarge"},
		"a large record of a batch":    {400, largeIn, 413, "RecordTooLarge"},
		"a large request":              {400, tooMuch, 413, "RecordTooLarge"},
		"a long key":                   {400, longKey, 400, "InvalidRequest"},
		"501 records":                  {400, tooMany, 400, "InvalidRequest"},
		"no permission":                {400, denied, 500, "Misconfigured"},
		"no stream":                    {400, missing, 500, "Misconfigured"},
		"a disabled key":               {400, `{"__type":"KMSDisabledException","message":"111111111111"}`, 500, "Misconfigured"},
		"a request that is ours":       {400, `{"__type":"SerializationException"}`, 500, "Misconfigured"},
		"no type":                      {400, `{"message":"111111111111"}`, 500, "Misconfigured"},
		"an unknown 4xx":               {403, `{"__type":"SomethingNewException"}`, 500, "Misconfigured"},
		"a failure of Kinesis":         {500, `{"__type":"InternalFailure","message":"111111111111"}`, 503, "InternalFailure"},
		"a 503 that is no JSON":        {503, `<html>111111111111</html>`, 503, "InternalFailure"},
		"a success that is none of it": {204, ``, 503, "InternalFailure"},
		"a redirect":                   {301, ``, 503, "InternalFailure"},
		"a 4xx that is no JSON":        {400, `<html>111111111111</html>`, 500, "Misconfigured"},
	} {
		t.Run(name, func(t *testing.T) {
			for path, body := range map[string]string{"/v1/record": `{"Data":1}`, "/v1/records": `{"Records":[{"Data":1}]}`} {
				s := &stream{answer: apigateway.Answer{Status: tc.status, Body: []byte(tc.body)}}
				status, header, answer := send(t, serve(t, s), "POST", path, "application/json", body)
				checkError(t, path, status, answer, tc.wantStatus, tc.wantCode)
				if got, want := header.Get("Retry-After") != "", status == 429 || status == 503; got != want {
					t.Errorf("%s: Retry-After with %d: %v", path, status, got)
				}
			}
		})
	}
}

func checkError(t *testing.T, what string, status int, answer map[string]any, wantStatus int, wantCode string) {
	t.Helper()
	if status != wantStatus || answer["Code"] != wantCode {
		t.Errorf("%s: %d %v, want %d %s", what, status, answer["Code"], wantStatus, wantCode)
	}
	if message, _ := answer["Message"].(string); len(answer) != 3 || message == "" || answer["RequestId"] == "" || strings.Contains(fmt.Sprint(answer), "111111111111") {
		t.Errorf("%s: the answer is %v: it must hold Code, Message and RequestId, and not what Kinesis said", what, answer)
	}
}

func TestABatchSaysWhatToSendAgain(t *testing.T) {
	const (
		ok       = `{"SequenceNumber":"49","ShardId":"shardId-000000000001"}`
		rate     = `{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded for shard shardId-000000000001 in stream s under account 111111111111."}`
		internal = `{"ErrorCode":"InternalFailure","ErrorMessage":"Internal service failure."}`
		gotOK    = `{"ShardId":"shardId-000000000001","SequenceNumber":"49"}`
		gotRate  = `{"ErrorCode":"ProvisionedThroughputExceededException"}`
		gotInt   = `{"ErrorCode":"InternalFailure"}`
	)
	for name, tc := range map[string]struct {
		failed  int
		kinesis []string
		status  int
		code    string // "" has no Code and no Message
		resend  string
		records []string
	}{
		"all accepted":                   {0, []string{ok, ok}, 200, "", `[]`, []string{gotOK, gotOK}},
		"one throttled":                  {1, []string{ok, rate, ok}, 429, "Throttled", `[1]`, []string{gotOK, gotRate, gotOK}},
		"all throttled":                  {2, []string{rate, rate}, 429, "Throttled", `[0,1]`, []string{gotRate, gotRate}},
		"one failed":                     {1, []string{internal}, 503, "InternalFailure", `[0]`, []string{gotInt}},
		"throttled and failed":           {2, []string{rate, ok, internal}, 503, "InternalFailure", `[0,2]`, []string{gotRate, gotOK, gotInt}},
		"failed and throttled":           {2, []string{internal, rate}, 503, "InternalFailure", `[0,1]`, []string{gotInt, gotRate}},
		"an error that nobody knows":     {1, []string{`{"ErrorCode":"New"}`, ok}, 503, "InternalFailure", `[0]`, []string{`{"ErrorCode":"New"}`, gotOK}},
		"refused, and counted as none":   {0, []string{ok, rate}, 429, "Throttled", `[1]`, []string{gotOK, gotRate}},
		"neither accepted nor refused":   {0, []string{`{}`}, 503, "InternalFailure", `[0]`, []string{`{"ErrorCode":""}`}},
		"nulls beside the members of it": {1, []string{`{"SequenceNumber":null,"ShardId":null,"ErrorCode":"InternalFailure"}`}, 503, "InternalFailure", `[0]`, []string{gotInt}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := fmt.Sprintf(`{"FailedRecordCount":%d,"Records":[%s],"EncryptionType":"KMS"}`, tc.failed, strings.Join(tc.kinesis, ","))
			s := &stream{answer: apigateway.Answer{Status: 200, Body: []byte(answer)}}
			status, header, got := send(t, serve(t, s), "POST", "/v1/records", "application/json", `{"Records":[{"Data":1}]}`)
			if status != tc.status || (header.Get("Retry-After") != "") != (tc.status != 200) {
				t.Errorf("status %d, Retry-After %q; want %d", status, header.Get("Retry-After"), tc.status)
			}
			id, _ := got["RequestId"].(string)
			want := fmt.Sprintf(`{"RequestId":%q,"FailedRecordCount":%d,"Resend":%s,"Records":[%s]`,
				id, strings.Count(fmt.Sprint(tc.records), "ErrorCode"), tc.resend, strings.Join(tc.records, ","))
			if tc.code != "" {
				message, _ := got["Message"].(string)
				want += fmt.Sprintf(`,"Code":%q,"Message":%q`, tc.code, message)
			}
			rendered, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if !equalJSON(t, rendered, []byte(want+"}")) {
				t.Errorf("answer %s\nwant   %s", rendered, want+"}")
			}
			if id == "" || (tc.code != "" && got["Message"] == "") {
				t.Errorf("answer %s has no RequestId or no Message", rendered)
			}
		})
	}
}

func TestBadRequestsAreRefusedAndPutNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path, contentType, body string
		status                          int
		code                            string
	}{
		"no JSON":                    {"POST", "/v1/record", "application/json", `{"Data":`, 400, "InvalidBody"},
		"no body":                    {"POST", "/v1/record", "application/json", ``, 400, "InvalidBody"},
		"no Data":                    {"POST", "/v1/record", "application/json", `{"PartitionKey":"k"}`, 400, "InvalidBody"},
		"Data null":                  {"POST", "/v1/record", "application/json", `{"Data":null}`, 400, "InvalidBody"},
		"a member too many":          {"POST", "/v1/record", "application/json", `{"Data":1,"partitionKey":"k"}`, 400, "InvalidBody"},
		"no key at all":              {"POST", "/v1/record", "application/json", `{"Data":1,"PartitionKey":null}`, 400, "InvalidBody"},
		"an empty key":               {"POST", "/v1/record", "application/json", `{"Data":1,"PartitionKey":""}`, 400, "InvalidBody"},
		"a key of 257 characters":    {"POST", "/v1/record", "application/json", `{"Data":1,"PartitionKey":"` + strings.Repeat("é", 257) + `"}`, 400, "InvalidBody"},
		"a list":                     {"POST", "/v1/record", "application/json", `[{"Data":1}]`, 400, "InvalidBody"},
		"a batch sent as one":        {"POST", "/v1/record", "application/json", `{"Records":[{"Data":1}]}`, 400, "InvalidBody"},
		"no Records":                 {"POST", "/v1/records", "application/json", `{}`, 400, "InvalidBody"},
		"Records null":               {"POST", "/v1/records", "application/json", `{"Records":null}`, 400, "InvalidBody"},
		"one bad record of a batch":  {"POST", "/v1/records", "application/json", `{"Records":[{"Data":1},{"Data":null}]}`, 400, "InvalidBody"},
		"another member of a record": {"POST", "/v1/records", "application/json", `{"Records":[{"Data":1,"ExplicitHashKey":"0"}]}`, 400, "InvalidBody"},
		"another content type":       {"POST", "/v1/record", "text/plain", `{"Data":1}`, 415, "UnsupportedMediaType"},
		"a form":                     {"POST", "/v1/records", "application/x-www-form-urlencoded", `a=1`, 415, "UnsupportedMediaType"},
		"an unknown route":           {"POST", "/v1/recrod", "application/json", `{"Data":1}`, 403, "UnknownRouteOrUnsigned"},
		"another method":             {"PUT", "/v1/record", "application/json", `{"Data":1}`, 403, "UnknownRouteOrUnsigned"},
		"code in the path":           {"POST", "/v1/%22$util%23end", "application/json", `{"Data":1}`, 403, "UnknownRouteOrUnsigned"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{}
			status, _, answer := send(t, serve(t, s), tc.method, tc.path, tc.contentType, tc.body)
			checkError(t, name, status, answer, tc.status, tc.code)
			if len(s.calls) != 0 {
				t.Errorf("Kinesis was called: %s", s.calls[0].Body)
			}
		})
	}
}

// The requests under events/api: the word before the extension is the route.
func TestSampleRequests(t *testing.T) {
	paths, err := filepath.Glob("../../events/api/*")
	if err != nil || len(paths) < 9 {
		t.Fatalf("%d requests under events/api, want 9 at least (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			parts := strings.Split(filepath.Base(path), ".")
			if len(parts) != 3 {
				t.Fatal("the name is not NAME.ROUTE.EXTENSION")
			}
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := 200
			switch _, known := routes["post /"+parts[1]]; {
			case !known:
				want = 403
			case parts[2] != "json":
				want = 400
			}
			s := &stream{}
			status, _, answer := send(t, serve(t, s), "POST", "/v1/"+parts[1], "application/json", string(body))
			if status != want || len(s.calls) != map[int]int{200: 1}[want] {
				t.Errorf("answered %d %v after %d calls, want %d", status, answer, len(s.calls), want)
			}
		})
	}
}

func TestWhatIsNoWriteIsAnsweredAlone(t *testing.T) {
	s := &stream{}
	a := serve(t, s)
	if status, _, answer := send(t, a, "GET", "/v1/health", "", ""); status != 200 || answer["Status"] != "Healthy" || answer["RequestId"] == "" {
		t.Errorf("GET /health: %d %v", status, answer)
	}
	for _, path := range []string{"/v1/record", "/v1/records", "/v1/health"} {
		status, header, answer := send(t, a, "OPTIONS", path, "", "")
		if status != 204 || answer != nil || header.Get(allowOrigin) != "" {
			t.Errorf("OPTIONS %s without an origin: %d %v, allows %q", path, status, answer, header.Get(allowOrigin))
		}
	}
	if len(s.calls) != 0 {
		t.Errorf("Kinesis was called: %s", s.calls[0].Body)
	}
}
