package apigateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zlibbed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBodies sends bodies of no announced length, as a chunked request has them.
func TestBodies(t *testing.T) {
	const record = `{"Data":1}`
	for name, tc := range map[string]struct {
		body     io.Reader
		encoding string
		status   int
		answer   string
		calls    int
	}{
		"a record":                    {strings.NewReader(record), "", 200, `{"Sequence":"49"}`, 1},
		"a record of 10 MB":           {strings.NewReader(record + strings.Repeat(" ", maxPayload-len(record))), "", 200, `{"Sequence":"49"}`, 1},
		"a byte more than that":       {strings.NewReader(record + strings.Repeat(" ", maxPayload-len(record)+1)), "", 413, bodyTooLarge, 0},
		"a body that breaks off":      {io.MultiReader(strings.NewReader(record), iotest.ErrReader(errors.New("reset"))), "", 400, "The body ended before its length.", 0},
		"gzip":                        {bytes.NewReader(gzipped(t, record)), "gzip", 200, `{"Sequence":"49"}`, 1},
		"deflate":                     {bytes.NewReader(zlibbed(t, record)), "deflate", 200, `{"Sequence":"49"}`, 1},
		"a name for nothing":          {strings.NewReader(record), "identity", 200, `{"Sequence":"49"}`, 1},
		"an unknown encoding":         {strings.NewReader(record), "br", 415, `{"Message":"Unsupported Media Type","Type":"UNSUPPORTED_MEDIA_TYPE","Id":"ID"}`, 0},
		"no gzip, though it says so":  {strings.NewReader(record), "gzip", 422, `{"Why":"[body is not compressed as its Content-Encoding says]"}`, 0},
		"gzip that breaks off":        {bytes.NewReader(gzipped(t, record)[:20]), "gzip", 422, `{"Why":"[body is not compressed as its Content-Encoding says]"}`, 0},
		"gzip of more than 10 MB":     {bytes.NewReader(gzipped(t, strings.Repeat(" ", maxPayload+1))), "gzip", 413, bodyTooLarge, 0},
		"deflate of more than 10 MB":  {bytes.NewReader(zlibbed(t, strings.Repeat(" ", maxPayload+1))), "deflate", 413, bodyTooLarge, 0},
		"nothing, though it is named": {strings.NewReader(""), "gzip", 422, `{"Why":"[object has missing required properties (["Data"])]"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			backend := says(accepted)
			a := deploy(t, backend, func(c *Config) { c.MinimumCompressionSize = new(1000) })
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/record", tc.body)
			r.ContentLength = -1
			if tc.encoding != "" {
				r.Header.Set("Content-Encoding", tc.encoding)
			}
			w := serve(a, r)
			got := strings.ReplaceAll(w.Body.String(), w.Header().Get("X-Amz-Apigw-Id"), "ID")
			if w.Code != tc.status || got != tc.answer || len(backend.calls) != tc.calls {
				t.Errorf("got %d %s and %d calls\nwant %d %s and %d calls", w.Code, got, len(backend.calls), tc.status, tc.answer, tc.calls)
			}
		})
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	for name, tc := range map[string]struct {
		minimum *int
		accept  string
		want    string // Content-Encoding
	}{
		"from the minimum on":                 {new(17), "br, gzip", "gzip"},
		"not below it":                        {new(18), "gzip", ""},
		"not for a client that did not ask":   {new(0), "br", ""},
		"not without a minimum":               {nil, "gzip", ""},
		"always where the minimum is nothing": {new(0), "GZIP;q=1", "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			a := deploy(t, says(accepted), func(c *Config) { c.MinimumCompressionSize = tc.minimum })
			answer, body := ask(t, a, "POST /v1/record\nAccept-Encoding: "+tc.accept+"\n\n{\"Data\":1}")
			if got := answer.Header.Get("Content-Encoding"); got != tc.want {
				t.Errorf("got encoding %q, want %q", got, tc.want)
			}
			if tc.want == "gzip" {
				z, err := gzip.NewReader(strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				body = string(plain)
			}
			if body != `{"Sequence":"49"}` {
				t.Errorf("got %s", body)
			}
		})
	}
}
