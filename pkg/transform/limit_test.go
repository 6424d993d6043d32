package transform_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/transform"
)

// answers is a judge who answers each event, a JSON number, with a row of so many bytes.
type answers struct{}

func (answers) AppendRow(dst, data []byte, _ event.Origin) ([]byte, event.Outcome) {
	var n int
	if err := json.Unmarshal(data, &n); err != nil {
		return dst, event.Outcome{Rejections: []event.Rejection{{Reason: event.WrongType}}}
	}
	if n < 0 {
		var none []int
		dst = append(dst, "half a row"...)
		return dst, event.Outcome{Unknown: none[-n]}
	}
	return append(append(dst, bytes.Repeat([]byte{'x'}, n-1)...), '\n'), event.Outcome{Type: "row"}
}

// However large the rows, there is a verdict for each record and the answer keeps under the limit; and a record only
// fails for want of room if it would break it.
func TestAnswerKeepsUnderTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Sizes around what remains of six megabytes are the interesting ones.
		sizes := rapid.SliceOfN(rapid.OneOf(
			rapid.IntRange(1, 400),
			rapid.IntRange(1_400_000, 1_700_000),
			rapid.IntRange(4_718_500, 4_718_700),
		), 1, 8).Draw(rt, "sizes")
		var data []string
		for _, n := range sizes {
			data = append(data, fmt.Sprint(n))
		}
		s := &spy{}
		answer, err := transform.New(answers{}, s).Invoke(context.Background(), request(data...))
		if err != nil {
			rt.Fatal(err)
		}
		if len(answer) > firehose.AnswerLimit {
			rt.Fatalf("%d bytes", len(answer))
		}
		got := parse(t, answer)
		if len(got) != len(sizes) {
			rt.Fatalf("%d verdicts for %d records", len(got), len(sizes))
		}
		checkRoom(rt, got, sizes)
		if full := s.batches[0].Reasons[event.AnswerFull]; full != s.batches[0].Failed {
			rt.Fatalf("%+v", s.batches[0])
		}
	})
}

// checkRoom follows the answer: at each record, what is written and a failure for each to come.
func checkRoom(t *rapid.T, got []verdict, sizes []int) {
	used := len(`{"records":[]}`) - len(",")
	for i := range sizes {
		used += len(`,{"recordId":"r0","result":"ProcessingFailed","data":""}`)
		if got[i].RecordID != fmt.Sprintf("r%d", i) {
			t.Fatalf("record %d: %s", i, got[i].RecordID)
		}
	}
	for i, n := range sizes {
		with := used + (n+2)/3*4 - len("ProcessingFailed") + len("Ok")
		want := "ProcessingFailed"
		if with <= firehose.AnswerLimit {
			want, used = "Ok", with
		}
		if got[i].Result != want {
			t.Fatalf("record %d with %d bytes: %s, want %s", i, n, got[i].Result, want)
		}
	}
}

// The largest row that fits, and one byte more.
func TestExactLimit(t *testing.T) {
	frame := len(`{"records":[{"recordId":"r0","result":"Ok","data":""},{"recordId":"r1","result":"ProcessingFailed","data":""}]}`)
	most := (firehose.AnswerLimit - frame) / 4 * 3
	for size, want := range map[int]string{most: "Ok", most + 1: "ProcessingFailed"} {
		answer, err := transform.New(answers{}, &spy{}).Invoke(t.Context(), request(fmt.Sprint(size), `"bad"`))
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, answer); got[0].Result != want || got[1].Result != "ProcessingFailed" || len(answer) > firehose.AnswerLimit {
			t.Errorf("a row of %d bytes: %s, in %d bytes, want %s", size, got[0].Result, len(answer), want)
		}
	}
}

// What comes behind a record that does not fit may still do so.
func TestLaterRecordsStillFit(t *testing.T) {
	s := &spy{}
	answer, err := transform.New(answers{}, s).Invoke(t.Context(), request("3000000", "[2000000,1000000,5]", "1000", "1700000"))
	if err != nil {
		t.Fatal(err)
	}
	var results []string
	for _, v := range parse(t, answer) {
		results = append(results, v.Result)
	}
	if got := strings.Join(results, " "); got != "Ok ProcessingFailed Ok Ok" {
		t.Errorf("got %s", got)
	}
	if b := s.batches[0]; b.Reasons[event.AnswerFull] != 1 || b.Rows != 3 {
		t.Errorf("counted %+v", b)
	}
}

func TestTooManyRecords(t *testing.T) {
	payload := []byte(`{"records":[` + strings.Repeat(`0,`, 200_000) + `0]}`)
	answer, err := transform.New(answers{}, &spy{}).Invoke(t.Context(), payload)
	if !errors.Is(err, firehose.ErrTooManyRecords) || answer != nil {
		t.Errorf("got %d bytes, %v", len(answer), err)
	}
}

func TestPanicFailsItsRecordAlone(t *testing.T) {
	s := &spy{}
	answer, err := transform.New(answers{}, s).Invoke(t.Context(), request("5", "[5,-3,5]", "7"))
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, answer)
	if len(got) != 3 || got[0].rows(t) != "xxxx\n" || got[1].Result != "ProcessingFailed" || got[1].rows(t) != "" || got[2].rows(t) != "xxxxxx\n" {
		t.Errorf("got %s", answer)
	}
	if len(s.panics) != 1 || s.panics[0] != "runtime error: index out of range [3] with length 0" || !strings.Contains(s.stacks[0], "limit_test.go") {
		t.Errorf("recorded %+v", s)
	}
	if b := s.batches[0]; b.Failed != 1 || b.Reasons[event.Panicked] != 1 || b.Rows != 2 {
		t.Errorf("counted %+v", b)
	}
}

// talker panics with what it was given.
type talker struct{}

func (talker) AppendRow(_, data []byte, _ event.Origin) ([]byte, event.Outcome) { panic(string(data)) }

func TestPanicTellsNothingOfTheEvent(t *testing.T) {
	s := &spy{}
	if _, err := transform.New(talker{}, s).Invoke(t.Context(), request(`"s3cret"`)); err != nil {
		t.Fatal(err)
	}
	if len(s.panics) != 1 || s.panics[0] != "string" || strings.Contains(s.stacks[0], "s3cret") {
		t.Errorf("recorded %+v", s)
	}
}

func TestDeterminism(t *testing.T) {
	payload := request(view, enveloped(`[{"type":"page_view","url":"https://a.example/","context":{"b":"1","a":"2"},"z":1,"y":2}]`), "%", view+view2)
	tr := transform.New(judge(t), &spy{})
	first, err := tr.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan []byte)
	for range 8 {
		go func() {
			for range 20 {
				again, err := tr.Invoke(t.Context(), payload)
				if err != nil {
					again = []byte(err.Error())
				}
				results <- again
			}
		}()
	}
	for range 8 * 20 {
		if again := <-results; !bytes.Equal(again, first) {
			t.Fatalf("\n got %s\nwant %s", again, first)
		}
	}
}

// A Firehose stream without a Kinesis stream sends no sequence numbers: the events still get ids of their own.
func TestIDsWithoutSequenceNumbers(t *testing.T) {
	datum := base64.StdEncoding.EncodeToString([]byte(`{"type":"page_view","url":"https://a.example/"}`))
	payload := []byte(fmt.Sprintf(`{"records":[{"recordId":"a","approximateArrivalTimestamp":%d,"data":"%s"},{"recordId":"b","approximateArrivalTimestamp":%[1]d,"data":"%[2]s"}]}`, arrived, datum))
	got, _ := invoke(t, payload)
	if a, b := got[0].rows(t), got[1].rows(t); got[0].Result != "Ok" || a == b {
		t.Errorf("two events, one row: %s %s", a, b)
	}
}
