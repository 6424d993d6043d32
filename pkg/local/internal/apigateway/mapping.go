package apigateway

import (
	"net/textproto"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// mapping sets a header from a source: a line of requestParameters or responseParameters.
type mapping struct {
	header string // in canonical form
	source source
}

// source is a mapping expression, such as 'static text', method.request.header.X or context.stage.
type source struct {
	static bool
	text   string // static only
	read   func(*exchange) string
}

// value is what the source gives for one request; "" where there is nothing, and then the header is left out.
func (s *source) value(x *exchange) string {
	if s.static {
		return s.text
	}
	return s.read(x)
}

// mappings reads an object of targets and sources. The targets are headers: prefix is what stands before their name.
func (d *document) mappings(v *template.Value, prefix string, allow func(template.Member, string) error, m *method) ([]mapping, error) {
	var all []mapping
	err := each(v, func(member template.Member) error {
		name, isHeader := strings.CutPrefix(member.Name, prefix)
		if !isHeader || !validToken(name) {
			return memberErrorf(member, "not supported by the local runner: only %sNAME is", prefix)
		}
		if err := allow(member, name); err != nil {
			return err
		}
		s, err := parseSource(member.Value, m)
		if err != nil {
			return err
		}
		all = append(all, mapping{header: textproto.CanonicalMIMEHeaderKey(name), source: s})
		return nil
	})
	return all, err
}

// parseSource reads a mapping expression. With a method, the request's parameters must be declared there, as an import demands
// ("Invalid mapping expression parameter specified"). See "Parameter mapping sources for REST APIs".
func parseSource(v *template.Value, m *method) (source, error) {
	if v.Kind != template.Scalar {
		return source{}, v.Errorf("must be a text")
	}
	text := v.Text
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return source{static: true, text: text[1 : len(text)-1]}, nil
	}
	read := lookup(text)
	if read == nil {
		return source{}, v.Errorf("mapping expression %q is not supported by the local runner", text)
	}
	if name, isParameter := strings.CutPrefix(text, "method.request."); isParameter && m != nil && !m.declares(name) {
		return source{}, v.Errorf("%q is not declared in the method's parameters", text)
	}
	return source{read: read}, nil
}

// lookup finds what reads the variable called name, without the $ that templates write before it; nil for none.
func lookup(name string) func(*exchange) string {
	if rest, ok := strings.CutPrefix(name, "context."); ok {
		if v, known := variables[rest]; known {
			return v
		}
		// What the local runner has no value for, such as $context.authorizer.principalId, is absent.
		return func(*exchange) string { return "" }
	}
	if rest, ok := strings.CutPrefix(name, "stageVariables."); ok {
		return func(x *exchange) string { return x.api.cfg.StageVariables[rest] }
	}
	if rest, ok := strings.CutPrefix(name, "method.request.header."); ok {
		// The server has the headers' names in canonical form only, so their case cannot matter here.
		key := textproto.CanonicalMIMEHeaderKey(rest)
		return func(x *exchange) string { return x.headers()[key] }
	}
	if rest, ok := strings.CutPrefix(name, "method.request.querystring."); ok {
		return func(x *exchange) string { return x.query()[rest] }
	}
	if rest, ok := strings.CutPrefix(name, "method.request.path."); ok {
		return func(x *exchange) string { return x.pathParameters[rest] }
	}
	if rest, ok := strings.CutPrefix(name, "integration.response.header."); ok {
		return func(x *exchange) string { return last(x.answer.Header.Values(rest)) }
	}
	return nil
}

// last is what API Gateway keeps of a repeated header or query parameter.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// validToken says whether name can be a header's name (RFC 9110, token).
func validToken(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return name != ""
}
