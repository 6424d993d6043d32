package sqs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const arn = "arn:aws:sqs:eu-west-1:000000000000:"

func config(dir string, change func(*QueueConfig)) Config {
	work := QueueConfig{
		Name: "work", ARN: arn + "work", Visibility: 30 * time.Second, Retention: DefaultRetention, MaxMessageBytes: MaxMessageBytes,
		DeadLetterARN: arn + "dead", MaxReceiveCount: 2,
	}
	if change != nil {
		change(&work)
	}
	dead := QueueConfig{Name: "dead", ARN: arn + "dead", Visibility: DefaultVisibility, Retention: MaxRetention, MaxMessageBytes: MaxMessageBytes}
	return Config{Dir: dir, URL: "http://127.0.0.1:4566", AccountID: "000000000000", Region: "eu-west-1", Queues: []QueueConfig{work, dead}}
}

func start(t *testing.T, c Config) *Service {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func send(t *testing.T, q *Queue, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := q.Send(Sending{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

func receive(t *testing.T, q *Queue, wait time.Duration) []Message {
	t.Helper()
	messages, err := q.Receive(t.Context(), Receiving{Max: 10, Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func bodies(messages []Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, fmt.Sprintf("%s:%d", m.Body, m.Receives))
	}
	return strings.Join(out, " ")
}

func expect(t *testing.T, what string, got []Message, want string) {
	t.Helper()
	if bodies(got) != want {
		t.Errorf("%s: got %q, want %q", what, bodies(got), want)
	}
}

func TestDelaysVisibilityAndDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, config(t.TempDir(), nil))
		q, dead := s.Queue("work"), s.Queue("dead")
		delay := 5 * time.Minute
		if _, err := q.Send(Sending{Body: "late", Delay: &delay}); err != nil {
			t.Fatal(err)
		}
		send(t, q, "a", "b")
		first := receive(t, q, 0)
		expect(t, "what has no delay", first, "a:1 b:1")
		if err := q.Delete(first[0].ReceiptHandle); err != nil {
			t.Fatal(err)
		}
		expect(t, "before the visibility timeout is over", receive(t, q, 0), "")
		if got := q.Stats(); got.InFlight != 1 || got.Delayed != 1 || got.Visible != 0 || got.NextDue != 30_000 {
			t.Errorf("got %+v", got)
		}
		begin := time.Now()
		expect(t, "a long poll gets it at its end", receive(t, q, MaxWait), "")
		expect(t, "a long poll gets it at its end", receive(t, q, MaxWait), "b:2")
		if waited := time.Since(begin); waited < 30*time.Second || waited > 31*time.Second {
			t.Errorf("it came after %v, want 30 s", waited)
		}
		// maxReceiveCount is 2: the third receive finds it dead.
		time.Sleep(31 * time.Second)
		expect(t, "over maxReceiveCount", receive(t, q, 0), "")
		got := receive(t, dead, 0)
		expect(t, "in the dead-letter queue", got, "b:1")
		if got[0].ID != first[1].ID || got[0].Sent != first[1].Sent || got[0].Source != arn+"work" {
			t.Errorf("it changed on its way: %+v, was %+v", got[0], first[1])
		}
		time.Sleep(5 * time.Minute)
		expect(t, "after its delay", receive(t, q, 0), "late:1")
		if got := q.Stats(); got.Sent != 3 || got.Received != 4 || got.Deleted != 1 || got.Moved != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestALongPollEndsWithTheNextMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := start(t, config(t.TempDir(), nil)).Queue("work")
		got := make(chan string)
		go func() { got <- bodies(receive(t, q, MaxWait)) }()
		time.Sleep(time.Second)
		begin := time.Now()
		send(t, q, "a")
		if text := <-got; text != "a:1" || time.Since(begin) != 0 {
			t.Errorf("got %q after %v", text, time.Since(begin))
		}
	})
}

func TestTimeScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir(), func(c *QueueConfig) { c.Delay = 10 * time.Minute })
		c.TimeScale = 600
		q := start(t, c).Queue("work")
		send(t, q, "a")
		time.Sleep(999 * time.Millisecond)
		expect(t, "before its delay", receive(t, q, 0), "")
		time.Sleep(2 * time.Millisecond)
		expect(t, "after its delay", receive(t, q, 0), "a:1")
		time.Sleep(51 * time.Millisecond)
		expect(t, "after the visibility timeout", receive(t, q, 0), "a:2")
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := start(t, config(t.TempDir(), func(c *QueueConfig) { c.Retention = MinRetention })).Queue("work")
		send(t, q, "a")
		time.Sleep(3 * time.Minute)
		if got := q.Stats(); got.Expired != 1 || got.Visible != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, config(t.TempDir(), nil))
		q := s.Queue("work")
		send(t, q, "a")
		old := receive(t, q, 0)[0]
		if err := q.ChangeVisibility(old.ReceiptHandle, 0); err != nil {
			t.Fatal(err)
		}
		current := receive(t, q, 0)[0]
		if err := q.Delete(old.ReceiptHandle); err != nil || q.Stats().InFlight != 1 {
			t.Errorf("an old receipt: %v, %+v", err, q.Stats())
		}
		if err := q.ChangeVisibility(current.ReceiptHandle, time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		expect(t, "within the changed timeout", receive(t, q, 0), "")
		time.Sleep(2 * time.Minute)
		if err := q.ChangeVisibility(current.ReceiptHandle, time.Hour); err == nil || !strings.Contains(err.Error(), "MessageNotInflight") {
			t.Errorf("got %v", err)
		}
		if err := q.Delete(current.ReceiptHandle); err != nil || q.Stats().Visible != 0 {
			t.Errorf("a receipt whose timeout is over still deletes: %v, %+v", err, q.Stats())
		}
		if err := s.Queue("dead").Delete(current.ReceiptHandle); err == nil || !strings.Contains(err.Error(), "ReceiptHandleIsInvalid") {
			t.Errorf("got %v", err)
		}
	})
}

// A service that is opened beside one that was never closed sees the folder as kill -9 leaves it.
func TestWhatWasAnsweredSurvivesKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		q := start(t, config(dir, nil)).Queue("work")
		send(t, q, "deleted", "received", "visible")
		delay := time.Minute
		if _, err := q.Send(Sending{Body: "delayed", Delay: &delay}); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(t.Context(), Receiving{Max: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Delete(got[0].ReceiptHandle); err != nil {
			t.Fatal(err)
		}
		again := start(t, config(dir, nil)).Queue("work")
		expect(t, "at once", receive(t, again, 0), "visible:1")
		time.Sleep(31 * time.Second)
		expect(t, "after the timeout", receive(t, again, 0), "received:2 visible:2")
		time.Sleep(30 * time.Second)
		if err := again.Delete(got[1].ReceiptHandle); err != nil {
			t.Fatal(err)
		}
		expect(t, "after the delay", receive(t, again, 0), "delayed:1")
	})
}

func TestTheLogDoesNotGrowForEver(t *testing.T) {
	dir := t.TempDir()
	s := start(t, config(dir, nil))
	q := s.Queue("work")
	send(t, q, "stays")
	kept := receive(t, q, 0)[0]
	body := strings.Repeat("x", 256<<10)
	for range 400 { // 100 MB
		send(t, q, body)
		if err := q.Delete(receive(t, q, 0)[0].ReceiptHandle); err != nil {
			t.Fatal(err)
		}
	}
	if size := q.log.Bytes(); size > tidyBytes+2*segmentBytes {
		t.Errorf("the log has %d bytes for one message", size)
	}
	if err := q.Delete(kept.ReceiptHandle); err != nil {
		t.Fatal(err)
	}
	send(t, q, "new")
	expect(t, "afterwards", receive(t, start(t, config(dir, nil)).Queue("work"), 0), "new:1")
}

func TestOpenRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*QueueConfig)
		want   string
	}{
		"a visibility timeout of a day":      {func(c *QueueConfig) { c.Visibility = 24 * time.Hour }, "VisibilityTimeout"},
		"a delay of an hour":                 {func(c *QueueConfig) { c.Delay = time.Hour }, "DelaySeconds"},
		"no retention":                       {func(c *QueueConfig) { c.Retention = 0 }, "MessageRetentionPeriod"},
		"a message size of 2 MiB":            {func(c *QueueConfig) { c.MaxMessageBytes = 2 << 20 }, "MaximumMessageSize"},
		"a dead-letter queue that is absent": {func(c *QueueConfig) { c.DeadLetterARN = arn + "nope" }, "nope is not there"},
		"a redrive policy without a count":   {func(c *QueueConfig) { c.MaxReceiveCount = 0 }, "maxReceiveCount"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(config(t.TempDir(), tc.change)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

type client struct {
	t   *testing.T
	url string
}

// call makes a request as AWS's SDKs write it, and answers status, code and the decoded body.
func (c client) call(action, body string) (int, string, map[string]any) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var out map[string]any
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&out); err != nil {
		c.t.Fatalf("%s answered %q: %v", action, text, err)
	}
	return response.StatusCode, response.Header.Get("X-Amzn-Query-Error"), out
}

func serve(t *testing.T, s *Service) client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	return client{t, server.URL}
}

const queueURL = `"QueueUrl":"http://127.0.0.1:4566/000000000000/work"`

func TestProtocol(t *testing.T) {
	c := serve(t, start(t, config(t.TempDir(), nil)))
	_, _, sent := c.call("SendMessage", `{`+queueURL+`,"MessageBody":"hello","MessageAttributes":{"b":{"DataType":"Binary","BinaryValue":"AAE="},"a":{"DataType":"String","StringValue":"x"}}}`)
	// The digests were computed by a few lines of Python after the developer guide.
	if sent["MD5OfMessageBody"] != "5d41402abc4b2a76b9719d911017c592" || sent["MD5OfMessageAttributes"] != "fa20e2def088daf7b14bc51e836c5547" {
		t.Errorf("got %v", sent)
	}
	_, _, got := c.call("ReceiveMessage", `{`+queueURL+`,"MessageSystemAttributeNames":["All"],"MessageAttributeNames":["a.*","a"]}`)
	m := got["Messages"].([]any)[0].(map[string]any)
	attributes := m["Attributes"].(map[string]any)
	if m["Body"] != "hello" || m["MessageId"] != sent["MessageId"] || m["MD5OfBody"] != sent["MD5OfMessageBody"] || attributes["ApproximateReceiveCount"] != "1" ||
		attributes["SentTimestamp"] == "" || len(m["MessageAttributes"].(map[string]any)) != 1 || m["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"] {
		t.Errorf("got %v", m)
	}
	if _, _, got := c.call("ReceiveMessage", `{`+queueURL+`}`); len(got) != 0 {
		t.Errorf("got %v of an empty queue", got)
	}
	handle := m["ReceiptHandle"].(string)
	c.call("SendMessageBatch", `{`+queueURL+`,"Entries":[{"Id":"1","MessageBody":"one","DelaySeconds":900},{"Id":"2","MessageBody":""},{"Id":"3","MessageBody":"three"}]}`)
	_, _, got = c.call("GetQueueAttributes", `{`+queueURL+`,"AttributeNames":["All"]}`)
	for name, want := range map[string]string{
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "1",
		"QueueArn": arn + "work", "RedrivePolicy": `{"deadLetterTargetArn":"` + arn + `dead","maxReceiveCount":2}`, "VisibilityTimeout": "30",
	} {
		if value := got["Attributes"].(map[string]any)[name]; value != want {
			t.Errorf("%s: got %v, want %s", name, value, want)
		}
	}
	_, _, got = c.call("DeleteMessageBatch", `{`+queueURL+`,"Entries":[{"Id":"a","ReceiptHandle":"`+handle+`"},{"Id":"b","ReceiptHandle":"x"}]}`)
	if text := fmt.Sprint(got); !strings.Contains(text, "Successful:[map[Id:a]]") || !strings.Contains(text, "Code:ReceiptHandleIsInvalid Id:b") || !strings.Contains(text, "SenderFault:true") {
		t.Errorf("got %s", text)
	}
	if _, _, got := c.call("GetQueueUrl", `{"QueueName":"dead"}`); got["QueueUrl"] != "http://127.0.0.1:4566/000000000000/dead" {
		t.Errorf("got %v", got)
	}
	if _, _, got := c.call("ListQueues", `{"QueueNamePrefix":"w"}`); fmt.Sprint(got["QueueUrls"]) != "[http://127.0.0.1:4566/000000000000/work]" {
		t.Errorf("got %v", got)
	}
	c.call("PurgeQueue", `{`+queueURL+`}`)
	if _, _, got := c.call("ReceiveMessage", `{`+queueURL+`}`); len(got) != 0 {
		t.Errorf("got %v of a purged queue", got)
	}
}

func TestProtocolRefuses(t *testing.T) {
	c := serve(t, start(t, config(t.TempDir(), nil)))
	large := strings.Repeat("x", MaxMessageBytes)
	if status, code, _ := c.call("SendMessage", `{`+queueURL+`,"MessageBody":"`+large+`"}`); status != 200 {
		t.Errorf("the largest message: got %d %s", status, code)
	}
	for name, tc := range map[string]struct{ action, body, code string }{
		"a queue that is not there":  {"SendMessage", `{"QueueUrl":"http://x/000000000000/nope","MessageBody":"m"}`, "AWS.SimpleQueueService.NonExistentQueue;Sender"},
		"no queue":                   {"SendMessage", `{"MessageBody":"m"}`, "MissingParameter;Sender"},
		"no body":                    {"SendMessage", `{` + queueURL + `}`, "MissingParameter;Sender"},
		"no JSON":                    {"SendMessage", `{`, "MalformedInput;Sender"},
		"a message that is too long": {"SendMessage", `{` + queueURL + `,"MessageBody":"` + large + `x"}`, "InvalidParameterValue;Sender"},
		"attributes count too":       {"SendMessage", `{` + queueURL + `,"MessageBody":"` + large + `","MessageAttributes":{"a":{"DataType":"String","StringValue":"x"}}}`, "InvalidParameterValue;Sender"},
		"an attribute without type":  {"SendMessage", `{` + queueURL + `,"MessageBody":"m","MessageAttributes":{"a":{"StringValue":"x"}}}`, "InvalidParameterValue;Sender"},
		"a delay of 901 s":           {"SendMessage", `{` + queueURL + `,"MessageBody":"m","DelaySeconds":901}`, "InvalidParameterValue;Sender"},
		"control characters alone":   {"SendMessage", `{` + queueURL + `,"MessageBody":"\u0001"}`, "InvalidMessageContents;Sender"},
		"a FIFO queue's parameter":   {"SendMessage", `{` + queueURL + `,"MessageBody":"m","MessageDeduplicationId":"d"}`, "InvalidParameterValue;Sender"},
		"eleven at once":             {"ReceiveMessage", `{` + queueURL + `,"MaxNumberOfMessages":11}`, "InvalidParameterValue;Sender"},
		"a wait of 21 s":             {"ReceiveMessage", `{` + queueURL + `,"WaitTimeSeconds":21}`, "InvalidParameterValue;Sender"},
		"an empty batch":             {"SendMessageBatch", `{` + queueURL + `,"Entries":[]}`, "AWS.SimpleQueueService.EmptyBatchRequest;Sender"},
		"a batch of eleven":          {"SendMessageBatch", `{` + queueURL + `,"Entries":[` + strings.Repeat(`{"Id":"a","MessageBody":"m"},`, 10) + `{"Id":"b","MessageBody":"m"}]}`, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender"},
		"an id twice":                {"DeleteMessageBatch", `{` + queueURL + `,"Entries":[{"Id":"a","ReceiptHandle":"r"},{"Id":"a","ReceiptHandle":"r"}]}`, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender"},
		"an id with a space":         {"DeleteMessageBatch", `{` + queueURL + `,"Entries":[{"Id":"a b","ReceiptHandle":"r"}]}`, "AWS.SimpleQueueService.InvalidBatchEntryId;Sender"},
		"a batch over 1 MiB":         {"SendMessageBatch", `{` + queueURL + `,"Entries":[{"Id":"a","MessageBody":"` + large + `"},{"Id":"b","MessageBody":"m"}]}`, "AWS.SimpleQueueService.BatchRequestTooLong;Sender"},
		"a control-plane operation":  {"CreateQueue", `{"QueueName":"q"}`, "AWS.SimpleQueueService.UnsupportedOperation;Sender"},
		"an unknown attribute":       {"GetQueueAttributes", `{` + queueURL + `,"AttributeNames":["Colour"]}`, "InvalidAttributeName;Sender"},
		"no visibility timeout":      {"ChangeMessageVisibility", `{` + queueURL + `,"ReceiptHandle":"r"}`, "MissingParameter;Sender"},
	} {
		t.Run(name, func(t *testing.T) {
			status, code, body := client{t, c.url}.call(tc.action, tc.body)
			if status != 400 || code != tc.code || !strings.HasPrefix(fmt.Sprint(body["__type"]), "com.amazonaws.sqs#") || body["message"] == "" {
				t.Errorf("got %d %s %v, want 400 %s", status, code, body, tc.code)
			}
		})
	}
}

func TestForbiddenCharactersAreReplaced(t *testing.T) {
	q := start(t, config(t.TempDir(), nil)).Queue("work")
	send(t, q, "a\x00b\uFFFE\U0001F600\t")
	expect(t, "the body", receive(t, q, 0), "a\uFFFDb\uFFFD\U0001F600\t:1")
}
