package transform_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
	"hydrant/pkg/transform"
)

const (
	view  = `{"type":"page_view","event_id":"e-1","url":"https://a.example/"}`
	view2 = `{"type":"page_view","event_id":"e-2","url":"https://b.example/"}`
	fault = `{"type":"app_error","event_id":"e-3","message":"out of water"}`
)

func enveloped(data string) string {
	return `{"hydrant":1,"request_id":"req=","index":2,"received_at":1732269600123,"producer":"shop","attempt":1,"data":` + data + `}`
}

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		data    string
		rows    []string // event ids; none: ProcessingFailed
		reasons map[event.Reason]int
	}{
		"a bare event":                       {view, []string{"e-1"}, nil},
		"an enveloped event":                 {enveloped(view), []string{"e-1"}, nil},
		"an array of events of two types":    {enveloped("[" + view + "," + fault + "]"), []string{"e-1", "e-3"}, nil},
		"lines":                              {view + "\n" + view2 + "\n", []string{"e-1", "e-2"}, nil},
		"raw":                                {`{"hydrant":1,"raw":"` + base64.StdEncoding.EncodeToString([]byte(view)) + `"}`, []string{"e-1"}, nil},
		"an event without what it needs":     {`{"type":"page_view"}`, nil, map[event.Reason]int{event.Missing: 1}},
		"an unknown type":                    {`{"type":"nope"}`, nil, map[event.Reason]int{event.UnknownType: 1}},
		"one bad event among good ones":      {"[" + view + `,{"type":"nope"},` + view2 + "]", nil, map[event.Reason]int{event.UnknownType: 1}},
		"two bad events are both counted":    {`[{"type":"nope"},` + view + `,{"type":"nope"}]`, nil, map[event.Reason]int{event.UnknownType: 2}},
		"a line cut off spoils its record":   {view + "\n" + view[:20], nil, map[event.Reason]int{event.InvalidJSON: 1}},
		"no JSON":                            {"%", nil, map[event.Reason]int{event.InvalidJSON: 1}},
		"nothing":                            {"", nil, map[event.Reason]int{event.Empty: 1}},
		"an empty array":                     {enveloped("[]"), nil, map[event.Reason]int{event.Empty: 1}},
		"an envelope of another version":     {`{"hydrant":2,"data":` + view + `}`, nil, map[event.Reason]int{event.InvalidEnvelope: 1}},
		"an envelope inside of an envelope":  {enveloped(enveloped(view)), nil, map[event.Reason]int{event.Missing: 1}},
		"an envelope inside of an array":     {"[" + enveloped(view) + "]", nil, map[event.Reason]int{event.Missing: 1}},
		"an array in an array is no event":   {"[[" + view + "]]", nil, map[event.Reason]int{event.WrongType: 1}},
		"an event nested without end":        {view[:len(view)-1] + `,"x":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}", nil, map[event.Reason]int{event.TooDeep: 1}},
		"a number, a text, null and a truth": {`[1,"x",null,true]`, nil, map[event.Reason]int{event.WrongType: 4}},
		"duplicate names in an event":        {`{"type":"page_view","url":"https://a.example/","url":"https://b.example/"}`, nil, map[event.Reason]int{event.DuplicateName: 1}},
		"duplicate names in what is unknown": {`{"type":"page_view","event_id":"e-1","url":"https://a.example/","x":{"a":1,"a":2}}`, []string{"e-1"}, nil},
		"an array of very many bad events":   {"[" + strings.Repeat("1,", 100_000) + "1]", nil, map[event.Reason]int{event.WrongType: 100_001}},
	} {
		t.Run(name, func(t *testing.T) {
			// Good neighbours on both sides: nothing that a record holds may touch them.
			got, batch := invoke(t, request(view, tc.data, view2))
			if len(got) != 3 || got[0].RecordID != "r0" || got[1].RecordID != "r1" || got[2].RecordID != "r2" {
				t.Fatalf("got %+v", got)
			}
			checkRows(t, got[0], []string{"e-1"})
			checkRows(t, got[1], tc.rows)
			checkRows(t, got[2], []string{"e-2"})
			if !maps.Equal(batch.Reasons, tc.reasons) {
				t.Errorf("reasons %v, want %v", batch.Reasons, tc.reasons)
			}
			if batch.Ok+batch.Failed != 3 || batch.Rows != 2+len(tc.rows) {
				t.Errorf("counted %+v", batch)
			}
		})
	}
}

// checkRows wants a row for each of the ids, or a failure if there are none.
func checkRows(t *testing.T, v verdict, ids []string) {
	t.Helper()
	rows := v.rows(t)
	if len(ids) == 0 {
		if v.Result != "ProcessingFailed" || rows != "" {
			t.Errorf("%s: %s with %q, want ProcessingFailed with nothing", v.RecordID, v.Result, rows)
		}
		return
	}
	if v.Result != "Ok" || !strings.HasSuffix(rows, "\n") {
		t.Fatalf("%s: %s with %q", v.RecordID, v.Result, rows)
	}
	lines := strings.Split(strings.TrimSuffix(rows, "\n"), "\n")
	if len(lines) != len(ids) {
		t.Fatalf("%s: %d rows, want %d: %q", v.RecordID, len(lines), len(ids), rows)
	}
	for i, line := range lines {
		var row struct {
			EventID string `json:"event_id"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.EventID != ids[i] {
			t.Errorf("%s: row %d is %s (%v), want event %s", v.RecordID, i, line, err, ids[i])
		}
	}
}

func TestProvenanceReachesTheRow(t *testing.T) {
	got, _ := invoke(t, request(enveloped(`{"type":"page_view","url":"https://a.example/"}`), `{"type":"page_view","url":"https://a.example/"}`))
	for i, want := range []map[string]any{
		{
			"request_id": "req=", "producer": "shop", "attempt": 1.0, "received_at": "2024-11-22T10:00:00.123Z",
			"occurred_at": "2024-11-22T10:00:00.123Z", "event_id": "nrmrsipktmvp4dm6fiyybvlzzc",
		},
		{
			"request_id": nil, "producer": "direct", "attempt": 0.0, "received_at": "2024-11-22T10:00:00.500Z",
			"occurred_at": "2024-11-22T10:00:00.500Z", "event_id": "4yin37dfsoyb6a4qhcikjlzovl",
		},
	} {
		var row map[string]any
		if err := json.Unmarshal([]byte(got[i].rows(t)), &row); err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if row[name] != value {
				t.Errorf("record %d: %s is %v, want %v", i, name, row[name], value)
			}
		}
	}
}

func TestRecordsOfNoUse(t *testing.T) {
	ok := string(request(view))
	ok = ok[strings.Index(ok, `[`)+1 : strings.LastIndex(ok, `]`)]
	encoded := base64.StdEncoding.EncodeToString([]byte(view))
	for name, tc := range map[string]struct {
		record, id string
		reason     event.Reason
	}{
		"bad base64":            {`{"recordId":"x","data":"%%%"}`, "x", event.NotBase64},
		"no data":               {`{"recordId":"x"}`, "x", event.NotBase64},
		"no id":                 {`{"data":"` + encoded + `"}`, "", event.NoRecordID},
		"an id that is no text": {`{"recordId":1,"data":"` + encoded + `"}`, "", event.NoRecordID},
		"an empty id":           {`{"recordId":"","data":"` + encoded + `"}`, "", event.NoRecordID},
		"no object":             {`[1,2]`, "", event.NotBase64},
		"an id to escape":       {`{"recordId":"a\"\\\n\u0000\u2028","data":"%"}`, "a\"\\\n\x00\u2028", event.NotBase64},
	} {
		t.Run(name, func(t *testing.T) {
			got, batch := invoke(t, []byte(`{"records":[`+ok+`,`+tc.record+`,`+ok+`]}`))
			if len(got) != 3 || got[1].RecordID != tc.id || got[1].Result != "ProcessingFailed" || got[0].Result != "Ok" || got[2].Result != "Ok" {
				t.Errorf("got %+v", got)
			}
			if !maps.Equal(batch.Reasons, map[event.Reason]int{tc.reason: 1}) {
				t.Errorf("reasons %v, want %s", batch.Reasons, tc.reason)
			}
		})
	}
}

func TestBatchCounts(t *testing.T) {
	payload := request(enveloped("["+view+","+fault+`,{"type":"page_view","url":"https://a.example/","colour":"red","size":[1]}]`), view+`{"type":"page_view"}{"type":"x"}`, "%")
	s := &spy{}
	answer, err := transform.New(judge(t), s).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	got := s.batches[0]
	if got.Records != 3 || got.Ok != 1 || got.Failed != 2 || got.Events != 6 || got.Rows != 3 || got.UnknownFields != 2 ||
		got.BytesIn != len(payload) || got.BytesOut != len(answer) {
		t.Errorf("counted %+v", got)
	}
	if want := map[string]transform.Count{"page_view": {Valid: 3, Invalid: 1}, "app_error": {Valid: 1}, "": {Invalid: 1}}; !maps.Equal(got.Types, want) {
		t.Errorf("types %v, want %v", got.Types, want)
	}
	if want := map[event.Reason]int{event.Missing: 1, event.UnknownType: 1, event.InvalidJSON: 1}; !maps.Equal(got.Reasons, want) {
		t.Errorf("reasons %v, want %v", got.Reasons, want)
	}
}

func TestNoRecords(t *testing.T) {
	answer, err := transform.New(judge(t), &spy{}).Invoke(t.Context(), []byte(`{"invocationId":"i","records":[]}`))
	if err != nil || string(answer) != `{"records":[]}` {
		t.Errorf("got %s, %v", answer, err)
	}
}

func TestNoRequest(t *testing.T) {
	s := &spy{}
	answer, err := transform.New(judge(t), s).Invoke(t.Context(), []byte(`{"Records":[{"body":"s3cret"}]}`))
	if err == nil || answer != nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "Firehose") {
		t.Errorf("got %s, %v", answer, err)
	}
	if len(s.batches) != 0 {
		t.Errorf("recorded %+v", s.batches)
	}
}

// Package record may not know package event, so it has words of its own for what it finds.
func TestFaultsOfRecordsAreReasons(t *testing.T) {
	for fault, want := range map[string]event.Reason{
		record.InvalidJSON: event.InvalidJSON, record.Empty: event.Empty, record.InvalidEnvelope: event.InvalidEnvelope,
	} {
		if fault != string(want) {
			t.Errorf("package record says %s, package event %s", fault, want)
		}
	}
}
