package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/sqs"
)

// sighting is a line of GET /_hydrant/where: a place that an id was seen in.
type sighting struct {
	Place    string `json:"place"`    // stream, error (an object under a delivery stream's error prefix), object, table or queue
	Resource string `json:"resource"` // logical id, or a bucket's name
	Shard    string `json:"shard,omitempty"`
	Sequence string `json:"sequence,omitempty"`
	At       int64  `json:"at,omitempty"`      // Unix milliseconds, of what arrived
	Object   string `json:"object,omitempty"`  // s3://bucket/key
	Line     int    `json:"line,omitempty"`    // in the object, or the row, from 1
	Message  string `json:"message,omitempty"` // of a queue: its id
	Receives int    `json:"receives,omitempty"`
	known
}

// known is what a document says of itself, wherever in it these members stand.
type known struct {
	Attempt json.RawMessage `json:"attempt,omitempty"`
	Code    string          `json:"code,omitempty"`
	Reasons json.RawMessage `json:"reasons,omitempty"`
}

// serveWhere answers every place that an id is in, in the order in which things travel: streams, error objects, other objects and tables,
// queues. It looks for the text of the id, and in base64 that JSON holds too.
func (r *runner) serveWhere(w http.ResponseWriter, request *http.Request) error {
	id := request.URL.Query().Get("id")
	if id == "" {
		return &controlFault{http.StatusBadRequest, "where needs an id: /_hydrant/where?id=<request id or event id>"}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	s := search{runner: r, id: []byte(id), out: json.NewEncoder(w)}
	ctx := request.Context()
	if err := s.streams(); err != nil {
		return err
	}
	for _, errorsOnly := range []bool{true, false} {
		for _, bucket := range r.stack.Buckets {
			if err := s.bucket(ctx, bucket, errorsOnly); err != nil {
				return err
			}
		}
	}
	return s.queues()
}

// search looks for one id.
type search struct {
	*runner
	id  []byte
	out *json.Encoder
}

func (s *search) streams() error {
	for _, c := range s.stack.Streams {
		stream, ok := s.kinesis.Stream(c.Name)
		if !ok {
			continue
		}
		for _, shard := range stream.Shards() {
			reader, err := stream.Reader(shard, "")
			if err != nil {
				return err
			}
			for {
				records, err := reader.Read(1000, 4<<20)
				if err != nil {
					return err
				}
				if len(records) == 0 {
					break
				}
				for _, record := range records {
					at := sighting{Place: "stream", Resource: s.logicalID("AWS::Kinesis::Stream", c.Name), Shard: shard, Sequence: record.Sequence, At: record.Arrival.UnixMilli()}
					if err := s.look(at, record.Data); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// logicalID answers a resource's by its type and what Ref gives.
func (r *runner) logicalID(kind, id string) string {
	for logicalID, resource := range r.stack.Resources {
		if resource.Type == kind && resource.ID == id {
			return logicalID
		}
	}
	return id
}

// bucket looks through the objects of a bucket: those that delivery streams write of errors, or the others.
func (s *search) bucket(ctx context.Context, bucket string, errorsOnly bool) error {
	for o, err := range s.objects.List(ctx, bucket, "") {
		if err != nil {
			return err
		}
		if s.isError(bucket, o.Key) != errorsOnly {
			continue
		}
		at := sighting{Place: "object", Resource: bucket, Object: "s3://" + bucket + "/" + o.Key}
		if errorsOnly {
			at.Place = "error"
		}
		if err := s.object(ctx, at, bucket, o.Key); err != nil {
			return fmt.Errorf("%s: %w", at.Object, err)
		}
	}
	return nil
}

func (s *search) isError(bucket, key string) bool {
	for _, d := range s.stack.Deliveries {
		prefix, _, _ := strings.Cut(d.ErrorPrefix, "!{")
		if d.Bucket == bucket && prefix != "" && strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func (s *search) object(ctx context.Context, at sighting, bucket, key string) error {
	t := s.tableOf(bucket, key)
	if t != nil {
		at.Place, at.Resource = "table", t.LogicalID
	}
	if t == nil || t.Parameters["classification"] == "json" {
		return s.objectLines(ctx, bucket, key, func(n int, line []byte) error {
			at.Line = n
			return s.look(at, line)
		})
	}
	return s.tableObject(ctx, t, bucket, key, func(row []byte) error {
		at.Line++
		return s.look(at, row)
	})
}

// tableOf answers the table that an object's rows are in, nil if there is none.
func (s *search) tableOf(bucket, key string) *glue.Table {
	for _, t := range s.stack.Tables {
		if prefix, ok := strings.CutPrefix(t.Location, "s3://"+bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			return t
		}
	}
	return nil
}

func (s *search) queues() error {
	for _, c := range s.stack.Queues {
		err := s.runner.queues.Queue(c.Name).Each(func(m sqs.Message) error {
			return s.look(sighting{Place: "queue", Resource: c.LogicalID, Message: m.ID, Receives: m.Receives, At: m.Sent}, []byte(m.Body))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// look says so if the id is in a text.
func (s *search) look(at sighting, text []byte) error {
	if !s.in(text, nestedText) {
		return nil
	}
	at.known = whatIsKnown(text)
	return s.out.Encode(at)
}

// nestedText is how deep base64 in JSON in base64 is looked into.
const nestedText = 3

// in says whether the id stands in a text, whole; or in base64 that is a JSON string in it.
func (s *search) in(text []byte, depth int) bool {
	for rest := text; ; {
		at := bytes.Index(rest, s.id)
		if at < 0 {
			break
		}
		end := at + len(s.id)
		if (at == 0 || !isIDByte(rest[at-1])) && (end == len(rest) || !isIDByte(rest[end])) {
			return true
		}
		rest = rest[at+1:]
	}
	if depth == 0 {
		return false
	}
	for _, inner := range encoded(text) {
		if s.in(inner, depth-1) {
			return true
		}
	}
	return false
}

func isIDByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_'
}

// shortestEncoded is the shortest text that is taken for base64: shorter ones are words.
const shortestEncoded = 8

// encoded answers what the base64 strings of a JSON text hold.
func encoded(text []byte) (out [][]byte) {
	var document any
	if json.Unmarshal(text, &document) != nil {
		return nil
	}
	walk(document, func(_ string, value any) {
		if text, ok := value.(string); ok && len(text) >= shortestEncoded {
			if inner, err := base64.StdEncoding.DecodeString(text); err == nil {
				out = append(out, inner)
			}
		}
	})
	return out
}

// walk visits every value of a document that is no object and no list, and every list under its name.
func walk(value any, visit func(name string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if _, isObject := member.(map[string]any); !isObject {
				visit(name, member)
			}
			walk(member, visit)
		}
	case []any:
		for _, item := range v {
			visit("", item)
			walk(item, visit)
		}
	}
}

// whatIsKnown reads the members attempt, reasons and code (errorCode, lastErrorCode) of a JSON text, and of what it holds in base64.
func whatIsKnown(text []byte) known {
	var k known
	texts := [][]byte{text}
	for depth := 0; depth < nestedText && len(texts) > 0; depth++ {
		var inner [][]byte
		for _, text := range texts {
			k.read(text)
			inner = append(inner, encoded(text)...)
		}
		texts = inner
	}
	return k
}

func (k *known) read(text []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return
	}
	set := func(to *json.RawMessage, name string) {
		if value := members[name]; *to == nil && value != nil && string(value) != "null" {
			*to = value
		}
	}
	set(&k.Attempt, "attempt")
	set(&k.Reasons, "reasons")
	for _, name := range []string{"code", "errorCode", "lastErrorCode"} {
		var code string
		if k.Code == "" && json.Unmarshal(members[name], &code) == nil {
			k.Code = code
		}
	}
}
