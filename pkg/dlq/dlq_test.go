package dlq_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
	"hydrant/pkg/record"
	"hydrant/pkg/transform"
)

// What becomes of one line: the records that go round, the reasons of what is quarantined, and the delays of what waits first.
func TestLines(t *testing.T) {
	large := `{"type":"app_error","event_id":"big","message":"m","x":"` + strings.Repeat("x", 1<<20) + `"}`
	rows := func(data string) string {
		var all []byte
		r, err := record.Open([]byte(data), record.Source{})
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range r.Events() {
			var out event.Outcome
			all, out = judge.AppendRow(all, e, event.Origin{ReceivedAt: r.ReceivedAt, Producer: r.Producer, RequestID: r.RequestID, Attempt: r.Attempt, EventID: r.EventID(i)})
			if len(out.Rejections) > 0 {
				t.Fatal(out)
			}
		}
		return string(all)
	}
	const (
		one  = `{"hydrant":1,"request_id":"req=","index":2,"received_at":1732269600123,"producer":"shop","attempt":1,"event_ids":["e-1"],"data":` + view + `}`
		bare = `{"hydrant":1,"received_at":1795339800500,"producer":"direct","attempt":1,"event_ids":["e-1"],"data":` + view + `}`
	)
	for name, tc := range map[string]struct {
		key         string
		line        string
		stream      []string
		quarantined []string // reasons
		raw         bool
		delay       time.Duration
	}{
		"a valid event":                {line: failed("Lambda.ProcessingFailedStatus", enveloped(0, view)), stream: []string{one}},
		"a bare one":                   {line: failed("Lambda.ProcessingFailedStatus", view), stream: []string{bare}},
		"an invalid one":               {line: failed("Lambda.ProcessingFailedStatus", bad), quarantined: []string{"missing"}},
		"two good ones and a bad one":  {line: failed("Lambda.ProcessingFailedStatus", enveloped(0, "["+view+","+bad+","+view2+"]")), stream: []string{strings.Replace(strings.Replace(one, `"e-1"]`, `"e-1","e-2"]`, 1), `"data":`+view, `"data":[`+view+`,`+view2+`]`, 1)}, quarantined: []string{"missing"}},
		"the second attempt":           {line: failed("Lambda.ProcessingFailedStatus", enveloped(1, view)), stream: []string{strings.Replace(one, `"attempt":1`, `"attempt":2`, 1)}, delay: time.Minute},
		"the third":                    {line: failed("Lambda.FunctionError", enveloped(2, view)), stream: []string{strings.Replace(one, `"attempt":1`, `"attempt":3`, 1)}, delay: 5 * time.Minute},
		"one too many":                 {line: failed("Lambda.FunctionError", enveloped(6, view)), quarantined: []string{"attempts_exhausted"}},
		"a function error, invalid":    {line: failed("Lambda.FunctionError", bad), stream: []string{strings.NewReplacer(view, bad, "e-1", "e-9").Replace(bare)}},
		"no JSON":                      {line: failed("Lambda.ProcessingFailedStatus", "%"), quarantined: []string{"invalid_json"}, raw: true},
		"no JSON, and a timeout":       {line: failed("Lambda.FunctionTimedOut", "{"), quarantined: []string{"invalid_json"}, raw: true},
		"nothing":                      {line: failed("Lambda.ProcessingFailedStatus", ""), quarantined: []string{"empty"}},
		"a broken envelope":            {line: failed("Lambda.FunctionTimedOut", `{"hydrant":2,"data":1}`), quarantined: []string{"invalid_envelope"}, raw: true},
		"an unknown code":              {line: failed("Lambda.Unheard", enveloped(0, view)), quarantined: []string{"unknown_code"}},
		"a permanent one":              {line: failed("DynamicPartitioning.MetadataExtractionFailed", "["+view+","+view2+"]"), quarantined: []string{"not_retryable", "not_retryable"}},
		"a line that is no JSON":       {line: "oops", quarantined: []string{"no_error_line"}, raw: true},
		"a line of other JSON":         {line: `{"a":1}`, quarantined: []string{"no_error_line"}, raw: true},
		"data that is no base64":       {line: `{"rawData":"%","errorCode":"Lambda.FunctionError"}`, quarantined: []string{"not_base64"}, raw: true},
		"an event too large":           {line: failed("Lambda.FunctionError", large), quarantined: []string{"too_large"}},
		"a blank line":                 {line: "  "},
		"text that is no UTF-8":        {line: failed("Lambda.ProcessingFailedStatus", `{"type":"`+"\xff"+`"}`), quarantined: []string{"unknown_type"}, raw: true},
		"a missing table":              {line: refused("DataFormatConversion.EntityNotFound", rows(enveloped(0, view))), stream: []string{restored(t, rows(enveloped(0, view)), 1)}},
		"rows of a record":             {line: refused("DataFormatConversion.MalformedData", rows(enveloped(0, "["+view+","+view2+"]"))), stream: []string{restored(t, rows(enveloped(0, "["+view+","+view2+"]")), 1)}},
		"a row, the second time":       {line: refused("DataFormatConversion.MalformedData", rows(enveloped(1, view))), stream: []string{restored(t, rows(enveloped(1, view)), 2)}, delay: time.Minute},
		"a row too often":              {line: refused("DataFormatConversion.MalformedData", rows(enveloped(6, view))), quarantined: []string{"attempts_exhausted"}},
		"an unknown code, of a row":    {line: refused("DataFormatConversion.Unheard", rows(enveloped(0, view))), quarantined: []string{"unknown_code"}},
		"a record where rows would be": {line: refused("DataFormatConversion.EntityNotFound", enveloped(0, view)), stream: []string{one}},
		"half a row":                   {line: refused("DataFormatConversion.ParseError", rows(view)[:80]), quarantined: []string{"invalid_json"}, raw: true},
		"a row and something":          {line: refused("DataFormatConversion.ParseError", rows(view)+"%"), quarantined: []string{"invalid_json"}, raw: true},
		"what calls itself a row does not say who sent it": {
			line:   failed("Lambda.FunctionError", strings.TrimSuffix(rows(enveloped(3, view)), "\n")),
			stream: []string{`{"hydrant":1,"received_at":1795339800500,"producer":"direct","attempt":1,"event_ids":["e-1"],"data":` + strings.TrimSuffix(rows(enveloped(3, view)), "\n") + `}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.put(errors1, failed("Lambda.ProcessingFailedStatus", "first"), tc.line, failed("Lambda.ProcessingFailedStatus", "last"))
			w.notify(t, errors1)
			if tc.delay > 0 {
				if len(w.queue) != 1 || w.queue[0].delay != tc.delay || len(w.stream) > 0 {
					t.Fatalf("waiting: %+v", w.queue)
				}
			} else if len(w.queue) > 0 {
				t.Fatalf("waiting: %+v", w.queue)
			}
			w.settle(t)
			var stream, reasons []string
			for _, e := range w.stream {
				stream = append(stream, string(e.Data))
			}
			for _, r := range w.rows(t) {
				if r.Line != 2 {
					continue // the neighbours, which nothing may touch
				}
				reasons = append(reasons, r.reasons())
				if (len(r.Raw) > 0) != tc.raw || r.EventID == "" || r.Explanation == "" || r.Object != "s3://"+bucket+"/"+errors1 {
					t.Errorf("row %+v", r)
				}
			}
			if !slices.Equal(stream, tc.stream) {
				t.Errorf("stream\n got %q\nwant %q", stream, tc.stream)
			}
			if !slices.Equal(reasons, tc.quarantined) || len(w.rows(t)) != len(tc.quarantined)+2 {
				t.Errorf("quarantined %q, want %q, of %d rows", reasons, tc.quarantined, len(w.rows(t)))
			}
			for _, e := range w.stream {
				if _, err := record.Open(e.Data, record.Source{}); err != nil {
					t.Errorf("the record cannot be read: %v", err)
				}
			}
		})
	}
}

// restored is the record that these rows are put together to.
func restored(t *testing.T, rows string, attempt int) string {
	t.Helper()
	var events, ids []string
	for line := range strings.Lines(rows) {
		e, o, ok := judge.Restore([]byte(line))
		if !ok || o.Producer != "shop" || o.RequestID != "req=" {
			t.Fatalf("%s: %+v", line, o)
		}
		events, ids = append(events, string(e)), append(ids, object(o.EventID))
	}
	data := strings.Join(events, ",")
	if len(events) > 1 {
		data = "[" + data + "]"
	}
	return `{"hydrant":1,"request_id":"req=","received_at":1732269600123,"producer":"shop","attempt":` + object(attempt) + `,"event_ids":[` + strings.Join(ids, ",") + `],"data":` + data + `}`
}

func TestARowOfTheQuarantine(t *testing.T) {
	w := newWorld()
	w.put(errors1, failed("Lambda.ProcessingFailedStatus", enveloped(0, `{ "type":"page_view", "event_id":"e-9", "url":7, "device":"fridge" }`)))
	w.notify(t, errors1)
	for name, body := range w.objects {
		if !strings.HasPrefix(name, bucket+"/quarantine/") {
			continue
		}
		if !strings.HasPrefix(name, bucket+"/quarantine/dt=2026-11-22/hour=10/") || !strings.HasSuffix(name, ".json.gz") {
			t.Errorf("key %s", name)
		}
		const want = `{"quarantined_at":"2026-11-22T10:05:00.000Z","event_id":"e-9","type":"page_view","producer":"shop","request_id":"req=",` +
			`"received_at":"2024-11-22T10:00:00.123Z","stage":"transformation","code":"Lambda.ProcessingFailedStatus",` +
			`"explanation":"The transform function answered ProcessingFailed for this record: an event in it is not valid, or the answer had no more room. Firehose: secret message","attempt":0,` +
			`"reasons":[{"field":"/url","rule":"string","reason":"wrong_type"},{"field":"/device","rule":"oneof=desktop mobile tablet tv bot unknown","reason":"not_allowed"}],` +
			`"data":"{ \"type\":\"page_view\", \"event_id\":\"e-9\", \"url\":7, \"device\":\"fridge\" }",` +
			`"source_object":"s3://the-bucket/` + errors1 + `","source_line":1}` + "\n"
		if got := unzip(t, body); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func unzip(t testing.TB, data []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Ids of bare records are fixed by where their line stands, whatever is done twice and however often.
func TestIDsOfBareRecords(t *testing.T) {
	const noID = `{"type":"page_view","url":"https://a.example/"}`
	ids := func(key string, lines ...string) []string {
		w := newWorld()
		w.put(key, lines...)
		w.notify(t, key)
		var all []string
		for _, e := range w.stream {
			r, err := record.Open(e.Data, record.Source{Shard: "other", Sequence: "other"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Events() {
				all = append(all, r.EventID(i))
			}
		}
		return all
	}
	line := failed("Lambda.FunctionError", "["+noID+","+noID+"]")
	first := ids(errors1, line, line)
	if again := ids(errors1, line, line); !slices.Equal(first, again) {
		t.Errorf("%q, then %q", first, again)
	}
	all := slices.Concat(first, ids(errors1+"2", line))
	if slices.Sort(all); len(slices.Compact(all)) != 6 {
		t.Errorf("not six ids: %q", all)
	}
}

// A record that had no room in an answer goes round in pieces that will have.
func TestRecordsAreSplit(t *testing.T) {
	var events []string
	for i := range 4000 {
		events = append(events, `{"type":"page_view","url":"https://a.example/`+object(i)+`"}`)
	}
	w := newWorld()
	w.put(errors1, failed("Lambda.ProcessingFailedStatus", enveloped(0, "["+strings.Join(events, ",")+"]")))
	w.notify(t, errors1)
	if len(w.stream) < 5 {
		t.Fatalf("%d records", len(w.stream))
	}
	original, err := record.Open([]byte(enveloped(0, "["+strings.Join(events, ",")+"]")), record.Source{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range w.stream {
		request := `{"records":[{"recordId":"r","data":"` + base64.StdEncoding.EncodeToString(e.Data) + `"}]}`
		answer, err := transform.New(judge, ignore{}).Invoke(t.Context(), []byte(request))
		if err != nil || !bytes.Contains(answer, []byte(`"Ok"`)) || len(answer) > 256<<10+100 {
			t.Errorf("an answer of %d bytes, %v", len(answer), err)
		}
		r, err := record.Open(e.Data, record.Source{})
		if err != nil {
			t.Fatal(err)
		}
		for i, data := range r.Events() {
			if string(data) != events[n] || r.EventID(i) != original.EventID(n) {
				t.Fatalf("event %d is %s with id %s", n, data, r.EventID(i))
			}
			n++
		}
	}
	if n != len(events) {
		t.Errorf("%d events", n)
	}
}

// Ids may take more room than what they are the ids of: the pieces fit the stream all the same.
func TestTinyEventsAreSplit(t *testing.T) {
	const events = 100_000
	w := newWorld()
	w.put(errors1, failed("Lambda.FunctionError", enveloped(0, "["+strings.Repeat("1,", events-1)+"1]")))
	w.notify(t, errors1)
	n := 0
	for _, e := range w.stream {
		r, err := record.Open(e.Data, record.Source{})
		if err != nil || len(e.Data) > 1000<<10 {
			t.Fatalf("%d bytes, %v", len(e.Data), err)
		}
		n += len(r.EventIDs)
	}
	if n != events || len(w.rows(t)) > 0 {
		t.Errorf("%d events", n)
	}
}

func TestObjects(t *testing.T) {
	line := failed("Lambda.FunctionError", enveloped(0, view))
	later := failed("Lambda.FunctionError", enveloped(3, view2))
	for name, tc := range map[string]struct {
		body   []byte
		events int
		rows   int
	}{
		"plain":                        {[]byte(line + "\n" + later + "\n"), 2, 0},
		"gzip":                         {zipped(t, line+"\n"+later+"\n"), 2, 0},
		"gzip in two members":          {append(zipped(t, line+"\n"), zipped(t, later)...), 2, 0},
		"no newline at the end":        {[]byte(line + "\n" + later), 2, 0},
		"gzip, no newline":             {zipped(t, line+"\n"+later), 2, 0},
		"carriage returns":             {[]byte(line + "\r\n" + later + "\r\n"), 2, 0},
		"empty":                        {nil, 0, 0},
		"one byte":                     {[]byte("x"), 0, 1},
		"only newlines":                {[]byte("\n\n\n"), 0, 0},
		"a line longer than any":       {[]byte(line + "\n" + strings.Repeat("x", 20<<20) + "\n" + line), 2, 1},
		"a line longer than any, last": {[]byte(line + "\n" + strings.Repeat("x", 15<<20)), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.objects[bucket+"/errors/a b+c/ü"] = tc.body
			if got := w.invoke(t, batch(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"the-bucket"},"object":{"key":"errors/a+b%2Bc/%C3%BC"}}}]}`)); got != `{"batchItemFailures":[]}` {
				t.Fatalf("%s: %+v", got, w.faults)
			}
			w.settle(t)
			if len(w.stream) != tc.events || len(w.rows(t)) != tc.rows {
				t.Errorf("%d records, %d rows; want %d, %d", len(w.stream), len(w.rows(t)), tc.events, tc.rows)
			}
		})
	}
}

type ignore struct{ transform.Recorder }

func (ignore) Batch(context.Context, transform.Batch) {}

func TestReport(t *testing.T) {
	w := newWorld()
	w.put(errors1, failed("Lambda.ProcessingFailedStatus", "["+view+","+view2+","+bad+"]"), failed("Lambda.FunctionError", enveloped(1, view)), failed("Lambda.ProcessingFailedStatus", "%"), "no line")
	w.notify(t, errors1)
	got := w.reports[0]
	if got.Lines != 3 || got.Waiting != 1 || got.Records != 1 || got.Events != 2 || got.Quarantined != 3 || got.Objects != 1 || got.Messages != 1 ||
		!maps.Equal(got.Codes, map[string]int{"Lambda.ProcessingFailedStatus": 2, dlq.UnnamedCode: 1}) || !maps.Equal(got.Attempts, map[int]int{1: 1}) ||
		!maps.Equal(got.Reasons, map[event.Reason]int{event.Missing: 1, event.InvalidJSON: 1, dlq.NoErrorLine: 1}) {
		t.Errorf("%+v", got)
	}
	w.notify(t, errors1)
	if w.reports[1].Repeated != 1 || len(w.rows(t)) != 3 {
		t.Errorf("a doubled notification: %+v, %d rows", w.reports[1], len(w.rows(t)))
	}
}

func TestSettings(t *testing.T) {
	_, err := dlq.New(dlq.Settings{Quarantine: "q", Redriven: "/", MaxAttempts: -1}, judge, nil, nil, nil, nil)
	for _, want := range []string{"quarantine", "redriven", "attempts", "per second"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// Every reason that a row can have is explained.
func TestReasons(t *testing.T) {
	for _, r := range dlq.Reasons() {
		if r.Sentence == "" || slices.ContainsFunc(event.Reasons(), func(o event.ReasonText) bool { return o.Reason == r.Reason }) {
			t.Errorf("%+v", r)
		}
	}
}
