package firehose_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"hydrant/pkg/firehose"
)

func TestAnswer(t *testing.T) {
	records := []firehose.Record{{ID: []byte(`"a"`)}, {ID: []byte(`"b\"\u00fc"`)}, {ID: []byte(`"c"`)}}
	a, err := firehose.NewAnswer(records, firehose.AnswerLimit)
	if err != nil {
		t.Fatal(err)
	}
	a.Ok([]byte("row\n"))
	a.Fail()
	const want = `{"records":[{"recordId":"a","result":"Ok","data":"cm93Cg=="},` +
		`{"recordId":"b\"\u00fc","result":"ProcessingFailed","data":""},` +
		`{"recordId":"c","result":"ProcessingFailed","data":""}]}`
	if got := string(a.Bytes()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAnswerNothing(t *testing.T) {
	a, err := firehose.NewAnswer(nil, firehose.AnswerLimit)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(a.Bytes()); got != `{"records":[]}` {
		t.Errorf("got %s", got)
	}
}

// verdicts is what Firehose reads in an answer.
type verdicts struct {
	Records []struct {
		RecordID string          `json:"recordId"`
		Result   firehose.Result `json:"result"`
		Data     []byte          `json:"data"`
	} `json:"records"`
}

// However the answers are mixed, each is there in its place, the limit holds, and Room is exact: no byte more would fit.
func TestAnswerSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []firehose.Record
		for _, id := range rapid.SliceOfN(rapid.StringMatching(`[a-z0-9]{0,70}`), 0, 12).Draw(t, "ids") {
			records = append(records, firehose.Record{ID: []byte(`"` + id + `"`)})
		}
		least, err := firehose.NewAnswer(records, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		failed := len(least.Bytes())
		limit := failed + rapid.IntRange(0, 400).Draw(t, "spare")
		a, err := firehose.NewAnswer(records, limit)
		if err != nil {
			t.Fatalf("%d bytes are enough to fail: %v", limit, err)
		}
		var data [][]byte
		used := failed
		for range records {
			room := a.Room()
			saved := len("ProcessingFailed") - len("Ok")
			if want := (limit - used + saved) / 4 * 3; room != want {
				t.Fatalf("room %d, want %d", room, want)
			}
			if rapid.Bool().Draw(t, "fails") {
				a.Fail()
				data = append(data, nil)
				continue
			}
			n := rapid.OneOf(rapid.Just(room), rapid.IntRange(0, room)).Draw(t, "size")
			data = append(data, bytes.Repeat([]byte{'x'}, n))
			a.Ok(data[len(data)-1])
			used += (n+2)/3*4 - saved
		}
		answer := a.Bytes()
		if len(answer) != used || used > limit {
			t.Fatalf("%d bytes, want %d, of at most %d", len(answer), used, limit)
		}
		checkVerdicts(t, answer, records, data)
	})
}

func checkVerdicts(t *rapid.T, answer []byte, records []firehose.Record, data [][]byte) {
	var got verdicts
	if err := json.Unmarshal(answer, &got); err != nil || len(got.Records) != len(records) {
		t.Fatalf("%d verdicts for %d records: %v", len(got.Records), len(records), err)
	}
	for i, v := range got.Records {
		want := firehose.Ok
		if data[i] == nil {
			want = firehose.ProcessingFailed
		}
		if `"`+v.RecordID+`"` != string(records[i].ID) || v.Result != want || !bytes.Equal(v.Data, data[i]) {
			t.Fatalf("verdict %d: %+v", i, v)
		}
	}
}

func TestAnswerTooManyRecords(t *testing.T) {
	records := []firehose.Record{{ID: []byte(`"a"`)}, {ID: []byte(`"b"`)}}
	least, err := firehose.NewAnswer(records, firehose.AnswerLimit)
	if err != nil {
		t.Fatal(err)
	}
	size := len(least.Bytes())
	if _, err := firehose.NewAnswer(records, size); err != nil {
		t.Errorf("in %d bytes: %v", size, err)
	}
	if _, err := firehose.NewAnswer(records, size-1); !errors.Is(err, firehose.ErrTooManyRecords) {
		t.Errorf("in %d bytes: %v", size-1, err)
	}
}
