package apigateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// Limits of a Regional REST API, in bytes: "Quotas for configuring and running a REST API in API Gateway".
const (
	maxURL    = 10_240
	maxHeader = 10_240
)

// emptyBody is what validators and templates see where there is no body.
var emptyBody = []byte("{}")

// tooLong says whether the request line or the headers are over the limit. AWS does not document these answers; the texts are what
// its front end is known to say.
func tooLong(r *http.Request) (status int, why string) {
	if len(r.RequestURI) > maxURL {
		return http.StatusRequestURITooLong, "An HTTP line is larger than 10240 bytes."
	}
	const separators = len(": \r\n")
	size := len("Host") + len(r.Host) + separators
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + separators
		}
	}
	if size > maxHeader {
		return http.StatusRequestHeaderFieldsTooLarge, "HTTP header is larger than 10240 bytes."
	}
	return 0, ""
}

const bodyTooLarge = "HTTP content length exceeded 10485760 bytes."

// readBody reads the body, and not more of it than API Gateway takes, whatever the request says about its length.
func readBody(r *http.Request) (body []byte, status int, why string) {
	if r.ContentLength > maxPayload {
		return nil, http.StatusRequestEntityTooLarge, bodyTooLarge
	}
	// A length is believed as far as a usual record's, so that a lie does not cost more.
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 64<<10)+bytes.MinRead))
	if _, err := buffer.ReadFrom(io.LimitReader(r.Body, maxPayload+1)); err != nil {
		return nil, http.StatusBadRequest, "The body ended before its length."
	}
	if buffer.Len() > maxPayload {
		return nil, http.StatusRequestEntityTooLarge, bodyTooLarge
	}
	return buffer.Bytes(), 0, ""
}

// decompress undoes the request's Content-Encoding if the API has a minimum compression size; else the bytes stay as they are. See
// "Payload compression for REST APIs". What is inside must keep to the limit of a body too.
func (x *exchange) decompress() *failure {
	if x.api.minCompression < 0 || len(x.body) == 0 {
		return nil
	}
	var reader io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(last(x.r.Header["Content-Encoding"]))) {
	case "", "identity":
		return nil
	case "gzip":
		reader, err = gzip.NewReader(bytes.NewReader(x.body))
	case "deflate":
		reader, err = zlib.NewReader(bytes.NewReader(x.body))
	default:
		return &failure{kind: unsupportedMediaType, message: "Unsupported Media Type"}
	}
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(reader, maxPayload+1))
	}
	switch {
	case err != nil:
		return &failure{kind: badRequestBody, message: "Invalid request body", validation: "[body is not compressed as its Content-Encoding says]"}
	case len(plain) > maxPayload:
		return &failure{kind: requestTooLarge}
	}
	x.body = plain
	return nil
}

// validate checks parameters first, then the body, as the method's request validator says. See "Request validation for REST APIs".
func (x *exchange) validate() *failure {
	m := x.method
	if m.validator.parameters {
		if missing := x.missing(); len(missing) > 0 {
			return &failure{
				kind:    badRequestParameters,
				message: "Missing required request parameters: [" + strings.Join(missing, ", ") + "]",
			}
		}
	}
	if !m.validator.body {
		return nil
	}
	// A body of a media type without a model is not checked: passthroughBehavior must turn it away.
	model := m.models[x.media()]
	if model == nil {
		return nil
	}
	if err := model.check(x.body); err != nil {
		return &failure{kind: badRequestBody, message: "Invalid request body", validation: explain(err)}
	}
	return nil
}

// missing names the required parameters that are absent or blank.
func (x *exchange) missing() (names []string) {
	for _, p := range x.method.parameters {
		if !p.required {
			continue
		}
		var value string
		switch p.in {
		case "header":
			value = x.headers()[http.CanonicalHeaderKey(p.name)]
		case "path":
			value = x.pathParameters[p.name]
		default:
			value = x.query()[p.name]
		}
		if strings.TrimSpace(value) == "" {
			names = append(names, p.name)
		}
	}
	return names
}
