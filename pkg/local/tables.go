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
	"os"
	"strings"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/logs"
	"hydrant/pkg/local/internal/parquet"
)

// serveTable answers the rows of a Glue table as JSON lines, read from its Parquet objects as Athena would read them.
func (r *runner) serveTable(w http.ResponseWriter, request *http.Request) error {
	t := r.stack.Table("", request.PathValue("name"))
	if t == nil {
		var names []string
		for _, t := range r.stack.Tables {
			names = append(names, t.Name)
		}
		return &controlFault{http.StatusNotFound, fmt.Sprintf("no table is called %q; the template has %s", request.PathValue("name"), strings.Join(names, ", "))}
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(t.Location, "s3://"), "/")
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := bufio.NewWriter(w)
	for o, err := range r.objects.List(request.Context(), bucket, prefix) {
		if err != nil {
			return err
		}
		if err := r.tableObject(request.Context(), out, t, bucket, o.Key); err != nil {
			return fmt.Errorf("s3://%s/%s: %w", bucket, o.Key, err)
		}
	}
	return out.Flush()
}

func (r *runner) tableObject(ctx context.Context, out *bufio.Writer, t *glue.Table, bucket, key string) error {
	file, size, err := r.download(ctx, bucket, key)
	if err != nil {
		return err
	}
	defer file.Close()
	partition := partitionOf(t, key)
	return parquet.Read(file, size, t.Columns, func(row []byte) error {
		row = row[:len(row)-1]
		if len(row) > 1 && len(partition) > 0 {
			row = append(row, ',')
		}
		row = append(append(row, partition...), '}', '\n')
		_, err := out.Write(row)
		return err
	})
}

// partitionOf answers the members that a row gets from its object's key, name=value for each of the table's partition keys.
func partitionOf(t *glue.Table, key string) []byte {
	var members []string
	for part := range strings.SplitSeq(key, "/") {
		name, value, found := strings.Cut(part, "=")
		for _, k := range t.PartitionKeys {
			if found && k.Name == name {
				text, err := json.Marshal(value)
				if err != nil {
					panic(err) // a string
				}
				members = append(members, fmt.Sprintf("%q:%s", name, text))
			}
		}
	}
	return []byte(strings.Join(members, ","))
}

// download copies an object to a file that vanishes when it is closed: Parquet is read from its end.
func (r *runner) download(ctx context.Context, bucket, key string) (*os.File, int64, error) {
	object, size, err := r.objects.Open(ctx, bucket, key)
	if err != nil {
		return nil, 0, err
	}
	defer object.Close()
	file, err := os.CreateTemp("", "hydrant-object")
	if err != nil {
		return nil, 0, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if _, err := io.Copy(file, object); err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, size, nil
}

// errorLine is a line of GET /_hydrant/errors: one of an error object, or one of a delivery stream's error log.
type errorLine struct {
	Delivery  string          `json:"delivery"`         // logical id
	Object    string          `json:"object,omitempty"` // s3://bucket/key
	Line      int             `json:"line,omitempty"`   // in the object, from 1
	Timestamp int64           `json:"timestamp,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"` // Firehose's line
	Log       json.RawMessage `json:"log,omitempty"`   // the error log's event
}

func (r *runner) serveErrors(w http.ResponseWriter, request *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	for _, d := range r.stack.Deliveries {
		prefix, _, _ := strings.Cut(d.ErrorPrefix, "!{")
		for o, err := range r.objects.List(request.Context(), d.Bucket, prefix) {
			if err != nil {
				return err
			}
			if err := r.errorObject(request.Context(), out, d.LogicalID, d.Bucket, o.Key); err != nil {
				return fmt.Errorf("s3://%s/%s: %w", d.Bucket, o.Key, err)
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

func (r *runner) errorObject(ctx context.Context, out *json.Encoder, id, bucket, key string) error {
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
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := out.Encode(errorLine{Delivery: id, Object: "s3://" + bucket + "/" + key, Line: n, Error: asJSON(line)}); err != nil {
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
