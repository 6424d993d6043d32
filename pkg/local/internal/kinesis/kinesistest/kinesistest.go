// Package kinesistest checks that an endpoint behaves as Kinesis Data Streams does, as far as producers, Firehose's
// transform and a person with the AWS CLI can tell. The checks are numbered, so that comments can cite them.
package kinesistest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// Target is a stream with one shard that nobody else uses.
type Target struct {
	URL    string
	Stream string
	// Do sends a request; one that signs makes the checks run against AWS. nil is http.DefaultClient.Do.
	Do func(*http.Request) (*http.Response, error)
	// Pause is waited between reads, since AWS allows five a second.
	Pause time.Duration
}

type check struct {
	name string
	run  func(ctx context.Context, t Target) error
}

// Checks cite what AWS documents or was seen to answer.
var checks = []check{
	{"K1 what PutRecord stores is what GetRecords returns, empty data included", roundTrip},
	{"K2 sequence numbers rise, also within a PutRecords call", rising},
	{"K3 an iterator of type LATEST stands where the shard ended when it was made", latest},
	{"K4 AT_SEQUENCE_NUMBER includes the record, AFTER_SEQUENCE_NUMBER does not", bySequence},
	{"K5 one bad entry refuses a whole PutRecords call, and members count from 1", wholeBatch},
	{"K6 a constraint's error is a ValidationException, a meaning's an InvalidArgumentException", families},
	{"K7 a missing stream is a ResourceNotFoundException with AWS's text", missing},
	{"K8 the summary says what the stream is", summary},
	{"K9 an open shard's iterator never ends, and 0 ms behind means the tip", tip},
}

// Check runs every check and returns all that fail.
func Check(ctx context.Context, t Target) error {
	if t.Do == nil {
		t.Do = http.DefaultClient.Do
	}
	var errs []error
	for _, c := range checks {
		if err := c.run(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// answer holds the members of every answer that the checks look at.
type answer struct {
	Status            int    `json:"-"`
	Type              string `json:"__type"`
	Message           string `json:"message"`
	SequenceNumber    string
	ShardID           string `json:"ShardId"`
	ShardIterator     string
	NextShardIterator string
	MillisBehind      int64 `json:"MillisBehindLatest"`
	FailedRecordCount int
	Records           []record
	Shards            []struct {
		ShardID string `json:"ShardId"`
	}
	Summary struct {
		StreamName, StreamARN, StreamStatus string
		OpenShardCount, MaxRecordSizeInKiB  int
	} `json:"StreamDescriptionSummary"`
}

type record struct {
	SequenceNumber string
	Data           []byte
	PartitionKey   string
	Arrival        float64 `json:"ApproximateArrivalTimestamp"`
}

func (t Target) call(ctx context.Context, action string, request any) (answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+action)
	res, err := t.Do(r)
	if err != nil {
		return answer{}, err
	}
	content, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return answer{}, err
	}
	a := answer{Status: res.StatusCode}
	if err := json.Unmarshal(content, &a); err != nil {
		return answer{}, fmt.Errorf("%s: %w", action, err)
	}
	if id := res.Header.Get("x-amzn-RequestId"); id == "" {
		return answer{}, fmt.Errorf("%s: no x-amzn-RequestId", action)
	}
	return a, nil
}

// ok is call for requests that must succeed.
func (t Target) ok(ctx context.Context, action string, request any) (answer, error) {
	a, err := t.call(ctx, action, request)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s: %s", action, a.Status, a.Type, a.Message)
	}
	return a, err
}

type members map[string]any

func (t Target) put(ctx context.Context, data []byte) (answer, error) {
	return t.ok(ctx, "PutRecord", members{"StreamName": t.Stream, "PartitionKey": "k", "Data": data})
}

func (t Target) iterator(ctx context.Context, kind string, more members) (string, error) {
	shards, err := t.ok(ctx, "ListShards", members{"StreamName": t.Stream, "ShardFilter": members{"Type": "AT_LATEST"}})
	if err != nil {
		return "", err
	}
	if len(shards.Shards) != 1 {
		return "", fmt.Errorf("%d open shards, want 1", len(shards.Shards))
	}
	request := members{"StreamName": t.Stream, "ShardId": shards.Shards[0].ShardID, "ShardIteratorType": kind}
	for name, value := range more {
		request[name] = value
	}
	time.Sleep(t.Pause)
	a, err := t.ok(ctx, "GetShardIterator", request)
	return a.ShardIterator, err
}

// read reads until it has at least n records, a bounded number of times: an empty answer is not the end.
func (t Target) read(ctx context.Context, iterator string, n int) (records []record, last answer, err error) {
	for range 20 {
		time.Sleep(t.Pause)
		last, err = t.ok(ctx, "GetRecords", members{"ShardIterator": iterator})
		if err != nil {
			return nil, last, err
		}
		records = append(records, last.Records...)
		if len(records) >= n {
			return records, last, nil
		}
		iterator = last.NextShardIterator
	}
	return nil, last, fmt.Errorf("%d records, want %d", len(records), n)
}

func roundTrip(ctx context.Context, t Target) error {
	sent := [][]byte{{0, 255, 128, 10}, {}, []byte(`{"a":"` + strings.Repeat("é", 1000) + `"}`)}
	it, err := t.iterator(ctx, "LATEST", nil)
	if err != nil {
		return err
	}
	for _, data := range sent {
		if _, err := t.put(ctx, data); err != nil {
			return err
		}
	}
	got, _, err := t.read(ctx, it, len(sent))
	if err != nil {
		return err
	}
	for i, r := range got {
		if !bytes.Equal(r.Data, sent[i]) || r.PartitionKey != "k" {
			return fmt.Errorf("record %d: data of %d bytes under %q, want %d bytes under \"k\"", i, len(r.Data), r.PartitionKey, len(sent[i]))
		}
		if r.Arrival < 1e9 || r.Arrival > 1e11 {
			return fmt.Errorf("record %d arrived at %v, which is not seconds", i, r.Arrival)
		}
	}
	return nil
}

func rising(ctx context.Context, t Target) error {
	one, err := t.put(ctx, []byte("a"))
	if err != nil {
		return err
	}
	entry := members{"PartitionKey": "k", "Data": []byte("b")}
	two, err := t.ok(ctx, "PutRecords", members{"StreamName": t.Stream, "Records": []members{entry, entry, entry}})
	if err != nil {
		return err
	}
	if two.FailedRecordCount != 0 || len(two.Records) != 3 {
		return fmt.Errorf("%d of 3 failed, %d results", two.FailedRecordCount, len(two.Records))
	}
	last := one.SequenceNumber
	for _, r := range two.Records {
		a, okA := new(big.Int).SetString(last, 10)
		b, okB := new(big.Int).SetString(r.SequenceNumber, 10)
		if !okA || !okB || a.Cmp(b) >= 0 {
			return fmt.Errorf("%s follows %s", r.SequenceNumber, last)
		}
		last = r.SequenceNumber
	}
	return nil
}

func latest(ctx context.Context, t Target) error {
	if _, err := t.put(ctx, []byte("before")); err != nil {
		return err
	}
	it, err := t.iterator(ctx, "LATEST", nil)
	if err != nil {
		return err
	}
	if _, err := t.put(ctx, []byte("after")); err != nil {
		return err
	}
	got, _, err := t.read(ctx, it, 1)
	if err != nil {
		return err
	}
	if len(got) != 1 || string(got[0].Data) != "after" {
		return fmt.Errorf("%d records, want the one that was put after the iterator was made", len(got))
	}
	return nil
}

func bySequence(ctx context.Context, t Target) error {
	one, err := t.put(ctx, []byte("one"))
	if err != nil {
		return err
	}
	if _, err := t.put(ctx, []byte("two")); err != nil {
		return err
	}
	for kind, want := range map[string]string{"AT_SEQUENCE_NUMBER": "one", "AFTER_SEQUENCE_NUMBER": "two"} {
		it, err := t.iterator(ctx, kind, members{"StartingSequenceNumber": one.SequenceNumber})
		if err != nil {
			return err
		}
		got, _, err := t.read(ctx, it, 1)
		if err != nil {
			return err
		}
		if string(got[0].Data) != want {
			return fmt.Errorf("%s begins at %q, want %q", kind, got[0].Data, want)
		}
	}
	return nil
}

// refused is call for requests that must fail with 400, a type and a text.
func (t Target) refused(ctx context.Context, action string, request members, kind, text string) error {
	a, err := t.call(ctx, action, request)
	if err != nil {
		return err
	}
	if a.Status != http.StatusBadRequest || a.Type != kind || !strings.Contains(a.Message, text) {
		return fmt.Errorf("%s: %d %s: %s; want 400 %s: %s", action, a.Status, a.Type, a.Message, kind, text)
	}
	return nil
}

func wholeBatch(ctx context.Context, t Target) error {
	it, err := t.iterator(ctx, "LATEST", nil)
	if err != nil {
		return err
	}
	err = t.refused(ctx, "PutRecords", members{"StreamName": t.Stream, "Records": []members{
		{"PartitionKey": "k", "Data": []byte("good")}, {"PartitionKey": "", "Data": []byte("bad")},
	}}, "ValidationException", "1 validation error detected: Value '' at 'records.2.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1")
	if err != nil {
		return err
	}
	if _, err := t.put(ctx, []byte("next")); err != nil {
		return err
	}
	got, _, err := t.read(ctx, it, 1)
	if err == nil && string(got[0].Data) != "next" {
		err = fmt.Errorf("%q was stored", got[0].Data)
	}
	return err
}

func families(ctx context.Context, t Target) error {
	put := func(name, value string) members {
		return members{"StreamName": t.Stream, "PartitionKey": "k", "Data": []byte("x"), name: value}
	}
	return errors.Join(
		t.refused(ctx, "PutRecord", put("ExplicitHashKey", "-1"), "ValidationException", "'explicitHashKey' failed to satisfy constraint"),
		t.refused(ctx, "PutRecord", put("ExplicitHashKey", "340282366920938463463374607431768211456"), "InvalidArgumentException", "Invalid ExplicitHashKey."),
		t.refused(ctx, "PutRecord", put("PartitionKey", strings.Repeat("k", 257)), "ValidationException", "Member must have length less than or equal to 256"),
		t.refused(ctx, "GetRecords", members{"ShardIterator": "not-an-iterator"}, "InvalidArgumentException", "Invalid ShardIterator."),
		t.refused(ctx, "PutRecords", members{"StreamName": t.Stream, "Records": []members{}}, "ValidationException", "Value '[]' at 'records'"),
	)
}

func missing(ctx context.Context, t Target) error {
	return t.refused(ctx, "PutRecord", members{"StreamName": t.Stream + "-missing", "PartitionKey": "k", "Data": []byte("x")},
		"ResourceNotFoundException", "Stream "+t.Stream+"-missing under account ")
}

func summary(ctx context.Context, t Target) error {
	a, err := t.ok(ctx, "DescribeStreamSummary", members{"StreamName": t.Stream})
	if err != nil {
		return err
	}
	s := a.Summary
	if s.StreamName != t.Stream || s.StreamStatus != "ACTIVE" || s.OpenShardCount != 1 || s.MaxRecordSizeInKiB != 1024 {
		return fmt.Errorf("%+v", s)
	}
	byARN, err := t.ok(ctx, "DescribeStreamSummary", members{"StreamARN": s.StreamARN})
	if err == nil && byARN.Summary != s {
		err = fmt.Errorf("by ARN %+v, by name %+v", byARN.Summary, s)
	}
	return err
}

func tip(ctx context.Context, t Target) error {
	it, err := t.iterator(ctx, "LATEST", nil)
	if err != nil {
		return err
	}
	for range 3 {
		_, last, err := t.read(ctx, it, 0)
		if err != nil {
			return err
		}
		if last.NextShardIterator == "" || last.MillisBehind != 0 {
			return fmt.Errorf("next iterator %q, %d ms behind", last.NextShardIterator, last.MillisBehind)
		}
		it = last.NextShardIterator
	}
	return nil
}
