package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hydrant/pkg/tools/internal/child"
)

const testSize = 600

// rowOf is the row that the event with the given number ends as, reduced to what it shares with the event.
func rowOf(number int) string {
	return strings.ReplaceAll(newEvent(testSize), digits, fmt.Sprintf("%010d", number)) + "\n"
}

func TestSettle(t *testing.T) {
	// Numbers 0, 2, 4 are on the first lane, 1 and 3 on the second; 3 was refused.
	rows := []string{rowOf(0), rowOf(1), rowOf(2), rowOf(4)}
	altered := strings.Replace(rowOf(0), "mobile", "tablet", 1)
	for name, tc := range map[string]struct {
		rows  []string
		want  account
		fault string
	}{
		"everything is there":                {rows, account{}, ""},
		"the order does not matter":          {[]string{rows[3], rows[0], rows[2], rows[1]}, account{}, ""},
		"an event is in no row":              {rows[:3], account{lost: 1}, "1 accepted events are in no row"},
		"there are no rows":                  {nil, account{lost: 4}, "4 accepted events are in no row"},
		"an event has two rows":              {append(rows[:4:4], rows[2]), account{twice: 1}, "1 rows are of events that have another row"},
		"a refused event was stored":         {append(rows[:4:4], rowOf(3)), account{stray: 1}, "1 rows are of events that were not accepted"},
		"an event was stored and never sent": {append(rows[:4:4], rowOf(5), "{}\n"), account{stray: 2}, "2 rows are of events that were not accepted"},
		"a row is not what was sent":         {append([]string{altered}, rows[1:]...), account{altered: 1}, "1 rows are not what was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/_hydrant/tables/events" {
					w.WriteHeader(http.StatusNotFound)
				}
				_, _ = io.WriteString(w, strings.Join(tc.rows, ""))
			}))
			defer server.Close()
			l := newLedger(testSize, 2)
			l.lanes = []lane{{accepted, accepted, accepted}, {accepted, refused}}
			got, err := l.settle(t.Context(), &runner{&child.Runner{AWS: server.URL}})
			if err != nil {
				t.Fatal(err)
			}
			tc.want.accepted, tc.want.refused = 4, 1
			if *got != tc.want {
				t.Errorf("got %+v, want %+v", *got, tc.want)
			}
			fault := ""
			if err := got.fault(); err != nil {
				fault = err.Error()
			}
			if fault != tc.fault {
				t.Errorf("the fault is %q, want %q", fault, tc.fault)
			}
		})
	}
}

func TestSettleSaysWhatTheRunnerSays(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := newLedger(testSize, 1).settle(t.Context(), &runner{&child.Runner{AWS: server.URL}}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("the error is %v, want the status", err)
	}
}

func TestACrashMayRepeatEventsAndNothingElse(t *testing.T) {
	if err := (&account{twice: 3, crashed: true}).fault(); err != nil {
		t.Errorf("events that were repeated after a crash are a fault: %v", err)
	}
	if err := (&account{lost: 1, crashed: true}).fault(); err == nil {
		t.Error("an event that a crash lost is no fault")
	}
}

func TestJudge(t *testing.T) {
	const good = `{"RequestId":"a=","ShardId":"shardId-000000000000","SequenceNumber":"49"}`
	for name, tc := range map[string]struct {
		status int
		answer string
		want   state
		ok     bool
	}{
		"accepts":                              {200, good, accepted, true},
		"throttled is refused":                 {429, `{"Code":"Throttled"}`, refused, true},
		"a failure of the stream is refused":   {503, `{"Code":"InternalFailure"}`, refused, true},
		"200 without a sequence number":        {200, `{"RequestId":"a=","ShardId":"s"}`, refused, false},
		"200 that is no JSON":                  {200, `{`, refused, false},
		"another status than those documented": {202, good, refused, false},
		"a bad request":                        {400, `{"Code":"InvalidRequest"}`, refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judge(tc.status, []byte(tc.answer))
			if got != tc.want || (err == nil) != tc.ok {
				t.Errorf("judge(%d, %s) is %d, %v, want %d, ok %v", tc.status, tc.answer, got, err, tc.want, tc.ok)
			}
		})
	}
}

func TestJudgeBatch(t *testing.T) {
	const stored, failed = `{"ShardId":"s","SequenceNumber":"1"}`, `{"ErrorCode":"Throttled"}`
	for name, tc := range map[string]struct {
		status int
		answer string
		want   []int
		ok     bool
	}{
		"all are accepted":             {200, `{"RequestId":"a","FailedRecordCount":0,"Resend":[],"Records":[` + stored + `,` + stored + `]}`, nil, true},
		"one is to be sent again":      {429, `{"RequestId":"a","FailedRecordCount":1,"Resend":[1],"Records":[` + stored + `,` + failed + `]}`, []int{1}, true},
		"all are to be sent again":     {429, `{"Code":"Throttled","RequestId":"a"}`, []int{0, 1}, true},
		"200 with a failure":           {200, `{"RequestId":"a","Resend":[1],"Records":[` + stored + `,` + failed + `]}`, nil, false},
		"fewer records than were sent": {200, `{"RequestId":"a","Records":[` + stored + `]}`, nil, false},
		"a failure that is not named":  {429, `{"RequestId":"a","Resend":[],"Records":[` + stored + `,` + failed + `]}`, nil, false},
		"a place that was never sent":  {429, `{"RequestId":"a","Resend":[2],"Records":[` + stored + `,` + failed + `]}`, nil, false},
		"a record that was stored":     {429, `{"RequestId":"a","Resend":[0],"Records":[` + stored + `,` + failed + `]}`, nil, false},
		"another status":               {500, `{"Code":"Misconfigured"}`, nil, false},
		"no JSON":                      {200, ``, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judgeBatch(tc.status, []byte(tc.answer), 2)
			if (err == nil) != tc.ok || !slices.Equal(got, tc.want) {
				t.Errorf("judgeBatch(%d, %s) is %v, %v, want %v, ok %v", tc.status, tc.answer, got, err, tc.want, tc.ok)
			}
		})
	}
}

func TestAcceptKeepsWhatIsToBeSentAgain(t *testing.T) {
	l := make(lane, 6)
	rest := l.accept([]int{1, 3, 5}, []int{0, 2})
	if !slices.Equal(rest, []int{1, 5}) {
		t.Errorf("%v are to be sent again, want 1 and 5", rest)
	}
	if want := (lane{refused, refused, refused, accepted, refused, refused}); !slices.Equal(l, want) {
		t.Errorf("the lane is %v, want %v", l, want)
	}
}
