package apigateway

import (
	"context"
	"encoding/json"
	"net/textproto"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/template"
)

// Invoker calls Lambda functions. functionError is "" or, where the function failed, "Unhandled", and answer then holds errorMessage. An
// error means that the function was not reached.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)
}

// authorizer is a Lambda authorizer. See "Use API Gateway Lambda authorizers".
type authorizer struct {
	name       string
	token      bool // type TOKEN; else REQUEST
	function   string
	sources    []func(*exchange) string
	expression *regexp.Regexp // of a token; nil: any
	ttl        time.Duration

	mu    sync.Mutex
	cache map[string]kept // by identity

	invocations, hits, missing, failures, denials atomic.Int64
}

// kept is a decision until its time is over. What is kept is the policy, and so it serves every method of the stage.
type kept struct {
	*decision
	until time.Time
}

const (
	authorizerTimeout = 30 * time.Second
	// cacheSize bounds the decisions of an authorizer that are kept; API Gateway names no bound.
	cacheSize = 10_000
	// defaultTTL and maxTTL are in seconds: "x-amazon-apigateway-authorizer object".
	defaultTTL, maxTTL = 300, 3600
)

var functionURI = regexp.MustCompile(`^arn:[a-z-]+:apigateway:([a-z0-9-]+):lambda:path/2015-03-31/functions/(arn:[a-z-]+:lambda:[^/]+)/invocations$`)

func (d *document) readAuthorizer(name, header string, v *template.Value) (*authorizer, error) {
	a := &authorizer{name: name, cache: map[string]kept{}}
	kind, sources, expression, ttl := "", "", "", defaultTTL
	var uri *template.Value
	err := fields{
		"type": text(&kind), "authorizerUri": keep(&uri), "identitySource": text(&sources), "identityValidationExpression": text(&expression),
		"authorizerCredentials":        nil, // there are no permissions on one machine
		"authorizerResultTtlInSeconds": integer(&ttl, 0, maxTTL),
	}.read(v)
	if err != nil {
		return nil, err
	}
	a.token, a.ttl = strings.EqualFold(kind, "token"), time.Duration(ttl)*time.Second
	if !a.token && !strings.EqualFold(kind, "request") {
		return nil, v.Errorf("type %q is not supported by the local runner: only request and token are", kind)
	}
	if a.function, err = d.readFunctionURI(v, uri); err != nil {
		return nil, err
	}
	if a.token && sources == "" {
		sources = "method.request.header." + header
	}
	if err := a.readSources(v, sources); err != nil {
		return nil, err
	}
	d.api.authorizers[name] = a
	if expression == "" {
		return a, nil
	}
	if a.expression, err = regexp.Compile(`^(?:` + expression + `)$`); err != nil || !a.token {
		return nil, v.Get("identityValidationExpression").Errorf("must be a regular expression, and of an authorizer of the type token")
	}
	return a, nil
}

func (d *document) readFunctionURI(v, uri *template.Value) (string, error) {
	if uri == nil {
		return "", v.Errorf("has no authorizerUri")
	}
	parts := functionURI.FindStringSubmatch(uri.Text)
	switch {
	case parts == nil:
		return "", uri.Errorf("must be arn:PARTITION:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations")
	case parts[1] != d.api.cfg.Region:
		return "", uri.Errorf("is in %s, but the local runner is in %s only", parts[1], d.api.cfg.Region)
	case d.api.cfg.Functions == nil:
		return "", uri.Errorf("there is no function to call")
	}
	if known, ok := d.api.cfg.Functions.(interface{ Has(function string) bool }); ok && !known.Has(parts[2]) {
		return "", uri.Errorf("the function %s is not in the template", parts[2])
	}
	return parts[2], nil
}

// readSources reads what makes the identity of a caller: "identitySource", a list with commas between.
func (a *authorizer) readSources(v *template.Value, list string) error {
	if list == "" {
		if a.ttl > 0 {
			return v.Errorf("has no identitySource: API Gateway cannot keep answers then, and wants authorizerResultTtlInSeconds: 0")
		}
		return nil
	}
	for name := range strings.SplitSeq(list, ",") {
		read := identitySource(strings.TrimSpace(name))
		if read == nil {
			return v.Get("identitySource").Errorf("%q is not supported by the local runner", strings.TrimSpace(name))
		}
		a.sources = append(a.sources, read)
	}
	if a.token && len(a.sources) != 1 {
		return v.Get("identitySource").Errorf("must be one header: the authorizer is of the type token")
	}
	return nil
}

// identitySource finds what reads a part of the identity; nil for what cannot be one, such as a path parameter. A repeated header counts
// with all its values.
func identitySource(name string) func(*exchange) string {
	if header, ok := strings.CutPrefix(name, "method.request.header."); ok && validToken(header) {
		key := textproto.CanonicalMIMEHeaderKey(header)
		return func(x *exchange) string { return strings.Join(x.allHeaders()[key], ",") }
	}
	for _, prefix := range []string{"method.request.querystring.", "stageVariables."} {
		if strings.HasPrefix(name, prefix) {
			return lookup(name)
		}
	}
	if variable, ok := strings.CutPrefix(name, "context."); ok {
		return variables[variable]
	}
	return nil
}

// authorize has the function say, now or earlier, what the caller may do, and looks whether this call is among it.
func (x *exchange) authorize(a *authorizer) *failure {
	began := time.Now()
	x.authorizer = a
	defer func() { x.authorizerLatency = time.Since(began) }()
	identity, ok := a.identity(x)
	if !ok {
		a.missing.Add(1)
		return unauthorizedFailure()
	}
	d, found := a.recall(identity)
	if !found {
		var fault *failure
		if d, fault = x.ask(a); fault != nil {
			return fault
		}
		a.keep(identity, d)
	}
	x.decision = d
	allow, deny := evaluate(d.statements, x.methodARN(), x.sourceIP())
	if allow || !deny && x.policyAllows { // "How API Gateway resource policies affect authorization workflow", table A
		return nil
	}
	a.denials.Add(1)
	message := "User is not authorized to access this resource"
	if deny {
		message += " with an explicit deny"
	}
	return &failure{kind: accessDenied, message: message}
}

func unauthorizedFailure() *failure { return &failure{kind: unauthorized, message: "Unauthorized"} }

// identity is the key under which a decision is kept; false where a part is absent or empty, or the token is not of the right form, and
// then the function is not called. Each part has its length before it, so that no two identities can be written alike.
func (a *authorizer) identity(x *exchange) (string, bool) {
	var key strings.Builder
	for _, read := range a.sources {
		part := read(x)
		if part == "" || a.expression != nil && !a.expression.MatchString(part) {
			return "", false
		}
		key.WriteString(strconv.Itoa(len(part)) + ":" + part)
	}
	return key.String(), true
}

func (a *authorizer) recall(identity string) (*decision, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, found := a.cache[identity]
	if !found || !time.Now().Before(k.until) {
		return nil, false
	}
	a.hits.Add(1)
	return k.decision, true
}

func (a *authorizer) keep(identity string, d *decision) {
	if a.ttl == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if len(a.cache) >= cacheSize {
		for key, k := range a.cache {
			if !now.Before(k.until) {
				delete(a.cache, key)
			}
		}
		if len(a.cache) >= cacheSize {
			clear(a.cache)
		}
	}
	a.cache[identity] = kept{d, now.Add(a.ttl)}
}

// forget empties the cache and the counts.
func (a *authorizer) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.cache)
	for _, n := range []*atomic.Int64{&a.invocations, &a.hits, &a.missing, &a.failures, &a.denials} {
		n.Store(0)
	}
}

// ask calls the function. Only a function that fails with the word Unauthorized says 401; every other failure is a fault of ours. What
// fails is not kept.
func (x *exchange) ask(a *authorizer) (*decision, *failure) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), authorizerTimeout)
	defer cancel()
	a.invocations.Add(1)
	began := time.Now()
	answer, functionError, err := x.api.cfg.Functions.Invoke(ctx, a.function, x.authorizerEvent(a))
	x.authorizerCall = time.Since(began)
	switch {
	case err != nil:
		return nil, x.broken(a, authorizerConfigurationError, "the function was not reached: "+err.Error())
	case functionError != "":
		var failed struct {
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(answer, &failed); err == nil && failed.Message == "Unauthorized" {
			return nil, unauthorizedFailure()
		}
		// Its own log says why. The message may hold anything, and stays there.
		return nil, x.broken(a, authorizerFailure, "the function failed")
	}
	d, err := readDecision(answer)
	if err != nil {
		return nil, x.broken(a, authorizerConfigurationError, "the function's answer: "+err.Error())
	}
	return d, nil
}

// broken is a fault of the authorizer itself: the client is told nothing of it ({"message":null}), the execution log what it is.
func (x *exchange) broken(a *authorizer, kind int, why string) *failure {
	a.failures.Add(1)
	x.authorizerFault = "Execution failed due to configuration error: authorizer " + a.name + ": " + why
	if log := x.api.cfg.ExecutionLog; log != nil {
		log(x.requestID, x.authorizerFault)
	}
	return &failure{kind: kind}
}

// methodARN names the call as policies do. Each part of the path stands there as url.PathEscape writes it, so that no other spelling gets
// around a policy.
func (x *exchange) methodARN() string {
	if x.arn == "" {
		rest := strings.TrimPrefix(strings.TrimPrefix(x.path, "/"+x.api.cfg.Stage), "/")
		parts := strings.Split(rest, "/")
		for i, part := range parts {
			if plain, err := url.PathUnescape(part); err == nil {
				parts[i] = url.PathEscape(plain)
			}
		}
		x.arn = x.api.arn() + "/" + x.api.cfg.Stage + "/" + x.r.Method + "/" + strings.Join(parts, "/")
	}
	return x.arn
}
