package event

import (
	"sync"
	"testing"
)

// A judge's drafts are used again: what one event leaves behind must not show in the next, in whichever goroutine.
func TestJudgeIsSafeForConcurrentUse(t *testing.T) {
	j := judge(t)
	events, want := []string{`{"type":"x"}`, `{`, with(t, "app_error", "x", `{"a":1}`)}, []string{}
	for _, event := range kilobytes {
		events = append(events, event)
	}
	for _, event := range events {
		fresh := judge(t)
		row, _ := fresh.AppendRow(nil, []byte(event), origin)
		want = append(want, string(row))
	}
	var group sync.WaitGroup
	for start := range 8 {
		group.Go(func() {
			for i := range 500 {
				n := (start + i) % len(events)
				if row, _ := j.AppendRow(nil, []byte(events[n]), origin); string(row) != want[n] {
					t.Errorf("%s\n%s\nwant %s", events[n], row, want[n])
					return
				}
			}
		})
	}
	group.Wait()
}
