package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/rogpeppe/go-internal/testscript"
)

// linkWorker makes the test's own binary the bootstrap of the function WorkerFunction, which scripts have in templates of their own.
func linkWorker() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	folder := filepath.Join(workerFolder, "WorkerFunction")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.Symlink(self, filepath.Join(folder, "bootstrap"))
}

// worker is the function WorkerFunction. Whatever it has seen it says in a message to the queue RESULTS_URL.
type worker struct{}

type workerEvent struct {
	AWSLogs *struct{ Data []byte }
	Records []struct {
		MessageID, Body string
		Attributes      map[string]string
	}
	Fail bool
}

func (worker) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event workerEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	switch {
	case event.Fail:
		return nil, errors.New("told to fail")
	case event.AWSLogs != nil:
		return []byte("null"), workLogs(event.AWSLogs.Data)
	case event.Records == nil:
		return []byte("null"), result("event %s", payload)
	}
	failures := []map[string]string{}
	for _, r := range event.Records {
		if failed, err := workMessage(r.Body, r.Attributes["ApproximateReceiveCount"]); err != nil {
			return nil, err
		} else if failed {
			failures = append(failures, map[string]string{"itemIdentifier": r.MessageID})
		}
	}
	return json.Marshal(map[string]any{"batchItemFailures": failures})
}

// workMessage does what a message says, or what the key of the object says that it tells of.
func workMessage(body, receives string) (failed bool, err error) {
	var notification struct {
		Event   string
		Records []struct {
			S3 struct{ Object struct{ Key string } }
		}
	}
	name := body
	if json.Unmarshal([]byte(body), &notification) == nil {
		if name = notification.Event; len(notification.Records) > 0 {
			name = notification.Records[0].S3.Object.Key
		}
	}
	switch {
	case strings.Contains(name, "panic-once") && receives == "1":
		panic("told to panic")
	case strings.Contains(name, "fail-once") && receives == "1", strings.Contains(name, "fail-always"):
		return true, nil
	case name == "later":
		return false, call("SendMessage", map[string]any{"QueueUrl": os.Getenv("QUEUE_URL"), "MessageBody": "delayed", "DelaySeconds": 900})
	case name == "put":
		return false, kinesisPut(os.Getenv("STREAM_NAME"), "from the worker")
	}
	return false, result("message %s %s", name, receives)
}

func workLogs(data []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	var document struct{ LogEvents []struct{ Message string } }
	if err := json.NewDecoder(unzipped).Decode(&document); err != nil {
		return err
	}
	for _, e := range document.LogEvents {
		var line struct{ ErrorCode string }
		if err := json.Unmarshal([]byte(e.Message), &line); err != nil {
			return err
		}
		if err := result("log %s", line.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

func result(format string, args ...any) error {
	return call("SendMessage", map[string]any{"QueueUrl": os.Getenv("RESULTS_URL"), "MessageBody": fmt.Sprintf(format, args...)})
}

func kinesisPut(stream, data string) error {
	return callTarget("Kinesis_20131202.PutRecord", map[string]any{"StreamName": stream, "PartitionKey": "k", "Data": []byte(data)})
}

func call(action string, request any) error { return callTarget("AmazonSQS."+action, request) }

func callTarget(target string, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	status, answer, err := callAWS(os.Getenv("AWS_ENDPOINT_URL"), target, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answered %d %s", target, status, answer)
	}
	return err
}

// callAWS makes a request of a JSON protocol, as AWS's SDKs write it.
func callAWS(endpoint, target string, body []byte) (int, string, error) {
	request, err := http.NewRequest(http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

func scriptAWS(ts *testscript.TestScript, _ bool, args []string) {
	body := strings.ReplaceAll(args[1], "$AWS", ts.Getenv("AWS"))
	status, answer, err := callAWS(ts.Getenv("AWS"), args[0], []byte(body))
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s\n", status, answer)
	ts.Check(err)
}

func scriptInvoke(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequest(http.MethodPost, ts.Getenv("AWS")+"/2015-03-31/functions/"+args[0]+"/invocations", strings.NewReader(args[1]))
	ts.Check(err)
	request.Header.Set("X-Amz-Invocation-Type", "Event")
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	ts.Check(response.Body.Close())
	_, err = fmt.Fprintln(ts.Stdout(), response.StatusCode)
	ts.Check(err)
}

func scriptObject(ts *testscript.TestScript, _ bool, args []string) {
	client, err := minio.New(strings.TrimPrefix(ts.Getenv("AWS"), "http://"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "eu-west-1", MaxRetries: 1})
	ts.Check(err)
	_, err = client.PutObject(context.Background(), args[0], args[1], strings.NewReader(args[2]), int64(len(args[2])), minio.PutObjectOptions{})
	answer := "stored"
	if err != nil {
		answer = minio.ToErrorResponse(err).Code
	}
	_, err = fmt.Fprintln(ts.Stdout(), answer)
	ts.Check(err)
}

func startWorker() { awslambda.Start(worker{}) }
