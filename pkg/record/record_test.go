package record_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hydrant/pkg/record"
)

var source = record.Source{Shard: "shardId-000000000000", Sequence: "4950", Subsequence: 0, ArrivedAt: 1_732_269_600_500}

func open(t *testing.T, data string) record.Record {
	t.Helper()
	r, err := record.Open([]byte(data), source)
	if err != nil {
		t.Fatalf("Open(%.80q): %v", data, err)
	}
	return r
}

func events(r record.Record) []string {
	var all []string
	for i, e := range r.Events() {
		if i != len(all) {
			panic("event " + strconv.Itoa(i) + " in place " + strconv.Itoa(len(all)))
		}
		all = append(all, string(e))
	}
	return all
}

func inRaw(bytes string) string {
	return `{"hydrant":1,"raw":"` + base64.StdEncoding.EncodeToString([]byte(bytes)) + `"}`
}

func TestEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want []string
	}{
		"one bare event":                                        {`{"type":"a"}`, []string{`{"type":"a"}`}},
		"white space around it":                                 {" \r\n\t{\"a\": 1 } \n", []string{`{"a": 1 }`}},
		"an array of events":                                    {`[{"a":1} , {"b":[1,2]},3]`, []string{`{"a":1}`, `{"b":[1,2]}`, `3`}},
		"arrays are opened one level deep":                      {`[[{"a":1}],[]]`, []string{`[{"a":1}]`, `[]`}},
		"lines":                                                 {"{\"a\":1}\n{\"b\":2}\r\n", []string{`{"a":1}`, `{"b":2}`}},
		"values without anything between":                       {`{"a":1}{"b":2}[3,4]"x""y"[]`, []string{`{"a":1}`, `{"b":2}`, `3`, `4`, `"x"`, `"y"`}},
		"arrays among lines":                                    {"[1]\n2\n[[3]]", []string{`1`, `2`, `[3]`}},
		"numbers that touch":                                    {`01-2 3.5e+7-0.25 1E-2-0`, []string{`0`, `1`, `-2`, `3.5e+7`, `-0.25`, `1E-2`, `-0`}},
		"literals that touch":                                   {`nulltruefalsenull`, []string{`null`, `true`, `false`, `null`}},
		"a scalar is an event, a bad one":                       {`42`, []string{`42`}},
		"null is an event, a bad one":                           {`null`, []string{`null`}},
		"brackets and quotes inside of strings":                 {`[{"a":"]}\\"},{"b":"\\\"[{"},"\\\\\""]`, []string{`{"a":"]}\\"}`, `{"b":"\\\"[{"}`, `"\\\\\""`}},
		"duplicate names in an event are left to its judge":     {`{"a":1,"a":2}`, []string{`{"a":1,"a":2}`}},
		"so is text that is no UTF-8":                           {"{\"a\":\"\xff\xc0\",\"b\":\"\\ud800\"}", []string{"{\"a\":\"\xff\xc0\",\"b\":\"\\ud800\"}"}},
		"an event that only mentions hydrant":                   {`{"note":"hydrant","a":{"hydrant":2}}`, []string{`{"note":"hydrant","a":{"hydrant":2}}`}},
		"an element of an array is never an envelope":           {`[{"hydrant":1,"data":1}]`, []string{`{"hydrant":1,"data":1}`}},
		"an array among lines neither":                          {`1 [{"hydrant":1,"data":1}]`, []string{`1`, `{"hydrant":1,"data":1}`}},
		"Hydrant is another name":                               {`{"Hydrant":1,"data":1}`, []string{`{"Hydrant":1,"data":1}`}},
		"members of an envelope without hydrant are an event's": {`{"data":1,"raw":2,"attempt":"x"}`, []string{`{"data":1,"raw":2,"attempt":"x"}`}},

		"an enveloped event":                           {`{"hydrant":1,"data":{"a":1}}`, []string{`{"a":1}`}},
		"an enveloped array":                           {`{"hydrant":1,"data":[ {"a":1} ,2]}`, []string{`{"a":1}`, `2`}},
		"members in any order, with white space":       {"{ \"data\" :\n1 , \"attempt\":0,\t\"hydrant\" : 1 }", []string{`1`}},
		"enveloped null is an event, a bad one":        {`{"hydrant":1,"data":null}`, []string{`null`}},
		"an envelope in an envelope is an event":       {`{"hydrant":1,"data":{"hydrant":1,"data":1}}`, []string{`{"hydrant":1,"data":1}`}},
		"unknown members are ignored":                  {`{"hydrant":1,"x":1,"y":{"data":2},"data":3}`, []string{`3`}},
		"names with escapes are the names they spell":  {`{"\u0068ydrant":1,"d\u0061ta":3}`, []string{`3`}},
		"raw is read as a bare record":                 {inRaw("{\"a\":1}\n[2,3]"), []string{`{"a":1}`, `2`, `3`}},
		"an envelope in raw is an event":               {inRaw(`{"hydrant":1,"data":1}`), []string{`{"hydrant":1,"data":1}`}},
		"envelopes among values in raw are events too": {inRaw(`1{"hydrant":1,"data":1}`), []string{`1`, `{"hydrant":1,"data":1}`}},
		"raw with escapes in its base64":               {`{"hydrant":1,"raw":"\u004dQ=="}`, []string{`1`}},
		"nesting to JSON's usual limit":                {strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000), []string{strings.Repeat("[", 8_999) + strings.Repeat("]", 8_999)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := events(open(t, tc.data)); !slices.Equal(got, tc.want) {
				t.Errorf("events of %.200q:\n got %.200q\nwant %.200q", tc.data, got, tc.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct{ data, want string }{
		"nothing":                  {``, record.Empty},
		"blanks":                   {" \n\t\r ", record.Empty},
		"an empty array":           {`[]`, record.Empty},
		"empty arrays":             {"[]\n[ ]", record.Empty},
		"an enveloped empty array": {`{"hydrant":1,"data":[]}`, record.Empty},
		"raw of nothing":           {inRaw(""), record.Empty},
		"raw of blanks":            {inRaw(" \n"), record.Empty},

		"no JSON":                      {`%`, record.InvalidJSON},
		"cut off":                      {`{"a":1`, record.InvalidJSON},
		"cut off in the second line":   {"{\"a\":1}\n{\"b\":", record.InvalidJSON},
		"a comma between values":       {`1,2`, record.InvalidJSON},
		"a trailing comma":             {`[1,]`, record.InvalidJSON},
		"garbage behind a value":       {`{"a":1}x`, record.InvalidJSON},
		"a byte order mark":            {"\ufeff{}", record.InvalidJSON},
		"a comment":                    {`{} // no`, record.InvalidJSON},
		"NaN":                          {`[NaN]`, record.InvalidJSON},
		"a control character in text":  {"\"\x01\"", record.InvalidJSON},
		"gzip":                         {"\x1f\x8b\x08\x00\x00", record.InvalidJSON},
		"nesting past the limit":       {strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), record.InvalidJSON},
		"nesting without end":          {strings.Repeat(`{"":`, 250_000), record.InvalidJSON},
		"an envelope cut off":          {`{"hydrant":1,"data":`, record.InvalidJSON},
		"raw that is no JSON":          {inRaw("\x00\x01"), record.InvalidJSON},
		"an envelope before no JSON":   {`{"hydrant":1,"data":1} x`, record.InvalidJSON},
		"hydrant 2":                    {`{"hydrant":2,"data":1}`, record.InvalidEnvelope},
		"hydrant 1.0":                  {`{"hydrant":1.0,"data":1}`, record.InvalidEnvelope},
		"hydrant 1e0":                  {`{"hydrant":1e0,"data":1}`, record.InvalidEnvelope},
		"hydrant as text":              {`{"hydrant":"1","data":1}`, record.InvalidEnvelope},
		"hydrant null":                 {`{"hydrant":null,"data":1}`, record.InvalidEnvelope},
		"hydrant twice":                {`{"hydrant":1,"hydrant":1,"data":1}`, record.InvalidEnvelope},
		"data twice":                   {`{"hydrant":1,"data":1,"data":1}`, record.InvalidEnvelope},
		"data twice, once escaped":     {`{"hydrant":1,"data":1,"d\u0061ta":1}`, record.InvalidEnvelope},
		"an unknown member twice":      {`{"hydrant":1,"x":1,"data":1,"x":1}`, record.InvalidEnvelope},
		"data and raw":                 {`{"hydrant":1,"data":1,"raw":"MQ=="}`, record.InvalidEnvelope},
		"data and a raw of null":       {`{"hydrant":1,"data":1,"raw":null}`, record.InvalidEnvelope},
		"neither data nor raw":         {`{"hydrant":1}`, record.InvalidEnvelope},
		"raw that is no text":          {`{"hydrant":1,"raw":["MQ=="]}`, record.InvalidEnvelope},
		"raw that is null":             {`{"hydrant":1,"raw":null}`, record.InvalidEnvelope},
		"raw that is no base64":        {`{"hydrant":1,"raw":"M"}`, record.InvalidEnvelope},
		"raw in the URL's alphabet":    {`{"hydrant":1,"raw":"-_-_"}`, record.InvalidEnvelope},
		"attempt -1":                   {`{"hydrant":1,"data":1,"attempt":-1}`, record.InvalidEnvelope},
		"attempt 1.0":                  {`{"hydrant":1,"data":1,"attempt":1.0}`, record.InvalidEnvelope},
		"attempt 1e2":                  {`{"hydrant":1,"data":1,"attempt":1e2}`, record.InvalidEnvelope},
		"attempt as text":              {`{"hydrant":1,"data":1,"attempt":"1"}`, record.InvalidEnvelope},
		"attempt null":                 {`{"hydrant":1,"data":1,"attempt":null}`, record.InvalidEnvelope},
		"attempt past the column":      {`{"hydrant":1,"data":1,"attempt":2147483648}`, record.InvalidEnvelope},
		"attempt past 64 bits":         {`{"hydrant":1,"data":1,"attempt":18446744073709551616}`, record.InvalidEnvelope},
		"two envelopes":                {`{"hydrant":1,"data":1}{"hydrant":1,"data":1}`, record.InvalidEnvelope},
		"an envelope behind an event":  {"{\"a\":1}\n{\"hydrant\":1,\"data\":1}", record.InvalidEnvelope},
		"an envelope before an event":  {"{\"hydrant\":1,\"data\":1}\n{\"a\":1}", record.InvalidEnvelope},
		"an envelope before an []":     {`{"hydrant":1,"data":1}[]`, record.InvalidEnvelope},
		"hydrant among an event's own": {`{"type":"page_view","hydrant":true}`, record.InvalidEnvelope},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := record.Open([]byte(tc.data), source)
			var fault *record.Fault
			if !errors.As(err, &fault) {
				t.Fatalf("Open(%.80q) = %v, want a *Fault", tc.data, err)
			}
			if fault.Reason != tc.want {
				t.Errorf("Open(%.80q): %v, want %s", tc.data, fault, tc.want)
			}
		})
	}
}

func TestProvenance(t *testing.T) {
	const arrived = 1_732_269_600_500
	full := record.Record{RequestID: "r=", Index: 7, ReceivedAt: 1_732_269_600_123, Producer: "app", Attempt: 2}
	for name, tc := range map[string]struct {
		members string
		want    func(r *record.Record)
	}{
		"as written":                    {``, func(*record.Record) {}},
		"no producer":                   {`"producer":null`, func(r *record.Record) { r.Producer = record.Anonymous }},
		"an empty producer":             {`"producer":""`, func(r *record.Record) { r.Producer = record.Anonymous }},
		"a producer that is no text":    {`"producer":{"a":1}`, func(r *record.Record) { r.Producer = record.Anonymous }},
		"a producer with escapes":       {`"producer":"\u00fc\"\ud83d\ude00"`, func(r *record.Record) { r.Producer = "ü\"😀" }},
		"a producer cut in a surrogate": {`"producer":"a\ud83d"`, func(r *record.Record) { r.Producer = "a\ufffd" }},
		"a producer that is no UTF-8":   {"\"producer\":\"a\xff\"", func(r *record.Record) { r.Producer = "a\ufffd" }},
		"no received_at":                {`"received_at":null`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"received_at as text":           {`"received_at":"1732269600123"`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"received_at with a fraction":   {`"received_at":1732269600123.0`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"received_at in seconds":        {`"received_at":1732269600`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"received_at in 1999":           {`"received_at":946684799999`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"received_at in 2000":           {`"received_at":946684800000`, func(r *record.Record) { r.ReceivedAt = 946684800000 }},
		"received_at in 2100":           {`"received_at":4133980799999`, func(r *record.Record) { r.ReceivedAt = 4133980799999 }},
		"received_at in 2101":           {`"received_at":4133980800000`, func(r *record.Record) { r.ReceivedAt = arrived }},
		"no attempt":                    {`"attempt":-0`, func(r *record.Record) { r.Attempt = 0 }},
		"the last attempt of all":       {`"attempt":2147483647`, func(r *record.Record) { r.Attempt = 2147483647 }},
		"no request_id":                 {`"request_id":null`, func(r *record.Record) { r.RequestID = "" }},
		"a request_id that is no text":  {`"request_id":5`, func(r *record.Record) { r.RequestID = "" }},
		"no index":                      {`"index":null`, func(r *record.Record) { r.Index = -1 }},
		"a negative index":              {`"index":-3`, func(r *record.Record) { r.Index = -1 }},
		"an index with a fraction":      {`"index":1.5`, func(r *record.Record) { r.Index = -1 }},
		"event_ids":                     {`"event_ids":["a","b:2"]`, func(r *record.Record) { r.EventIDs = []string{"a", "b:2"} }},
		"event_ids with bad ones":       {`"event_ids":["a b","",null,5,"é","x"]`, func(r *record.Record) { r.EventIDs = []string{"", "", "", "", "", "x"} }},
		"event_ids of the wrong kind":   {`"event_ids":"a"`, func(*record.Record) {}},
	} {
		t.Run(name, func(t *testing.T) {
			members := map[string]string{
				"request_id": `"r="`, "index": `7`, "received_at": `1732269600123`, "producer": `"app"`, "attempt": `2`,
			}
			if name, value, ok := strings.Cut(tc.members, ":"); ok {
				members[strings.Trim(name, `"`)] = value
			}
			data := `{"hydrant":1,"data":0`
			for name, value := range members {
				data += `,"` + name + `":` + value
			}
			got, want := open(t, data+"}"), full
			tc.want(&want)
			if got.RequestID != want.RequestID || got.Index != want.Index || got.ReceivedAt != want.ReceivedAt || got.Producer != want.Producer ||
				got.Attempt != want.Attempt || got.Direct != want.Direct || !slices.Equal(got.EventIDs, want.EventIDs) {
				t.Errorf("%s:\n got %+v\nwant %+v", tc.members, got, want)
			}
		})
	}
}

func TestBareProvenance(t *testing.T) {
	r := open(t, `{"producer":"me","request_id":"x"}`)
	if r.Producer != record.Direct || !r.Direct || r.RequestID != "" || r.ReceivedAt != source.ArrivedAt || r.Attempt != 0 {
		t.Errorf("a bare record took its provenance from its event: %+v", r)
	}
	if r := open(t, `{"hydrant":1,"data":0}`); r.Producer != record.Anonymous || r.Direct || r.Attempt != 0 || r.Index != -1 {
		t.Errorf("an envelope that says nothing: %+v", r)
	}
}

// A fault inside of an envelope leaves what the envelope said: whoever explains the failure wants to know whose it is.
func TestFaultKeepsProvenance(t *testing.T) {
	r, err := record.Open([]byte(`{"hydrant":1,"request_id":"r","attempt":3,"raw":"Pw=="}`), source)
	if err == nil || r.RequestID != "r" || r.Attempt != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestEventsStopEarly(t *testing.T) {
	r := open(t, "1 2 [3,4]")
	for stop := range 4 {
		n := 0
		for i := range r.Events() {
			if n++; i == stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("asked to stop at %d, saw %d events", stop, n)
		}
	}
}
