package main_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
	"hydrant/pkg/local/internal/template"
)

// A writtenObject is one that the dlq function wrote.
type writtenObject struct {
	key  string // with the bucket before it
	rows []map[string]any
}

// columns says where the rows' members and the table's columns are not the same, or not of the same type.
func (o writtenObject) columns(id string, table *template.Value) (faults []string) {
	kinds := map[string]string{}
	for _, row := range o.rows {
		for name, value := range row {
			kinds[name] = fmt.Sprintf("%T", value)
		}
	}
	want := map[string]string{"string": "string", "int": "float64", "bigint": "float64", "array<struct<field:string,rule:string,reason:string>>": "[]interface {}"}
	for _, column := range items(at(table, "TableInput", "StorageDescriptor", "Columns")) {
		name := text(column, "Name")
		if kinds[name] != want[text(column, "Type")] {
			faults = append(faults, fmt.Sprintf("%s: the column %s is %s, and what is written %q", id, name, text(column, "Type"), kinds[name]))
		}
		delete(kinds, name)
	}
	for name := range kinds {
		faults = append(faults, id+" has no column "+name)
	}
	return faults
}

// quarantineAndRedrive has package dlq, with the settings of the template, deal with an error object of that time, and then redrive what it
// quarantined. It answers what was written, by the table that has to find it.
func quarantineAndRedrive(s *stack, moment time.Time) (map[string]writtenObject, error) {
	variables := at(resource(s.Resolved, "DlqFunction").Properties, "Environment", "Variables")
	judge, err := event.NewJudge()
	if err != nil {
		return nil, err
	}
	world := &dlqWorld{moment: moment, objects: map[string][]byte{"errors/o": []byte(strings.Join([]string{
		errorLine(`{"type":"page_view","event_id":"bad"}`), errorLine(`no JSON`), "",
	}, "\n"))}}
	d, err := dlq.New(dlq.Settings{
		Bucket: text(variables, "BUCKET_NAME"), Quarantine: text(variables, "QUARANTINE_PREFIX"), Redriven: text(variables, "REDRIVEN_PREFIX"),
		MaxAttempts: number(variables, "MAX_ATTEMPTS"), RecordsPerSecond: number(variables, "REDRIVE_RECORDS_PER_SECOND"),
	}, judge, world, world, world, world)
	if err != nil {
		return nil, err
	}
	body := `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"Bucket"},"object":{"key":"errors/o"}}}]}`
	message, err := json.Marshal(map[string]any{"Records": []any{map[string]string{"messageId": "m", "eventSource": "aws:sqs", "body": body}}})
	if err != nil {
		return nil, err
	}
	for _, payload := range []string{string(message), `{"redrive":{"dry_run":false}}`} {
		if _, err := d.Invoke(context.Background(), []byte(payload)); err != nil {
			return nil, err
		}
	}
	out := map[string]writtenObject{}
	for key, data := range world.objects {
		object := writtenObject{key: "Bucket/" + key}
		for line := range strings.Lines(string(data)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				return nil, err
			}
			object.rows = append(object.rows, row)
		}
		switch {
		case strings.HasSuffix(key, ".gz"):
			out["QuarantineTable"] = object
		case strings.HasSuffix(key, ".json"):
			out["RedrivenTable"] = object
		}
	}
	if len(out) != 2 {
		return nil, fmt.Errorf("the function wrote %v, and not to both tables", slices.Sorted(maps.Keys(world.objects)))
	}
	return out, nil
}

func errorLine(data string) string {
	return `{"attemptsMade":1,"arrivalTimestamp":1795342200250,"errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"m","rawData":"` +
		base64.StdEncoding.EncodeToString([]byte(`{"hydrant":1,"request_id":"r","received_at":1795342200250,"producer":"p","attempt":0,"index":0,"data":`+data+`}`)) + `"}`
}

// dlqWorld is the AWS around package dlq, as far as this needs it. What is zipped is kept unzipped.
type dlqWorld struct {
	moment  time.Time
	objects map[string][]byte
}

func (w *dlqWorld) Open(_ context.Context, _, key string, offset int64) (dlq.Object, error) {
	data, ok := w.objects[key]
	if !ok {
		return dlq.Object{}, dlq.ErrNotFound
	}
	return dlq.Object{Body: io.NopCloser(strings.NewReader(string(data[offset:]))), Modified: w.moment}, nil
}

func (w *dlqWorld) Create(_ context.Context, _, key string, o dlq.NewObject) error {
	if o.Encoding != "gzip" {
		w.objects[key] = o.Body
		return nil
	}
	reader, err := gzip.NewReader(strings.NewReader(string(o.Body)))
	if err == nil {
		w.objects[key], err = io.ReadAll(reader)
	}
	return err
}

func (w *dlqWorld) List(_ context.Context, _, prefix, after string) (keys []string, err error) {
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (w *dlqWorld) Put(context.Context, []dlq.Entry) ([]int, error)   { return nil, nil }
func (w *dlqWorld) Send(context.Context, string, time.Duration) error { return nil }
func (w *dlqWorld) Report(context.Context, dlq.Report)                {}
func (w *dlqWorld) Problem(context.Context, dlq.Problem)              {}
