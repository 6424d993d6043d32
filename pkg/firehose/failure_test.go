package firehose_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"hydrant/pkg/firehose"
)

const arn = "arn:aws:lambda:eu-west-1:000000000000:function:f:$LATEST"

// The record in these lines is {"a":1}.
func TestParseFailure(t *testing.T) {
	processing := firehose.Failure{
		Code: "Lambda.FunctionError", Message: "It failed.", Data: []byte(`{"a":1}`),
		Attempts: 4, ArrivedAt: 1732269600123, EndedAt: 1732269660456,
	}
	conversion := firehose.Failure{
		Code: "DataFormatConversion.EntityNotFound", Message: "It failed.", Data: []byte(`{"a":1}`), Converted: true,
		Attempts: 1, ArrivedAt: 1732269600123, EndedAt: 1732269660456, Sequence: "4967", Subsequence: 3,
	}
	bad := processing
	bad.Data, bad.Bad = nil, true
	empty := processing
	empty.Data = []byte{}
	for name, tc := range map[string]struct {
		line string
		want firehose.Failure
	}{
		"as the manual has it": {
			`{"attemptsMade":4,"arrivalTimestamp":1732269600123,"errorCode":"Lambda.FunctionError","errorMessage":"It failed.",` +
				`"attemptEndingTimestamp":1732269660456,"rawData":"eyJhIjoxfQ==","lambdaArn":"` + arn + `"}`, processing,
		},
		"as the service writes it today": {
			`{"rawData":"eyJhIjoxfQ==","errorCode":"Lambda.FunctionError","errorMessage":"It failed.","attemptsMade":4,` +
				`"arrivalTimestamp":1732269600123,"attemptEndingTimestamp":1732269660456,"lambdaARN":"` + arn + `"}`, processing,
		},
		"in capitals, with white space and numbers as text": {
			" { \"RawData\" : \"eyJhIjoxfQ==\", \"ErrorCode\":\"Lambda.FunctionError\",\"ErrorMessage\":\"It failed.\",\"AttemptsMade\":\"4\"," +
				"\"ArrivalTimestamp\":\"1732269600123\",\"AttemptEndingTimestamp\":1732269660456,\"other\":[{}]}\r\n", processing,
		},
		"of conversion": {
			`{"attemptsMade":1,"arrivalTimestamp":1732269600123,"lastErrorCode":"DataFormatConversion.EntityNotFound","lastErrorMessage":"It failed.",` +
				`"attemptEndingTimestamp":1732269660456,"rawData":"eyJhIjoxfQ==","sequenceNumber":"4967","subSequenceNumber":3,` +
				`"dataCatalogTable":{"catalogId":"0","databaseName":"d","tableName":"t","region":"eu-west-1","versionId":"LATEST","catalogArn":null}}`, conversion,
		},
		"of conversion, as the newest page names it": {
			`{"attemptsMade":1,"arrivalTimestamp":1732269600123,"errorCode":"DataFormatConversion.EntityNotFound","errorMessage":"It failed.",` +
				`"attemptEndingTimestamp":1732269660456,"rawData":"eyJhIjoxfQ==","sequenceNumber":"4967","subsequenceNumber":3,"dataCatalogTable":{}}`, conversion,
		},
		"without data": {
			`{"errorCode":"Lambda.FunctionError","errorMessage":"It failed.","attemptsMade":4,"arrivalTimestamp":1732269600123,"attemptEndingTimestamp":1732269660456}`, bad,
		},
		"with data that is no base64": {
			`{"rawData":"%","errorCode":"Lambda.FunctionError","errorMessage":"It failed.","attemptsMade":4,"arrivalTimestamp":1732269600123,"attemptEndingTimestamp":1732269660456}`, bad,
		},
		"of an empty record": {
			`{"rawData":"","errorCode":"Lambda.FunctionError","errorMessage":"It failed.","attemptsMade":4,"arrivalTimestamp":1732269600123,"attemptEndingTimestamp":1732269660456}`, empty,
		},
		"of which nothing else is known": {`{"rawData":"eyJhIjoxfQ==","errorCode":7,"attemptsMade":{}}`, firehose.Failure{Data: []byte(`{"a":1}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := firehose.ParseFailure([]byte(tc.line)); err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tc.want)
			}
		})
	}
}

func TestNoFailure(t *testing.T) {
	for name, line := range map[string]string{
		"nothing": "", "white space": "  ", "text": "secret", "an array": `["secret"]`, "another object": `{"secret":1}`, "an empty object": `{}`,
		"cut off": `{"rawData":"c2Vj`, "two objects": `{"rawData":"c2Vj"}{"rawData":"c2Vj"}`, "something behind it": `{"rawData":"c2Vj"} secret`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := firehose.ParseFailure([]byte(line)); !errors.Is(err, firehose.ErrNoFailure) || strings.Contains(err.Error(), "secret") {
				t.Errorf("ParseFailure: %v", err)
			}
		})
	}
}

func TestParseLogEvent(t *testing.T) {
	want := firehose.LogEvent{Code: "S3.AccessDenied", Message: "Access was denied.", Stream: "arn:d"}
	for name, message := range map[string]string{
		"of delivery":       `{"deliveryStreamARN":"arn:d","destination":"arn:aws:s3:::b","deliveryStreamVersionId":"1","message":"Access was denied.","errorCode":"S3.AccessDenied"}`,
		"of transformation": `{"deliveryStreamARN":"arn:d","destination":"arn:aws:s3:::b","deliveryStreamVersionId":1,"message":"Access was denied.","errorCode":"S3.AccessDenied","processor":"arn:f"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := firehose.ParseLogEvent([]byte(message)); err != nil || got != want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for name, message := range map[string]string{"text": "secret", "no code": `{"message":"secret"}`, "cut off": `{"errorCode":"secret`, "two": `{"errorCode":"x"}"secret"`} {
		t.Run(name, func(t *testing.T) {
			if _, err := firehose.ParseLogEvent([]byte(message)); !errors.Is(err, firehose.ErrNoLogEvent) || strings.Contains(err.Error(), "secret") {
				t.Errorf("ParseLogEvent: %v", err)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	seen, anchors := map[string]bool{}, map[string]bool{}
	for _, c := range firehose.Codes() {
		if seen[c.Name] || anchors[c.Anchor()] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name], anchors[c.Anchor()] = true, true
		if got := firehose.Explain(c.Name); got != c || !got.Known || got.Stage == "" || got.Remedy == "" {
			t.Errorf("%s: %+v", c.Name, got)
		}
		for _, sentence := range []string{c.Cause, c.Action} {
			if !strings.HasSuffix(sentence, ".") || !unicode.IsUpper(rune(sentence[0])) && !strings.HasPrefix(sentence, "hydrant") {
				t.Errorf("%s: not a sentence: %q", c.Name, sentence)
			}
		}
	}
	for name, stage := range map[string]firehose.Stage{
		"Lambda.SomethingNew": firehose.Transformation, "DataFormatConversion.New": firehose.Conversion, "Kinesis.New": firehose.Source, "Splunk.X": firehose.Delivery, "": firehose.Delivery,
	} {
		c := firehose.Explain(name)
		if c.Known || c.Retryable() || c.Stage != stage || c.Name != name || !strings.Contains(c.Cause, "does not know") || c.Anchor() != "docs/operate.md#unknown-error-codes" {
			t.Errorf("%q: %+v", name, c)
		}
	}
	if got := firehose.Explain("S3.KMS.NotFoundException").Anchor(); got != "docs/operate.md#s3kmsnotfoundexception" {
		t.Errorf("anchor %s", got)
	}
}

// Whatever the bytes: a failure, or ErrNoFailure; and what is read as data says so again when it is written as a line.
func FuzzParseFailure(f *testing.F) {
	for _, seed := range []string{
		`{"attemptsMade":4,"arrivalTimestamp":1,"errorCode":"Lambda.FunctionError","errorMessage":"x","attemptEndingTimestamp":2,"rawData":"eyJhIjoxfQ==","lambdaArn":"a"}`,
		`{"rawData":"","lastErrorCode":"\u00e4","sequenceNumber":"1","subSequenceNumber":"","dataCatalogTable":{"a":[1]}}`,
		`{"rawData":"\/\/\/\/","errorCode":null}`, `{}`, `[`, "", "{\"errorCode\":\"\xff\"}", `{"RAWDATA":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := firehose.ParseFailure(line)
		if err != nil {
			if !errors.Is(err, firehose.ErrNoFailure) {
				t.Fatalf("ParseFailure: %v", err)
			}
			return
		}
		if got.Bad {
			if got.Data != nil {
				t.Fatal("bad data that is there")
			}
			return
		}
		again, err := firehose.ParseFailure([]byte(`{"errorCode":"x","rawData":"` + base64.StdEncoding.EncodeToString(got.Data) + `"}`))
		if err != nil || string(again.Data) != string(got.Data) {
			t.Fatalf("read %q, then %q, %v", got.Data, again.Data, err)
		}
	})
}
