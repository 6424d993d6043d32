package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fence is a program in docs/send.md, with its language.
var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// placeholder is the API's address in docs/send.md.
const placeholder = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/v1"

// programs are those of docs/send.md in a language, with another address of the API.
func programs(t *testing.T, language, api string) (found []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "send.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
		if m[1] == language {
			found = append(found, strings.ReplaceAll(m[2], placeholder, api))
		}
	}
	return found
}

// mishap is what goes wrong with a request on its way.
type mishap int

const (
	nothing     mishap = iota
	refuseOne          // the second record of a batch is refused: 429 with Resend
	refuse             // everything is refused: 429
	lostAnswer         // everything is accepted, and the answer is a 504
	closedUpon         // everything is accepted, and the connection is closed without an answer
	unavailable        // a 503 that is no JSON, from somewhere between
)

// road stands between a client and the runner.
type road struct {
	t    *testing.T
	api  string // of the runner
	next []mishap

	mu     sync.Mutex
	bodies [][]byte
	times  []time.Time
}

func newRoad(t *testing.T, p *program, mishaps ...mishap) (*road, string) {
	r := &road{t: t, api: p.api, next: mishaps}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL + "/v1"
}

func (r *road) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies, r.times = append(r.bodies, body), append(r.times, time.Now())
	happens := nothing
	if len(r.next) > 0 {
		happens, r.next = r.next[0], r.next[1:]
	}
	path, contentType := strings.TrimPrefix(request.URL.Path, "/v1"), request.Header.Get("Content-Type")
	switch happens {
	case refuse:
		reply(w, http.StatusTooManyRequests, `{"Code":"Throttled","Message":"later","RequestId":"r"}`)
	case unavailable:
		reply(w, http.StatusServiceUnavailable, "<html>")
	case refuseOne:
		var batch struct{ Records []json.RawMessage }
		if err := json.Unmarshal(body, &batch); err != nil || len(batch.Records) < 2 {
			r.t.Errorf("got %s (%v)", body, err)
		}
		rest, _ := json.Marshal(map[string]any{"Records": slices.Delete(batch.Records, 1, 2)})
		r.pass(path, contentType, rest)
		reply(w, http.StatusTooManyRequests, `{"RequestId":"r","Code":"Throttled","Message":"later","FailedRecordCount":1,"Resend":[1],"Records":[{},{},{}]}`)
	case lostAnswer:
		r.pass(path, contentType, body)
		reply(w, http.StatusGatewayTimeout, `{"Code":"IntegrationTimeout","Message":"not known","RequestId":"r"}`)
	case closedUpon:
		r.pass(path, contentType, body)
		panic(http.ErrAbortHandler)
	default:
		status, text := r.pass(path, contentType, body)
		reply(w, status, text)
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client has gone
}

func (r *road) pass(path, contentType string, body []byte) (int, string) {
	status, text, err := send(http.MethodPost, r.api+path, contentType, bytes.NewReader(body))
	if err != nil || status != http.StatusOK {
		r.t.Errorf("POST %s %s: %d %s (%v)", path, body, status, text, err)
	}
	return status, text
}

// waited checks that nobody came again before Retry-After was over.
func (r *road) waited(t *testing.T, after ...int) {
	t.Helper()
	for _, i := range after {
		if i+1 < len(r.times) && r.times[i+1].Sub(r.times[i]) < time.Second {
			t.Errorf("request %d came %v after a Retry-After of one second", i+1, r.times[i+1].Sub(r.times[i]))
		}
	}
}

// rows are how often each event_id stands in the events table.
func rows(t *testing.T, p *program) map[string]int {
	t.Helper()
	if status, body, err := send(http.MethodPost, p.aws+"/_hydrant/flush", "", nil); err != nil || status != http.StatusOK {
		t.Fatalf("flush: %d %s (%v)", status, body, err)
	}
	_, table, err := send(http.MethodGet, p.aws+"/_hydrant/tables/events", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for line := range strings.Lines(table) {
		var row struct {
			ID string `json:"event_id"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		found[row.ID]++
	}
	return found
}

func launchFor(t *testing.T, parameters ...string) *program {
	t.Helper()
	arguments := []string{"-quiet", "-data", t.TempDir()}
	for _, parameter := range parameters {
		arguments = append(arguments, "-parameter", parameter)
	}
	p, err := launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	return p
}

// find is a program on the PATH. Not every machine has it: then what docs/send.md says for it is not tried here.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on the PATH: its programs in docs/send.md were not run", name)
	}
	return path
}

// write makes a file of a program.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func output(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return string(text)
}

// Batches of 120 events in three records: what was refused, and nothing else, is sent again, also when the answer was lost.
func TestSendBatches(t *testing.T) {
	t.Parallel()
	for language, run := range map[string]func(t *testing.T, program string){
		"python": func(t *testing.T, program string) { output(t, find(t, "python3"), write(t, "send.py", program)) },
		"go":     func(t *testing.T, program string) { output(t, find(t, "go"), "run", write(t, "send.go", program)) },
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel() // most of the time it waits
			p := launchFor(t)
			r, api := newRoad(t, p, unavailable, refuseOne, lostAnswer, closedUpon)
			all := programs(t, language, api)
			if len(all) != 1 {
				t.Fatalf("docs/send.md has %d programs", len(all))
			}
			run(t, all[0])
			if len(r.bodies) != 5 {
				t.Fatalf("%d requests, want 5", len(r.bodies))
			}
			if !bytes.Equal(r.bodies[0], r.bodies[1]) || !bytes.Equal(r.bodies[2], r.bodies[3]) || !bytes.Equal(r.bodies[3], r.bodies[4]) {
				t.Errorf("what was not accepted changed on the way: %q", r.bodies)
			}
			var first, again struct{ Records []json.RawMessage }
			if err := json.Unmarshal(r.bodies[1], &first); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(r.bodies[2], &again); err != nil || len(first.Records) != 3 || len(again.Records) != 1 || !bytes.Equal(again.Records[0], first.Records[1]) {
				t.Errorf("of %d records %d were sent again: %s", len(first.Records), len(again.Records), r.bodies[2])
			}
			r.waited(t, 0, 1)
			copies := map[int]int{}
			for _, n := range rows(t, p) {
				copies[n]++
			}
			// The second record's 50 events were accepted three times.
			if fmt.Sprint(copies) != "map[1:70 3:50]" {
				t.Errorf("events by their copies: %v", copies)
			}
		})
	}
}

// A client must not repeat what cannot succeed.
func TestSendGivesUp(t *testing.T) {
	var requests int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		reply(w, http.StatusBadRequest, `{"Code":"InvalidBody","Message":"no","RequestId":"r"}`)
	}))
	defer server.Close()
	for language, name := range map[string]string{"python": "python3", "go": "go", "sh": "sh"} {
		t.Run(language, func(t *testing.T) {
			requests = 0
			arguments := []string{write(t, "send."+map[string]string{"python": "py", "go": "go", "sh": "sh"}[language], programs(t, language, server.URL+"/v1")[0])}
			switch language {
			case "go":
				arguments = append([]string{"run"}, arguments...)
			case "sh":
				find(t, "curl")
			}
			text, err := exec.CommandContext(t.Context(), find(t, name), arguments...).CombinedOutput()
			if err == nil || requests != 1 || !strings.Contains(string(text), "InvalidBody") {
				t.Errorf("%d requests, %v: %s", requests, err, text)
			}
		})
	}
}

func TestSendCurl(t *testing.T) {
	t.Parallel()
	find(t, "curl")
	shell := find(t, "sh")
	t.Run("with retries", func(t *testing.T) {
		t.Parallel()
		p := launchFor(t)
		r, api := newRoad(t, p, refuse, lostAnswer)
		if text := output(t, shell, "-c", programs(t, "sh", api)[0]); !strings.Contains(text, `"SequenceNumber"`) {
			t.Errorf("answered %s", text)
		}
		r.waited(t, 0)
		if got := rows(t, p); len(r.bodies) != 3 || got["nightly-2026-11-26"] != 2 {
			t.Errorf("%d requests made %v", len(r.bodies), got)
		}
	})
	t.Run("signed", func(t *testing.T) {
		t.Parallel()
		p := launchFor(t, "Authorization=AWS_IAM")
		cmd := exec.CommandContext(t.Context(), shell, "-c", programs(t, "sh", p.api)[1])
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+roleAccessKey, "AWS_SECRET_ACCESS_KEY="+roleSecretKey, "AWS_SESSION_TOKEN="+roleToken)
		if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), `"SequenceNumber"`) {
			t.Errorf("answered %s (%v)", text, err)
		}
	})
}

// page is as much of a browser as the programs use: what they get from the document and the navigator.
const page = `
globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: {
  // A beacon is a POST of text, with no header that a page could set.
  sendBeacon(url, data) { fetch(url, { method: 'POST', headers: { 'Content-Type': 'text/plain;charset=UTF-8' }, body: data }); return true; },
} });
`

// Node.js is the one program here that CI does not promise: make test says when it is not there.
func TestSendJavaScript(t *testing.T) {
	t.Parallel()
	node := find(t, "node")
	t.Run("fetch", func(t *testing.T) {
		t.Parallel()
		p := launchFor(t)
		r, api := newRoad(t, p, lostAnswer, refuse, closedUpon)
		program := page + strings.ReplaceAll(programs(t, "js", api)[0], "export function", "function") + `
for (let n = 0; n < 60; n++) track({ type: 'page_view', url: 'https://www.example.com/' + n });
document.visibilityState = 'hidden'; // before two seconds are over
document.dispatchEvent(new Event('visibilitychange'));
`
		output(t, node, write(t, "page.mjs", program))
		if got := rows(t, p); len(got) != 60 || len(r.next) > 0 || len(r.bodies) > 6 {
			t.Errorf("%d requests made %d of 60 events; %d things did not go wrong", len(r.bodies), len(got), len(r.next))
		}
		r.waited(t, 1)
	})
	t.Run("beacon", func(t *testing.T) {
		t.Parallel()
		p := launchFor(t, "Authorization=NONE", "TextBodies=true")
		program := page + strings.ReplaceAll(programs(t, "js", p.api)[1], "export function", "function") + `
if (!beacon([{ type: 'page_view', url: 'https://www.example.com/' }, { type: 'page_view', url: 'https://www.example.com/2' }])) process.exit(1);
`
		output(t, node, write(t, "page.mjs", program))
		if got := rows(t, p); len(got) != 2 {
			t.Errorf("the table has %v", got)
		}
	})
}
