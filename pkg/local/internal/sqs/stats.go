package sqs

import "time"

// Stats says what a queue holds, and counts what was done since it was opened or reset.
type Stats struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Deleted  int64 `json:"deleted"`
	Moved    int64 `json:"moved"`   // to the dead-letter queue
	Expired  int64 `json:"expired"` // older than the retention

	Visible   int   `json:"visible"`
	InFlight  int   `json:"inFlight"` // received, and not deleted
	Delayed   int   `json:"delayed"`  // sent with a delay that is not over
	Bytes     int64 `json:"bytes"`
	OldestAge int64 `json:"oldestAgeMs"` // of the messages held
	NextDue   int64 `json:"nextDueMs"`   // until the first of those in flight or delayed is due; 0 if there is none
}

// Stats counts the messages.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.counts
	s := Stats{Sent: c.sent, Received: c.received, Deleted: c.deleted, Moved: c.moved, Expired: c.expired, Bytes: q.bytes}
	now := time.Now().UnixMilli()
	for _, e := range q.order {
		s.OldestAge = max(s.OldestAge, now-e.sent)
		switch {
		case e.Due <= now:
			s.Visible++
			continue
		case e.Receives > 0:
			s.InFlight++
		default:
			s.Delayed++
		}
		if wait := e.Due - now; s.NextDue == 0 || wait < s.NextDue {
			s.NextDue = wait
		}
	}
	return s
}

// Due says whether a message can be received now.
func (q *Queue) Due() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.order) > 0 && q.order[0].Due <= time.Now().UnixMilli()
}

// DueNow ends the delays of all messages, and the visibility timeouts too if inFlight says so. It answers how many it ended.
func (q *Queue) DueNow(inFlight bool) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now().UnixMilli()
	n := 0
	for _, e := range append([]*entry(nil), q.order...) {
		if e.Due <= now || e.Receives > 0 && !inFlight {
			continue
		}
		if err := q.reschedule(e, now); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Each calls visit with every message that the queue holds, as it is now, until visit answers an error. Nothing is received.
func (q *Queue) Each(visit func(Message) error) error {
	q.mu.Lock()
	var ids []string
	for _, e := range q.order {
		ids = append(ids, e.id)
	}
	q.mu.Unlock()
	for _, id := range ids {
		q.mu.Lock()
		e := q.messages[id]
		if e == nil {
			q.mu.Unlock()
			continue
		}
		h, body, err := q.load(e)
		m := Message{ID: id, Body: body, Attributes: h.Attributes, Source: h.Source, Sent: h.Sent, FirstReceived: e.First, Receives: e.Receives}
		q.mu.Unlock()
		if err == nil {
			err = visit(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
