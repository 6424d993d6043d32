package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds keep a small file from becoming a large tree: an alias may stand for a piece that itself holds many aliases.
const (
	// maxBytes is CloudFormation's limit for a template ("CloudFormation quotas": template body size in an S3 object).
	maxBytes = 1 << 20
	maxNodes = 200_000
	maxDepth = 100
)

// reader turns YAML into nodes.
type reader struct {
	file   string
	nodes  int
	active map[*yaml.Node]bool // the anchors being expanded
}

func (r *reader) errorf(pos Pos, format string, args ...any) error {
	return &Error{File: r.file, Pos: pos, Message: fmt.Sprintf(format, args...)}
}

// document reads data's only document.
func (r *reader) document(data []byte) (*node, error) {
	if len(data) > maxBytes {
		return nil, r.errorf(Pos{1, 1}, "the template has %d bytes, but CloudFormation takes no more than %d: make it smaller", len(data), maxBytes)
	}
	lines := &lineReader{rest: data}
	decoder := yaml.NewDecoder(lines)
	first, err := r.next(decoder, lines, data)
	if err != nil {
		return nil, err
	}
	if first == nil || len(first.Content) == 0 {
		return nil, r.errorf(Pos{1, 1}, "the template is empty: write at least a Resources section")
	}
	second, err := r.next(decoder, lines, data)
	if err != nil {
		return nil, err
	}
	if second != nil {
		return nil, r.errorf(place(second), "a second YAML document begins here, but a template is one document: remove it")
	}
	return r.node(first.Content[0], 0)
}

// next reads one document; none is left if it answers nil. The library panics on some input that it does not expect ("please
// report"), which must not end the runner.
func (r *reader) next(decoder *yaml.Decoder, lines *lineReader, data []byte) (document *yaml.Node, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			document, err = nil, r.errorf(Pos{1, 1}, "this is no YAML that can be read: %v", cause)
		}
	}()
	document = new(yaml.Node)
	err = decoder.Decode(document)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, r.syntax(err, lines.count, data)
	}
	return document, nil
}

// lineReader hands out one line at a time and counts them, so that the place is known at which the library gives up.
type lineReader struct {
	rest  []byte
	count int
}

func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	line := len(l.rest)
	if end := bytes.IndexByte(l.rest, '\n'); end >= 0 {
		line = end + 1
	}
	n := copy(p, l.rest[:line])
	if n == line {
		l.count++
	}
	l.rest = l.rest[n:]
	return n, nil
}

var (
	yamlLine   = regexp.MustCompile(`^line (\d+): `)
	yamlAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax gives the library's message its place. The library knows the line of most faults, and the column of none. Where something
// that it expects is missing it tells the line (from 0) at which what lacks it begins; where it looked for it is the line read last.
func (r *reader) syntax(err error, read int, data []byte) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	pos, line := Pos{1, 1}, 0
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			pos.Line, line = n, n
		}
	} else if m := yamlAnchor.FindStringSubmatch(message); m != nil {
		if at := bytes.Index(data, []byte("*"+m[1])); at >= 0 {
			pos = Pos{1 + bytes.Count(data[:at], []byte("\n")), at - bytes.LastIndexByte(data[:at], '\n')}
		}
	}
	if strings.HasPrefix(message, "did not find expected ") {
		// What begins in the first line the library does not tell, but the place where it looked.
		if begins := line + 1; line > 0 && begins < read-1 {
			message = fmt.Sprintf("%s, in what begins in line %d", message, begins)
		}
		pos.Line = max(read, 1)
	}
	return r.errorf(pos, "this is no valid YAML here or just before: %s", message)
}

func place(y *yaml.Node) Pos { return Pos{max(y.Line, 1), max(y.Column, 1)} }

func (r *reader) node(y *yaml.Node, depth int) (*node, error) {
	r.nodes++
	if r.nodes > maxNodes {
		return nil, r.errorf(place(y), "the template has more than %d values with its aliases expanded: use fewer aliases", maxNodes)
	}
	if depth > maxDepth {
		return nil, r.errorf(place(y), "the template is nested more than %d levels deep here", maxDepth)
	}
	if y.Kind == yaml.AliasNode {
		return r.alias(y, depth)
	}
	name, err := r.function(y)
	if err != nil {
		return nil, err
	}
	n, err := r.untagged(y, depth)
	if err != nil {
		return nil, err
	}
	n, err = r.longForm(n)
	if err == nil && name != "" {
		n = &node{call: name, arg: n, pos: place(y)}
	}
	return n, err
}

func (r *reader) alias(y *yaml.Node, depth int) (*node, error) {
	if r.active[y.Alias] {
		return nil, r.errorf(place(y), "the alias *%s stands inside its own anchor", y.Value)
	}
	r.active[y.Alias] = true
	defer delete(r.active, y.Alias)
	return r.node(y.Alias, depth+1)
}

// untagged reads what stands behind the tag, if there is one.
func (r *reader) untagged(y *yaml.Node, depth int) (*node, error) {
	n := &node{pos: place(y)}
	switch y.Kind {
	case yaml.ScalarNode:
		n.kind, n.text = Scalar, y.Value
		n.quoted = y.Style&^yaml.TaggedStyle != 0 || y.Style&yaml.TaggedStyle != 0 && y.Tag == "!!str"
		// "'null' values are not allowed in templates", CloudFormation says, wherever they stand.
		if !n.quoted && isNull(n.text) {
			return nil, r.errorf(n.pos, "there is no value here, and a template may not hold null: give one, or leave the name out")
		}
		return n, nil
	case yaml.SequenceNode:
		n.kind = List
		for _, item := range y.Content {
			value, err := r.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, value)
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = Map
		return n, r.members(n, y, depth)
	default:
		return nil, r.errorf(n.pos, "this is no YAML value that a template can hold")
	}
}

func (r *reader) members(n *node, y *yaml.Node, depth int) error {
	lines := make(map[string]int, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		name, err := r.key(key)
		if err != nil {
			return err
		}
		if line, twice := lines[name]; twice {
			return r.errorf(place(key), "%q stands here twice, first in line %d: remove one", shorten(name), line)
		}
		lines[name] = key.Line
		value, err := r.node(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, entry{name, place(key), value})
	}
	return nil
}

func (r *reader) key(y *yaml.Node) (string, error) {
	switch {
	case y.Kind == yaml.ScalarNode && y.Tag == "!!merge":
		// "CloudFormation template formats" lists hash merges among the YAML features that are not supported.
		return "", r.errorf(place(y), "merge keys (<<) are not supported by CloudFormation: write the members out")
	case y.Kind != yaml.ScalarNode || y.Style&yaml.TaggedStyle != 0 && y.Tag != "!!str":
		return "", r.errorf(place(y), "a name must be plain text")
	case y.Value == "" && y.Style == 0:
		return "", r.errorf(place(y), "a name is missing before the colon")
	}
	return y.Value, nil
}

// function answers the long name of the function that y's tag calls, or "" if y has no tag or one that only says what it is.
func (r *reader) function(y *yaml.Node) (string, error) {
	if y.Style&yaml.TaggedStyle == 0 {
		return "", nil
	}
	switch y.Tag {
	case "!!str", "!!seq", "!!map":
		return "", nil
	case "!Ref", "!Condition":
		return y.Tag[1:], nil
	}
	name, ok := strings.CutPrefix(y.Tag, "!")
	if ok && supported["Fn::"+name] {
		return "Fn::" + name, nil
	}
	if why := refused["Fn::"+name]; ok && why != "" {
		return "", r.errorf(place(y), "!%s is not supported by the local runner: %s", name, why)
	}
	return "", r.errorf(place(y), "the tag %s is not supported by the local runner: it names no function that the runner knows", shorten(y.Tag))
}

// longForm makes a call of a map such as {"Fn::Sub": "..."}. A map with the one member Condition is a call only where a condition
// is expected, since it may as well be a policy's or a resource's own member.
func (r *reader) longForm(n *node) (*node, error) {
	if n.kind != Map {
		return n, nil
	}
	for _, m := range n.members {
		if m.name != "Ref" && !strings.HasPrefix(m.name, "Fn::") {
			continue
		}
		if !supported[m.name] {
			why := refused[m.name]
			if why == "" {
				why = "it is no function that the runner knows"
			}
			return nil, r.errorf(m.pos, "%s is not supported by the local runner: %s", shorten(m.name), why)
		}
		if len(n.members) > 1 {
			return nil, r.errorf(m.pos, "%s must be the only member of its map", m.name)
		}
		return &node{call: m.name, arg: m.value, pos: m.pos}, nil
	}
	return n, nil
}

// supported names the functions that the runner evaluates ("Intrinsic function reference" in the CloudFormation template reference).
var supported = map[string]bool{
	"Ref": true, "Fn::GetAtt": true, "Fn::Sub": true, "Fn::If": true,
	"Fn::Equals": true, "Fn::And": true, "Fn::Or": true, "Fn::Not": true,
	"Fn::Join": true, "Fn::Select": true, "Fn::Split": true, "Fn::FindInMap": true, "Fn::Base64": true,
}

// refused says why a function of CloudFormation's is none of the runner's.
var refused = map[string]string{
	"Fn::Cidr":         "there is no network to divide on one machine",
	"Fn::GetAZs":       "there are no availability zones on one machine",
	"Fn::ImportValue":  "there is no other stack to import from on one machine; use a parameter",
	"Fn::Transform":    "macros and AWS::Include need an account; write the content out",
	"Fn::Length":       "it needs the transform AWS::LanguageExtensions",
	"Fn::ToJsonString": "it needs the transform AWS::LanguageExtensions",
}
