package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// answerWithin is longer than API Gateway's longest integration timeout.
const answerWithin = 40 * time.Second

// connection is a kept-alive HTTP/1.1 connection that POSTs JSON, with as little work as can be: the generator shares the processors with
// what it measures. It reads answers that have a Content-Length, as those of API Gateway's REST APIs have.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
	head []byte // of every request, up to the length
	out  []byte
	body []byte // of the last answer
}

// dial connects to an address as http://127.0.0.1:3000/v1 and will POST to path under it, with headers ("Name: value") in each request. The
// connection is closed when ctx ends.
func dial(ctx context.Context, base, path string, headers ...string) (*connection, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	head := fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nUser-Agent: hydrant-load\r\n", u.Path, path, u.Host)
	for _, h := range headers {
		head += h + "\r\n"
	}
	head += "Content-Length: "
	return &connection{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), head: []byte(head)}, nil
}

// post sends one request and answers its status and body, which lives until the next call.
func (c *connection) post(body []byte) (status int, answer []byte, err error) {
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if err := c.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

// maxAnswer is far above the answer to a request of 500 records.
const maxAnswer = 1 << 20

func (c *connection) answer() (status int, body []byte, err error) {
	status, length, err := c.readHead()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, c.body, err
}

// readHead reads the status line and the headers.
func (c *connection) readHead() (status, length int, err error) {
	line, err := c.line()
	if err != nil {
		return 0, 0, err
	}
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	if status, err = strconv.Atoi(string(code)); err != nil || status < 100 || status > 599 || string(version) != "HTTP/1.1" {
		return 0, 0, errors.New("the answer is not of HTTP/1.1")
	}
	length = -1
	for {
		if line, err = c.line(); err != nil {
			return 0, 0, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
			return 0, 0, errors.New("the answer's Content-Length is not a number")
		}
	}
	if length < 0 || length > maxAnswer {
		return 0, 0, errors.New("the answer has no Content-Length, or too large a one")
	}
	return status, length, nil
}

func (c *connection) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
