package firehose

import (
	"bytes"
	stdbase64 "encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/local/internal/kinesis"
)

func testBatch(data ...string) *batch {
	cfg := testConfig("")
	head, _ := requestHead(&cfg)
	b := &batch{}
	b.reset(head)
	for i, d := range data {
		b.add("shardId-000000000000", &kinesis.Record{Sequence: fmt.Sprint(i + 1), Arrival: time.UnixMilli(1000 + int64(i)), PartitionKey: "k", Data: []byte(d)})
	}
	b.seal()
	return b
}

// outcomes writes down what became of the batch's records, one after another.
func (b *batch) outcomes() string {
	var all []string
	for i := range b.records {
		r := &b.records[i]
		switch r.outcome {
		case delivered:
			all = append(all, "ok:"+string(r.data.of(b.decoded)))
		case dropped:
			all = append(all, "dropped")
		case failed:
			all = append(all, r.fault.code)
		}
	}
	return strings.Join(all, " ")
}

func TestAnswers(t *testing.T) {
	// The batch has three records, with the ids 1000000, 2000000 and 3000000. QQ==, Qg== and Qw== are A, B and C.
	const one, two, three = `{"recordId":"1000000","result":"Ok","data":"QQ=="}`, `{"recordId":"2000000","result":"Ok","data":"Qg=="}`, `{"recordId":"3000000","result":"Ok","data":"Qw=="}`
	all := func(code string) string { return strings.Join([]string{code, code, code}, " ") }
	for name, tc := range map[string]struct{ answer, want string }{
		"all well":                         {`{"records":[` + one + `,` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"white space everywhere":           {" {\n\"records\" : [ " + one + " ,\r\n\t" + two + ", " + three + " ] } \n", "ok:A ok:B ok:C"},
		"another order":                    {`{"records":[` + three + `,` + one + `,` + two + `]}`, "ok:A ok:B ok:C"},
		"members in another order":         {`{"records":[{"data":"QQ==","result":"Ok","recordId":"1000000"},` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"further members":                  {`{"x":{"records":1},"records":[{"recordId":"1000000","result":"Ok","data":"QQ==","metadata":{"partitionKeys":null}},` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"escapes":                          {`{"records":[{"recordId":"\u0031000000","result":"\u004fk","data":"QQ\u003d\u003d"},` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"dropped and failed":               {`{"records":[{"recordId":"1000000","result":"Dropped"},{"recordId":"2000000","result":"ProcessingFailed","data":"!"},` + three + `]}`, "dropped Lambda.ProcessingFailedStatus ok:C"},
		"null data of a dropped record":    {`{"records":[{"recordId":"1000000","result":"Dropped","data":null},` + two + `,` + three + `]}`, "dropped ok:B ok:C"},
		"empty data":                       {`{"records":[{"recordId":"1000000","result":"Ok","data":""},` + two + `,` + three + `]}`, "ok: ok:B ok:C"},
		"ok without data":                  {`{"records":[{"recordId":"1000000","result":"Ok"},` + two + `,` + three + `]}`, "Lambda.InvalidReturnFormat ok:B ok:C"},
		"ok with null data":                {`{"records":[{"recordId":"1000000","result":"Ok","data":null},` + two + `,` + three + `]}`, "Lambda.InvalidReturnFormat ok:B ok:C"},
		"one id missing":                   {`{"records":[` + one + `,` + three + `]}`, "ok:A Lambda.MissingRecordId ok:C"},
		"the last id missing":              {`{"records":[` + one + `,` + two + `]}`, "ok:A ok:B Lambda.MissingRecordId"},
		"no records":                       {`{"records":[]}`, all("Lambda.MissingRecordId")},
		"one id twice":                     {`{"records":[` + one + `,` + two + `,` + one + `,` + three + `]}`, "Lambda.DuplicatedRecordId ok:B ok:C"},
		"one id three times":               {`{"records":[` + one + `,` + one + `,` + one + `]}`, "Lambda.DuplicatedRecordId Lambda.MissingRecordId Lambda.MissingRecordId"},
		"an unknown id":                    {`{"records":[` + one + `,{"recordId":"7","result":"Ok","data":"QQ=="},` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"an unknown id behind all others":  {`{"records":[` + one + `,` + two + `,` + three + `,{"recordId":"7","result":"nonsense"}]}`, "ok:A ok:B ok:C"},
		"no id":                            {`{"records":[` + one + `,{"result":"Ok","data":"QQ=="},` + three + `]}`, "ok:A Lambda.MissingRecordId ok:C"},
		"an unknown result":                {`{"records":[` + one + `,{"recordId":"2000000","result":"Perhaps","data":"QQ=="},` + three + `]}`, all("Lambda.FunctionError")},
		"a result in small letters":        {`{"records":[` + one + `,{"recordId":"2000000","result":"ok","data":"QQ=="},` + three + `]}`, all("Lambda.FunctionError")},
		"no result":                        {`{"records":[` + one + `,{"recordId":"2000000","data":"QQ=="},` + three + `]}`, all("Lambda.FunctionError")},
		"data that is no base64":           {`{"records":[` + one + `,{"recordId":"2000000","result":"Ok","data":"QQ*="},` + three + `]}`, all("Lambda.FunctionError")},
		"base64 without its padding":       {`{"records":[` + one + `,{"recordId":"2000000","result":"Ok","data":"QQ"},` + three + `]}`, all("Lambda.FunctionError")},
		"base64 with a line break":         {`{"records":[` + one + `,{"recordId":"2000000","result":"Ok","data":"QUFB\nQUFB\nQQ"},` + three + `]}`, all("Lambda.FunctionError")},
		"data that is a number":            {`{"records":[` + one + `,{"recordId":"2000000","result":"Ok","data":1},` + three + `]}`, all("Lambda.FunctionError")},
		"an id that is a number":           {`{"records":[{"recordId":1000000,"result":"Ok","data":"QQ=="}]}`, all("Lambda.FunctionError")},
		"no records member":                {`{}`, all("Lambda.FunctionError")},
		"null records":                     {`{"records":null}`, all("Lambda.FunctionError")},
		"records of another kind":          {`{"records":{}}`, all("Lambda.FunctionError")},
		"another spelling":                 {`{"Records":[` + one + `,` + two + `,` + three + `]}`, all("Lambda.FunctionError")},
		"a bare array":                     {`[` + one + `,` + two + `,` + three + `]`, all("Lambda.FunctionError")},
		"a text":                           {`"done"`, all("Lambda.FunctionError")},
		"null":                             {`null`, all("Lambda.FunctionError")},
		"nothing":                          {``, all("Lambda.JsonProcessingException")},
		"not JSON":                         {`<html>`, all("Lambda.JsonProcessingException")},
		"cut off":                          {`{"records":[` + one + `,` + two, all("Lambda.JsonProcessingException")},
		"something behind it":              {`{"records":[` + one + `,` + two + `,` + three + `]}}`, all("Lambda.JsonProcessingException")},
		"a comma too many":                 {`{"records":[` + one + `,` + two + `,` + three + `,]}`, all("Lambda.JsonProcessingException")},
		"a control character in the data":  {"{\"records\":[{\"recordId\":\"1000000\",\"result\":\"Dropped\",\"data\":\"a\nb\"}," + two + "," + three + "]}", all("Lambda.JsonProcessingException")},
		"a line feed in the base64":        {"{\"records\":[{\"recordId\":\"1000000\",\"result\":\"Ok\",\"data\":\"QUFB\nQUF\"}," + two + "," + three + "]}", all("Lambda.JsonProcessingException")},
		"a member twice: the last counts":  {`{"records":[{"recordId":"1000000","result":"Dropped","result":"Ok","data":"QQ=="},` + two + `,` + three + `]}`, "ok:A ok:B ok:C"},
		"slashes escaped, as some writers": {`{"records":[{"recordId":"1000000","result":"Ok","data":"Pz8\/"},` + two + `,` + three + `]}`, "ok:??? ok:B ok:C"},
	} {
		t.Run(name, func(t *testing.T) {
			b := testBatch("a", "b", "c")
			b.judge([]byte(tc.answer))
			if got := b.outcomes(); got != tc.want {
				t.Errorf("answer %s:\ngot  %s\nwant %s", tc.answer, got, tc.want)
			}
		})
	}
}

// The quick reading of an answer says the same as the careful one wherever it does not give up; every record has exactly one outcome.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"records":[{"recordId":"1000000","result":"Ok","data":"QQ=="},{"recordId":"2000000","result":"Dropped","data":"x"}]}`,
		`{"records":[{"data":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w","recordId":"1000000","result":"Ok"}]}`,
		`{"records":[{"recordId":"1000000","result":"Ok"},{"recordId":"1000000","result":"Ok","data":"A"}]}`,
		`{"records":[]}`, `{"records":null}`, "{\"records\":[{\"recordId\":\"1000000\",\"result\":\"Ok\",\"data\":\"QUFB\nQUF\"}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		quick, careful := testBatch("a", "b"), testBatch("a", "b")
		if quick.judgeQuickly(answer) {
			if f := careful.judgeCarefully(answer); f != nil {
				t.Fatalf("the quick reading accepts what is %s", f.code)
			}
			for i := range quick.records {
				if q, c := &quick.records[i], &careful.records[i]; q.answered != c.answered {
					t.Fatalf("record %d: answered %v and %v", i, q.answered, c.answered)
				}
			}
		}
		judged := testBatch("a", "b")
		whole := judged.judge(answer)
		if (whole == faultNotJSON) == jsontext.Value(answer).IsValid(lax) {
			t.Fatalf("judged %v", whole)
		}
		for i := range judged.records {
			r := &judged.records[i]
			if !r.answered || (r.outcome == failed) != (r.fault != nil) {
				t.Fatalf("record %d has no clear outcome: %+v", i, r)
			}
		}
		if whole == nil && quick.judgeQuickly(answer) {
			quick.judge(answer)
			careful.judgeCarefully(answer)
			careful.judge(answer)
			if quick.outcomes() != careful.outcomes() {
				t.Fatalf("got %s and %s", quick.outcomes(), careful.outcomes())
			}
		}
	})
}

// The vectorised base64 agrees with the standard library's, strictly read.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("hello, world"))
	f.Add(bytes.Repeat([]byte("AB+/"), 40))
	f.Add([]byte("QUFB\nQUFB"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := string(appendBase64([]byte("x"), data)), "x"+stdbase64.StdEncoding.EncodeToString(data); got != want {
			t.Fatalf("encoded %q as %q, want %q", data, got, want)
		}
		got, ok := appendDecoded([]byte("x"), data)
		want, err := stdbase64.StdEncoding.DecodeString(string(data))
		if broken := bytes.ContainsAny(data, "\r\n"); ok != (err == nil && !broken) {
			t.Fatalf("decoding %q: got %v, want %v", data, ok, err)
		}
		if ok && string(got) != "x"+string(want) {
			t.Fatalf("decoded %q as %q, want %q", data, got, want)
		}
	})
}

func TestRequestShape(t *testing.T) {
	cfg := testConfig("")
	head, at := requestHead(&cfg)
	b := &batch{}
	b.reset(head)
	b.add("shardId-000000000001", &kinesis.Record{Sequence: "49590338271490256608559692538361571095921575989136588898", Arrival: time.UnixMilli(1695000000123), PartitionKey: "a\"\u2028\x01", Data: []byte("Hello")})
	b.add("shardId-000000000001", &kinesis.Record{Sequence: "49590338271490256608559692538361571095921575989136588899", Arrival: time.UnixMilli(1695000000122), PartitionKey: "k"})
	b.seal()
	copy(b.request[at:], "invocation-id-of-exactly-36-letters-")
	const want = `{"invocationId":"invocation-id-of-exactly-36-letters-","deliveryStreamArn":"arn:aws:firehose:eu-west-1:000000000000:deliverystream/events",` +
		`"sourceKinesisStreamArn":"arn:aws:kinesis:eu-west-1:000000000000:stream/raw","region":"eu-west-1","records":[` +
		`{"recordId":"49590338271490256608559692538361571095921575989136588898000000","approximateArrivalTimestamp":1695000000123,"data":"SGVsbG8=",` +
		`"kinesisRecordMetadata":{"shardId":"shardId-000000000001","partitionKey":"a\"` + "\u2028" + `\u0001","approximateArrivalTimestamp":1695000000123,` +
		`"sequenceNumber":"49590338271490256608559692538361571095921575989136588898","subsequenceNumber":0}},` +
		`{"recordId":"49590338271490256608559692538361571095921575989136588899000000","approximateArrivalTimestamp":1695000000122,"data":"",` +
		`"kinesisRecordMetadata":{"shardId":"shardId-000000000001","partitionKey":"k","approximateArrivalTimestamp":1695000000122,` +
		`"sequenceNumber":"49590338271490256608559692538361571095921575989136588899","subsequenceNumber":0}}]}`
	if got := string(b.request); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if b.oldest != 1695000000122 {
		t.Errorf("oldest record is of %d", b.oldest)
	}
}

// Whatever the records are, a request that holds more than one stays within Lambda's limit.
func TestRequestLimit(t *testing.T) {
	for name, r := range map[string]kinesis.Record{
		"records of a megabyte":           {Data: make([]byte, 1<<20)},
		"empty records":                   {},
		"long keys of control characters": {PartitionKey: strings.Repeat("\x01", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			r.Sequence, r.Arrival = strings.Repeat("4", 56), time.UnixMilli(1695000000123)
			b := testBatch()
			b.request = b.request[:len(b.request)-len(requestTail)]
			for b.fits("shardId-000000000000", &r) {
				b.add("shardId-000000000000", &r)
			}
			b.seal()
			if len(b.request) > requestLimit {
				t.Errorf("%d records make a request of %d bytes", len(b.records), len(b.request))
			}
			if len(b.request) < requestLimit*3/4 {
				t.Errorf("the request is cut at %d bytes already", len(b.request))
			}
			if !json.Valid(b.request) {
				t.Error("the request is not JSON")
			}
		})
	}
}
