package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// producers send events to one runner after another, and note what they sent and what was accepted.
type producers struct {
	mu             sync.Mutex
	sent, accepted map[string]bool
	progress       chan struct{} // holds one when accepted has grown
}

func (l *producers) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// produce sends requests until one gets no answer: then the runner is gone.
func (l *producers) produce(p *program, name string, r *rand.Rand) error {
	for n := 0; ; n++ {
		records := make([][]string, 1+r.IntN(20)*r.IntN(2))
		var data []string
		l.mu.Lock()
		for i := range records {
			var events []string
			for j := range 1 + r.IntN(3) {
				id := fmt.Sprintf("%s-%d-%d-%d", name, n, i, j)
				records[i], l.sent[id] = append(records[i], id), true
				events = append(events, fmt.Sprintf(`{"type":"page_view","event_id":"%s","url":"https://www.example.com/","title":"%s"}`, id, strings.Repeat("t", r.IntN(512))))
			}
			data = append(data, `{"Data":[`+strings.Join(events, ",")+`]}`)
		}
		l.mu.Unlock()
		route, body := "/record", data[0]
		if len(data) > 1 {
			route, body = "/records", `{"Records":[`+strings.Join(data, ",")+`]}`
		}
		status, answer, err := send(http.MethodPost, p.api+route, "application/json", strings.NewReader(body))
		if err != nil {
			return nil
		}
		if err := l.note(records, status, answer); err != nil {
			return err
		}
	}
}

// note enters what an answer says was accepted.
func (l *producers) note(records [][]string, status int, answer string) error {
	type result struct{ SequenceNumber string }
	var said struct {
		result
		Records []result
	}
	if err := json.Unmarshal([]byte(answer), &said); err != nil {
		return fmt.Errorf("%d %q: %w", status, answer, err)
	}
	if said.Records == nil {
		said.Records = []result{said.result}
	}
	if status != http.StatusOK && status != http.StatusTooManyRequests || len(said.Records) != len(records) {
		return fmt.Errorf("%d %q", status, answer)
	}
	defer func() {
		select {
		case l.progress <- struct{}{}:
		default:
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, record := range records {
		if said.Records[i].SequenceNumber == "" {
			continue
		}
		for _, id := range record {
			l.accepted[id] = true
		}
	}
	return nil
}

// TestCrashesUnderLoad kills runner after runner in the middle of taking and delivering events. What was accepted is in the table in the end,
// and nothing that was not sent; what is there twice is the same both times.
func TestCrashesUnderLoad(t *testing.T) {
	const seed, runners = 20261122, 10
	r := rand.New(rand.NewPCG(seed, 0))
	data := t.TempDir()
	l := &producers{sent: map[string]bool{}, accepted: map[string]bool{}, progress: make(chan struct{}, 1)}
	for i := range runners {
		l.round(t, data, i, r)
	}
	p := running(t, "-data", data)
	p.control(t, http.MethodPost, "flush")
	l.check(t, p.control(t, http.MethodGet, "tables/events"))
	if failed := p.control(t, http.MethodGet, "errors"); failed != "" {
		t.Errorf("delivery failed: %.2000s", failed)
	}
}

// round starts a runner, and kills it when it has accepted as many events as r says, none perhaps.
func (l *producers) round(t *testing.T, data string, i int, r *rand.Rand) {
	t.Helper()
	p, err := launch("-data", data, "-quiet")
	if err != nil {
		t.Fatal(err)
	}
	enough := l.size() + r.IntN(3)*r.IntN(600)
	var all sync.WaitGroup
	for j := range 6 {
		name, own := fmt.Sprintf("%d-%d", i, j), rand.New(rand.NewPCG(r.Uint64(), 0))
		all.Go(func() {
			if err := l.produce(p, name, own); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() { // deliveries go on all the time; the last has no answer
		for err := error(nil); err == nil; {
			_, _, err = send(http.MethodPost, p.aws+"/_hydrant/flush", "", nil)
		}
	})
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	for l.size() < enough {
		select {
		case <-l.progress:
		case <-ended:
			t.Fatal("the runner takes nothing any more")
		}
	}
	if err := p.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func (l *producers) check(t *testing.T, table string) {
	t.Helper()
	rows, copies := map[string]map[string]any{}, 0
	for line := range strings.Lines(table) {
		row := hostileObject(t, line)
		delete(row, "dt") // a copy may lie in another object
		delete(row, "hour")
		id, _ := row["event_id"].(string)
		switch {
		case !l.sent[id]:
			t.Errorf("nobody sent %s", id)
		case rows[id] == nil:
			rows[id] = row
		case !reflect.DeepEqual(rows[id], row):
			t.Errorf("%s is there as %v and as %v", id, rows[id], row)
		default:
			copies++
		}
	}
	lost := 0
	for id := range l.accepted {
		if rows[id] == nil {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d accepted events are lost", lost)
	}
	t.Logf("%d sent, %d accepted, %d in the table, %d copies", len(l.sent), len(l.accepted), len(rows), copies)
}
