package faults

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"hydrant/pkg/local/internal/glue"
)

// WrapTable answers a table that is missing, or that no data fits, when an object is begun. The faults of a link to the catalogue are
// drawn once for each object.
func (s *Set) WrapTable(next func() *glue.Table) func() *glue.Table {
	return func() *glue.Table {
		table := next()
		h := s.draw(FirehoseConvert)
		if h == nil || table == nil {
			return table
		}
		if h.Kind == TableMissing {
			return nil
		}
		unfit := *table
		unfit.Columns = nil
		for _, c := range table.Columns {
			unfit.Columns = append(unfit.Columns, glue.Column{Name: c.Name, Type: unfitType})
		}
		return &unfit
	}
}

// unfitType is one that rows of scalars and maps do not have.
var unfitType = func() glue.Type {
	t, err := glue.ParseType("array<array<array<int>>>")
	if err != nil {
		panic(err)
	}
	return t
}()

// WrapS3 answers a transport to S3 whose requests fail.
func (s *Set) WrapS3(next http.RoundTripper) http.RoundTripper { return faultyS3{s, next} }

type faultyS3 struct {
	set  *Set
	next http.RoundTripper
}

// s3Link says which link a request is of; "" is none.
func s3Link(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case key != "" && (r.Method == http.MethodPut || r.Method == http.MethodPost):
		return S3Put
	case key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return S3Get
	case key == "" && r.Method == http.MethodGet && r.URL.Path != "/" && !r.URL.Query().Has("location"):
		return S3List
	}
	return ""
}

func (f faultyS3) RoundTrip(r *http.Request) (*http.Response, error) {
	link := s3Link(r)
	if link == "" {
		return f.next.RoundTrip(r)
	}
	h := f.set.draw(link)
	if h == nil {
		return f.next.RoundTrip(r)
	}
	switch h.Kind {
	case Cut:
		response, err := f.next.RoundTrip(r)
		if err == nil {
			response.Body = &cutBody{response.Body, response.ContentLength / 2}
		}
		return response, err
	case Lost:
		response, err := f.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return nil, err
		}
		return s3Fault(r, http.StatusInternalServerError, "InternalError"), response.Body.Close()
	}
	return refuse(r, h.Kind)
}

// refuse answers a request that S3 does not get. The whole of it is read, as S3 does: a client may not look for an answer earlier.
func refuse(r *http.Request, kind string) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, errors.Join(err, r.Body.Close())
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	switch kind {
	case SlowDown:
		return s3Fault(r, http.StatusServiceUnavailable, "SlowDown"), nil
	case Denied:
		return s3Fault(r, http.StatusForbidden, "AccessDenied"), nil
	}
	return s3Fault(r, http.StatusInternalServerError, "InternalError"), nil
}

func s3Fault(r *http.Request, status int, code string) *http.Response {
	text := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>A fault that was asked for.</Message></Error>`, code)
	if r.Method == http.MethodHead {
		text = ""
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/xml"}, "X-Amz-Request-Id": {"FAULT"}},
		ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}
}

// cutBody breaks off before its end.
type cutBody struct {
	io.ReadCloser
	left int64
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// Send sends a message to a queue after a delay.
type Send func(queueARN, body string, delay time.Duration) error

// Publisher sends messages to queues, as notify.Publisher says.
type Publisher struct {
	set  *Set
	send Send
}

// Publisher answers one whose notifications come twice, late or out of order. They are in the queue at once all the same: a kill loses
// none of them.
func (s *Set) Publisher(send Send) Publisher { return Publisher{s, send} }

// Publish sends a message.
func (p Publisher) Publish(queueARN, body string) error {
	h := p.set.draw(SQSNotify)
	if h == nil {
		return p.send(queueARN, body, 0)
	}
	late := time.Duration(h.DelaySeconds) * time.Second
	switch h.Kind {
	case Double:
		if err := p.send(queueARN, body, 0); err != nil {
			return err
		}
		return p.send(queueARN, body, late)
	case Reorder:
		if late == 0 {
			late = reorderWithin
		}
		return p.send(queueARN, body, time.Duration(h.random.Int64N(int64(late))))
	}
	if late == 0 {
		late = lateBy
	}
	return p.send(queueARN, body, late)
}

const lateBy, reorderWithin = time.Minute, 5 * time.Second
