package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Kinesis is the service, in process and over HTTP.
type Kinesis interface {
	http.Handler
	Call(ctx context.Context, action string, body []byte) (status int, header http.Header, answer []byte)
}

// WrapKinesis answers a service whose PutRecord and PutRecords fail.
func (s *Set) WrapKinesis(next Kinesis) Kinesis { return faultyKinesis{s, next} }

type faultyKinesis struct {
	set  *Set
	next Kinesis
}

func (k faultyKinesis) draw(action string) *hit {
	if action != "PutRecord" && action != "PutRecords" {
		return nil
	}
	return k.set.draw(KinesisPut)
}

func (k faultyKinesis) Call(ctx context.Context, action string, body []byte) (int, http.Header, []byte) {
	if h := k.draw(action); h != nil {
		return k.fail(ctx, h, action, body)
	}
	return k.next.Call(ctx, action, body)
}

func (k faultyKinesis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	h := k.draw(action)
	if h == nil {
		k.next.ServeHTTP(w, r)
		return
	}
	const most = 16 << 20
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return // it is too large, or the client has gone: either way the connection ends here
	}
	status, header, answer := k.fail(r.Context(), h, action, body)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the client has gone
}

func kinesisFault(status int, kind, message string) (int, http.Header, []byte) {
	text, err := json.Marshal(map[string]string{"__type": kind, "message": message})
	if err != nil {
		panic(err) // two strings
	}
	return status, http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, text
}

const (
	exceeded     = "ProvisionedThroughputExceededException"
	exceededText = "Rate exceeded for shard shardId-000000000000: a fault that was asked for."
)

func (k faultyKinesis) fail(ctx context.Context, h *hit, action string, body []byte) (int, http.Header, []byte) {
	switch h.Kind {
	case Partial:
		if action == "PutRecords" {
			return k.partly(ctx, h, body)
		}
	case Lost:
		k.next.Call(ctx, action, body)
		fallthrough
	case Unavailable:
		return kinesisFault(http.StatusInternalServerError, "InternalFailureException", "Internal service failure.")
	}
	return kinesisFault(http.StatusBadRequest, exceeded, exceededText)
}

// partly puts some of the records, and refuses the rest: each with a chance of a half, and one at least.
func (k faultyKinesis) partly(ctx context.Context, h *hit, body []byte) (int, http.Header, []byte) {
	var request map[string]json.RawMessage
	var records []json.RawMessage
	if json.Unmarshal(body, &request) != nil || json.Unmarshal(request["Records"], &records) != nil || len(records) == 0 {
		return k.next.Call(ctx, "PutRecords", body) // it has its own words for this
	}
	refused := make([]bool, len(records))
	refused[h.random.IntN(len(records))] = true
	var kept []json.RawMessage
	for i := range records {
		if h.random.IntN(2) == 0 {
			refused[i] = true
		}
		if !refused[i] {
			kept = append(kept, records[i])
		}
	}
	status, header, stored := http.StatusOK, http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, []json.RawMessage(nil)
	var answer map[string]json.RawMessage
	if len(kept) > 0 {
		request["Records"] = mustJSON(kept)
		var text []byte
		if status, header, text = k.next.Call(ctx, "PutRecords", mustJSON(request)); status != http.StatusOK {
			return status, header, text
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			panic(err) // Kinesis's own answer
		}
		if err := json.Unmarshal(answer["Records"], &stored); err != nil {
			panic(err)
		}
	}
	return status, header, merge(refused, stored)
}

// merge makes the answer for all records of those that were stored.
func merge(refused []bool, stored []json.RawMessage) []byte {
	var all []json.RawMessage
	failed := 0
	for _, r := range refused {
		if r {
			failed++
			all = append(all, mustJSON(map[string]string{"ErrorCode": exceeded, "ErrorMessage": exceededText}))
			continue
		}
		if bytes.Contains(stored[0], []byte(`"ErrorCode"`)) {
			failed++
		}
		all, stored = append(all, stored[0]), stored[1:]
	}
	return mustJSON(map[string]any{"FailedRecordCount": failed, "Records": all})
}

// mustJSON encodes what was decoded before, which cannot fail.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
