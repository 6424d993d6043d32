package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// FuzzMachine: whatever the system says is read or refused.
func FuzzMachine(f *testing.F) {
	f.Add("cpu  100 20 30 4000 500 6 7 8 9 10\n")
	f.Add("42 )(")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseMachine([]byte(text)); err == nil && !strings.Contains(text, "cpu") {
			t.Errorf("%q is read as /proc/stat", text)
		}
	})
}

// FuzzNumberOf: a number that is read is the one that an event of that number has.
func FuzzNumberOf(f *testing.F) {
	f.Add([]byte(`{"event_id":"load-0000000042","x":1}`))
	f.Add([]byte(`{"event_id":"load--000000042"}`))
	f.Add([]byte(`{"event_id":"load-+000000042"}`))
	f.Fuzz(func(t *testing.T, row []byte) {
		number, ok := numberOf(row)
		if ok && !bytes.Contains(row, fmt.Appendf(nil, `"event_id":"load-%0*d"`, len(digits), number)) {
			t.Errorf("%q has number %d", row, number)
		}
	})
}

// FuzzAnswers: any bytes for an answer are refused, or come out as a status and a body that were there.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 429\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := &connection{in: bufio.NewReaderSize(bytes.NewReader(answer), 64<<10)}
		status, body, err := c.answer()
		if err != nil {
			return
		}
		if status < 100 || status > 599 || !bytes.Contains(answer, body) {
			t.Errorf("%q is read as %d %q", answer, status, body)
		}
		if _, err := judge(status, body); err == nil && status != 200 && status != 429 && status != 503 {
			t.Errorf("status %d is taken", status)
		}
		if again, err := judgeBatch(status, body, 3); err == nil && len(again) > 3 {
			t.Errorf("%q asks for %d of 3 records", body, len(again))
		}
	})
}
