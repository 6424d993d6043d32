package firehose_test

import (
	"errors"
	"strings"
	"testing"

	"hydrant/pkg/firehose"
)

// The request as the documentation and captures show it, with a Kinesis stream as source.
const sample = `{
  "invocationId": "3b9a5e8c-2f0a-4f1e-9a53-5b1c6f0a7d21",
  "deliveryStreamArn": "arn:aws:firehose:eu-west-1:000000000000:deliverystream/events",
  "sourceKinesisStreamArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/events",
  "region": "eu-west-1",
  "records": [{
    "recordId": "49546986683135544286507457936321625675700192471156785154000000",
    "approximateArrivalTimestamp": 1732269600123,
    "data": "SGVsbG8=",
    "kinesisRecordMetadata": {
      "shardId": "shardId-000000000000",
      "partitionKey": "4d1ad2b9-24f8-4b9d-a088-76e9947c317a",
      "approximateArrivalTimestamp": 1732269600123,
      "sequenceNumber": "49546986683135544286507457936321625675700192471156785154",
      "subsequenceNumber": 3
    }
  }]
}`

func TestParseRequest(t *testing.T) {
	r, err := firehose.ParseRequest([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Records) != 1 {
		t.Fatalf("got %+v", r)
	}
	got := r.Records[0]
	if string(got.ID) != `"49546986683135544286507457936321625675700192471156785154000000"` || dataOf(got) != "Hello" ||
		got.ArrivedAt != 1732269600123 || got.Shard != "shardId-000000000000" || got.Subsequence != 3 ||
		got.Sequence != "49546986683135544286507457936321625675700192471156785154" {
		t.Errorf("got %+v", got)
	}
}

// dataOf is a record's data, "bad" for what is none.
func dataOf(r firehose.Record) string {
	data, ok := r.Data(nil)
	if !ok {
		return "bad"
	}
	return string(data)
}

func TestParseRecord(t *testing.T) {
	long := strings.Repeat("YWJj", 100)
	for name, tc := range map[string]struct {
		record string
		data   string // "bad" is none
		want   firehose.Record
	}{
		"empty data":                          {`{"recordId":"r","data":""}`, "", firehose.Record{ID: []byte(`"r"`)}},
		"no data":                             {`{"recordId":"r"}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"data null":                           {`{"recordId":"r","data":null}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"data that is no text":                {`{"recordId":"r","data":{"a":[1]}}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"data that is no base64":              {`{"recordId":"r","data":"%"}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"data that ends as no base64 does":    {`{"recordId":"r","data":"` + long + `YQ"}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"data with a mistake in a long run":   {`{"recordId":"r","data":"` + long + `-` + long + `"}`, "bad", firehose.Record{ID: []byte(`"r"`)}},
		"long data":                           {`{"recordId":"r","data":"` + long + `"}`, strings.Repeat("abc", 100), firehose.Record{ID: []byte(`"r"`)}},
		"data with escapes":                   {`{"recordId":"r","data":"\/\/\u002b8"}`, "\xff\xff\xbc", firehose.Record{ID: []byte(`"r"`)}},
		"no id":                               {`{"data":"YQ=="}`, "a", firehose.Record{ID: []byte(`""`)}},
		"an id that is no text":               {`{"recordId":7,"data":"YQ=="}`, "a", firehose.Record{ID: []byte(`""`)}},
		"an id with escapes stays as it is":   {`{"recordId":"a\"\u00fc\ud800","data":""}`, "", firehose.Record{ID: []byte(`"a\"\u00fc\ud800"`)}},
		"an id that is no UTF-8 becomes some": {"{\"recordId\":\"a\xff\\n\",\"data\":\"\"}", "", firehose.Record{ID: []byte("\"a\ufffd\\n\"")}},
		"names with escapes":                  {`{"record\u0049d":"r","d\u0061ta":"YQ=="}`, "a", firehose.Record{ID: []byte(`"r"`)}},
		"not an object":                       {`5`, "bad", firehose.Record{ID: []byte(`""`)}},
		"null":                                {`null`, "bad", firehose.Record{ID: []byte(`""`)}},
		"the guide's subsequenceNumber": {
			`{"recordId":"r","data":"","kinesisRecordMetadata":{"sequenceNumber":"49","subsequenceNumber":"","shardId":"s","x":[]}}`,
			"",
			firehose.Record{ID: []byte(`"r"`), Sequence: "49", Shard: "s"},
		},
		"numbers as text": {
			`{"recordId":"r","data":"","approximateArrivalTimestamp":"17","kinesisRecordMetadata":{"subsequenceNumber":"4"}}`,
			"",
			firehose.Record{ID: []byte(`"r"`), ArrivedAt: 17, Subsequence: 4},
		},
		"arrival only in the metadata": {
			`{"recordId":"r","data":"","kinesisRecordMetadata":{"approximateArrivalTimestamp":18}}`,
			"",
			firehose.Record{ID: []byte(`"r"`), ArrivedAt: 18},
		},
		"metadata of the wrong kinds": {
			`{"recordId":"r","data":"","approximateArrivalTimestamp":{},"kinesisRecordMetadata":{"shardId":1,"sequenceNumber":null,"subsequenceNumber":[1]}}`,
			"",
			firehose.Record{ID: []byte(`"r"`)},
		},
		"metadata that is no object": {`{"recordId":"r","data":"","kinesisRecordMetadata":[{}]}`, "", firehose.Record{ID: []byte(`"r"`)}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := firehose.ParseRequest([]byte(`{"records":[{"recordId":"before","data":"YQ=="},` + tc.record + `,{"recordId":"behind","data":"Yg=="}]}`))
			if err != nil || len(r.Records) != 3 {
				t.Fatalf("got %+v, %v", r, err)
			}
			if dataOf(r.Records[0]) != "a" || dataOf(r.Records[2]) != "b" || string(r.Records[2].ID) != `"behind"` {
				t.Errorf("its neighbours suffer: %+v", r.Records)
			}
			got, want := r.Records[1], tc.want
			if string(got.ID) != string(want.ID) || dataOf(got) != tc.data || got.ArrivedAt != want.ArrivedAt ||
				got.Shard != want.Shard || got.Sequence != want.Sequence || got.Subsequence != want.Subsequence {
				t.Errorf("%s:\n got %+v\nwant %+v", tc.record, got, want)
			}
		})
	}
}

// A flood of records is refused without being kept: 6 MB of them would take 200 MB.
func TestParseTooManyRecords(t *testing.T) {
	r, err := firehose.ParseRequest([]byte(`{"records":[{}` + strings.Repeat(`,{}`, 2_000_000) + `]}`))
	if err != nil || len(r.Records) > 120_000 {
		t.Fatalf("%d records, %v", len(r.Records), err)
	}
	if _, err := firehose.NewAnswer(r.Records, firehose.AnswerLimit); !errors.Is(err, firehose.ErrTooManyRecords) {
		t.Errorf("got %v", err)
	}
}

func TestParseNoRecords(t *testing.T) {
	for _, payload := range []string{`{"records":[]}`, ` { "records" : [ ] } `, `{"x":{"records":[1]},"records":[]}`} {
		if r, err := firehose.ParseRequest([]byte(payload)); err != nil || len(r.Records) != 0 {
			t.Errorf("%s: %+v, %v", payload, r, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const secret = "s3cret"
	for name, payload := range map[string]string{
		"nothing":              ``,
		"no JSON":              secret,
		"a scalar":             `"` + secret + `"`,
		"an array":             `[{"recordId":"` + secret + `"}]`,
		"null":                 `null`,
		"no records":           `{"` + secret + `":1}`,
		"records null":         `{"records":null}`,
		"records an object":    `{"records":{"` + secret + `":1}}`,
		"records twice":        `{"records":[],"records":[]}`,
		"cut off":              `{"records":[{"recordId":"` + secret + `"`,
		"cut off in data":      `{"records":[{"recordId":"r","data":"` + secret,
		"the wrong bracket":    `{"records":[{"recordId":"` + secret + `"]}`,
		"something behind":     `{"records":[]}{"` + secret + `":1}`,
		"garbage behind":       `{"records":[]}` + secret,
		"a record's own fault": `{"records":[{"recordId":"r","data":` + secret + `}]}`,
		"nesting without end":  `{"records":[` + strings.Repeat(`[`, 100_000),
		"a byte order mark":    "\ufeff" + `{"records":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, err := firehose.ParseRequest([]byte(payload))
			if err == nil {
				t.Fatalf("got %+v", r)
			}
			if !strings.Contains(err.Error(), "Firehose") || strings.Contains(err.Error(), secret) {
				t.Errorf("the error should say what was expected, and nothing of what came: %v", err)
			}
		})
	}
}
