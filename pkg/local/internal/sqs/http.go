package sqs

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	contentType = "application/x-amz-json-1.0"
	// TargetPrefix is what the X-Amz-Target header of the service's requests begins with.
	TargetPrefix = "AmazonSQS."
	// maxBody holds the largest batch: 1 MiB, of which each byte may need six in JSON, and JSON around it.
	maxBody = 8 << 20
)

type operation func(s *Service, r *http.Request, body []byte) (any, error)

var operations = map[string]operation{
	"ChangeMessageVisibility":      (*Service).changeMessageVisibility,
	"ChangeMessageVisibilityBatch": (*Service).changeMessageVisibilityBatch,
	"DeleteMessage":                (*Service).deleteMessage,
	"DeleteMessageBatch":           (*Service).deleteMessageBatch,
	"GetQueueAttributes":           (*Service).getQueueAttributes,
	"GetQueueUrl":                  (*Service).getQueueURL,
	"ListQueues":                   (*Service).listQueues,
	"PurgeQueue":                   (*Service).purgeQueue,
	"ReceiveMessage":               (*Service).receiveMessage,
	"SendMessage":                  (*Service).sendMessage,
	"SendMessageBatch":             (*Service).sendMessageBatch,
}

// templateOwns are the operations that would change what the template says.
const templateOwns = " AddPermission CreateQueue DeleteQueue RemovePermission SetQueueAttributes TagQueue UntagQueue "

func refuse(action string) error {
	message := action + " is not supported by the local runner."
	if strings.Contains(templateOwns, " "+action+" ") {
		message = action + " is not supported by the local runner: its queues are those of the template. Change the template and start the runner again."
	}
	return &fault{"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", message}
}

// ServeHTTP speaks AWS JSON 1.0. The path does not matter.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(w, r)
	status := http.StatusOK
	var f *fault
	switch {
	case errors.As(err, &f):
		w.Header().Set("X-Amzn-Query-Error", f.QueryCode+";Sender")
		status, answer = http.StatusBadRequest, f.body()
	case r.Context().Err() != nil:
		return // the client has gone
	case err != nil:
		s.config.Log.Error("sqs", "target", r.Header.Get("X-Amz-Target"), "err", err)
		w.Header().Set("X-Amzn-Query-Error", "InternalFailure;Receiver")
		status, answer = http.StatusInternalServerError, (&fault{Type: "InternalFailure", Message: "Internal service failure."}).body()
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", newID())
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the client has gone
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	action, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	run := operations[action]
	switch {
	case !ours || r.Method != http.MethodPost:
		return nil, &fault{"InvalidAction", "InvalidAction", "The local runner speaks SQS's JSON protocol: POST with X-Amz-Target " + TargetPrefix + "<Action>. Update the SDK if it is one of before November 2023."}
	case run == nil:
		return nil, refuse(action)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, invalidParameter("The request could not be read, or is larger than %d bytes.", maxBody)
	}
	answer, err := run(s, r, body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// read decodes a request and finds its queue, which queueURL points to in it.
func (s *Service) read(body []byte, request any, queueURL *string) (*Queue, error) {
	if err := json.Unmarshal(body, request); err != nil {
		return nil, &fault{"SerializationException", "MalformedInput", "The request's body is not what the operation takes."}
	}
	if *queueURL == "" {
		return nil, missingParameter("QueueUrl")
	}
	q := s.byURL(*queueURL)
	if q == nil {
		return nil, noSuchQueue()
	}
	return q, nil
}
