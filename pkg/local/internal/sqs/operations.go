package sqs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type empty struct{}

func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

type systemAttributes map[string]Attribute

// trace answers the one system attribute that a sender can set.
func (a systemAttributes) trace() (string, error) {
	for name, attribute := range a {
		if name != "AWSTraceHeader" || attribute.StringValue == nil || attribute.DataType != "String" {
			return "", invalidParameter("Message (system) attribute name '%s' is invalid.", name)
		}
		return *attribute.StringValue, nil
	}
	return "", nil
}

// sendingRequest are the parts of SendMessage that an entry of SendMessageBatch has too.
type sendingRequest struct {
	Body                   string               `json:"MessageBody"`
	DelaySeconds           *int                 `json:"DelaySeconds"`
	Attributes             map[string]Attribute `json:"MessageAttributes"`
	SystemAttributes       systemAttributes     `json:"MessageSystemAttributes"`
	MessageDeduplicationID *string              `json:"MessageDeduplicationId"`
}

type sendingAnswer struct {
	ID                    string `json:"Id,omitempty"` // in a batch
	MD5OfBody             string `json:"MD5OfMessageBody"`
	MD5OfAttributes       string `json:"MD5OfMessageAttributes,omitempty"`
	MD5OfSystemAttributes string `json:"MD5OfMessageSystemAttributes,omitempty"`
	MessageID             string `json:"MessageId"`
}

// sending is what the queue takes, and the answer but for the message's id.
func (r *sendingRequest) sending(q *Queue) (Sending, sendingAnswer, error) {
	if r.MessageDeduplicationID != nil {
		return Sending{}, sendingAnswer{}, invalidParameter("The request includes a parameter that is not valid for this queue type: MessageDeduplicationId")
	}
	trace, err := r.SystemAttributes.trace()
	if err != nil {
		return Sending{}, sendingAnswer{}, err
	}
	s := Sending{Body: r.Body, Delay: seconds(r.DelaySeconds), Attributes: r.Attributes, Trace: trace}
	if err := q.check(&s); err != nil {
		return Sending{}, sendingAnswer{}, err
	}
	return s, sendingAnswer{MD5OfBody: md5Hex(s.Body), MD5OfAttributes: md5OfAttributes(s.Attributes), MD5OfSystemAttributes: md5OfAttributes(r.SystemAttributes)}, nil
}

func (s *Service) sendMessage(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL string `json:"QueueUrl"`
		sendingRequest
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	sending, answer, err := request.sending(q)
	if err != nil {
		return nil, err
	}
	answer.MessageID, err = q.Send(sending)
	return answer, err
}

type receivedMessage struct {
	MessageID         string               `json:"MessageId"`
	ReceiptHandle     string               `json:"ReceiptHandle"`
	MD5OfBody         string               `json:"MD5OfBody"`
	Body              string               `json:"Body"`
	Attributes        map[string]string    `json:"Attributes,omitempty"`
	MD5OfAttributes   string               `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes map[string]Attribute `json:"MessageAttributes,omitempty"`
}

type receiveAnswer struct {
	Messages []receivedMessage `json:"Messages,omitempty"`
}

func (s *Service) receiveMessage(r *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL          string `json:"QueueUrl"`
		Max               *int   `json:"MaxNumberOfMessages"`
		VisibilityTimeout *int
		WaitTimeSeconds   *int
		AttributeNames    []string // the older name of the next
		System            []string `json:"MessageSystemAttributeNames"`
		Names             []string `json:"MessageAttributeNames"`
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	receiving := Receiving{Max: 1, Wait: q.config.Wait, Visibility: seconds(request.VisibilityTimeout)}
	if request.Max != nil {
		receiving.Max = *request.Max
	}
	if request.WaitTimeSeconds != nil {
		receiving.Wait = *seconds(request.WaitTimeSeconds)
	}
	switch v := receiving.Visibility; {
	case receiving.Max < 1 || receiving.Max > maxBatch:
		return nil, invalidParameter("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", receiving.Max)
	case receiving.Wait < 0 || receiving.Wait > MaxWait:
		return nil, invalidParameter("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", *request.WaitTimeSeconds)
	case v != nil && (*v < 0 || *v > MaxVisibility):
		return nil, invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.", *request.VisibilityTimeout)
	}
	messages, err := q.Receive(r.Context(), receiving)
	if err != nil {
		return nil, err
	}
	var answer receiveAnswer
	system := slices.Concat(request.AttributeNames, request.System)
	for i := range messages {
		answer.Messages = append(answer.Messages, messages[i].answer(s.config.AccountID, system, request.Names))
	}
	return answer, nil
}

// answer is a message with those of its attributes that the receiver asked for.
func (m *Message) answer(sender string, system, names []string) receivedMessage {
	out := receivedMessage{MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, MD5OfBody: m.MD5OfBody(), Body: m.Body}
	for name, value := range m.SystemAttributes(sender) {
		if slices.Contains(system, "All") || slices.Contains(system, name) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	for name, value := range m.Attributes {
		if slices.ContainsFunc(names, func(asked string) bool { return asksFor(asked, name) }) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]Attribute{}
			}
			out.MessageAttributes[name] = value
		}
	}
	out.MD5OfAttributes = md5OfAttributes(out.MessageAttributes)
	return out
}

// asksFor reads a name of ReceiveMessage's MessageAttributeNames: one, all of a prefix, or All.
func asksFor(asked, name string) bool {
	prefix, isPrefix := strings.CutSuffix(asked, ".*")
	return asked == "All" || asked == name || isPrefix && strings.HasPrefix(name, prefix)
}

// SystemAttributes are what SQS says of a message.
func (m *Message) SystemAttributes(sender string) map[string]string {
	out := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"SentTimestamp":                    strconv.FormatInt(m.Sent, 10),
		"SenderId":                         sender,
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived, 10),
	}
	if m.Trace != "" {
		out["AWSTraceHeader"] = m.Trace
	}
	if m.Source != "" {
		out["DeadLetterQueueSourceArn"] = m.Source
	}
	return out
}

func (s *Service) deleteMessage(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL      string `json:"QueueUrl"`
		ReceiptHandle string
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	return empty{}, q.Delete(request.ReceiptHandle)
}

func (s *Service) changeMessageVisibility(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL          string `json:"QueueUrl"`
		ReceiptHandle     string
		VisibilityTimeout *int
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	if request.VisibilityTimeout == nil {
		return nil, missingParameter("VisibilityTimeout")
	}
	return empty{}, q.ChangeVisibility(request.ReceiptHandle, *seconds(request.VisibilityTimeout))
}

func (s *Service) purgeQueue(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL string `json:"QueueUrl"`
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	return empty{}, q.Purge()
}

func (s *Service) getQueueURL(_ *http.Request, body []byte) (any, error) {
	var request struct{ QueueName string }
	if err := json.Unmarshal(body, &request); err != nil || request.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	if s.queues[request.QueueName] == nil {
		return nil, noSuchQueue()
	}
	return map[string]string{"QueueUrl": s.URL(request.QueueName)}, nil
}

func (s *Service) listQueues(_ *http.Request, body []byte) (any, error) {
	var request struct {
		Prefix     string `json:"QueueNamePrefix"`
		MaxResults *int
		NextToken  *string
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &request); err != nil {
			return nil, invalidParameter("The request's body is not what the operation takes.")
		}
	}
	urls := []string{} // more than a template has are never asked for in pages
	for _, name := range s.names {
		if strings.HasPrefix(name, request.Prefix) {
			urls = append(urls, s.URL(name))
		}
	}
	return map[string][]string{"QueueUrls": urls}, nil
}

func (s *Service) getQueueAttributes(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	all := q.attributes()
	out := map[string]string{}
	for _, name := range request.AttributeNames {
		if name == "All" {
			out = all
			break
		}
		value, known := all[name]
		switch {
		case known:
			out[name] = value
		case name != "RedrivePolicy" && name != "RedriveAllowPolicy" && name != "Policy" && name != "KmsMasterKeyId":
			return nil, &fault{"InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute " + name + "."}
		}
	}
	return map[string]map[string]string{"Attributes": out}, nil
}

func (q *Queue) attributes() map[string]string {
	c, stats := q.config, q.Stats()
	whole := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
	out := map[string]string{
		"QueueArn": c.ARN, "DelaySeconds": whole(c.Delay), "VisibilityTimeout": whole(c.Visibility), "MessageRetentionPeriod": whole(c.Retention),
		"ReceiveMessageWaitTimeSeconds": whole(c.Wait), "MaximumMessageSize": strconv.Itoa(c.MaxMessageBytes),
		"ApproximateNumberOfMessages": strconv.Itoa(stats.Visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(stats.InFlight),
		"ApproximateNumberOfMessagesDelayed": strconv.Itoa(stats.Delayed),
	}
	if c.DeadLetterARN != "" {
		out["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, c.DeadLetterARN, c.MaxReceiveCount)
	}
	return out
}
