package apigateway

import (
	"strings"

	"hydrant/pkg/local/internal/template"
)

// access is what a method asks of its callers.
type access struct {
	signed     bool        // Signature Version 4
	authorizer *authorizer // a Lambda function decides
	key        bool        // an API key of a usage plan
}

// scheme is one of components.securitySchemes.
type scheme struct {
	access
	refusal error // why no method may use it
}

// readScheme reads a scheme; one that the local runner cannot honour is refused where a method uses it. See "x-amazon-apigateway-authtype
// property" and "x-amazon-apigateway-authorizer object".
func (d *document) readScheme(m template.Member) error {
	var kind, name, in, authtype string
	var described *template.Value
	err := fields{
		"type": text(&kind), "name": text(&name), "in": text(&in), "description": nil,
		"x-amazon-apigateway-authtype": text(&authtype), "x-amazon-apigateway-authorizer": keep(&described),
		// Of the types that cannot be used here.
		"scheme": nil, "bearerFormat": nil, "flows": nil, "openIdConnectUrl": nil,
	}.read(m.Value)
	if err != nil {
		return err
	}
	s := &scheme{}
	d.schemes[m.Name] = s
	switch {
	case kind != "apiKey" || in != "header":
		s.refusal = memberErrorf(m, "not supported by the local runner: only schemes of the type apiKey in a header are")
	case strings.EqualFold(authtype, "awsSigv4") && described == nil:
		s.signed = true
	case described != nil:
		s.authorizer, s.refusal = d.readAuthorizer(m.Name, name, described)
	case authtype == "" && strings.EqualFold(name, "x-api-key"):
		s.key = true
	default:
		s.refusal = memberErrorf(m, "not supported by the local runner: only signatures (awsSigv4), Lambda authorizers and x-api-key are")
	}
	return nil
}

// methodSecurity reads a method's security. API Gateway writes an authorizer and an API key as two requirements, and asks for both.
func (d *document) methodSecurity(dst *access) func(*template.Value) error {
	return func(v *template.Value) error {
		if v.Kind != template.List {
			return v.Errorf("must be a list")
		}
		for _, requirement := range v.Items {
			if requirement.Kind == template.Map && len(requirement.Members) == 0 {
				return requirement.Errorf("not supported: API Gateway knows no security that may be left out")
			}
			err := each(requirement, func(m template.Member) error { return d.require(dst, m) })
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *document) require(dst *access, m template.Member) error {
	s := d.schemes[m.Name]
	switch {
	case s == nil:
		return memberErrorf(m, "names nothing in components.securitySchemes")
	case s.refusal != nil:
		return s.refusal
	case m.Value.Kind != template.List || len(m.Value.Items) > 0:
		return memberErrorf(m, "not supported by the local runner: scopes are of Cognito's authorizers only")
	case s.key:
		dst.key = true
		return nil
	case dst.signed || dst.authorizer != nil:
		return memberErrorf(m, "a method has one authorizer, and this is another")
	}
	dst.signed, dst.authorizer = s.signed, s.authorizer
	return nil
}

// methodAuth reads x-amazon-apigateway-auth, another way to ask for signatures.
func methodAuth(dst *access) func(*template.Value) error {
	return func(v *template.Value) error {
		kind := ""
		if err := (fields{"type": text(&kind)}).read(v); err != nil {
			return err
		}
		switch strings.ToUpper(kind) {
		case "NONE":
			return nil
		case "AWS_IAM":
			dst.signed = true
			return nil
		}
		return v.Errorf("not supported by the local runner: only NONE and AWS_IAM are")
	}
}

// admit lets the caller in, or says why not.
func (x *exchange) admit() *failure {
	switch a := x.method.access; {
	case a.signed:
		return x.authenticate()
	case a.authorizer != nil:
		return x.authorize(a.authorizer)
	case x.api.policy != nil && !x.policyAllows:
		return x.denied(false)
	}
	return nil
}

// Needs is what a method asks of its callers.
type Needs struct{ Signature, Authorizer, APIKey bool }

// Needs answers what the method of a resource path, as "/record", asks; nothing if there is no such method.
func (a *API) Needs(verb, path string) Needs {
	for _, m := range a.methods {
		if m.verb == verb && m.resourcePath == path {
			return Needs{m.access.signed, m.access.authorizer != nil, m.access.key}
		}
	}
	return Needs{}
}

// AnyKey answers the value of an API key that is good at the moment; "" if there is none.
func (a *API) AnyKey() string {
	a.limits.RLock()
	defer a.limits.RUnlock()
	for value, c := range a.clients {
		if c.key.Enabled {
			return value
		}
	}
	return ""
}
