package authorizer

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Request is what an event says that matters here ("Input to an API Gateway Lambda authorizer").
type Request struct {
	Type              string              `json:"type"`
	MethodARN         string              `json:"methodArn"` // arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<method>/<path as sent>
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
}

// ReadRequest reads an event. The error quotes nothing of it.
func ReadRequest(payload []byte) (Request, error) {
	var r Request
	// A header of other bytes than UTF-8 is nobody's fault who has a good credential. Two members of a name are: which one would count?
	if err := json.Unmarshal(payload, &r, jsontext.AllowInvalidUTF8(true)); err != nil || r.Type != "REQUEST" {
		return Request{}, ReasonEvent
	}
	return r, nil
}

// stage is the ARN of the API's stage, with a slash behind it, or "" if the event names none: what is allowed is made of it, so it has
// nothing that a policy would take for a wildcard or a variable. The rest of the method's ARN is the caller's text, and not looked at.
func (r *Request) stage() string {
	const most = 256
	parts := strings.SplitN(r.MethodARN, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "execute-api" {
		return ""
	}
	api, rest, _ := strings.Cut(parts[5], "/")
	stage, _, more := strings.Cut(rest, "/")
	if !isName(parts[1]) || !isName(parts[3]) || !isName(parts[4]) || !isName(api) || !isName(stage) || !more {
		return ""
	}
	end := len(r.MethodARN) - len(rest) + len(stage) + len("/")
	if end > most {
		return ""
	}
	return r.MethodARN[:end]
}

// isName says whether a part of an ARN has letters, digits, hyphens and underscores, as regions, accounts, APIs and stages have.
func isName(s string) bool { return s != "" && strings.IndexFunc(s, notName) < 0 }

func notName(r rune) bool { return r == '.' || notBase64URL(r) }

// API Gateway takes 10,240 bytes of request line and headers ("Amazon API Gateway quotas").
const maxCredential = 10_240

// bearer is the token of the one Authorization header. The scheme's case does not matter (RFC 9110, section 11.1).
func (r *Request) bearer() (string, Reason) {
	header, reason := r.authorization()
	if reason != "" {
		return "", reason
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case len(header) > maxCredential:
		return "", ReasonTooLarge
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", ReasonNotBearer
	}
	return token, ""
}

// authorization is the value of the header, if there is one and no more. API Gateway sends all values in multiValueHeaders and the last in
// headers, by the names that the caller wrote: authorization and Authorization are two. Its cache knows callers by the value, so where the
// two maps disagree there is no telling whose answer it would be.
func (r *Request) authorization() (string, Reason) {
	var single, multi []string
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Authorization") {
			single = append(single, value)
		}
	}
	for name, values := range r.MultiValueHeaders {
		if strings.EqualFold(name, "Authorization") {
			multi = append(multi, values...)
		}
	}
	switch {
	case len(single) == 0 && len(multi) == 0:
		return "", ReasonNoCredential
	case len(single) > 1 || len(multi) > 1:
		return "", ReasonManyHeaders
	case len(single) == 1 && r.MultiValueHeaders == nil:
		return single[0], ""
	case len(single) == 0 || len(multi) == 0 || single[0] != multi[0]:
		return "", ReasonManyHeaders
	}
	return single[0], ""
}
