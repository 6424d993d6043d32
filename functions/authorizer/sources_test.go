package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestIssuer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.URL) }))
	t.Cleanup(other.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.URL) }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	mux := http.NewServeMux()
	answer := func(path string, status int, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	answer("/good", 200, `{"keys":[]}`)
	answer("/largest", 200, strings.Repeat("x", maxDocument))
	answer("/larger", 200, strings.Repeat("x", maxDocument+1))
	answer("/missing", 404, "secret")
	answer("/broken", 500, "secret")
	answer("/empty", 204, "")
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/good", http.StatusMovedPermanently)
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for name, tc := range map[string]struct {
		url  string
		size int
		want string // the error's
	}{
		"good":                      {server.URL + "/good", 11, ""},
		"as large as it may be":     {server.URL + "/largest", maxDocument, ""},
		"larger":                    {server.URL + "/larger", 0, "more than"},
		"endless":                   {server.URL + "/endless", 0, "more than"},
		"missing":                   {server.URL + "/missing", 0, "answers 404"},
		"broken":                    {server.URL + "/broken", 0, "answers 500"},
		"nothing":                   {server.URL + "/empty", 0, "answers 204"},
		"moved to another":          {server.URL + "/moved", 0, "answers 302"},
		"moved":                     {server.URL + "/here", 0, "answers 301"},
		"cut short":                 {server.URL + "/cut", 0, "EOF"},
		"a flood of headers":        {server.URL + "/headers", 0, "header"},
		"a certificate of nobody's": {secure.URL, 0, "certificate"},
		"http":                      {"http://issuer.example/?secret", 0, "not https"},
		"another scheme":            {"ftp://127.0.0.1/secret", 0, "not https"},
	} {
		t.Run(name, func(t *testing.T) {
			document, err := newIssuer().Fetch(t.Context(), tc.url)
			if len(document) != tc.size || (err == nil) != (tc.want == "") {
				t.Fatalf("%d bytes, %v", len(document), err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// An issuer that says nothing, or says it too slowly, is waited for as long as ctx says.
func TestSlowIssuer(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drops" {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
		}
		<-stop
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stop) })
	for _, path := range []string{"/silent", "/drops"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := newIssuer().Fetch(ctx, server.URL+path); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
		err    string
	}{
		"a text":      {200, `{"SecretString":"{\"tokens\":[]}"}`, `{"tokens":[]}`, ""},
		"bytes":       {200, `{"SecretBinary":"c2VjcmV0"}`, "", "no text"},
		"no secret":   {400, `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`, "", "ResourceNotFoundException"},
		"not allowed": {400, `{"__type":"AccessDeniedException","Message":"no"}`, "", "AccessDeniedException"},
		"no JSON":     {200, `{"SecretString":"s3crEt`, "", "deserialization"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(tc.status)
				_, _ = fmt.Fprint(w, tc.body)
			}))
			t.Cleanup(server.Close)
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
				"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_MAX_ATTEMPTS": "1",
			} {
				t.Setenv(name, value)
			}
			s, err := newSecret(t.Context(), "arn")
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Read(t.Context())
			if string(got) != tc.want || (err == nil) != (tc.err == "") {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "s3crEt")) {
				t.Errorf("got %v, want %s", err, tc.err)
			}
		})
	}
}
