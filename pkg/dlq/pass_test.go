package dlq

import (
	"context"
	"slices"
	"testing"
	"time"
)

// sentBodies is a queue.
type sentBodies []string

func (s *sentBodies) Send(_ context.Context, body string, _ time.Duration) error {
	*s = append(*s, body)
	return nil
}

// The set of lines that wait goes before it is too large for a message, and says the same lines when it is read.
func TestWaitingLinesFitAMessage(t *testing.T) {
	var queue sentBodies
	p := newPass(&job{DLQ: &DLQ{queue: &queue}}, &lines{Bucket: "b", Key: "k"})
	const every = 3
	for chunk := int64(0); chunk < 2*maxDue; chunk += chunkLines {
		p.done = place{chunk * 10, chunk}
		for line := chunk; line < chunk+chunkLines; line += every {
			p.putOff(waiting{line, time.Minute})
		}
		p.done = place{(chunk + chunkLines) * 10, chunk + chunkLines}
		if err := p.sendFullWaits(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.handOver(t.Context()); err != nil || len(queue) < 2 {
		t.Fatalf("%d messages, %v", len(queue), err)
	}
	due := 0
	for _, body := range queue {
		l, err := parseBody(body)
		if err != nil || len(l) != 1 || len(body) > maxBody || l[0].Offset != l[0].Line*10 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		read := pass{lines: &l[0]}
		for line := l[0].Line; line < l[0].Line+maxDue+chunkLines; line++ {
			if read.isDue(line) {
				due++
				if line%chunkLines%every != 0 {
					t.Fatalf("line %d", line)
				}
			}
		}
	}
	if want := 2 * maxDue / chunkLines * (chunkLines/every + 1); due != want {
		t.Errorf("%d lines are due, want %d", due, want)
	}
}

func TestShift(t *testing.T) {
	for _, tc := range []struct {
		set  []byte
		n    int64
		want []byte
	}{
		{[]byte{0b1010_0110, 0b1}, 0, []byte{0b1010_0110, 0b1}},
		{[]byte{0b1010_0110, 0b1}, 1, []byte{0b1101_0011, 0}},
		{[]byte{0b1010_0110, 0b1}, 8, []byte{0b1}},
		{[]byte{0b1010_0110, 0b1}, 16, []byte{}},
		{[]byte{0b1010_0110, 0b1}, 99, []byte{}},
	} {
		if got := shift(tc.set, tc.n); !slices.Equal(got, tc.want) {
			t.Errorf("%08b by %d: %08b, want %08b", tc.set, tc.n, got, tc.want)
		}
	}
}
