package transform_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"hydrant/pkg/firehose"
	"hydrant/pkg/transform"
)

// Any payload: either one error, or exactly one verdict for each record, same ids, same order, under the limit; and what
// is Ok holds a row a line.
func FuzzTransform(f *testing.F) {
	for _, data := range []string{view, enveloped("[" + view + "," + fault + "]"), view + "\n" + view2, "%", "", "[]", `[1,{"type":"page_view"}]`} {
		f.Add(request(data))
		f.Add([]byte(data))
	}
	f.Add(request(view, "%", enveloped(view2)))
	f.Add([]byte(`{"records":[{"recordId":"\ud800\"","data":"e30="},7,{"recordId":"a"}]}`))
	f.Add([]byte(`{"records":[]}`))
	s := &spy{}
	tr := transform.New(judge(f), s)
	f.Fuzz(func(t *testing.T, payload []byte) {
		s.panics, s.batches = nil, nil
		answer, err := tr.Invoke(context.Background(), payload)
		checkAnswer(t, payload, answer, err)
		if len(s.panics) > 0 {
			t.Fatalf("panic: %s\n%s", s.panics, s.stacks)
		}
	})
}

// FuzzRecord goes deeper: any bytes as a record's data.
func FuzzRecord(f *testing.F) {
	for _, data := range []string{view, enveloped("[" + view + "," + fault + "]"), view + "\n" + view2, "%", "", `{"hydrant":1,"raw":"e30="}`} {
		f.Add([]byte(data))
	}
	s := &spy{}
	tr := transform.New(judge(f), s)
	f.Fuzz(func(t *testing.T, data []byte) {
		s.panics, s.batches = nil, nil
		payload := request(view, string(data), view2)
		answer, err := tr.Invoke(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		checkAnswer(t, payload, answer, err)
		if len(s.panics) > 0 {
			t.Fatalf("panic: %s\n%s", s.panics, s.stacks)
		}
		if got := parse(t, answer); got[0].Result != "Ok" || got[2].Result != "Ok" {
			t.Fatalf("a good neighbour failed: %s", answer)
		}
	})
}

func checkAnswer(t *testing.T, payload, answer []byte, err error) {
	request, parseErr := firehose.ParseRequest(payload)
	if err != nil {
		if answer != nil || parseErr == nil && !errors.Is(err, firehose.ErrTooManyRecords) {
			t.Fatalf("an error for what is a request: %v", err)
		}
		return
	}
	if len(answer) > firehose.AnswerLimit || !json.Valid(answer) {
		t.Fatalf("an answer of %d bytes: %.200q", len(answer), answer)
	}
	verdicts := parse(t, answer)
	if parseErr != nil || len(verdicts) != len(request.Records) {
		t.Fatalf("%d verdicts for %d records (%v)", len(verdicts), len(request.Records), parseErr)
	}
	for i, v := range verdicts {
		var id string
		if err := json.Unmarshal(request.Records[i].ID, &id); err != nil || v.RecordID != id {
			t.Fatalf("verdict %d is for %q, want %q (%v)", i, v.RecordID, id, err)
		}
		checkData(t, v)
	}
}

func checkData(t *testing.T, v verdict) {
	data, err := base64.StdEncoding.DecodeString(*v.Data)
	switch {
	case err != nil:
		t.Fatal(err)
	case v.Result == "ProcessingFailed" && len(data) == 0:
		return
	case v.Result != "Ok" || !bytes.HasSuffix(data, []byte("\n")):
		t.Fatalf("%s with %q", v.Result, data)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	rows := 0
	for {
		var row map[string]any
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("row %d: %v: %q", rows, err, data)
		}
		rows++
	}
	if rows == 0 || rows != bytes.Count(data, []byte("\n")) {
		t.Fatalf("%d rows in %d lines: %q", rows, bytes.Count(data, []byte("\n")), data)
	}
}
