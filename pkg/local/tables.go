package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/parquet"
)

// serveTable answers the rows of a Glue table as JSON lines, read from its objects as Athena would read them: Parquet, or JSON lines where
// the table is classified as json.
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
	write := func(row []byte) error {
		_, err := out.Write(row)
		return err
	}
	for o, err := range r.objects.List(request.Context(), bucket, prefix) {
		if err != nil {
			return err
		}
		if err := r.tableObject(request.Context(), t, bucket, o.Key, write); err != nil {
			return fmt.Errorf("s3://%s/%s: %w", bucket, o.Key, err)
		}
	}
	return out.Flush()
}

// tableObject calls row with each row of an object: one JSON object, with the partition's columns, and a line feed.
func (r *runner) tableObject(ctx context.Context, t *glue.Table, bucket, key string, row func([]byte) error) error {
	partition := partitionOf(t, key)
	write := func(text []byte) error {
		text = text[:len(text)-1]
		if len(text) > 1 && len(partition) > 0 {
			text = append(text, ',')
		}
		return row(append(append(text, partition...), '}', '\n'))
	}
	if t.Parameters["classification"] == "json" {
		return r.objectLines(ctx, bucket, key, func(n int, line []byte) error {
			if !json.Valid(line) || line[0] != '{' {
				return fmt.Errorf("line %d is no JSON object", n)
			}
			return write(line)
		})
	}
	file, size, err := r.download(ctx, bucket, key)
	if err != nil {
		return err
	}
	defer file.Close()
	return parquet.Read(file, size, t.Columns, write)
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
