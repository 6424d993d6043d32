package main_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	bucket   = "hydrant-local-bucket"
	queueURL = "https://sqs.eu-west-1.amazonaws.com/000000000000/hydrant-local-DlqQueue"
)

var modified = time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)

// aws answers as S3, Kinesis and SQS do, as much as the program asks of them.
type aws struct {
	url string

	mu      sync.Mutex
	objects map[string][]byte
	created map[string]bool
	markers int
	stream  [][]byte
	delays  []int
	puts    int // calls of PutRecords
	calls   int
}

func newAWS(t *testing.T) *aws {
	a := &aws{}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// reset leaves only the error objects under events/dlq/objects.
func (a *aws) reset(t *testing.T) {
	t.Helper()
	a.objects = map[string][]byte{}
	root := filepath.Join(inputs, "objects")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		a.objects[filepath.ToSlash(key)], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(a.objects) < 4 {
		t.Fatalf("%d error objects, %v", len(a.objects), err)
	}
	a.forget()
}

func (a *aws) forget() {
	a.created, a.stream, a.delays, a.markers, a.puts, a.calls = map[string]bool{}, nil, nil, 0, 0, 0
}

func (a *aws) objectNames() []string { return slices.Sorted(maps.Keys(a.objects)) }

func (a *aws) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIDEXAMPLE/") {
		http.Error(w, "unsigned", http.StatusForbidden)
		return
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == "Kinesis_20131202.PutRecords":
		a.putRecords(w, body)
	case target == "AmazonSQS.SendMessage":
		a.sendMessage(w, body)
	case target == "" && strings.HasPrefix(r.URL.Path, "/"+bucket):
		a.s3(w, r, body)
	default:
		http.Error(w, "unknown: "+target+" "+r.URL.Path, http.StatusBadRequest)
	}
}

func (a *aws) s3(w http.ResponseWriter, r *http.Request, body []byte) {
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"+bucket), "/")
	object, found := a.objects[key]
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		a.list(w, r.URL.Query().Get("prefix"), r.URL.Query().Get("start-after"))
	case r.Method == http.MethodGet && !found:
		fail(w, http.StatusNotFound, "NoSuchKey")
	case r.Method == http.MethodGet:
		a.mu.Unlock() // who reads a large one puts records between two reads
		defer a.mu.Lock()
		http.ServeContent(w, r, "", modified, bytes.NewReader(object)) // with Range
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "*":
		fail(w, http.StatusNotImplemented, "NotImplemented")
	case r.Method == http.MethodPut && found:
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		a.objects[key], a.created[key] = body, true
		if strings.HasPrefix(key, "redriven/") {
			a.markers++
		}
	default:
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>m</Message></Error>`, code)
}

func (a *aws) list(w http.ResponseWriter, prefix, after string) {
	type content struct{ Key string }
	var result struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []content
	}
	for _, key := range a.objectNames() {
		if strings.HasPrefix(key, prefix) && key > after {
			result.Contents = append(result.Contents, content{key})
		}
	}
	_ = xml.NewEncoder(w).Encode(result)
}

// putRecords refuses the first record of every second call, of the first few: each one costs a wait.
func (a *aws) putRecords(w http.ResponseWriter, body []byte) {
	var in struct {
		StreamName string
		Records    []struct {
			Data         []byte
			PartitionKey string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || in.StreamName != "the-stream" {
		http.Error(w, `{"__type":"ValidationException"}`, http.StatusBadRequest)
		return
	}
	a.puts++
	var out struct {
		FailedRecordCount int
		Records           []map[string]string
	}
	for i, r := range in.Records {
		if i == 0 && a.puts%2 == 1 && a.puts < 10 {
			out.FailedRecordCount++
			out.Records = append(out.Records, map[string]string{"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"})
			continue
		}
		a.stream = append(a.stream, r.Data)
		out.Records = append(out.Records, map[string]string{"SequenceNumber": fmt.Sprint(49, len(a.stream)), "ShardId": "shardId-000000000000"})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

func (a *aws) sendMessage(w http.ResponseWriter, body []byte) {
	var in struct {
		QueueUrl, MessageBody string
		DelaySeconds          int
	}
	if err := json.Unmarshal(body, &in); err != nil || in.QueueUrl != queueURL {
		http.Error(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`, http.StatusBadRequest)
		return
	}
	a.delays = append(a.delays, in.DelaySeconds)
	sum := md5.Sum([]byte(in.MessageBody))
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(map[string]string{"MD5OfMessageBody": hex.EncodeToString(sum[:]), "MessageId": base64.RawURLEncoding.EncodeToString(sum[:])})
}
