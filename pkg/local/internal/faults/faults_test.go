package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/local/internal/glue"
)

func set(t *testing.T, plan string) *Set {
	t.Helper()
	s := New([]string{"F"})
	if err := s.Put([]byte(plan)); err != nil {
		t.Fatal(err)
	}
	return s
}

// drawn writes which of n calls of a link were hit, as .x..x
func drawn(s *Set, link string, n int) string {
	var out strings.Builder
	for range n {
		if s.draw(link) == nil {
			out.WriteByte('.')
		} else {
			out.WriteByte('x')
		}
	}
	return out.String()
}

func TestDraws(t *testing.T) {
	for name, tc := range map[string]struct{ fault, want string }{
		"every call":              {`{"link":"s3.put","kind":"slow-down"}`, "xxxxxxxxxx"},
		"a number":                {`{"link":"s3.put","kind":"slow-down","count":3}`, "xxx......."},
		"a number after some":     {`{"link":"s3.put","kind":"slow-down","skip":2,"count":3}`, "..xxx....."},
		"another link":            {`{"link":"s3.get","kind":"slow-down"}`, ".........."},
		"two faults, in turn":     {`{"link":"s3.put","kind":"slow-down","count":2},{"link":"s3.put","kind":"lost","skip":1,"count":1}`, "xx.x......"},
		"a share, as seeded":      {`{"link":"s3.put","kind":"slow-down","share":0.3}`, drawn(set(t, `{"seed":7,"faults":[{"link":"s3.put","kind":"slow-down","share":0.3}]}`), S3Put, 10)},
		"a share within a number": {`{"link":"s3.put","kind":"slow-down","share":0.99999,"count":1}`, "x........."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := drawn(set(t, `{"seed":7,"faults":[`+tc.fault+`]}`), S3Put, 10); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	share := `"faults":[{"link":"s3.put","kind":"slow-down","share":0.3}]}`
	one, other := drawn(set(t, `{"seed":1,`+share), S3Put, 1000), drawn(set(t, `{"seed":2,`+share), S3Put, 1000)
	if hits := strings.Count(one, "x"); hits < 230 || hits > 370 || one == other {
		t.Errorf("%d of 1000 calls, and seeds that are the same: %v", hits, one == other)
	}
	s := set(t, `{"seed":1,`+share)
	drawn(s, S3Put, 1000)
	if got := s.State(); got.Seed != 1 || got.Faults[0].Calls != 1000 || got.Faults[0].Hits != strings.Count(one, "x") {
		t.Errorf("got %+v", got)
	}
}

func TestAWrongPlanIsRefusedWithWhatThereIs(t *testing.T) {
	s := set(t, `{"faults":[{"link":"s3.put","kind":"lost"}]}`)
	for plan, want := range map[string]string{
		`{"faults":[{"link":"s3.delete","kind":"lost"}]}`:                         `fault 1: there is no link "s3.delete"; there are firehose.convert (refuse, table-missing); kinesis.put (throttle, partial, unavailable, lost); lambda.F (throttle,`,
		`{"faults":[{"link":"lambda.G","kind":"lost"}]}`:                          `no link "lambda.G"`,
		`{"faults":[{"link":"s3.get","kind":"lost"}]}`:                            `s3.get does not fail in the way "lost"; it does in these: slow-down, unavailable, denied, cut`,
		`{"faults":[{"link":"s3.put","kind":"lost","share":1.5}]}`:                "from 0 to 1, not 1.5",
		`{"faults":[{"link":"s3.put","kind":"lost","count":-1}]}`:                 "not 0 and -1",
		`{"faults":[{"link":"s3.put","kind":"lost","chance":1}]}`:                 `unknown field "chance"`,
		`{"faults":[{"link":"sqs.notify","kind":"late","delaySeconds":901}]}`:     "from 0 to 900",
		`{"faults":[{"link":"s3.put","kind":"lost"},{"link":"x","kind":"lost"}]}`: "fault 2",
		``: "a plan is",
	} {
		if err := s.Put([]byte(plan)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", plan, err, want)
		}
	}
	if got := s.State(); len(got.Faults) != 1 || got.Faults[0].Link != S3Put {
		t.Errorf("a refused plan changed what is in force: %+v", got)
	}
}

// stream is a fake Kinesis, which stores the data of records.
type stream struct{ stored []string }

func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "passed")
}

func (s *stream) Call(_ context.Context, action string, body []byte) (int, http.Header, []byte) {
	var request struct {
		Data    string
		Records []struct{ Data string }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return 400, nil, []byte(`{"__type":"SerializationException"}`)
	}
	var out []string
	for _, r := range request.Records {
		s.stored = append(s.stored, r.Data)
		out = append(out, `{"SequenceNumber":"`+r.Data+`"}`)
	}
	if action == "PutRecord" {
		s.stored = append(s.stored, request.Data)
	}
	return 200, http.Header{}, []byte(`{"FailedRecordCount":0,"Records":[` + strings.Join(out, ",") + `]}`)
}

func TestKinesis(t *testing.T) {
	const one, many = `{"Data":"a"}`, `{"StreamName":"s","Records":[{"Data":"a"},{"Data":"b"},{"Data":"c"},{"Data":"d"}]}`
	for name, tc := range map[string]struct {
		kind, action, body string
		status             int
		code               string
		stored             int
	}{
		"throttle":                 {Throttle, "PutRecord", one, 400, exceeded, 0},
		"throttle of many":         {Throttle, "PutRecords", many, 400, exceeded, 0},
		"unavailable":              {Unavailable, "PutRecords", many, 500, "InternalFailureException", 0},
		"an answer that is lost":   {Lost, "PutRecords", many, 500, "InternalFailureException", 4},
		"a part refused of one":    {Partial, "PutRecord", one, 400, exceeded, 0},
		"other operations":         {Throttle, "ListShards", `{}`, 200, "", 0},
		"a part of what is no put": {Partial, "PutRecords", `{`, 400, "SerializationException", 0},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &stream{}
			status, _, answer := set(t, `{"faults":[{"link":"kinesis.put","kind":"`+tc.kind+`"}]}`).WrapKinesis(fake).Call(t.Context(), tc.action, []byte(tc.body))
			if status != tc.status || !strings.Contains(string(answer), tc.code) || len(fake.stored) != tc.stored {
				t.Errorf("got %d %s, stored %v", status, answer, fake.stored)
			}
		})
	}
	for seed := range 50 {
		fake := &stream{}
		server := httptest.NewServer(set(t, fmt.Sprintf(`{"seed":%d,"faults":[{"link":"kinesis.put","kind":"partial","count":1}]}`, seed)).WrapKinesis(fake))
		answer := post(t, server.URL, "Kinesis_20131202.PutRecords", many)
		var got struct {
			FailedRecordCount int
			Records           []struct{ SequenceNumber, ErrorCode string }
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Records) != 4 || got.FailedRecordCount < 1 || got.FailedRecordCount+len(fake.stored) != 4 {
			t.Fatalf("got %s, %v, stored %v", answer, err, fake.stored)
		}
		for i, r := range got.Records {
			kept := strings.Contains(strings.Join(fake.stored, ""), "abcd"[i:i+1])
			if kept != (r.SequenceNumber == "abcd"[i:i+1]) || kept == (r.ErrorCode == exceeded) {
				t.Errorf("record %d: got %s, stored %v", i, answer, fake.stored)
			}
		}
		if answer := post(t, server.URL, "Kinesis_20131202.PutRecords", many); answer != "passed" {
			t.Errorf("got %s after the fault", answer)
		}
		server.Close()
	}
}

func post(t *testing.T, url, target, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", target)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// function is a fake that works for a second.
type function struct{ begun, done int }

func (f *function) Invoke(ctx context.Context, _ string, _ []byte) ([]byte, string, error) {
	f.begun++
	select {
	case <-ctx.Done():
		return nil, "", ctx.Err()
	case <-time.After(time.Second):
	}
	f.done++
	return []byte(`{"records":[{"recordId":"1"},{"recordId":"2"}]}`), "", nil
}

func TestLambda(t *testing.T) {
	for kind, tc := range map[string]struct {
		answer, functionError, err string
		begun, done                int
	}{
		Throttle: {"", "", "TooManyRequestsException", 0, 0},
		Timeout:  {"Sandbox.Timedout", "Unhandled", "", 0, 0},
		Error:    {"Fault", "Unhandled", "", 0, 0},
		Crash:    {"Runtime.ExitError", "Unhandled", "", 0, 0},
		Kill:     {"Runtime.ExitError", "Unhandled", "", 1, 0},
		Lost:     {"Sandbox.Timedout", "Unhandled", "", 1, 1},
		TooLarge: {"Function.ResponseSizeTooLarge", "Unhandled", "", 1, 1},
		Garbage:  {`{"records":[{"recordId":`, "", "", 1, 1},
		TooFew:   {`{"records":[{"recordId":"`, "", "", 1, 1},
		TooMany:  {`{"records":[{"recordId":"1"},{"recordId":"2"},{"recordId":"`, "", "", 1, 1},
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &function{}
				i := set(t, `{"faults":[{"link":"lambda.F","kind":"`+kind+`"}]}`).WrapInvoker(f, func(name string) string { return strings.TrimPrefix(name, "arn:") })
				answer, functionError, err := i.Invoke(t.Context(), "arn:F", nil)
				if !strings.Contains(string(answer), tc.answer) || functionError != tc.functionError || (err == nil) != (tc.err == "") || f.begun != tc.begun || f.done != tc.done {
					t.Errorf("got %s, %q, %v, begun %d, done %d", answer, functionError, err, f.begun, f.done)
				}
				if err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				if kind == TooFew && strings.Count(string(answer), "recordId") != 1 {
					t.Errorf("got %s", answer)
				}
				if _, _, err := i.Invoke(t.Context(), "arn:other", nil); err != nil {
					t.Errorf("another function: %v", err)
				}
			})
		})
	}
}

func TestS3(t *testing.T) {
	served := 0
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served++
		_, _ = io.WriteString(w, "0123456789")
	}))
	defer backend.Close()
	for name, tc := range map[string]struct {
		link, kind, method, path string
		want                     string
		served                   int
	}{
		"a put that is slowed down":    {S3Put, SlowDown, "PUT", "/b/k", "503 SlowDown", 0},
		"a put whose answer is lost":   {S3Put, Lost, "PUT", "/b/k", "500 InternalError", 1},
		"a put that is denied":         {S3Put, Denied, "POST", "/b/k?uploads", "403 AccessDenied", 0},
		"a get that breaks off":        {S3Get, Cut, "GET", "/b/k", "200 01234 unexpected EOF", 1},
		"a head that fails":            {S3Get, Unavailable, "HEAD", "/b/k", "500 ", 0},
		"a list that fails":            {S3List, SlowDown, "GET", "/b/?list-type=2", "503 SlowDown", 0},
		"a put, where gets fail":       {S3Get, SlowDown, "PUT", "/b/k", "200 0123456789", 1},
		"a bucket's location":          {S3List, SlowDown, "GET", "/b/?location", "200 0123456789", 1},
		"a delete, which has no fault": {S3Put, SlowDown, "DELETE", "/b/k", "200 0123456789", 1},
	} {
		t.Run(name, func(t *testing.T) {
			served = 0
			client := http.Client{Transport: set(t, `{"faults":[{"link":"`+tc.link+`","kind":"`+tc.kind+`"}]}`).WrapS3(http.DefaultTransport)}
			request, err := http.NewRequestWithContext(t.Context(), tc.method, backend.URL+tc.path, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			got := fmt.Sprintf("%d %s", response.StatusCode, text)
			if _, after, found := strings.Cut(got, "<Code>"); found {
				code, _, _ := strings.Cut(after, "<")
				got = fmt.Sprintf("%d %s", response.StatusCode, code)
			}
			if err != nil {
				got += " " + err.Error()
			}
			if got != tc.want || served != tc.served {
				t.Errorf("got %q after %d requests, want %q after %d", got, served, tc.want, tc.served)
			}
		})
	}
}

func TestTables(t *testing.T) {
	text, err := glue.ParseType("string")
	if err != nil {
		t.Fatal(err)
	}
	table := &glue.Table{Name: "t", Columns: []glue.Column{{Name: "c", Type: text}}}
	wrapped := set(t, `{"faults":[{"link":"firehose.convert","kind":"table-missing","count":1},{"link":"firehose.convert","kind":"refuse","count":1}]}`).
		WrapTable(func() *glue.Table { return table })
	missing, unfit, sound := wrapped(), wrapped(), wrapped()
	if missing != nil || unfit.Columns[0].Type.Kind != glue.Array || unfit.Columns[0].Name != "c" || sound != table || table.Columns[0].Type.Kind != glue.String {
		t.Errorf("got %v, %v, %v", missing, unfit, sound)
	}
}

func TestNotifications(t *testing.T) {
	for kind, want := range map[string]string{Double: "m 0s, m 0s", Late: "m 1m0s", "none": "m 0s"} {
		var sent []string
		s := New(nil)
		if kind != "none" {
			s = set(t, `{"faults":[{"link":"sqs.notify","kind":"`+kind+`"}]}`)
		}
		err := s.Publisher(func(_, body string, delay time.Duration) error {
			sent = append(sent, body+" "+delay.String())
			return nil
		}).Publish("q", "m")
		if got := strings.Join(sent, ", "); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", kind, got, err, want)
		}
	}
	delays := map[time.Duration]bool{}
	reordered := set(t, `{"faults":[{"link":"sqs.notify","kind":"reorder","delaySeconds":10}]}`).Publisher(func(_, _ string, delay time.Duration) error {
		delays[delay] = true
		if delay < 0 || delay >= 10*time.Second {
			return errors.New("out of bounds")
		}
		return nil
	})
	for range 20 {
		if err := reordered.Publish("q", "m"); err != nil {
			t.Error(err)
		}
	}
	if len(delays) < 10 {
		t.Errorf("got %d delays", len(delays))
	}
}
