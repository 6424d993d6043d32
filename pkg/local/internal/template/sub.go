package template

import (
	"fmt"
	"regexp"
	"strings"
)

// segment is a piece of Fn::Sub's text: literal text, or a variable's name.
type segment struct {
	text     string
	variable bool
}

// "Variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons."
var subVariable = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)

// segments splits Fn::Sub's text. "${!Literal}" is the text "${Literal}" ("Fn::Sub" in the CloudFormation template reference).
func segments(text string) ([]segment, error) {
	var out []segment
	for text != "" {
		before, rest, found := strings.Cut(text, "${")
		if before != "" {
			out = append(out, segment{text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf(`"${" is not closed: write "}" behind the name, or "${!" for the text itself`)
		}
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out = append(out, segment{text: "${" + literal + "}"})
		} else if subVariable.MatchString(name) {
			out = append(out, segment{text: name, variable: true})
		} else {
			return nil, fmt.Errorf(`"${%s}" names no variable: write letters, digits, "_", "." and ":", or "${!" for the text itself`, shorten(name))
		}
		text = after
	}
	return out, nil
}

// subArguments splits the argument of Fn::Sub, which is a text or a list of a text and a map of variables.
func subArguments(arg *node) (text, variables *node, ok bool) {
	if arg.literal() {
		return arg, nil, true
	}
	if arg.call != "" || arg.kind != List || len(arg.items) != 2 || !arg.items[0].literal() {
		return nil, nil, false
	}
	variables = arg.items[1]
	return arg.items[0], variables, variables.call == "" && variables.kind == Map
}
