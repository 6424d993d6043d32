package apigateway

import (
	"errors"
	"fmt"
	"strings"
)

// substitution is a text with variables, as gateway responses and access logs have them: "simple variable substitutions", no Velocity.
type substitution []segment

// segment is a text or a variable.
type segment struct {
	text string
	name string // without the $
	read func(*exchange) string
}

// directives are what shows that a text was meant for Velocity, which does not run here: AWS would print them.
var directives = []string{"#set", "#if", "#else", "#end", "#foreach", "#define", "#stop", "$util", "$input", "${", "$!"}

func parseSubstitution(text string) (substitution, error) {
	for _, directive := range directives {
		if strings.Contains(text, directive) {
			return nil, fmt.Errorf("%s would be printed as it stands: only $context.NAME, $stageVariables.NAME and $method.request.X.NAME are replaced", directive)
		}
	}
	return split(text), nil
}

func mustSubstitution(text string) substitution {
	s, err := parseSubstitution(text)
	if err != nil {
		panic(err)
	}
	return s
}

// split cuts the text at its variables.
func split(text string) (all substitution) {
	literal := 0
	for at := 0; at < len(text); at++ {
		if text[at] != '$' {
			continue
		}
		name := variableName(text[at+1:])
		read := lookup(name)
		if read == nil || strings.HasPrefix(name, "integration.") {
			continue
		}
		if at > literal {
			all = append(all, segment{text: text[literal:at]})
		}
		all = append(all, segment{name: name, read: read})
		literal = at + 1 + len(name)
		at = literal - 1
	}
	if literal < len(text) {
		all = append(all, segment{text: text[literal:]})
	}
	return all
}

// variableName is the longest name at the start of s: parts joined by dots. Only the names of parameters may hold a hyphen.
func variableName(s string) string {
	hyphens := strings.HasPrefix(s, "method.request.")
	end := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-' && hyphens:
			end = i + 1
		case c == '.' && end == i && i > 0:
		default:
			return s[:end]
		}
	}
	return s[:end]
}

// plain puts a variable's value down as it is, and nothing for an absent one.
func plain(dst []byte, _, value string) []byte { return append(dst, value...) }

// append writes the text with the variables' values, each put down by put.
func (s substitution) append(dst []byte, x *exchange, put func(dst []byte, name, value string) []byte) []byte {
	for i := range s {
		if s[i].read == nil {
			dst = append(dst, s[i].text...)
			continue
		}
		dst = put(dst, s[i].name, s[i].read(x))
	}
	return dst
}

// setAccessLog reads the stage's access log format. See "Set up CloudWatch logging for REST APIs".
func (a *API) setAccessLog() error {
	format := a.cfg.AccessLogFormat
	if format == "" || a.cfg.AccessLog == nil {
		return nil
	}
	if strings.ContainsAny(format, "\r\n") {
		return errors.New("access log format: must be one line")
	}
	if !strings.Contains(format, "$context.requestId") && !strings.Contains(format, "$context.extendedRequestId") {
		return errors.New("access log format: must have $context.requestId or $context.extendedRequestId")
	}
	a.accessLog = split(format)
	return nil
}

// log writes the request's line to the access log.
func (x *exchange) log() {
	if x.api.accessLog != nil {
		x.api.cfg.AccessLog(string(x.api.accessLog.append(nil, x, logged)))
	}
}

// logged puts "-" down for an absent value. The others are escaped as in a JSON string, so that a client cannot write a member or a
// line of its own; error.messageString is such a string already.
func logged(dst []byte, name, value string) []byte {
	switch {
	case value == "":
		return append(dst, '-')
	case name == "context.error.messageString":
		return append(dst, value...)
	}
	if isPlain(value) {
		return append(dst, value...)
	}
	escaped := jsonText(value)
	return append(dst, escaped[1:len(escaped)-1]...)
}

// isPlain says that a JSON string holds s as it is.
func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}
