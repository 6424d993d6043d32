package firehose_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"hydrant/pkg/firehose"
)

// A payload is a request for us exactly when encoding/json, read strictly, finds an object with an array of records in
// it; and then with the same records.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		sample, ``, `{}`, `{"records":[]}`, `{"records":[1,{"recordId":"a","data":"YQ=="},{"recordId":"\ud800","data":"%"},null]}`,
		`{"records":[{"recordId":"a","data":"\/\/8="}]} x`, `{"records":[],"records":[]}`, "{\"records\":[{\"recordId\":\"\xff\",\"data\":\"YWI\"}]}",
		`{"records":[{"data":"YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		r, err := firehose.ParseRequest(payload)
		if !bytes.Equal(payload, before) {
			t.Fatal("the payload has changed")
		}
		var object map[string]json.RawMessage
		var records []json.RawMessage
		if json.Unmarshal(payload, &object) != nil || object["records"] == nil || object["records"][0] != '[' ||
			json.Unmarshal(object["records"], &records) != nil {
			if err == nil {
				t.Fatalf("took what is no request: %+v", r)
			}
			return
		}
		if err != nil {
			// encoding/json takes records twice, and nests a little deeper.
			if n := bytes.Count(payload, []byte("records")) + bytes.Count(payload, []byte(`\u`)); n < 2 && len(payload) < 9_000 {
				t.Fatal(err)
			}
			return
		}
		if len(r.Records) != len(records) {
			t.Fatalf("%d records, want %d", len(r.Records), len(records))
		}
		for i := range records {
			checkRecord(t, r.Records[i], records[i])
		}
	})
}

func checkRecord(t *testing.T, got firehose.Record, text json.RawMessage) {
	t.Helper()
	var members map[string]json.RawMessage
	if text[0] == '{' {
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
	}
	var id, wantID string
	if err := json.Unmarshal(got.ID, &id); err != nil {
		t.Fatalf("id %q: %v", got.ID, err)
	}
	if raw := members["recordId"]; raw != nil && raw[0] == '"' {
		_ = json.Unmarshal(raw, &wantID) // valid: it came out of valid JSON
	}
	var encoded string
	wantBad := true
	var want []byte
	if raw := members["data"]; raw != nil && raw[0] == '"' {
		_ = json.Unmarshal(raw, &encoded)
		var err error
		want, err = base64.StdEncoding.DecodeString(encoded)
		wantBad = err != nil
	}
	data, ok := got.Data(bytes.Repeat([]byte{'x'}, len(text)%200))
	if id != wantID || ok == wantBad || !bytes.Equal(data, want) && ok {
		t.Fatalf("record %s: got %+v, data %q, %t; want id %q, bad %t, data %q", text, got, data, ok, wantID, wantBad, want)
	}
}
