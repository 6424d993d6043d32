package apigateway

import (
	"context"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/kinesis"
)

// stream is the local Kinesis behind the API.
type stream struct{ *kinesis.Service }

func (s stream) Call(ctx context.Context, c Call) (Answer, error) {
	status, header, body := s.Service.Call(ctx, c.Action, c.Body)
	return Answer{Status: status, Header: header, Body: body}, nil
}

// TestTemplateWithKinesis sends what only Kinesis refuses: its words must be those that the template's mapping tells apart.
func TestTemplateWithKinesis(t *testing.T) {
	big := strings.Repeat("x", 10<<20-1000)
	for name, tc := range map[string]struct {
		request string
		status  int
		want    string // in the body
		stored  int64
	}{
		"one record":       {oneRecord, 200, `"ShardId":"shardId-000000000000"`, 1},
		"a batch":          {twoRecords, 200, `"FailedRecordCount":0`, 2},
		"500 records":      {"POST /v1/records\n\n{\"Records\":[" + strings.Repeat(`{"Data":1},`, 499) + `{"Data":1}]}`, 200, `"FailedRecordCount":0`, 500},
		"501 records":      {"POST /v1/records\n\n{\"Records\":[" + strings.Repeat(`{"Data":1},`, 500) + `{"Data":1}]}`, 400, `"Code":"InvalidRequest"`, 0},
		"1,001 records":    {"POST /v1/records\n\n{\"Records\":[" + strings.Repeat(`{"Data":1},`, 1000) + `{"Data":1}]}`, 400, `"Code":"InvalidRequest"`, 0},
		"10,000 records":   {"POST /v1/records\n\n{\"Records\":[" + strings.Repeat(`{"Data":1},`, 9999) + `{"Data":1}]}`, 400, `"Code":"InvalidRequest"`, 0},
		"no records":       {"POST /v1/records\n\n{\"Records\":[]}", 400, `"Code":"InvalidRequest"`, 0},
		"a large record":   {"POST /v1/record\n\n{\"Data\":\"" + big + "\"}", 413, `"Code":"RecordTooLarge"`, 0},
		"a large batch":    {"POST /v1/records\n\n{\"Records\":[{\"Data\":1},{\"Data\":\"" + big + "\"}]}", 413, `"Code":"RecordTooLarge"`, 0},
		"a key of a quote": {"POST /v1/record\n\n{\"Data\":1,\"PartitionKey\":\"'\\\"\"}", 200, `"SequenceNumber":"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			service, err := kinesis.Open(kinesis.Config{
				Dir: t.TempDir(), AccountID: "000000000000", Region: "eu-west-1",
				Streams: []kinesis.StreamConfig{{Name: "Stream", Mode: "PROVISIONED", Shards: 1}},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := service.Close(); err != nil {
					t.Error(err)
				}
			})
			answer, body := ask(t, deployTemplate(t, stream{service}, nil), tc.request)
			if answer.StatusCode != tc.status || !strings.Contains(body, tc.want) || !strings.Contains(body, `"RequestId":"ID"`) {
				t.Errorf("got %d %.300s\nwant %d with %s", answer.StatusCode, body, tc.status, tc.want)
			}
			s, _ := service.Stream("Stream")
			if got := s.Stats().Records; got != tc.stored {
				t.Errorf("got %d records in the stream, want %d", got, tc.stored)
			}
		})
	}
}
