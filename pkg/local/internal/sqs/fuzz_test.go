package sqs

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whatever a request holds, it is answered: as asked, or with a fault that is the sender's.
func FuzzProtocol(f *testing.F) {
	actions := slices.Sorted(maps.Keys(operations))
	for i, body := range []string{
		`{` + queueURL + `,"MessageBody":"m","DelaySeconds":1,"MessageAttributes":{"a":{"DataType":"String","StringValue":"x"}}}`,
		`{` + queueURL + `,"Entries":[{"Id":"a","MessageBody":"m"},{"Id":"b","ReceiptHandle":"r","VisibilityTimeout":1}]}`,
		`{` + queueURL + `,"MaxNumberOfMessages":10,"VisibilityTimeout":0,"MessageAttributeNames":["All"],"AttributeNames":["All"]}`,
		`{` + queueURL + `,"ReceiptHandle":"d29yawphCjE=","VisibilityTimeout":1}`, `{"QueueName":"work"}`, `{"QueueUrl":"/"}`, `{"QueueUrl":1}`, ``, `null`, `[]`,
	} {
		f.Add(uint8(i), body)
		f.Add(uint8(i+3), body)
	}
	s, err := Open(config(f.TempDir(), nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, action uint8, body string) {
		if strings.Contains(body, "Wait") {
			return // a long poll answers as well, but later
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", TargetPrefix+actions[int(action)%len(actions)])
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		if stats := s.Queue("work").Stats(); stats.NextDue > MaxVisibility.Milliseconds() || stats.OldestAge > time.Hour.Milliseconds() {
			t.Errorf("got %+v", stats)
		}
	})
}
