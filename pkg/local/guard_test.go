package main

import (
	"net/http"
	"strings"
	"testing"
)

// A web page that somebody has open must neither empty the runner nor read what is in it.
func TestWebPagesAreKeptAway(t *testing.T) {
	p := running(t)
	p.accepted(t, "/record", `{"Data":{"type":"page_view","event_id":"kept","url":"https://www.example.com/"}}`)
	p.control(t, http.MethodPost, "flush")
	own := strings.TrimPrefix(p.aws, "http://")
	port := own[strings.LastIndexByte(own, ':'):]
	for name, tc := range map[string]struct {
		method, path, host string
		header             map[string]string
		want               int
	}{
		"another origin":                  {"POST", "/_hydrant/reset", own, map[string]string{"Origin": "https://www.example.com"}, 403},
		"another site":                    {"POST", "/_hydrant/reset", own, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a sandboxed frame":               {"POST", "/_hydrant/flush", own, map[string]string{"Origin": "null"}, 403},
		"another port of this machine":    {"POST", "/_hydrant/reset", own, map[string]string{"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, 403},
		"a function, by another origin":   {"POST", "/2015-03-31/functions/hydrant-local-TransformFunction/invocations", own, map[string]string{"Origin": "https://www.example.com"}, 403},
		"an object, by another origin":    {"POST", "/hydrant-local-bucket", own, map[string]string{"Origin": "https://www.example.com"}, 403},
		"a name that was rebound":         {"GET", "/_hydrant/state", "www.example.com", nil, 403},
		"such a name with the port":       {"GET", "/_hydrant/tables/events", "www.example.com" + port, map[string]string{"Sec-Fetch-Site": "same-origin"}, 403},
		"a name that ends almost rightly": {"GET", "/_hydrant/state", "notlocalhost", nil, 403},
		"a bucket of a rebound name":      {"GET", "/hydrant-local-bucket", "www.example.com", nil, 403},
		"the runner's own page":           {"POST", "/_hydrant/flush", own, map[string]string{"Origin": p.aws, "Sec-Fetch-Site": "same-origin"}, 200},
		"typed into the browser":          {"GET", "/_hydrant/state", own, map[string]string{"Sec-Fetch-Site": "none"}, 200},
		"a program":                       {"POST", "/_hydrant/flush", own, nil, 200},
		"localhost":                       {"GET", "/_hydrant/state", "localhost" + port, nil, 200},
		"below localhost":                 {"GET", "/_hydrant/state", "hydrant.LOCALHOST." + port, nil, 200},
		"IPv6":                            {"GET", "/_hydrant/state", "[::1]" + port, nil, 200},
		"an address without a port":       {"GET", "/_hydrant/state", "192.0.2.1", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tc.method, p.aws+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tc.host
			for name, value := range tc.header {
				r.Header.Set(name, value)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != tc.want {
				t.Errorf("got %d, want %d", response.StatusCode, tc.want)
			}
		})
	}
	if rows := p.rows(t); rows["kept"] == nil {
		t.Error("the row is gone")
	}
}

func TestTheNameOfTheAddressIsTaken(t *testing.T) {
	for host, want := range map[string]bool{"devbox:4566": true, "DevBox": true, "devbox.": true, "otherbox:4566": false, "": false, "devbox.example.com": false} {
		if got := isOwnName(host, "devbox"); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}
