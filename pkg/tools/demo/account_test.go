package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// accountCase is a runner that does one thing in its own way.
type accountCase struct {
	requests map[string]string // by file name; without any those under events/api
	fake     func(*fake)
	want     string   // the account
	faults   []string // a part of each fault
}

const whole = "accepted 14 = rows 11 + quarantined 3 + in flight 0: it adds up"

var accountCases = map[string]accountCase{
	"adds up": {want: whole},
	"does not add up without a row": {
		fake:   func(f *fake) { f.rows = func(rows []string) []string { return rows[1:] } },
		want:   "accepted 14 = rows 10 + quarantined 3 + in flight 0: it does not add up",
		faults: []string{"0 records on their way, but 1 accepted", `01 one event is in neither (event id "pv-7f3a91")`},
	},
	"does not add up with a row twice": {
		fake:   func(f *fake) { f.rows = func(rows []string) []string { return append(rows, rows[0]) } },
		want:   "accepted 14 = rows 12 + quarantined 3 + in flight 0: it does not add up",
		faults: []string{"row pv-7f3a91 of request request-1=: nobody sent it, or it is there twice"},
	},
	"does not add up without a row of the quarantine": {
		fake:   func(f *fake) { f.kept = func(lines []string) []string { return lines[1:] } },
		want:   "accepted 14 = rows 11 + quarantined 2 + in flight 0: it does not add up",
		faults: []string{"0 records on their way, but 1 accepted", "06 invalid event is in neither"},
	},
	"does not add up with a quarantined event twice": {
		fake:   func(f *fake) { f.kept = func(lines []string) []string { return append(lines, lines[0]) } },
		want:   "accepted 14 = rows 11 + quarantined 4 + in flight 0: it does not add up",
		faults: []string{"quarantine: event pv-bad-1 of request request-6=: nobody sent it, or it is elsewhere too"},
	},
	"refuses a failure of somebody else's": {
		fake: func(f *fake) {
			f.errors = func(lines []string) []string {
				return append(lines, errorLine([]byte(`{"type":"x"}`), `"errorCode":"x"`))
			}
		},
		want:   whole,
		faults: []string{"nobody sent 1 of its events"},
	},
	"refuses a second attempt that nothing failed": {
		fake: func(f *fake) {
			f.rows = func(rows []string) []string {
				return append(replaceAll(`"attempt":0`, `"attempt":1`)(rows[:1]), rows[1:]...)
			}
		},
		want:   whole,
		faults: []string{"row pv-7f3a91: it says that it is of attempt 1, and 0 error objects failed it"},
	},
	"refuses the quarantine without a reason": {
		fake:   func(f *fake) { f.kept = replaceReasons(`[]`) },
		want:   whole,
		faults: []string{"06 invalid event: quarantined without a reason"},
	},
	"refuses the quarantine for another reason": {
		fake:   func(f *fake) { f.kept = replaceReasons(`[{"field":"/url","rule":"max","reason":"too_long"}]`) },
		want:   whole,
		faults: []string{"06 invalid event: the quarantine's reasons are not what the catalogue has against it"},
	},
	"adds up with another event for a lost one, but is refused": {
		fake:   func(f *fake) { f.rows = replaceAll("pv-7f3a91", "pv-somebody") },
		want:   whole,
		faults: []string{"row pv-somebody of request request-1=: nobody sent it", "0 records on their way, but 1 accepted", "01 one event is in neither"},
	},
	"refuses a changed value": {
		fake:   func(f *fake) { f.rows = replaceAll(`"load_ms":412.5`, `"load_ms":412`) },
		want:   whole,
		faults: []string{"row pv-7f3a91: column load_ms is not what the catalogue makes of the event"},
	},
	"refuses a forgotten default": {
		fake:   func(f *fake) { f.rows = replaceAll(`"width":1920,"height":0`, `"width":1920`) },
		want:   whole,
		faults: []string{"row pv-7f3a92: column viewport is not"},
	},
	"refuses a lost unknown field": {
		fake:   func(f *fake) { f.rows = replaceAll(`,\"engraving\":\"For \\\\ from 'us'\"`, ``) },
		want:   whole,
		faults: []string{"row order-20251122-0019: column extra is not"},
	},
	"refuses a record in the stream that no answer tells of": {
		fake: func(f *fake) {
			f.counts = func(stream, delivery, _ map[string]int64) { stream["records"]++; delivery["recordsRead"]++ }
		},
		want:   whole,
		faults: []string{"the stream took 12 records, the answers and the dlq function's own say 11"},
	},
	"refuses an answer without a SequenceNumber": {
		fake:   func(f *fake) { f.answer = replaceAnswer("record", `"SequenceNumber":"1"`, `"x":1`) },
		want:   whole,
		faults: []string{"01 one event: answered with 200, but record 1 has no SequenceNumber"},
	},
	"refuses an error without a Code": {
		fake:   func(f *fake) { f.answer = replaceAnswer("recrod", `"Code"`, `"code_"`) },
		want:   whole,
		faults: []string{"10 unknown route: answered with 403, but without a Code"},
	},
	"refuses a quarantined event that the catalogue has nothing against": {
		requests: map[string]string{"1-good.record.json": `{"Data":{"type":"page_view","event_id":"a","url":"https://a.example/"}}`},
		fake: func(f *fake) {
			f.rows = func([]string) []string { return nil }
			f.errors = func([]string) []string {
				raw := `{"hydrant":1,"request_id":"request-1=","index":0,"data":{"type":"page_view","event_id":"a","url":"https://a.example/"}}`
				return []string{errorLine([]byte(raw), `"errorCode":"Lambda.ProcessingFailedStatus"`)}
			}
			f.kept = func([]string) []string {
				r := record.Record{RequestID: "request-1="}
				return []string{quarantined(r, "a", "data", "{}", []event.Rejection{{Field: "/url", Reason: "missing"}})}
			}
		},
		want:   "accepted 1 = rows 0 + quarantined 1 + in flight 0: it adds up",
		faults: []string{"1 good: the quarantine has reasons, and the catalogue has nothing against it"},
	},
	"adds up with lines that wait in the queue": {
		fake: func(f *fake) {
			f.rows = func(rows []string) []string { return rows[1:] }
			f.counts = func(_, _, queue map[string]int64) { queue["delayed"] = 1 }
		},
		want: "accepted 14 = rows 10 + quarantined 3 + in flight 1: it adds up",
	},
	"adds up with records that wait": {
		fake: func(f *fake) {
			f.rows = func(rows []string) []string { return append(rows[:4:4], rows[7:]...) } // without the array of three
			f.counts = func(_, delivery, _ map[string]int64) { delivery["buffered"] = 1 }
		},
		want: "accepted 14 = rows 8 + quarantined 3 + in flight 3: it adds up",
	},
	"adds up with records that nobody has read": {
		fake: func(f *fake) {
			f.rows = func(rows []string) []string { return rows[1:] }
			f.counts = func(_, delivery, _ map[string]int64) { delivery["recordsRead"]-- }
		},
		want: "accepted 14 = rows 10 + quarantined 3 + in flight 1: it adds up",
	},
	"counts of a partly refused batch what has a SequenceNumber": {
		fake: func(f *fake) {
			f.answer = func(route string, status int, body string) (int, string) {
				if route != "records" {
					return status, body
				}
				body = strings.Replace(body, `"ShardId":"shardId-000000000003","SequenceNumber":"3"`, `"ErrorCode":"Throttled"`, 1)
				return 429, `{"Code":"Throttled",` + body[1:]
			}
			f.rows = func(rows []string) []string { return append(rows[:2:2], rows[3:]...) }
			f.counts = func(stream, delivery, _ map[string]int64) { stream["records"]--; delivery["recordsRead"]-- }
		},
		want: "accepted 13 = rows 10 + quarantined 3 + in flight 0: it adds up",
	},
	"counts a record that cannot be read as one": {
		requests: map[string]string{"1-nothing.record.json": `{"Data":[]}`},
		want:     "accepted 1 = rows 0 + quarantined 1 + in flight 0: it adds up",
	},
	"counts the good events of a record with a bad one as rows": {
		requests: map[string]string{"1-two.record.json": `{"Data":[{"type":"page_view","url":"https://a.example/"},{"type":"what"}]}`},
		want:     "accepted 2 = rows 1 + quarantined 1 + in flight 0: it adds up",
	},
	"adds up with rows that the conversion refused, and that landed since": {
		fake: func(f *fake) {
			f.rows = func(rows []string) []string {
				return append(replaceAll(`"attempt":0`, `"attempt":1`)(rows[:1]), rows[1:]...)
			}
			f.errors = func(lines []string) []string {
				raw := strings.Replace(f.stored[0], `,"dt":"2026-11-26","hour":"12"`, "", 1) + "\n"
				return append(lines, errorLine([]byte(raw), `"lastErrorCode":"DataFormatConversion.MalformedData"`))
			}
			f.counts = func(stream, delivery, _ map[string]int64) {
				stream["records"]++
				delivery["recordsRead"]++
				f.redriven = append(f.redriven, "request-1=")
			}
		},
		want: whole,
	},
}

// replaceReasons gives the first row of the quarantine other reasons.
func replaceReasons(reasons string) func([]string) []string {
	return func(lines []string) []string {
		lines[0] = regexp.MustCompile(`"reasons":\[[^]]*\]`).ReplaceAllString(lines[0], `"reasons":`+reasons)
		return lines
	}
}

func replaceAll(old, new string) func([]string) []string {
	return func(lines []string) []string {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], old, new)
		}
		return lines
	}
}

func replaceAnswer(onRoute, old, new string) func(string, int, string) (int, string) {
	return func(route string, status int, body string) (int, string) {
		if route == onRoute {
			body = strings.Replace(body, old, new, 1)
		}
		return status, body
	}
}

func TestAccount(t *testing.T) {
	for name, tc := range accountCases {
		t.Run(name, func(t *testing.T) {
			events := "../../../events/api"
			if tc.requests != nil {
				events = t.TempDir()
				for file, body := range tc.requests {
					if err := os.WriteFile(filepath.Join(events, file), []byte(body), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			f := newFake(t.TempDir())
			if tc.fake != nil {
				tc.fake(f)
			}
			a, _ := play(t, f, events, &page{w: io.Discard, width: 80})
			if got := a.sentence(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			checkFaults(t, a.faults, tc.faults)
			if clean := a.err() == nil; clean != (a.addsUp() && len(tc.faults) == 0) {
				t.Errorf("its error is %v", a.err())
			}
		})
	}
}

func checkFaults(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got the faults %q, want %q", got, want)
		return
	}
	for i, part := range want {
		if !strings.Contains(got[i], part) {
			t.Errorf("got the fault %q, want %q", got[i], part)
		}
	}
}

// The comparison with the Parquet files reads these lines.
func TestWriteRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	sent := &sentEvent{record: &sentRecord{exchange: &exchange{request: &request{file: "a.record.json"}}, index: 2}, place: 1, data: []byte(`{"a":"<"}`)}
	l := &ledger{found: &found{rows: []*row{{json: []byte(`{"b":1}`), sent: sent}, {json: []byte(`{"b":2}`)}}}}
	if err := l.writeRows(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"file":"a.record.json","record":2,"event":1,"sent":{"a":"<"},"row":{"b":1}}` + "\n" + `{"record":0,"event":0,"row":{"b":2}}` + "\n"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
