package apigateway

import (
	"errors"
	"strings"

	"hydrant/pkg/local/internal/template"
	"hydrant/pkg/local/internal/vtl"
)

// templates are mapping templates by media type, in the order of the file.
type templates struct {
	types  []string
	byType map[string]*vtl.Template
}

// anyType is the key of the template that serves every media type without one of its own.
const anyType = "$default"

func readTemplates(dst *templates, name string) func(*template.Value) error {
	return func(v *template.Value) error {
		dst.byType = map[string]*vtl.Template{}
		return each(v, func(m template.Member) error {
			if m.Value.Kind != template.Scalar {
				return m.Value.Errorf("must be a text")
			}
			t, err := vtl.Parse(name+" "+m.Name, m.Value.Text)
			var fault *vtl.Error
			if errors.As(err, &fault) {
				return m.Value.Errorf("line %d, column %d of the mapping template: %s", fault.Line, fault.Column, fault.Message)
			}
			if err != nil {
				return m.Value.Errorf("%s", err)
			}
			key := mediaType(m.Name)
			dst.types = append(dst.types, key)
			dst.byType[key] = t
			return nil
		})
	}
}

// passthrough is what happens to a body for whose media type there is no template.
type passthrough int

const (
	whenNoMatch passthrough = iota // API Gateway's default
	whenNoTemplates
	never
)

func readPassthrough(dst *passthrough) func(*template.Value) error {
	names := map[string]passthrough{"when_no_match": whenNoMatch, "when_no_templates": whenNoTemplates, "never": never}
	return func(v *template.Value) error {
		p, known := names[strings.ToLower(v.Text)]
		if !known {
			return v.Errorf("must be when_no_match, when_no_templates or never")
		}
		*dst = p
		return nil
	}
}

// forRequest chooses by the request's media type. Without a template ok says whether the body goes on as it is; if not, the answer
// is 415. See "Method request behavior for payloads without mapping templates".
func (t *templates) forRequest(media string, p passthrough) (chosen *vtl.Template, ok bool) {
	if chosen, ok = t.byType[media]; ok {
		return chosen, true
	}
	if chosen, ok = t.byType[anyType]; ok {
		return chosen, true
	}
	return nil, p == whenNoMatch || p == whenNoTemplates && len(t.types) == 0
}

const jsonType = "application/json"

// forAccept chooses by the request's Accept: a media type that it names, else application/json, else the first. Without any, nil.
func forAccept[T any](accept string, types []string, byType map[string]T) (media string, chosen T) {
	for accept != "" {
		var one string
		one, accept, _ = strings.Cut(accept, ",")
		one = mediaType(one)
		if chosen, ok := byType[one]; ok {
			return one, chosen
		}
	}
	if chosen, ok := byType[jsonType]; ok || len(types) == 0 {
		return jsonType, chosen
	}
	return types[0], byType[types[0]]
}

// mediaType is a Content-Type without its parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
