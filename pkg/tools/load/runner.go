package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"hydrant/pkg/tools/internal/child"
)

// stopWithin is between SIGTERM and SIGKILL: it delivers what is buffered.
const stopWithin = 2 * time.Minute

// runner is the local runner as a child process.
type runner struct{ *child.Runner }

// startRunner starts the runner on free ports and returns when it is ready.
func startRunner(ctx context.Context, o *options, data string, parameters []string) (*runner, error) {
	args := []string{"-template", o.template, "-data", data, "-build", o.build}
	for _, p := range parameters {
		args = append(args, "-parameter", p)
	}
	r, err := child.Start(ctx, child.Options{
		Program: o.runner, Target: "bench", Log: filepath.Join(data, "load-runner.log"), StopWithin: stopWithin, Arguments: args,
	})
	return &runner{r}, err
}

// control asks one of the runner's control paths and hands its answer to read.
func (r *runner) control(ctx context.Context, method, path string, read func(io.Reader) error) error {
	url := r.AWS + "/_hydrant/" + path
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12)) // what could be read says enough
		return fmt.Errorf("%s %s: %s: %s", method, url, response.Status, body)
	}
	return read(response.Body)
}

// links are the counts of the runner's stream and delivery stream.
type links struct {
	Records, Throttled              int64 // of the stream
	RecordsRead, Rows, Objects      int64 // of the delivery stream
	ProcessingFailed                int64
	ConversionFailed, Dropped       int64
	Delivered, Retries, Invocations int64
}

// flush has everything delivered and answers the counts.
func (r *runner) flush(ctx context.Context) (links, error) {
	return r.links(ctx, http.MethodPost, "flush")
}

func (r *runner) links(ctx context.Context, method, path string) (links, error) {
	var state struct {
		Resources map[string]struct{ Type string }
		Links     map[string]json.RawMessage
	}
	var counts links
	err := r.control(ctx, method, path, func(body io.Reader) error { return json.NewDecoder(body).Decode(&state) })
	if err != nil {
		return counts, err
	}
	for id, resource := range state.Resources {
		if resource.Type != "AWS::Kinesis::Stream" && resource.Type != "AWS::KinesisFirehose::DeliveryStream" {
			continue
		}
		if err := json.Unmarshal(state.Links[id], &counts); err != nil {
			return counts, fmt.Errorf("the counts of %s: %w", id, err)
		}
	}
	return counts, nil
}
