package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the largest inputs")

// made are the largest inputs. The others are written by hand.
var made = map[string]func() []byte{
	"error-log-largest.json":     largestLog,
	"s3-largest.json":            func() []byte { return sqsEvent(notification(largeRecords, mostObject)) },
	"waiting-lines-largest.json": func() []byte { return sqsEvent(waitingLines()) },
}

// Objects that the largest inputs speak of. They are too large to be kept, and are made when they are asked for.
const (
	largeRecords = "errors/processing-failed/dt=2026-11-22/hour=11/hydrant-1-2026-11-22-11-00-00-4b6a7c52-0f0e-4f5c-9d5e-1f8b0a6c7d04"
	manyLines    = "errors/processing-failed/dt=2026-11-22/hour=11/hydrant-1-2026-11-22-11-01-00-4b6a7c52-0f0e-4f5c-9d5e-1f8b0a6c7d05"

	// mostObject is as large as an error object gets: so much Firehose gathers at most before it delivers (BufferingHints, 128 MB).
	mostObject = 128 << 20
	// mostLines are those that a message stands for at most.
	mostLines = 500_000
	// every is how many lines are between two that are due: a message of the most lines that are all due would take the pace's quarter of an hour.
	every = 10_000
)

func madeObject(key string) []byte {
	switch key {
	case largeRecords: // of 1 MB each, the largest that go round
		return errorLines(100, func(i int) string {
			return fmt.Sprintf(`{"type":"page_view","event_id":"large-%03d","url":"https://shop.example/","note":"%s"}`, i, strings.Repeat("hello ", 166_600))
		})
	case manyLines:
		return errorLines(mostLines, func(i int) string {
			return fmt.Sprintf(`{"type":"page_view","event_id":"view-%06d","url":"https://shop.example/"}`, i)
		})
	}
	return nil
}

func errorLines(n int, data func(i int) string) []byte {
	var b bytes.Buffer
	b.Grow(mostObject)
	for i := range n {
		fmt.Fprintf(&b, `{"attemptsMade":4,"arrivalTimestamp":1795341600500,"errorCode":"Lambda.FunctionError","errorMessage":"m",`+
			`"attemptEndingTimestamp":1795341612750,"rawData":"%s"}`+"\n", base64.StdEncoding.EncodeToString([]byte(data(i))))
	}
	return b.Bytes()
}

// notification is a message's body about an object.
func notification(key string, size int) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-11-22T11:01:02.345Z",`+
		`"eventName":"ObjectCreated:CompleteMultipartUpload","userIdentity":{"principalId":"AWS:AROAEXAMPLE:hydrant"},"s3":{"s3SchemaVersion":"1.0",`+
		`"configurationId":"errors","bucket":{"name":"%s","ownerIdentity":{"principalId":"A3EXAMPLE"},"arn":"arn:aws:s3:::%[1]s"},`+
		`"object":{"key":"%s","size":%d,"eTag":"d41d8cd98f00b204e9800998ecf8427e-16","sequencer":"0066F5A1B2C3D4E5F6"}}}]}`, bucket, strings.ReplaceAll(key, "=", "%3D"), size)
}

// waitingLines is a message's body about the most lines, of which some are due.
func waitingLines() string {
	due := make([]byte, mostLines/8)
	for i := 0; i < mostLines; i += every {
		due[i/8] |= 1 << (i % 8)
	}
	due[len(due)-1] |= 1 << 7
	return fmt.Sprintf(`{"hydrant_dlq":1,"lines":{"bucket":"%s","key":"%s","due":"%s"}}`, bucket, manyLines, base64.StdEncoding.EncodeToString(due))
}

// dueRecords are what the lines that are due come to.
func dueRecords() (records []string) {
	for i := 0; i < mostLines; i += every {
		records = append(records, fmt.Sprintf("1 view-%06d", i))
	}
	return append(records, fmt.Sprintf("1 view-%06d", mostLines-1))
}

func largeEvents() (records []string) {
	for i := range 100 {
		records = append(records, fmt.Sprintf("1 large-%03d", i))
	}
	return records
}

// sqsEvent is an invocation with one message ("Using Lambda with Amazon SQS", AWS Lambda Developer Guide).
func sqsEvent(body string) []byte {
	return indented(map[string]any{"Records": []any{map[string]any{
		"messageId": "19dd0b57-b21e-4ac1-bd88-01bbb068cb70", "receiptHandle": "MessageReceiptHandle", "body": body,
		"attributes": map[string]string{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1795341662345", "SenderId": "AIDAEXAMPLE", "ApproximateFirstReceiveTimestamp": "1795341662350",
		},
		"messageAttributes": map[string]string{}, "md5OfBody": fmt.Sprintf("%x", md5.Sum([]byte(body))), "eventSource": "aws:sqs",
		"eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:hydrant-local-DlqQueue", "awsRegion": "eu-west-1",
	}}})
}

// What a batch of log events has at most ("PutLogEvents", Amazon CloudWatch Logs API Reference): bytes, with so many for each event beside its text. A
// subscription is taken to send no more than one batch at a time; AWS does not say.
const mostLogged, eachLogged = 1_048_576, 26

// loggedCodes are in the largest log in turn.
var loggedCodes = []string{"S3.AccessDenied", "Lambda.FunctionTimedOut", "Lambda.FunctionTimedOut"}

// loggedEvents are as many lines of Firehose's error log as a batch takes.
func loggedEvents() (messages []string) {
	const line = `{"deliveryStreamARN":"arn:aws:firehose:eu-west-1:000000000000:deliverystream/hydrant","destination":"arn:aws:s3:::hydrant-local-bucket",` +
		`"deliveryStreamVersionId":%d,"message":"%s","errorCode":"%s"}`
	for size := 0; ; {
		message := fmt.Sprintf(line, len(messages)%7, strings.Repeat("The delivery failed. ", 1+len(messages)%5), loggedCodes[len(messages)%len(loggedCodes)])
		if size += len(message) + eachLogged; size > mostLogged {
			return messages
		}
		messages = append(messages, message)
	}
}

// loggedCounts are what the log says of them.
func loggedCounts() []string {
	counts := map[string]int{}
	for i := range loggedEvents() {
		counts[loggedCodes[i%len(loggedCodes)]]++
	}
	return []string{fmt.Sprint("Lambda.FunctionTimedOut ", counts["Lambda.FunctionTimedOut"]), fmt.Sprint("S3.AccessDenied ", counts["S3.AccessDenied"])}
}

func largestLog() []byte {
	type event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var events []event
	for i, message := range loggedEvents() {
		sum := md5.Sum([]byte(fmt.Sprint(i))) // ids are of 56 digits, and take the most room when it is zipped
		events = append(events, event{fmt.Sprintf("37195200000000%020d%020d00", uint64(sum[0])<<56|uint64(i), uint64(sum[1])<<40), 1795341672000 + int64(i), message})
	}
	text, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": "000000000000", "logGroup": "/hydrant/hydrant-local/delivery", "logStream": "DestinationDelivery",
		"subscriptionFilters": []string{"dlq"}, "logEvents": events,
	})
	if err != nil {
		panic(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(text); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return indented(map[string]any{"awslogs": map[string]any{"data": zipped.Bytes()}})
}

func indented(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// unzipped is a log's text: how it is zipped is the compiler's version's to say.
func unzipped(t *testing.T, payload []byte) []byte {
	t.Helper()
	var in struct{ AWSLogs struct{ Data []byte } }
	if err := json.Unmarshal(payload, &in); err != nil || in.AWSLogs.Data == nil {
		return payload
	}
	z, err := gzip.NewReader(bytes.NewReader(in.AWSLogs.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The largest inputs are what is made of them here, and no larger than what brings them takes.
func TestLargestInputs(t *testing.T) {
	for name, make := range made {
		want := make()
		if *update {
			if err := os.WriteFile(filepath.Join(inputs, name), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, name); !bytes.Equal(unzipped(t, got), unzipped(t, want)) {
			t.Errorf("%s is not what the test makes of it (go test ./functions/dlq -update writes it)", name)
		}
		// An asynchronous invocation, and a message of the queue with what Lambda puts around it.
		if len(want) > 256<<10 {
			t.Errorf("%s has %d bytes", name, len(want))
		}
	}
	if n := len(unzipped(t, largestLog())); n < mostLogged {
		t.Errorf("the log has only %d bytes", n)
	}
	for _, key := range []string{largeRecords, manyLines} {
		if n := len(madeObject(key)); n > mostObject || n < mostObject*9/10 {
			t.Errorf("an object of %d bytes, and %d at most", n, mostObject)
		}
	}
}
