package apigateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/local/internal/sigv4"
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
	"identity.accessKey": identity(func(c *sigv4.Credential) string { return c.AccessKey }),
	"identity.accountId": identity(func(c *sigv4.Credential) string { return c.AccountID }),
	"identity.caller":    identity(func(c *sigv4.Credential) string { return c.UserID }),
	"identity.user":      identity(func(c *sigv4.Credential) string { return c.UserID }),
	"identity.userArn":   identity(func(c *sigv4.Credential) string { return c.ARN }),
	"identity.apiKey":    keyVariable(func(k APIKey) string { return k.Value }),
	"identity.apiKeyId":  keyVariable(func(k APIKey) string { return k.ID }),
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
	"error.messageString":         errorVariable(messageString),
	"error.responseType":          errorVariable(func(f *failure) string { return gatewayKinds[f.kind].name }),
	"error.validationErrorString": errorVariable(func(f *failure) string { return f.validation }),

	"authenticate.latency":          authenticateVariable(func(x *exchange) string { return milliseconds(x.authenticateLatency) }),
	"authenticate.status":           authenticateVariable((*exchange).admitted),
	"authorizer.latency":            authorizerVariable(func(x *exchange) string { return milliseconds(x.authorizerLatency) }),
	"authorizer.integrationLatency": authorizerVariable(func(x *exchange) string { return milliseconds(x.authorizerCall) }),
	"authorizer.status":             authorizerVariable((*exchange).admitted),
	"authorizer.error":              func(x *exchange) string { return x.authorizerFault },
	"authorizer.principalId":        decisionVariable(func(d *decision) string { return d.principal }),

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

func keyVariable(read func(APIKey) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.client == nil {
			return ""
		}
		return read(x.client.key)
	}
}

func authenticateVariable(read func(*exchange) string) func(*exchange) string {
	return func(x *exchange) string {
		if !x.authenticated {
			return ""
		}
		return read(x)
	}
}

func authorizerVariable(read func(*exchange) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.authorizer == nil {
			return ""
		}
		return read(x)
	}
}

func decisionVariable(read func(*decision) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.decision == nil {
			return ""
		}
		return read(x.decision)
	}
}

// admitted is the status of letting the caller in.
func (x *exchange) admitted() string {
	if x.failed != nil {
		switch x.failed.kind {
		case accessDenied, authorizerConfigurationError, authorizerFailure, expiredToken, invalidSignature, missingAuthenticationToken, unauthorized:
			return strconv.Itoa(gatewayKinds[x.failed.kind].status)
		}
	}
	return "200"
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// messageString is the message with its quotes; a fault of an authorizer has none.
func messageString(f *failure) string {
	if f.message == "" {
		return "null"
	}
	return jsonText(f.message)
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
		c["identity"] = x.identityContext()
		if x.decision != nil {
			c["authorizer"] = x.authorizerContext()
		}
		x.overridable = c
	}
	return x.overridable
}

// identityContext is $context.identity; what is absent is not in it.
func (x *exchange) identityContext() map[string]any {
	out := map[string]any{"sourceIp": x.sourceIP(), "userAgent": last(x.r.Header["User-Agent"])}
	if x.caller == nil && x.client == nil {
		return out
	}
	for _, name := range []string{"accessKey", "accountId", "caller", "user", "userArn", "apiKey", "apiKeyId"} {
		if value := variables["identity."+name](x); value != "" {
			out[name] = value
		}
	}
	return out
}

// authorizerContext is $context.authorizer: what the function put into its context, and what API Gateway says itself, which wins.
func (x *exchange) authorizerContext() map[string]any {
	out := make(map[string]any, len(x.decision.context)+2)
	for name, value := range x.decision.context {
		out[name] = value
	}
	out["principalId"], out["integrationLatency"] = x.decision.principal, milliseconds(x.authorizerCall)
	return out
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
