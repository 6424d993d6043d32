package dlq_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"hydrant/pkg/dlq"
)

func TestMessages(t *testing.T) {
	const done, not = `{"batchItemFailures":[]}`, `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`
	for name, tc := range map[string]struct{ body, want string }{
		"the test event":          {`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T10:00:00.000Z","Bucket":"the-bucket","RequestId":"r","HostId":"h"}`, done},
		"an object that is gone":  {notification("errors/gone"), done},
		"a deletion":              {`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`, done},
		"no records":              {`{"Records":[]}`, done},
		"nonsense":                {`{"hello":"secret"}`, not},
		"text":                    {`secret`, not},
		"nothing":                 {``, not},
		"two values":              {notification(errors1) + `{}`, not},
		"another service's":       {`{"Records":[{"eventSource":"aws:sns","eventName":"ObjectCreated:Put"}]}`, not},
		"no key":                  {`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}`, not},
		"a key that is no key":    {`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}}]}`, not},
		"an object of our own":    {notification("quarantine/dt=2026-11-22/x.json.gz"), not},
		"a marker":                {notification("redriven/dt=2026-11-22/x.json"), not},
		"lines of nothing":        {`{"hydrant_dlq":1,"lines":{}}`, not},
		"lines of before":         {`{"hydrant_dlq":1,"lines":{"bucket":"b","key":"k","offset":-1}}`, not},
		"another version's lines": {`{"hydrant_dlq":2,"lines":{"bucket":"b","key":"k"}}`, not},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if got := w.invoke(t, batch(tc.body)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if (len(w.faults) > 0) != (tc.want == not || strings.Contains(name, "gone")) {
				t.Errorf("problems %+v", w.faults)
			}
			for _, p := range w.faults {
				if strings.Contains(p.Err.Error(), "secret") {
					t.Errorf("a problem quotes the message: %v", p.Err)
				}
			}
		})
	}
}

func TestOneBadMessageIsAloneInItsFailure(t *testing.T) {
	w := newWorld()
	w.put("errors/1", failed("Lambda.FunctionError", view))
	w.put("errors/2", failed("Lambda.FunctionError", view2))
	if got := w.invoke(t, batch(notification("errors/1"), "nonsense", notification("errors/gone", "errors/2"))); got != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("got %s", got)
	}
	if len(w.stream) != 2 {
		t.Errorf("%d records", len(w.stream))
	}
}

func TestInputs(t *testing.T) {
	for name, payload := range map[string]string{
		"nothing": ``, "null": `null`, "no object": `[1]`, "an empty object": `{}`, "something else": `{"secret":1}`, "two at once": `{"redrive":{},"awslogs":{"data":""}}`,
		"S3's own": notification(errors1), "Kinesis's": `{"Records":[{"eventSource":"aws:kinesis","kinesis":{}}]}`, "records of another type": `{"Records":"secret"}`,
		"a log that is none": `{"awslogs":{"data":"secret"}}`, "a log of nothing": `{"awslogs":{}}`, "a log without a type": `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(zipped(t, "{}")) + `"}}`,
		"a misspelt filter": `{"redrive":{"resaon":"missing"}}`, "a limit below 0": `{"redrive":{"limit":-1}}`, "a range backwards": `{"redrive":{"from":"2026-11-22T10:00:00Z","to":"2026-11-22T09:00:00Z"}}`,
		"a redrive of null": `{"redrive":null}`, "a redrive of text": `{"redrive":"all"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			answer, err := w.dlq(t, settings).Invoke(t.Context(), []byte(payload))
			if err == nil || answer != nil || strings.Contains(err.Error(), "secret") {
				t.Fatalf("answer %s, %v", answer, err)
			}
			if !errors.Is(err, dlq.ErrInput) && !strings.Contains(err.Error(), "awslogs.data") {
				t.Errorf("it does not say what was expected: %v", err)
			}
		})
	}
}

func TestErrorLog(t *testing.T) {
	w := newWorld()
	invoke := func(piece string) string {
		return w.invoke(t, `{"awslogs":{"data":"`+base64.StdEncoding.EncodeToString(zipped(t, piece))+`"}}`)
	}
	message := func(code string) string {
		return object(object(map[string]any{"errorCode": code, "message": "secret", "deliveryStreamVersionId": 1}))
	}
	if got := invoke(`{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}`); got != "{}" {
		t.Errorf("answer %s", got)
	}
	invoke(`{"messageType":"DATA_MESSAGE","owner":"0","logGroup":"g","logEvents":[{"id":"1","timestamp":1,"message":` + message("S3.AccessDenied") + `},` +
		`{"message":` + message("Lambda.FunctionError") + `},{"message":` + message("S3.AccessDenied") + `},{"message":"secret"},{"message":` + message("no code, but text") + `}]}`)
	if want := map[string]int{"S3.AccessDenied": 2, "Lambda.FunctionError": 1, dlq.UnnamedCode: 2}; !maps.Equal(w.reports[1].Logged, want) || w.reports[1].LogEvents != 5 {
		t.Errorf("counted %+v, want %v", w.reports[1], want)
	}
	if len(w.reports[0].Logged) > 0 || w.calls > 0 {
		t.Errorf("a control message: %+v", w.reports[0])
	}
}
