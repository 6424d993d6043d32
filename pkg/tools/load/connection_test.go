package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestConnectionOverHTTP(t *testing.T) {
	conns := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns[r.RemoteAddr] = true
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
	}))
	defer server.Close()
	c, err := dial(t.Context(), server.URL+"/v1", "/record")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"a", strings.Repeat("b", 1000), ""} {
		status, answer, err := c.post([]byte(body))
		if want := "POST /v1/record " + body; err != nil || status != http.StatusAccepted || string(answer) != want {
			t.Errorf("%q was answered %d %q, %v, want 202 %q", body, status, answer, err, want)
		}
	}
	if len(conns) != 1 {
		t.Errorf("the requests took %d connections, want one", len(conns))
	}
}

func TestConnectionRefusesWhatItCannotRead(t *testing.T) {
	for name, answer := range map[string]string{
		"no length":                  "HTTP/1.1 200 OK\r\n\r\n{}",
		"a length that is no number": "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
		"another protocol":           "SSH-2.0-OpenSSH\r\n",
		"a status that is no number": "HTTP/1.1 OK\r\n\r\n",
		"a body that is cut off":     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
		"a head that is cut off":     "HTTP/1.1 200 OK\r\nContent-",
		"nothing":                    "",
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				buffer := make([]byte, 1<<10)
				if _, err := conn.Read(buffer); err == nil {
					_, _ = io.WriteString(conn, answer)
				}
			}()
			c, err := dial(t.Context(), "http://"+listener.Addr().String(), "/")
			if err != nil {
				t.Fatal(err)
			}
			if status, body, err := c.post(nil); err == nil {
				t.Errorf("%q is taken for %d %q", answer, status, body)
			}
		})
	}
}

func TestConnectionEndsWithItsContext(t *testing.T) {
	called, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(called)
		<-release
	}))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := dial(ctx, server.URL, "/")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-called
		cancel()
	}()
	if _, _, err := c.post(nil); err == nil {
		t.Error("an answer came")
	}
}
