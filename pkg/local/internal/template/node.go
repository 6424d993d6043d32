package template

import (
	"strconv"
	"strings"
)

// node is a piece of a template as it is written, aliases expanded, nothing evaluated yet.
type node struct {
	kind    Kind   // Scalar, List or Map; a call has its argument's kind in argument
	call    string // the function called, in its long form ("Ref", "Fn::Sub"); "" if the node is no call
	arg     *node  // of a call
	text    string // of a Scalar
	quoted  bool   // of a Scalar
	items   []*node
	members []entry
	pos     Pos
}

// entry is one name and value of a Map.
type entry struct {
	name  string
	pos   Pos
	value *node
}

func (n *node) get(name string) *node {
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// literal says whether n is a scalar that stands in the template as it is.
func (n *node) literal() bool { return n != nil && n.call == "" && n.kind == Scalar }

// plain is a literal's text as CloudFormation turns it into a string: an unquoted True is "true".
func (n *node) plain() string { return plainText(n.text, n.quoted) }

func plainText(text string, quoted bool) string {
	if !quoted && isBool(text) {
		return strings.ToLower(text)
	}
	return text
}

// what names n in an error message.
func (n *node) what() string {
	switch {
	case n.call != "":
		return n.call
	case n.kind == Scalar:
		return strconv.Quote(shorten(n.text))
	case n.kind == List:
		return "a list of " + strconv.Itoa(len(n.items))
	default:
		return "a map"
	}
}

func shorten(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}

// trail leads from the template's root to a place. It is turned into text only where a Value or an error needs it.
type trail struct {
	parent *trail
	step   string // ".Name" or "[2]"
	length int
}

func (t *trail) member(name string) *trail {
	if t == nil {
		return &trail{step: name, length: len(name)}
	}
	return t.down("." + name)
}

func (t *trail) item(i int) *trail { return t.down("[" + strconv.Itoa(i) + "]") }

func (t *trail) down(step string) *trail {
	length := len(step)
	if t != nil {
		length += t.length
	}
	return &trail{parent: t, step: step, length: length}
}

func (t *trail) String() string {
	if t == nil {
		return ""
	}
	path := make([]byte, t.length)
	end := t.length
	for ; t != nil; t = t.parent {
		end -= copy(path[end-len(t.step):], t.step)
	}
	return string(path)
}
