package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"hydrant/pkg/local/internal/s3"
	"hydrant/pkg/local/internal/stack"
)

// state is what GET /_hydrant/state answers.
type state struct {
	API        string                    `json:"api"` // with the stage
	AWS        string                    `json:"aws"`
	Data       string                    `json:"data"`
	Resources  map[string]stack.Resource `json:"resources"` // by logical id
	Links      map[string]any            `json:"links"`     // counts by logical id, and of what has none
	Parameters map[string]string         `json:"parameters"`
}

// bucketStats are the objects of a bucket as they are now.
type bucketStats struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

func (r *runner) state(ctx context.Context) (*state, error) {
	s := &state{API: r.apiURL, AWS: r.awsURL, Data: r.options.data, Resources: r.stack.Resources, Links: map[string]any{}, Parameters: r.stack.Parameters}
	for id, resource := range r.stack.Resources {
		switch resource.Type {
		case "AWS::Serverless::Api":
			s.Links[id] = r.api.Stats()
		case "AWS::Kinesis::Stream":
			if stream, ok := r.kinesis.Stream(resource.ID); ok {
				s.Links[id] = stream.Stats()
			}
		case "AWS::KinesisFirehose::DeliveryStream":
			s.Links[id] = r.deliveries[id].Stats()
			if backup := r.deliveries[backupOf(id)]; backup != nil {
				s.Links[backupOf(id)] = backup.Stats()
			}
		case "AWS::Serverless::Function":
			s.Links[id] = r.lambda.Stats()[id]
		case "AWS::S3::Bucket":
			stats, err := r.bucketStats(ctx, resource.ID)
			if err != nil {
				return nil, err
			}
			s.Links[id] = stats
		case "AWS::SQS::Queue":
			s.Links[id] = r.queues.Queue(lastPart(resource.ID, "/")).Stats()
		}
	}
	for id, m := range r.mappings {
		s.Links[id] = m.Stats()
	}
	if len(r.stack.Notifications) > 0 {
		s.Links["notifications"] = r.notifier.Stats()
	}
	if len(r.stack.Subscriptions) > 0 {
		s.Links["subscriptions"] = r.subscriptions.Stats()
	}
	s.Links["asynchronous"] = r.events.Stats()
	return s, nil
}

func lastPart(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }

func (r *runner) bucketStats(ctx context.Context, bucket string) (bucketStats, error) {
	var stats bucketStats
	for o, err := range r.objects.List(ctx, bucket, "") {
		if err != nil {
			return stats, err
		}
		stats.Objects++
		stats.Bytes += o.Size
	}
	return stats, nil
}

// control serves the paths under /_hydrant/.
func (r *runner) control() http.Handler {
	mux := http.NewServeMux()
	answerState := func(w http.ResponseWriter, request *http.Request) error {
		s, err := r.state(request.Context())
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
	handle := func(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, request *http.Request) {
			answer := &answer{ResponseWriter: w}
			err := serve(answer, request)
			switch {
			case err == nil:
			case !answer.begun:
				controlError(w, err)
			case request.Context().Err() == nil:
				// What was sent looks well. Only a connection that breaks tells the client that it is not all.
				fmt.Fprintf(r.stderr, "%s %s: %v\n", request.Method, request.URL.Path, err)
				panic(http.ErrAbortHandler)
			}
		})
	}
	handle("GET /_hydrant/state", answerState)
	handle("POST /_hydrant/flush", func(w http.ResponseWriter, request *http.Request) error {
		delays := request.URL.Query().Get("delays")
		if delays != "" && delays != "now" {
			return &controlFault{http.StatusBadRequest, "delays is now, or it is left out"}
		}
		if err := r.flush(request.Context(), delays == "now"); err != nil {
			return err
		}
		return answerState(w, request)
	})
	handle("POST /_hydrant/reset", func(w http.ResponseWriter, request *http.Request) error {
		if err := r.reset(request.Context()); err != nil {
			return err
		}
		return answerState(w, request)
	})
	handle("GET /_hydrant/tables/{name}", r.serveTable)
	handle("GET /_hydrant/errors", r.serveErrors)
	handle("GET /_hydrant/where", r.serveWhere)
	handle("GET /_hydrant/faults", r.serveFaults)
	handle("PUT /_hydrant/faults", r.putFaults)
	handle("/_hydrant/", func(http.ResponseWriter, *http.Request) error {
		return &controlFault{http.StatusNotFound, "the control paths are GET state, tables/{name}, errors, where?id= and faults, POST flush and reset, and PUT faults, all under /_hydrant/"}
	})
	return mux
}

// answer knows whether any of it has been sent.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// controlFault is an answer that is the caller's to mend.
type controlFault struct {
	status  int
	message string
}

func (f *controlFault) Error() string { return f.message }

func controlError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var fault *controlFault
	var store *s3.Error
	switch {
	case errors.As(err, &fault):
		status = fault.status
	case errors.As(err, &store):
		status = http.StatusBadGateway
	}
	body, encodeErr := json.Marshal(map[string]string{"error": fmt.Sprint(err)})
	if encodeErr != nil {
		panic(encodeErr) // a string
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone
}

func (r *runner) serveFaults(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r.faults.State())
}

// putFaults has the faults of the request be in force, and no others.
func (r *runner) putFaults(w http.ResponseWriter, request *http.Request) error {
	const most = 1 << 20
	plan, err := io.ReadAll(http.MaxBytesReader(w, request.Body, most))
	if err == nil {
		err = r.faults.Put(plan)
	}
	if err != nil {
		return &controlFault{http.StatusBadRequest, err.Error()}
	}
	return r.serveFaults(w, request)
}
