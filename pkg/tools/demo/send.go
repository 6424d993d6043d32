package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// request is a file of the folder of requests.
type request struct {
	file  string // its name
	title string
	route string // without the slash
	body  []byte
}

// readRequests reads every file under dir, in the order of their names. The name says where a request goes: TITLE.ROUTE.json.
func readRequests(dir string) ([]*request, error) {
	var requests []*request
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		stem := strings.TrimSuffix(d.Name(), filepath.Ext(d.Name()))
		title, route, found := strings.Cut(stem, ".")
		if !found || title == "" || route == "" {
			return fmt.Errorf("%s: the name must say the route, as in 01-one-event.record.json for POST /record", path)
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		requests = append(requests, &request{file: d.Name(), title: strings.ReplaceAll(title, "-", " "), route: route, body: body})
		return nil
	})
	if err == nil && len(requests) == 0 {
		err = fmt.Errorf("-events %s holds no requests: give it a folder of files like 01-one-event.record.json", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("-events %s is not there: run the demo in the module's root, or give it the folder", dir)
	}
	return requests, err
}

// client talks to the runner.
type client struct {
	api string // with the stage
	aws string
}

const (
	answerWithin  = 40 * time.Second // longer than API Gateway's longest integration timeout
	deliverWithin = 5 * time.Minute
	maxAnswer     = 64 << 20
)

// exchange is a request with its answer.
type exchange struct {
	*request
	status int
	answer []byte
	said   said
	sent   []*sentRecord // accepted
}

// said is what an answer says. Members that it has not are empty.
type said struct {
	RequestID      string `json:"RequestId"`
	ShardID        string `json:"ShardId"`
	SequenceNumber string
	Code, Message  string
	Resend         []int
	Records        []struct {
		ShardID        string `json:"ShardId"`
		SequenceNumber string
		ErrorCode      string
	}
}

func (c *client) send(ctx context.Context, r *request) (*exchange, error) {
	status, answer, err := c.do(ctx, http.MethodPost, c.api+"/"+r.route, r.body, answerWithin)
	if err != nil {
		return nil, err
	}
	e := &exchange{request: r, status: status, answer: answer}
	_ = json.Unmarshal(answer, &e.said) // an answer that is not of this form has no RequestId, and faults says so
	return e, nil
}

func (e *exchange) accepted() bool { return e.status/100 == 2 }

// sequenceNumber is what record i of the request got, "" if it was not stored.
func (e *exchange) sequenceNumber(i int) string {
	switch {
	case e.said.Records == nil && i == 0:
		return e.said.SequenceNumber
	case i < len(e.said.Records):
		return e.said.Records[i].SequenceNumber
	}
	return ""
}

// shards are those that the answer names, each once.
func (e *exchange) shards() []string {
	var shards []string
	seen := map[string]bool{"": true}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			shards = append(shards, id)
		}
	}
	add(e.said.ShardID)
	for _, r := range e.said.Records {
		add(r.ShardID)
	}
	return shards
}

// do makes an HTTP request and reads the whole answer.
func (c *client) do(ctx context.Context, method, url string, body []byte, within time.Duration) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%s %s was not answered within %s", method, url, within))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		defer response.Body.Close()
		answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return 0, nil, err
	}
	return response.StatusCode, answer, nil
}
