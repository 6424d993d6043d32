package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

func TestEventsHaveTheSizeAskedForAndAreValid(t *testing.T) {
	judge, err := event.NewJudge()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{minEventBytes, minEventBytes + 1, 1024, 1000 + minEventBytes, 10_000, maxEventBytes - 1, maxEventBytes} {
		text := newEvent(size)
		if len(text) != size {
			t.Errorf("an event of %d bytes has %d", size, len(text))
		}
		row, outcome := judge.AppendRow(nil, []byte(text), event.Origin{ReceivedAt: 1780000000000, EventID: "x"})
		if len(outcome.Rejections) > 0 || outcome.Unknown > 0 {
			t.Errorf("an event of %d bytes is not valid: %+v", size, outcome)
		}
		if number, ok := numberOf(row); number != 0 || !ok {
			t.Errorf("the row of an event of %d bytes has the number %d, %v", size, number, ok)
		}
	}
}

func TestBodies(t *testing.T) {
	b := newRecords(1024, 3)
	for i, number := range []int64{7, 1234567890, 0} {
		b.set(i, 99)
		b.set(i, number)
	}
	var sent struct {
		Records []struct {
			PartitionKey string
			Data         content
		}
	}
	if err := json.Unmarshal(b.text, &sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.Records) != 3 {
		t.Fatalf("%d records, want 3", len(sent.Records))
	}
	for i, want := range []string{"0000000007", "1234567890", "0000000000"} {
		r := sent.Records[i]
		if got := []string{r.PartitionKey, r.Data.EventID, r.Data.UserID}; fmt.Sprint(got) != fmt.Sprintf("[user-%s load-%s user-%s]", want, want, want) {
			t.Errorf("record %d has key, id and user %v, want number %s in all", i, got, want)
		}
		if !strings.Contains(r.Data.URL, want) {
			t.Errorf("record %d has the URL %s, want number %s in it", i, r.Data.URL, want)
		}
	}
}

func TestNumberOf(t *testing.T) {
	for name, tc := range map[string]struct {
		row    string
		number int64
		ok     bool
	}{
		"reads the id":                     {`{"type":"page_view","event_id":"load-0000000042","x":1}`, 42, true},
		"refuses a row without an id":      {`{"type":"page_view"}`, 0, false},
		"refuses somebody else's id":       {`{"event_id":"a-0000000042"}`, 0, false},
		"refuses an id that is too long":   {`{"event_id":"load-00000000421"}`, 0, false},
		"refuses an id that is no number":  {`{"event_id":"load-000000004x"}`, 0, false},
		"refuses a row that is cut off":    {`{"event_id":"load-00000`, 0, false},
		"refuses a row that ends too soon": {`{"event_id":"load-0000000042`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			number, ok := numberOf([]byte(tc.row))
			if ok != tc.ok || ok && number != tc.number {
				t.Errorf("numberOf(%s) is %d, %v, want %d, %v", tc.row, number, ok, tc.number, tc.ok)
			}
		})
	}
}
