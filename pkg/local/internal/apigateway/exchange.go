package apigateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hydrant/pkg/local/internal/sigv4"
)

// exchange is one request on its way through the API, and what is known of its answer.
type exchange struct {
	api            *API
	r              *http.Request
	start          time.Time
	requestID      string
	extendedID     string
	traceID        string
	path           string // as the client sent it, with the stage
	method         *method
	pathParameters map[string]string
	body           []byte
	headerValues   map[string]string
	queryValues    map[string]string
	// overridable is $context as the mapping templates see it; what a request template sets there, the response template finds.
	overridable map[string]any

	policyAllows        bool   // the resource policy has an Allow for it
	arn                 string // of the call, once it was asked for
	authenticated       bool   // the signature was looked at
	authenticateLatency time.Duration
	caller              *sigv4.Credential // who signed; nil: nobody
	authorizer          *authorizer       // who was asked; nil: nobody
	authorizerLatency   time.Duration     // as a whole
	authorizerCall      time.Duration     // of the function alone
	authorizerFault     string
	decision            *decision // of the authorizer
	client              *client   // whose API key it is

	called             bool // an AWS service was asked
	answer             Answer
	integrationLatency time.Duration
	integrationFault   string

	failed         *failure
	status         int
	responseLength int
	latency        time.Duration
}

// failure is an answer that API Gateway gives itself.
type failure struct {
	kind       int    // in gatewayKinds
	errorType  string // x-amzn-ErrorType; "" is the kind's
	message    string // $context.error.message
	validation string // $context.error.validationErrorString
}

// ServeHTTP answers a request whose path begins with the stage.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := a.begin(r)
	if status, why := tooLong(r); status != 0 {
		x.frontEnd(w, status, why)
		return
	}
	var inAPI bool
	if x.method, x.pathParameters, inAPI = a.route(x.path, r.Method); !inAPI {
		x.noStage(w)
		return
	}
	if x.method == nil {
		x.fail(w, &failure{kind: missingAuthenticationToken, message: "Missing Authentication Token"})
		return
	}
	body, status, why := readBody(r)
	if status != 0 {
		x.frontEnd(w, status, why)
		return
	}
	x.body = body
	response, fault := x.perform()
	if fault != nil {
		x.fail(w, fault)
		return
	}
	x.respond(w, response)
}

// perform takes the request through all that stands before the integration, and through it. Nothing is written to the client before all of
// it has gone well.
func (x *exchange) perform() (*methodResponse, *failure) {
	for _, step := range [...]func(*exchange) *failure{
		(*exchange).screen, (*exchange).admit, (*exchange).meter, (*exchange).decompress, (*exchange).validate, (*exchange).integrate,
	} {
		if fault := step(x); fault != nil {
			return nil, fault
		}
	}
	return x.methodResponse()
}

func (a *API) begin(r *http.Request) *exchange {
	x := &exchange{api: a, r: r, start: time.Now(), path: r.URL.EscapedPath()}
	var random [16 + 11 + 12]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	x.requestID = r.Header.Get("X-Amzn-Requestid")
	if !isUUID(x.requestID) {
		x.requestID = uuid(random[:16])
	}
	// 11 bytes make the 16 characters that API Gateway's own ids have, with the same = at the end.
	x.extendedID = base64.StdEncoding.EncodeToString(random[16:27])
	x.traceID = r.Header.Get("X-Amzn-Trace-Id")
	if !strings.HasPrefix(x.traceID, "Root=1-") {
		x.traceID = "Root=1-" + hex.EncodeToString(timestamp(x.start)) + "-" + hex.EncodeToString(random[27:39])
	}
	return x
}

func timestamp(t time.Time) []byte {
	s := uint32(t.Unix())
	return []byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}
}

func uuid(random []byte) string {
	random[6] = random[6]&0x0f | 0x40 // version 4
	random[8] = random[8]&0x3f | 0x80 // RFC 9562's variant
	var out [36]byte
	hex.Encode(out[:8], random[:4])
	hex.Encode(out[9:13], random[4:6])
	hex.Encode(out[14:18], random[6:8])
	hex.Encode(out[19:23], random[8:10])
	hex.Encode(out[24:], random[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

// headers are the request's headers with those that API Gateway adds; of a repeated one the last value.
func (x *exchange) headers() map[string]string {
	if x.headerValues != nil {
		return x.headerValues
	}
	values := make(map[string]string, len(x.r.Header)+5)
	for name, all := range x.r.Header {
		values[name] = last(all)
	}
	x.addHeaders(func(name, value string) { values[name] = value })
	x.headerValues = values
	return values
}

// addHeaders puts what API Gateway says itself in the place of what the client said.
func (x *exchange) addHeaders(put func(name, value string)) {
	put("Host", x.r.Host) // the server moves it out of the headers
	forwarded := x.sourceIP()
	if before := last(x.r.Header["X-Forwarded-For"]); before != "" {
		forwarded = before + ", " + forwarded
	}
	put("X-Forwarded-For", forwarded)
	put("X-Forwarded-Proto", "https")
	put("X-Forwarded-Port", "443")
	put("X-Amzn-Trace-Id", x.traceID)
}

// allHeaders are the headers with all their values.
func (x *exchange) allHeaders() map[string][]string {
	values := make(map[string][]string, len(x.r.Header)+5)
	maps.Copy(values, x.r.Header)
	x.addHeaders(func(name, value string) { values[name] = []string{value} })
	return values
}

// query is the request's query; of a repeated parameter the last value. A pair that is no query string is left out.
func (x *exchange) query() map[string]string {
	if x.queryValues == nil {
		x.queryValues = map[string]string{}
		if x.r.URL.RawQuery != "" {
			all, _ := url.ParseQuery(x.r.URL.RawQuery) // with an error it still answers the pairs that it could read
			for name, values := range all {
				x.queryValues[name] = last(values)
			}
		}
	}
	return x.queryValues
}

// media is the request's media type; without a Content-Type it is JSON.
func (x *exchange) media() string {
	media := mediaType(last(x.r.Header["Content-Type"]))
	if media == "" {
		return jsonType
	}
	return media
}

func (x *exchange) sourceIP() string {
	host, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		return x.r.RemoteAddr
	}
	return host
}

// integrate calls what stands behind the method.
func (x *exchange) integrate() *failure {
	in := x.method.integration
	body := x.body
	if len(body) == 0 {
		body = emptyBody
	}
	chosen, ok := in.templates.forRequest(x.media(), in.passthrough)
	if !ok {
		return &failure{kind: unsupportedMediaType, message: "Unsupported Media Type"}
	}
	if chosen != nil {
		var err error
		if body, err = x.render(chosen, body); err != nil {
			return x.misconfigured("request template: " + err.Error())
		}
	} else {
		body = x.body
	}
	if in.mock {
		return x.mock(body)
	}
	return x.call(in, body)
}

// call asks the AWS service. It does not end when the client goes away: API Gateway has sent the request by then.
func (x *exchange) call(in *integration, body []byte) *failure {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), in.timeout)
	defer cancel()
	header := make(http.Header, len(in.headers)+2)
	header["X-Amz-Target"] = []string{in.target}
	for i := range in.headers {
		if value := in.headers[i].source.value(x); value != "" {
			header[in.headers[i].header] = []string{value}
		}
	}
	for name, value := range x.overrides("requestOverride", "header") {
		header[name] = []string{value}
	}
	if x.overrides("requestOverride", "path") != nil || x.overrides("requestOverride", "querystring") != nil {
		return x.misconfigured("the local runner supports no requestOverride of path or querystring: an action has neither")
	}
	began := time.Now()
	answer, err := x.api.backend.Call(ctx, Call{
		Service: in.service, Action: in.action, Header: header, Body: body, Credentials: in.credentials,
	})
	x.called, x.integrationLatency = true, time.Since(began)
	switch {
	case ctx.Err() != nil:
		x.integrationFault = "Execution failed due to a timeout error"
		return x.logged(&failure{kind: integrationTimeout, message: "Endpoint request timed out"})
	case err != nil:
		x.integrationFault = "Execution failed due to a network error communicating with endpoint: " + err.Error()
		return x.logged(&failure{kind: integrationFailure, message: "Network error communicating with endpoint"})
	}
	x.answer = answer
	return nil
}

// logged hands the integration's fault to the execution log on the way.
func (x *exchange) logged(f *failure) *failure {
	if log := x.api.cfg.ExecutionLog; log != nil {
		log(x.requestID, x.integrationFault)
	}
	return f
}

// misconfigured is the answer to a fault of the definition, whose text only the execution log sees.
func (x *exchange) misconfigured(why string) *failure {
	x.integrationFault = "Execution failed due to configuration error: " + why
	return x.logged(&failure{kind: apiConfigurationError, message: "Internal server error"})
}
