package sqs

import (
	"errors"
	"net/http"
)

// maxBatch is how many messages a batch may have, and an answer of ReceiveMessage.
const maxBatch = 10

type batchFailure struct {
	ID          string `json:"Id"`
	Code        string `json:"Code"`
	Message     string `json:"Message"`
	SenderFault bool   `json:"SenderFault"`
}

type batchAnswer struct {
	Successful []any          `json:"Successful"`
	Failed     []batchFailure `json:"Failed"`
}

// add notes what became of an entry. An error that is not the sender's fails the batch as a whole.
func (a *batchAnswer) add(id string, success any, err error) error {
	var f *fault
	switch {
	case err == nil:
		a.Successful = append(a.Successful, success)
	case errors.As(err, &f):
		a.Failed = append(a.Failed, batchFailure{id, f.QueryCode, f.Message, true})
	default:
		return err
	}
	return nil
}

func newBatchAnswer() *batchAnswer {
	return &batchAnswer{Successful: []any{}, Failed: []batchFailure{}}
}

// checkBatch refuses a batch as a whole.
func checkBatch(ids []string) error {
	switch {
	case len(ids) == 0:
		return batchFault("EmptyBatchRequest", "There should be at least one entry in the request.")
	case len(ids) > maxBatch:
		return batchFault("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if id == "" || len(id) > 80 || !isName(id, "_-") {
			return batchFault("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return batchFault("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

type batchEntry struct {
	ID string `json:"Id"`
	sendingRequest
}

func (s *Service) sendMessageBatch(_ *http.Request, body []byte) (any, error) {
	var request struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []batchEntry
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, len(request.Entries)), 0
	for i, e := range request.Entries {
		ids[i] = e.ID
		size += len(e.Body) + attributesSize(e.Attributes)
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	if size > MaxMessageBytes {
		return nil, batchFault("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", MaxMessageBytes, size)
	}
	return q.sendBatch(request.Entries)
}

// sendBatch stores those entries that can be stored.
func (q *Queue) sendBatch(entries []batchEntry) (any, error) {
	answer := newBatchAnswer()
	var sendings []Sending
	var answers []*sendingAnswer
	for _, e := range entries {
		sending, one, err := e.sending(q)
		one.ID = e.ID
		if err := answer.add(e.ID, &one, err); err != nil {
			return nil, err
		}
		if err == nil {
			sendings, answers = append(sendings, sending), append(answers, &one)
		}
	}
	if len(sendings) == 0 {
		return answer, nil
	}
	messages, err := q.sendAll(sendings)
	if err != nil {
		return nil, err
	}
	for i, id := range messages {
		answers[i].MessageID = id
	}
	return answer, nil
}

func (s *Service) deleteMessageBatch(_ *http.Request, body []byte) (any, error) {
	return s.handleBatch(body, func(q *Queue, e handleEntry) error { return q.Delete(e.ReceiptHandle) })
}

func (s *Service) changeMessageVisibilityBatch(_ *http.Request, body []byte) (any, error) {
	return s.handleBatch(body, func(q *Queue, e handleEntry) error {
		if e.VisibilityTimeout == nil {
			return missingParameter("VisibilityTimeout")
		}
		return q.ChangeVisibility(e.ReceiptHandle, *seconds(e.VisibilityTimeout))
	})
}

type handleEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

// handleBatch does something to the message of each entry's receipt handle.
func (s *Service) handleBatch(body []byte, do func(*Queue, handleEntry) error) (any, error) {
	var request struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []handleEntry
	}
	q, err := s.read(body, &request, &request.QueueURL)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(request.Entries))
	for i, e := range request.Entries {
		ids[i] = e.ID
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	answer := newBatchAnswer()
	for _, e := range request.Entries {
		if err := answer.add(e.ID, map[string]string{"Id": e.ID}, do(q, e)); err != nil {
			return nil, err
		}
	}
	return answer, nil
}
