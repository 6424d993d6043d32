package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"hydrant/pkg/authorizer"
)

// issuer gets documents over HTTP.
type issuer struct{ client *http.Client }

var _ authorizer.Fetcher = issuer{}

// Key sets have a few kilobytes, and some tens of them where each key comes with its certificates.
const maxDocument = 256 << 10

// newIssuer returns a client that asks once, follows no redirection, since whoever answers there could be anybody, and keeps no connection:
// minutes go by before the next request, and the process may have been frozen since.
func newIssuer() issuer {
	const connect = 2 * time.Second
	return issuer{&http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: connect}).DialContext,
			TLSHandshakeTimeout:    connect,
			MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Fetch answers the body of a 200. Its time is ctx's.
func (i issuer) Fetch(ctx context.Context, where string) ([]byte, error) {
	if err := authorizer.CheckURL(where); err != nil {
		return nil, fmt.Errorf("the URL %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := i.client.Do(request)
	if err != nil {
		return nil, reachError(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", request.URL.Host, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", request.URL.Host, err)
	case len(document) > maxDocument:
		return nil, fmt.Errorf("%s answers more than %d bytes", request.URL.Host, maxDocument)
	}
	return document, nil
}

// reachError is an error of the client's without its URL, of which the query may be a secret.
func reachError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
