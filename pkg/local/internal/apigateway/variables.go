package apigateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"hydrant/pkg/local/internal/vtl"
)

// variables are the members of $context that the local runner has values for, by name. "" is an absent one. See "Variables for data
// transformations for API Gateway".
var variables = map[string]func(*exchange) string{
	"accountId":          func(x *exchange) string { return x.api.cfg.AccountID },
	"apiId":              func(x *exchange) string { return x.api.cfg.ID },
	"domainName":         func(x *exchange) string { return x.api.domain },
	"domainPrefix":       func(x *exchange) string { return x.api.cfg.ID },
	"extendedRequestId":  func(x *exchange) string { return x.extendedID },
	"httpMethod":         func(x *exchange) string { return x.r.Method },
	"identity.sourceIp":  func(x *exchange) string { return x.sourceIP() },
	"identity.userAgent": func(x *exchange) string { return last(x.r.Header["User-Agent"]) },
	"path":               func(x *exchange) string { return x.path },
	"protocol":           func(*exchange) string { return "HTTP/1.1" }, // whatever the client speaks
	"requestId":          func(x *exchange) string { return x.requestID },
	"requestTime":        func(x *exchange) string { return x.start.UTC().Format("02/Jan/2006:15:04:05 -0700") },
	"requestTimeEpoch":   func(x *exchange) string { return strconv.FormatInt(x.start.UnixMilli(), 10) },
	"resourceId":         resourceVariable(func(m *method) string { return m.resourceID }),
	"resourcePath":       resourceVariable(func(m *method) string { return m.resourcePath }),
	"stage":              func(x *exchange) string { return x.api.cfg.Stage },

	"awsEndpointRequestId":    endpointRequestID,
	"integration.requestId":   endpointRequestID,
	"integrationStatus":       endpointStatus,
	"integration.status":      endpointStatus,
	"integrationLatency":      endpointLatency,
	"integration.latency":     endpointLatency,
	"integrationErrorMessage": func(x *exchange) string { return x.integrationFault },
	"integration.error":       func(x *exchange) string { return x.integrationFault },

	"error.message":               errorVariable(func(f *failure) string { return f.message }),
	"error.messageString":         errorVariable(func(f *failure) string { return jsonText(f.message) }),
	"error.responseType":          errorVariable(func(f *failure) string { return gatewayKinds[f.kind].name }),
	"error.validationErrorString": errorVariable(func(f *failure) string { return f.validation }),

	"status":          func(x *exchange) string { return number(int64(x.status)) },
	"responseLength":  func(x *exchange) string { return strconv.Itoa(x.responseLength) },
	"responseLatency": func(x *exchange) string { return strconv.FormatInt(x.latency.Milliseconds(), 10) },
}

func resourceVariable(read func(*method) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.method == nil {
			return ""
		}
		return read(x.method)
	}
}

func errorVariable(read func(*failure) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.failed == nil {
			return ""
		}
		return read(x.failed)
	}
}

func endpointRequestID(x *exchange) string { return x.answer.Header.Get("X-Amzn-Requestid") }

func endpointStatus(x *exchange) string { return number(int64(x.answer.Status)) }

func endpointLatency(x *exchange) string {
	if !x.called {
		return ""
	}
	return strconv.FormatInt(x.integrationLatency.Milliseconds(), 10)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// jsonText is s as a JSON string, with its quotes.
func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no string fails
		panic(err)
	}
	return string(b)
}

// context is $context for the mapping templates. One request's templates share it; they make the members requestOverride and
// responseOverride when they set one.
func (x *exchange) context() map[string]any {
	if x.overridable == nil {
		c := maps.Clone(x.method.context)
		c["extendedRequestId"], c["requestId"], c["httpMethod"], c["path"] = x.extendedID, x.requestID, x.r.Method, x.path
		c["requestTime"], c["requestTimeEpoch"] = variables["requestTime"](x), variables["requestTimeEpoch"](x)
		c["identity"] = map[string]any{"sourceIp": x.sourceIP(), "userAgent": last(x.r.Header["User-Agent"])}
		x.overridable = c
	}
	return x.overridable
}

// fixedContext are the members of $context that are the same for all requests of a method.
func (a *API) fixedContext(m *method) map[string]any {
	return map[string]any{
		"accountId": a.cfg.AccountID, "apiId": a.cfg.ID, "domainName": a.domain, "domainPrefix": a.cfg.ID, "stage": a.cfg.Stage,
		"resourceId": m.resourceID, "resourcePath": m.resourcePath, "protocol": "HTTP/1.1",
	}
}

// render runs a mapping template over a body.
func (x *exchange) render(t *vtl.Template, body []byte) ([]byte, error) {
	return t.Render(&vtl.Request{
		Body: body, Path: x.pathParameters, Query: x.query(), Header: x.headers(),
		StageVariables: x.api.cfg.StageVariables, Context: x.context(),
	})
}

// overrides are the texts and numbers that templates have set, as $context.responseOverride.header.X, by header name.
func (x *exchange) overrides(which, kind string) map[string]string {
	which1, _ := x.overridable[which].(map[string]any)
	set, _ := which1[kind].(map[string]any)
	if len(set) == 0 {
		return nil
	}
	values := make(map[string]string, len(set))
	for name, value := range set {
		if text, ok := scalar(value); ok && validToken(name) {
			values[http.CanonicalHeaderKey(name)] = text
		}
	}
	return values
}

// scalar is the text of a template's text, number or boolean.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case nil, map[string]any, []any:
		return "", false
	case string:
		return v, true
	default:
		return strings.TrimSpace(fmt.Sprint(v)), true
	}
}
