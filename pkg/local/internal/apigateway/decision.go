package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// decision is what an authorizer answered.
type decision struct {
	principal  string
	context    map[string]string // $context.authorizer.X
	statements []statement
}

// maxPolicyResource is the longest Resource of a policy, in characters: "Quotas for configuring and running a REST API".
const maxPolicyResource = 512

// members reads an object's members, each name once.
func members(data []byte) (map[string]jsontext.Value, error) {
	v := jsontext.Value(data)
	if !v.IsValid() || v.Kind() != '{' {
		return nil, errors.New("is no JSON object")
	}
	out := map[string]jsontext.Value{}
	return out, json.Unmarshal(v, &out)
}

// readDecision reads an authorizer's answer ("Output from an API Gateway Lambda authorizer"), strictly: what API Gateway might take for
// something else than was meant, no caller shall get through by. Errors hold no values.
func readDecision(data []byte) (*decision, error) {
	top, err := members(data)
	if err != nil {
		return nil, err
	}
	d := &decision{context: map[string]string{}}
	for name, v := range top {
		switch name {
		case "principalId":
			err = json.Unmarshal(v, &d.principal)
		case "policyDocument":
			d.statements, err = readPolicyDocument(v)
		case "context":
			err = d.readContext(v)
		case "usageIdentifierKey": // counts only where x-amazon-apigateway-api-key-source is AUTHORIZER
			var key *string
			err = json.Unmarshal(v, &key)
		default:
			err = errors.New("is no member of an answer")
		}
		if err != nil {
			return nil, describe(name, err)
		}
	}
	if d.principal == "" || top["policyDocument"] == nil {
		return nil, errors.New("principalId and policyDocument are required")
	}
	return d, nil
}

// describe names the place of an error without a value of the answer.
func describe(name string, err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%q has the wrong type", name)
	}
	return fmt.Errorf("%q %w", name, err)
}

// readContext takes texts, numbers and booleans, as texts.
func (d *decision) readContext(v jsontext.Value) error {
	if v.Kind() == 'n' {
		return nil
	}
	all, err := members(v)
	if err != nil {
		return err
	}
	for name, value := range all {
		switch value.Kind() {
		case '"':
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
			d.context[name] = text
		case '0', 't', 'f':
			d.context[name] = value.String()
		default:
			return errors.New("holds a value that is neither text nor number nor boolean")
		}
	}
	return nil
}

func readPolicyDocument(v jsontext.Value) ([]statement, error) {
	top, err := members(v)
	if err != nil {
		return nil, err
	}
	var list []jsontext.Value
	for name, value := range top {
		switch name {
		case "Version":
			var version string
			if err := json.Unmarshal(value, &version); err != nil || version != "2012-10-17" && version != "2008-10-17" {
				return nil, errors.New("has a Version that is none")
			}
		case "Id":
		case "Statement":
			if list = []jsontext.Value{value}; value.Kind() == '[' {
				if err := json.Unmarshal(value, &list); err != nil {
					return nil, err
				}
			}
		default:
			return nil, errors.New("has a member that no policy has")
		}
	}
	if len(list) == 0 {
		return nil, errors.New("has no Statement")
	}
	out := make([]statement, len(list))
	for i, item := range list {
		if out[i], err = readAnsweredStatement(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readAnsweredStatement reads a statement of an authorizer's policy. Conditions, NotAction and NotResource are not supported here, and
// refused rather than left out.
func readAnsweredStatement(v jsontext.Value) (s statement, err error) {
	top, err := members(v)
	if err != nil {
		return s, err
	}
	for name, value := range top {
		switch name {
		case "Sid":
		case "Effect":
			var effect string
			if err := json.Unmarshal(value, &effect); err != nil || effect != "Allow" && effect != "Deny" {
				return s, errors.New("has a statement whose Effect is neither Allow nor Deny")
			}
			s.deny = effect == "Deny"
		case "Action":
			s.actions, err = oneOrMore(value)
		case "Resource":
			s.resources, err = oneOrMore(value)
		default:
			err = errors.New("has a statement with a member that the local runner does not support")
		}
		if err != nil {
			return s, err
		}
	}
	if top["Effect"] == nil || len(s.actions) == 0 || len(s.resources) == 0 {
		return s, errors.New("has a statement without Effect, Action or Resource")
	}
	for _, r := range s.resources {
		switch {
		case len([]rune(r)) > maxPolicyResource:
			return s, fmt.Errorf("has a Resource of more than %d characters", maxPolicyResource)
		case strings.Contains(r, "${"):
			return s, errors.New("has a Resource with a policy variable, which the local runner does not support")
		}
	}
	return s, nil
}

func oneOrMore(v jsontext.Value) (list []string, err error) {
	if v.Kind() == '"' {
		list = make([]string, 1)
		return list, json.Unmarshal(v, &list[0])
	}
	var texts []*string // a null would be an empty text
	if err := json.Unmarshal(v, &texts); err != nil {
		return nil, errors.New("has an Action or Resource that is neither text nor a list of texts")
	}
	for _, t := range texts {
		if t == nil {
			return nil, errors.New("has an Action or Resource that is null")
		}
		list = append(list, *t)
	}
	return list, nil
}
