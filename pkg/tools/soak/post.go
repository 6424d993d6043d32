package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answerWithin is longer than API Gateway's longest integration timeout.
const answerWithin = 40 * time.Second

// client is how producers reach a runner that is started anew now and then.
type client struct {
	http  http.Client
	place *place
}

// transport has a connection for every producer.
func transport() http.RoundTripper {
	return &http.Transport{MaxIdleConnsPerHost: 1000, IdleConnTimeout: time.Minute}
}

// answer is what there is to know of a response: which records it accepts, and when to send the others again.
type answer struct {
	accepted []bool
	wait     time.Duration
	fault    string // an answer that docs/api.md does not have
}

func (a *answer) all() bool {
	for _, yes := range a.accepted {
		if !yes {
			return false
		}
	}
	return true
}

// soon is how long a producer waits that got no answer.
const soon = 200 * time.Millisecond

// send posts the records once.
func (c *client) send(ctx context.Context, q request, direct bool) answer {
	if direct {
		return c.putRecords(ctx, q)
	}
	route, body := "/record", q[0].post()
	if len(q) > 1 {
		route, body = "/records", posts(q)
	}
	refused := answer{accepted: make([]bool, len(q)), wait: soon}
	status, header, text, err := c.do(ctx, c.place.get().api+route, http.Header{}, body)
	if err != nil { // the runner is gone: whether it took anything is not known
		return refused
	}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		refused.wait = time.Duration(seconds) * time.Second
	}
	var said struct {
		RequestID      string `json:"RequestId"`
		SequenceNumber string
		Code           string
		Resend         []int
		Records        []struct{ SequenceNumber string }
	}
	if err := json.Unmarshal(text, &said); err != nil || said.RequestID == "" || status != http.StatusOK && said.Code == "" {
		refused.fault = fmt.Sprintf("POST %s: an answer with status %d that has no RequestId, or no Code: %.200s", route, status, text)
		return refused
	}
	numbers := []string{said.SequenceNumber}
	if len(q) > 1 {
		numbers = make([]string, len(q))
		for i := range said.Records {
			numbers[i] = said.Records[i].SequenceNumber
		}
	}
	return refused.judge(route, status, numbers, said.Resend)
}

// judge takes the records to be accepted that have a sequence number, and holds the status against that.
func (a answer) judge(route string, status int, numbers []string, resend []int) answer {
	for i, n := range numbers {
		a.accepted[i] = n != ""
	}
	for _, i := range resend {
		if i < 0 || i >= len(a.accepted) || a.accepted[i] {
			a.fault = fmt.Sprintf("POST %s: Resend has %d, a record that was accepted or not sent", route, i)
		}
	}
	switch {
	case status == http.StatusOK && !a.all():
		a.fault = fmt.Sprintf("POST %s: status 200, and not every record has a SequenceNumber", route)
	case status != http.StatusOK && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable && status != http.StatusGatewayTimeout:
		a.fault = fmt.Sprintf("POST %s: status %d", route, status)
	}
	return a
}

// post is the record as POST /record takes it.
func (r *record) post() []byte {
	return fmt.Appendf(nil, `{"PartitionKey":%s,"Data":%s}`, quoted(r.key), r.data)
}

// posts are the records as POST /records takes them.
func posts(q request) []byte {
	body := []byte(`{"Records":[`)
	for i, r := range q {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, r.post()...)
	}
	return append(body, "]}"...)
}

// putRecords writes the records to the stream as they are.
func (c *client) putRecords(ctx context.Context, q request) answer {
	type entry struct {
		Data         []byte
		PartitionKey string
	}
	entries := make([]entry, len(q))
	for i, r := range q {
		entries[i] = entry{r.data, r.key}
	}
	at := c.place.get()
	body, err := json.Marshal(map[string]any{"StreamName": at.stream, "Records": entries})
	if err != nil {
		panic(err) // bytes and strings
	}
	a := answer{accepted: make([]bool, len(q)), wait: soon}
	header := http.Header{"X-Amz-Target": {"Kinesis_20131202.PutRecords"}, "Content-Type": {"application/x-amz-json-1.1"}}
	status, _, text, err := c.do(ctx, at.aws, header, body)
	var said struct {
		Records []struct{ SequenceNumber string }
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(text, &said) != nil || len(said.Records) != len(q) {
		return a
	}
	for i := range said.Records {
		a.accepted[i] = said.Records[i].SequenceNumber != ""
	}
	return a
}

func (c *client) do(ctx context.Context, url string, header http.Header, body []byte) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header = header
	if header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	return response.StatusCode, response.Header, text, err
}
