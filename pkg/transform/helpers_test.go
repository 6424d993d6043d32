package transform_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

// spy keeps what a Recorder is told.
type spy struct {
	mu      sync.Mutex
	batches []transform.Batch
	panics  []string
	stacks  []string
}

func (s *spy) Batch(_ context.Context, b transform.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, b)
}

func (s *spy) Panic(_ context.Context, kind string, stack []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panics = append(s.panics, kind)
	s.stacks = append(s.stacks, string(stack))
}

func judge(t testing.TB) *event.Judge {
	t.Helper()
	j, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// verdict is what Firehose reads of an answer, for one record.
type verdict struct {
	RecordID string  `json:"recordId"`
	Result   string  `json:"result"`
	Data     *string `json:"data"`
}

// rows decodes the verdict's data.
func (v verdict) rows(t testing.TB) string {
	t.Helper()
	if v.Data == nil {
		t.Fatalf("record %s: no data, which Firehose refuses (Lambda.InvalidReturnFormat)", v.RecordID)
	}
	data, err := base64.StdEncoding.DecodeString(*v.Data)
	if err != nil {
		t.Fatalf("record %s: %v", v.RecordID, err)
	}
	return string(data)
}

func parse(t testing.TB, answer []byte) []verdict {
	t.Helper()
	var a struct {
		Records []verdict `json:"records"`
	}
	d := json.NewDecoder(strings.NewReader(string(answer)))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("the answer is no JSON: %v", err)
	}
	return a.Records
}

const arrived = 1_732_269_600_500

// request puts each datum into a record of its own: r0, r1, ...
func request(data ...string) []byte {
	var records []string
	for i, d := range data {
		records = append(records, fmt.Sprintf(`{"recordId":"r%d","approximateArrivalTimestamp":%d,"data":"%s",`+
			`"kinesisRecordMetadata":{"shardId":"shardId-000000000000","partitionKey":"k","approximateArrivalTimestamp":%d,"sequenceNumber":"%d","subsequenceNumber":0}}`,
			i, arrived, base64.StdEncoding.EncodeToString([]byte(d)), arrived, 4950+i))
	}
	return []byte(`{"invocationId":"i","deliveryStreamArn":"d","sourceKinesisStreamArn":"s","region":"eu-west-1","records":[` + strings.Join(records, ",") + `]}`)
}

// invoke sends one batch through the real judge.
func invoke(t testing.TB, payload []byte) ([]verdict, transform.Batch) {
	t.Helper()
	s := &spy{}
	answer, err := transform.New(judge(t), s).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.batches) != 1 || len(s.panics) != 0 {
		t.Fatalf("recorded %+v", s)
	}
	return parse(t, answer), s.batches[0]
}
