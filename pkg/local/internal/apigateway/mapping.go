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

// side is a place where parameters are mapped: what stands before a header's name there, and which variables it knows beside those of
// $context and $stageVariables. See "Parameter mapping sources for REST APIs".
type side struct {
	target, source string
	method         *method // whose parameters are known; nil: any
}

func requestSide(m *method) side { return side{"integration.request.header.", "method.request.", m} }

var (
	responseSide = side{target: "method.response.header.", source: "integration.response.header."}
	gatewaySide  = side{target: "gatewayresponse.header.", source: "method.request."}
)

// readMappings reads an object of targets, all of them headers that allow lets pass, and sources.
func readMappings(v *template.Value, to side, allow func(m template.Member, name string) error) ([]mapping, error) {
	var all []mapping
	err := each(v, func(member template.Member) error {
		name, isHeader := strings.CutPrefix(member.Name, to.target)
		if !isHeader || !validToken(name) {
			return memberErrorf(member, "not supported by the local runner: only %sNAME is", to.target)
		}
		if err := allow(member, name); err != nil {
			return err
		}
		s, err := parseSource(member.Value, to)
		if err != nil {
			return err
		}
		all = append(all, mapping{header: textproto.CanonicalMIMEHeaderKey(name), source: s})
		return nil
	})
	return all, err
}

// parseSource reads a mapping expression. A parameter of the request must be declared in its method, as an import demands ("Invalid
// mapping expression parameter specified").
func parseSource(v *template.Value, to side) (source, error) {
	if v.Kind != template.Scalar {
		return source{}, v.Errorf("must be a text")
	}
	text := v.Text
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return source{static: true, text: text[1 : len(text)-1]}, nil
	}
	read := lookup(text)
	known := strings.HasPrefix(text, to.source) || strings.HasPrefix(text, "context.") || strings.HasPrefix(text, "stageVariables.")
	if read == nil || !known {
		return source{}, v.Errorf("mapping expression %q is not supported by the local runner here", text)
	}
	if to.method != nil && strings.HasPrefix(text, to.source) && !to.method.declares(text[len(to.source):]) {
		return source{}, v.Errorf("%q is not declared in the method's parameters: API Gateway refuses to import this", text)
	}
	return source{read: read}, nil
}

// lookup finds what reads the variable called name, without the $ that templates write before it; nil for none.
func lookup(name string) func(*exchange) string {
	if rest, ok := strings.CutPrefix(name, "context."); ok {
		if v, known := variables[rest]; known {
			return v
		}
		if name, ok := strings.CutPrefix(rest, "authorizer."); ok {
			return decisionVariable(func(d *decision) string { return d.context[name] })
		}
		// What the local runner has no value for is absent.
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
