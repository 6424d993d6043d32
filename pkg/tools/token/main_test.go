package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hydrant/pkg/authorizer"
)

// file is a secret that is a file.
type file string

func (f file) Read(context.Context) ([]byte, error) { return os.ReadFile(string(f)) }

// web fetches by HTTP, or, for the one URL that it has, from a file.
type web struct{ url, file string }

func (w web) Fetch(ctx context.Context, url string) ([]byte, error) {
	if url == w.url {
		return os.ReadFile(w.file)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(response.Body)
}

type discard struct{}

func (discard) Decided(context.Context, authorizer.Decision)  {}
func (discard) Refreshed(context.Context, authorizer.Refresh) {}

// who says as whom the authorizer takes a token's holder.
func who(t *testing.T, c authorizer.Config, token string) string {
	t.Helper()
	c.Recorder = discard{}
	a, err := authorizer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	header := "Bearer " + strings.TrimSpace(token)
	answer, err := a.Authorize(t.Context(), authorizer.Request{
		MethodARN:         "arn:aws:execute-api:eu-west-1:000000000000:abc/v1/POST/record",
		Headers:           map[string]string{"Authorization": header},
		MultiValueHeaders: map[string][]string{"Authorization": {header}},
	})
	if err != nil {
		return err.Error()
	}
	return answer.PrincipalID + " " + answer.Context.Label
}

func TestStatic(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, tokensFile)
	var made []string
	for i, producer := range []string{"shop-web", "tap", "магазин"} {
		var out, notes bytes.Buffer
		if err := run(t.Context(), []string{"-dir", dir, "-static", "-producer", producer, "-label", fmt.Sprintf("l-%d", i)}, &out, &notes); err != nil {
			t.Fatal(err)
		}
		token := strings.TrimSpace(out.String())
		made = append(made, token)
		if strings.Count(out.String(), "\n") != 1 || strings.Contains(notes.String(), token) || !strings.Contains(notes.String(), path) {
			t.Errorf("printed %q, %q", &out, &notes)
		}
		if got, want := who(t, authorizer.Config{Tokens: &authorizer.Tokens{Secret: file(path)}}, token), fmt.Sprintf("%s l-%d", producer, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, token := range made { // all three are good still, and none is written down
		if got := who(t, authorizer.Config{Tokens: &authorizer.Tokens{Secret: file(path)}}, token); got == "Unauthorized" || bytes.Contains(text, []byte(token)) {
			t.Errorf("got %s: %s", got, text)
		}
	}
}

func TestJWT(t *testing.T) {
	dir := t.TempDir()
	const url = "http://127.0.0.1:8765/jwks.json"
	c := authorizer.Config{JWT: &authorizer.JWT{
		Issuer: "http://127.0.0.1:8765", Audience: []string{"hydrant"}, KeySetURL: url, Scope: "write", Fetcher: web{url, filepath.Join(dir, keySetFile)},
	}}
	var kid string
	for range 2 { // the key stays
		var out, notes bytes.Buffer
		if err := run(t.Context(), []string{"-dir", dir, "-producer", "shop-web", "-scope", "read write"}, &out, &notes); err != nil {
			t.Fatal(err)
		}
		got := who(t, c, out.String())
		if producer, label, _ := strings.Cut(got, " "); producer != "shop-web" || len(label) != 43 || kid != "" && label != kid {
			t.Errorf("got %s", got)
		} else {
			kid = label
		}
		if !strings.Contains(notes.String(), "JWT_JWKS_URL="+url) {
			t.Errorf("printed %s", &notes)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, print := io.Pipe()
	done := make(chan error)
	go func() {
		done <- run(ctx, []string{"-dir", t.TempDir(), "-serve", "-address", "127.0.0.1:0", "-producer", "shop-web"}, print, print)
	}()
	var text strings.Builder
	for buffer := make([]byte, 4096); !strings.Contains(text.String(), "Ctrl-C"); {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(buffer[:n])
	}
	token, notes, _ := strings.Cut(text.String(), "\n")
	_, issuer, _ := strings.Cut(notes, "JWT_ISSUER=")
	issuer, _, _ = strings.Cut(issuer, " ")
	// No key set's URL: it is to be discovered.
	got := who(t, authorizer.Config{JWT: &authorizer.JWT{Issuer: issuer, Audience: []string{"hydrant"}, Fetcher: web{}}}, token)
	if !strings.HasPrefix(got, "shop-web ") {
		t.Errorf("got %s: %s", got, notes)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{keyFile: "no key", tokensFile: "no document"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no producer":       {[]string{"-dir", t.TempDir()}, "-producer"},
		"a word":            {[]string{"-dir", t.TempDir(), "-producer", "a", "b"}, "nothing but flags"},
		"a reserved name":   {[]string{"-dir", t.TempDir(), "-static", "-producer", "direct"}, "reserved"},
		"a label of blanks": {[]string{"-dir", t.TempDir(), "-static", "-producer", "a", "-label", "b c"}, "label"},
		"a time ago":        {[]string{"-dir", t.TempDir(), "-producer", "a", "-ttl", "-1h"}, "-ttl"},
		"another's key":     {[]string{"-dir", dir, "-producer", "a"}, "not PEM"},
		"another document":  {[]string{"-dir", dir, "-static", "-producer", "a"}, tokensFile},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), tc.args, &out, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) || out.Len() > 0 {
				t.Errorf("got %v, want %s; printed %q", err, tc.want, &out)
			}
		})
	}
	if text, err := os.ReadFile(filepath.Join(dir, tokensFile)); err != nil || string(text) != "no document" {
		t.Errorf("the document is now %q, %v", text, err)
	}
}
