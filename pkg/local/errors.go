package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"hydrant/pkg/local/internal/logs"
)

// errorLine is a line of GET /_hydrant/errors: one of an error object, or one of a delivery stream's error log.
type errorLine struct {
	Delivery  string          `json:"delivery"`         // logical id
	Object    string          `json:"object,omitempty"` // s3://bucket/key
	Line      int             `json:"line,omitempty"`   // in the object, from 1
	Timestamp int64           `json:"timestamp,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"` // Firehose's line
	Log       json.RawMessage `json:"log,omitempty"`   // the error log's event
}

// serveErrors answers what Firehose could not deliver: the lines of its error objects, and its error log.
func (r *runner) serveErrors(w http.ResponseWriter, request *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	for _, d := range r.stack.Deliveries {
		prefix, _, _ := strings.Cut(d.ErrorPrefix, "!{")
		for o, err := range r.objects.List(request.Context(), d.Bucket, prefix) {
			if err != nil {
				return err
			}
			name := "s3://" + d.Bucket + "/" + o.Key
			err := r.objectLines(request.Context(), d.Bucket, o.Key, func(n int, line []byte) error {
				return out.Encode(errorLine{Delivery: d.LogicalID, Object: name, Line: n, Error: asJSON(line)})
			})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		err := r.logs.Read(d.LogGroup, func(e logs.Event) error {
			return out.Encode(errorLine{Delivery: d.LogicalID, Timestamp: e.Timestamp, Log: asJSON([]byte(e.Message))})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// objectLines calls line with each line of an object that is not blank, counted from 1. A compressed object is known by its first bytes.
func (r *runner) objectLines(ctx context.Context, bucket, key string, line func(n int, text []byte) error) error {
	object, _, err := r.objects.Open(ctx, bucket, key)
	if err != nil {
		return err
	}
	defer object.Close()
	lines := bufio.NewReader(object)
	if magic, _ := lines.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(lines)
		if err != nil {
			return err
		}
		lines = bufio.NewReader(unzipped)
	}
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if text = bytes.TrimSpace(text); len(text) > 0 {
			if err := line(n, text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// asJSON answers text that is JSON as it is, and other text as a JSON string.
func asJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	quoted, err := json.Marshal(string(text))
	if err != nil {
		panic(err) // a string
	}
	return quoted
}
