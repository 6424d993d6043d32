package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is probed behind the API: the stack, its rows, and what could not be delivered.

func probeStatus(_ context.Context, s *smoke) verdict {
	status, err := s.stack.status()
	switch {
	case err != nil:
		return notRun(err)
	case status == "CREATE_COMPLETE", status == "UPDATE_COMPLETE", status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return settled("%s", status)
	}
	return skipped("the stack is %s: its last deployment says nothing", status)
}

// logWithin is how long an access log line may be late.
const logWithin = 2 * time.Minute

func probeTexts(_ context.Context, s *smoke) verdict {
	for _, x := range s.ledger.exchanges {
		if x.question != "U7" {
			continue
		}
		if len(x.events) == 0 {
			return contradicted("the request was answered with %s", x.answer)
		}
		for _, e := range x.events {
			if !e.seen() {
				return skipped("event %s is in neither table", e.id)
			}
			if faults := s.ledger.faults(e); len(faults) > 0 {
				return contradicted("event %s: %s", e.id, faults[0])
			}
		}
		for _, text := range []string{"1.50", "1E-7", "12345678901234567890"} {
			if extra := x.events[0].landed[0].text("extra"); !strings.Contains(extra, ":"+text) {
				return contradicted("%s was sent, and extra is %s", text, extra)
			}
		}
		return settled("extra has the numbers as they were sent; the others were judged alike")
	}
	return skipped("nothing was sent for it")
}

// quarantined is an invalid event that is in the quarantine, as it failed first.
func (s *smoke) quarantined() row {
	for _, e := range s.ledger.events() {
		if len(e.kept) > 0 {
			return e.kept[0]
		}
	}
	return nil
}

const processingFailed = "Lambda.ProcessingFailedStatus"

func probeFailedCode(_ context.Context, s *smoke) verdict {
	switch r := s.quarantined(); {
	case r == nil:
		return skipped("no event is in the quarantine")
	case r.text("code") == processingFailed:
		return settled("%s", processingFailed)
	default:
		return contradicted("the code is %s", r.text("code"))
	}
}

func probeProcessor(ctx context.Context, s *smoke) verdict {
	parameters, err := s.stack.processor(ctx)
	if err != nil {
		return notRun(err)
	}
	got, want := parameters["BufferSizeInMBs"], s.facts.parameters["TransformBufferMB"]
	a, err := strconv.ParseFloat(got, 64)
	b, wantErr := strconv.ParseFloat(want, 64)
	if err != nil || wantErr != nil || a != b {
		return contradicted("BufferSizeInMBs is %q, and TransformBufferMB %q", got, want)
	}
	return settled("BufferSizeInMBs is %s; how it is counted cannot be seen", got)
}

// clocks is how far those of two services may be apart.
const clocks = time.Minute

func probeTimes(_ context.Context, s *smoke) verdict {
	for _, e := range s.ledger.events() {
		if len(e.landed) == 0 || e.landed[0]["received_at"] == nil {
			continue
		}
		answered, err := http.ParseTime(e.of.answer.header.Get("Date"))
		if err != nil {
			answered = e.of.answer.at
		}
		received := time.UnixMilli(e.landed[0].number("received_at")).UTC()
		if apart := answered.Sub(received).Abs(); apart > clocks {
			return contradicted("received_at is %s, and the answer's time %s", received.Format(time.RFC3339), answered.UTC().Format(time.RFC3339))
		}
		return settled("received_at is %s, answered at %s", received.Format(time.RFC3339), answered.UTC().Format(time.RFC3339))
	}
	return skipped("no event is in the table")
}

// errorKeys are those that a line of an error object has for a failure of the transform's, in their order.
var errorKeys = []string{
	"lambdaARN", "rawData", "attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp",
}

func probeErrorLine(ctx context.Context, s *smoke) verdict {
	r := s.quarantined()
	if r == nil {
		return skipped("no event is in the quarantine")
	}
	line, err := s.facts.errorLine(ctx, r.text("source_object"), int(r.number("source_line")))
	if err != nil {
		return notRun(err)
	}
	keys, err := memberNames(line)
	if err != nil {
		return contradicted("a line of an error object is no JSON object")
	}
	for _, key := range errorKeys {
		if !slices.Contains(keys, key) {
			return contradicted("there is no %s among %s", key, strings.Join(keys, ", "))
		}
	}
	return settled("%s", strings.Join(keys, ", "))
}

// memberNames are the names in a JSON object, in their order.
func memberNames(text []byte) (names []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("no object: %w", err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		names = append(names, fmt.Sprint(name))
	}
	_, err = decoder.Token()
	return names, err
}

func probeProducer(ctx context.Context, s *smoke) verdict {
	if s.sender.authorization != "AWS_IAM" {
		return skipped("Authorization=%s", s.sender.authorization)
	}
	arn, err := s.stack.caller(ctx)
	if err != nil {
		return notRun(err)
	}
	if !strings.Contains(arn, ":assumed-role/") {
		return skipped("the credentials are those of %s, which is no role", arn)
	}
	want := arn[:strings.LastIndexByte(arn, '/')]
	for _, e := range s.ledger.events() {
		if len(e.landed) == 0 {
			continue
		}
		if got := e.landed[0].text("producer"); got != want {
			return contradicted("the producer is %s, and the caller %s", got, arn)
		}
		return settled("%s", want)
	}
	return skipped("no event is in the table")
}

func probeQueues(ctx context.Context, s *smoke) verdict {
	for _, id := range []string{dlqQueue, dlqDeadLetter} {
		q, err := s.facts.queue(ctx, id)
		if err != nil {
			return notRun(err)
		}
		if q.all() > 0 {
			return skipped("%s holds %s, which may be anything: look", id, plural(q.all(), "message"))
		}
	}
	return settled("both are empty")
}
