package apigateway

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// methodResponse is the answer of an integration after its mapping.
type methodResponse struct {
	status  int
	media   string
	headers []header
	body    []byte
}

type header struct{ name, value string }

// mock answers with the status that the rendered template names. See "Mock integrations for REST APIs".
func (x *exchange) mock(body []byte) *failure {
	var answer struct {
		StatusCode *int `json:"statusCode"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.StatusCode == nil {
		return x.misconfigured("Unable to parse statusCode. It should be an integer that is defined in the request template.")
	}
	x.answer = Answer{Status: *answer.StatusCode}
	return nil
}

// methodResponse maps the endpoint's answer: its status selects the integration response, whose template and parameters make the
// answer, which the template may override.
func (x *exchange) methodResponse() (*methodResponse, *failure) {
	var selected *integrationResponse
	if x.answer.Status >= 100 && x.answer.Status <= 599 {
		selected = x.method.integration.byStatus[x.answer.Status]
	}
	if selected == nil {
		return nil, x.misconfigured(fmt.Sprintf(
			"No match for output mapping and no default output mapping configured. Endpoint Response Status Code: %d", x.answer.Status))
	}
	out := &methodResponse{status: selected.status, body: x.answer.Body}
	media, chosen := forAccept(x.r.Header.Get("Accept"), selected.templates.types, selected.templates.byType)
	out.media = media
	if chosen != nil {
		body := x.answer.Body
		if len(body) == 0 {
			body = emptyBody
		}
		var err error
		if out.body, err = x.render(chosen, body); err != nil {
			return nil, x.misconfigured("response template: " + err.Error())
		}
	}
	for i := range selected.headers {
		if value := selected.headers[i].source.value(x); value != "" {
			out.headers = append(out.headers, header{selected.headers[i].header, value})
		}
	}
	x.override(out)
	return out, nil
}

// override applies $context.responseOverride, which wins over the mapping. See "Override your API's request and response parameters
// and status codes". API Gateway ignores a status outside of 100 to 599; 1xx is left out too, since HTTP has no such final answer.
func (x *exchange) override(out *methodResponse) {
	set, _ := x.overridable["responseOverride"].(map[string]any)
	if text, ok := scalar(set["status"]); ok {
		if status, err := strconv.Atoi(text); err == nil && status >= 200 && status <= 599 {
			out.status = status
		}
	}
	for name, value := range x.overrides("responseOverride", "header") {
		out.headers = append(out.headers, header{name, value})
	}
}

// remapped are response headers that API Gateway renames to x-amzn-Remapped-NAME: "API Gateway important notes".
var remapped = map[string]bool{
	"Authorization": true, "Connection": true, "Content-Length": true, "Content-Md5": true, "Date": true, "Expect": true, "Host": true,
	"Max-Forwards": true, "Proxy-Authenticate": true, "Server": true, "Trailer": true, "Upgrade": true, "User-Agent": true,
	challenge: true,
}

// challenge keeps its name in a gateway response: a 401 there is how APIs with an authorizer have browsers ask for a password.
const challenge = "Www-Authenticate"

// respond writes an integration's answer.
func (x *exchange) respond(w http.ResponseWriter, out *methodResponse) {
	if x.called {
		w.Header()["X-Amzn-Trace-Id"] = []string{x.traceID}
	}
	x.write(w, out)
}

// fail writes an answer of API Gateway's own.
func (x *exchange) fail(w http.ResponseWriter, f *failure) {
	x.failed = f
	if f.kind == requestTooLarge {
		x.frontEnd(w, http.StatusRequestEntityTooLarge, bodyTooLarge)
		return
	}
	w.Header()["X-Amzn-Errortype"] = []string{cmp.Or(f.errorType, gatewayKinds[f.kind].errorType)}
	x.write(w, x.api.gateway[gatewayKinds[f.kind].name].render(x))
}

// noStage answers a path that begins with no stage of the API: nothing of the API's own is known there.
func (x *exchange) noStage(w http.ResponseWriter) {
	w.Header()["X-Amzn-Errortype"] = []string{"ForbiddenException"}
	x.write(w, &methodResponse{status: http.StatusForbidden, media: jsonType, body: []byte(`{"message":"Forbidden"}`)})
}

// frontEnd answers what does not reach the API. These answers are plain text and cannot be changed by a gateway response.
func (x *exchange) frontEnd(w http.ResponseWriter, status int, why string) {
	if status == http.StatusRequestEntityTooLarge {
		x.failed = &failure{kind: requestTooLarge, message: why}
	}
	x.write(w, &methodResponse{status: status, media: "text/plain", body: []byte(why)})
}

// write sends the answer, and counts and logs the request.
func (x *exchange) write(w http.ResponseWriter, out *methodResponse) {
	h := w.Header()
	h["Content-Type"] = []string{out.media}
	for _, set := range out.headers {
		if remapped[set.name] && !(x.failed != nil && set.name == challenge) {
			set.name = "X-Amzn-Remapped-" + set.name
		}
		h[set.name] = []string{set.value}
	}
	h["X-Amzn-Requestid"] = []string{x.requestID}
	h["X-Amz-Apigw-Id"] = []string{x.extendedID}
	body := x.compress(h, out.body)
	if out.status == http.StatusNoContent || out.status == http.StatusNotModified {
		body = nil // HTTP has none
	} else {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.status, x.responseLength, x.latency = out.status, len(body), time.Since(x.start)
	x.api.stats.count(x)
	x.log()
	w.WriteHeader(out.status)
	// A client that is gone does not want the answer, and for all that counts the request is over.
	_, _ = w.Write(body)
}

// compress answers the body as the client accepts it, if the API has a minimum compression size and the body is not below it.
func (x *exchange) compress(h http.Header, body []byte) []byte {
	if x.api.minCompression < 0 || len(body) < x.api.minCompression || len(body) == 0 ||
		!strings.Contains(strings.ToLower(x.r.Header.Get("Accept-Encoding")), "gzip") {
		return body
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(body)
	if err == nil {
		err = z.Close()
	}
	if err != nil { // a buffer takes everything
		return body
	}
	h["Content-Encoding"] = []string{"gzip"}
	return out.Bytes()
}
