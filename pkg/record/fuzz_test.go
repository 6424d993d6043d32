package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"hydrant/pkg/record"
)

// Whatever the bytes, Open answers with events or with a fault of the closed list; and where encoding/json can read the
// record too, with the same events as it.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `{"a":1}`, "{\"a\":1}\n[1,[2]] 3", `{"hydrant":1,"data":[{"a":"\"]"}],"event_ids":["a",""]}`,
		`{"hydrant":1,"raw":"WzEsMl0=","request_id":"r","index":4,"received_at":1732269600123,"producer":"\u00fc","attempt":1}`,
		`{"\u0068ydrant":1,"data":null}`, `{"hydrant":1}{"a":2}`, `01-2.5e3"x"truenull`, "\"\xff\\ud800\"", `{"hydrant":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		r, err := record.Open(data, source)
		if !bytes.Equal(data, before) {
			t.Fatal("Open changed the record")
		}
		var fault *record.Fault
		if err != nil {
			if !errors.As(err, &fault) || !slices.Contains([]string{record.Empty, record.InvalidEnvelope, record.InvalidJSON}, fault.Reason) {
				t.Fatalf("Open: %v", err)
			}
		}
		want, reference := reference(data)
		switch {
		case fault != nil && fault.Reason == record.InvalidJSON && reference == nil && !bytes.Contains(data, []byte("raw")):
			t.Fatal("Open finds no JSON where encoding/json does")
		case fault == nil && r.Direct && reference != nil:
			t.Fatalf("Open takes what encoding/json does not: %v", reference)
		}
		if fault != nil {
			return
		}
		checkEvents(t, data, r, want)
	})
}

func checkEvents(t *testing.T, data []byte, r record.Record, bare [][]byte) {
	var got [][]byte
	for i, e := range r.Events() {
		if i != len(got) {
			t.Fatalf("event %d in place %d", i, len(got))
		}
		if !json.Valid(e) {
			t.Fatalf("event %d is no JSON: %q", i, e)
		}
		again, _ := record.Open(data, source)
		if id := r.EventID(i); id == "" || id != again.EventID(i) {
			t.Fatalf("event %d has no steady id", i)
		}
		got = append(got, e)
	}
	if len(got) == 0 {
		t.Fatal("neither an event nor a fault")
	}
	if r.Direct && !slices.EqualFunc(got, bare, bytes.Equal) {
		t.Fatalf("events\n got %q\nwant %q", got, bare)
	}
}

// reference reads a bare record the slow way.
func reference(data []byte) ([][]byte, error) {
	var all [][]byte
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		var array []json.RawMessage
		if value[0] != '[' {
			all = append(all, value)
			continue
		}
		if err := json.Unmarshal(value, &array); err != nil {
			return nil, err
		}
		for _, e := range array {
			all = append(all, e)
		}
	}
}
