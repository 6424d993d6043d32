package apigateway

import (
	"net/url"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// node is a resource of the API, or a place on the way to one: API Gateway keeps resources as a tree of path parts.
type node struct {
	literal   map[string]*node
	parameter *node // {name}
	greedy    *node // {name+}
	name      string
	methods   map[string]*method // by verb, or ANY; nil for no resource
}

// add puts the methods of a path into the tree.
func (n *node) add(path template.Member, methods map[string]*method) error {
	if !strings.HasPrefix(path.Name, "/") {
		return memberErrorf(path, "must begin with /")
	}
	if path.Name != "/" {
		parts := strings.Split(path.Name[1:], "/")
		for i, part := range parts {
			next := n.child(part)
			if next == nil || next == n.greedy && i < len(parts)-1 {
				return memberErrorf(path, "not supported: a path part is a text or one {name}, the last may be {name+}, and siblings share one name")
			}
			n = next
		}
	}
	n.methods = methods
	return nil
}

// child is the node of a path part below n, made if need be; nil if API Gateway would not take it.
func (n *node) child(part string) *node {
	name, isParameter := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	if isParameter != closed || part == "" || strings.ContainsAny(name, "{}") {
		return nil
	}
	if !isParameter {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[part] == nil {
			n.literal[part] = &node{}
		}
		return n.literal[part]
	}
	place := &n.parameter
	name, isGreedy := strings.CutSuffix(name, "+")
	if isGreedy {
		place = &n.greedy
	}
	if *place == nil {
		*place = &node{name: name}
	}
	if (*place).name != name || name == "" {
		return nil
	}
	return *place
}

// find follows the parts of a request's path, still escaped: what is written out wins over {name}, and that over {name+}.
func (n *node) find(parts []string, parameters map[string]string) *node {
	if len(parts) == 0 {
		if n.methods == nil {
			return nil
		}
		return n
	}
	part, err := url.PathUnescape(parts[0])
	if err != nil {
		return nil
	}
	if next := n.literal[part]; next != nil {
		if found := next.find(parts[1:], parameters); found != nil {
			return found
		}
	}
	if n.parameter != nil && part != "" {
		if found := n.parameter.find(parts[1:], parameters); found != nil {
			parameters[n.parameter.name] = part
			return found
		}
	}
	if n.greedy == nil || n.greedy.methods == nil || part == "" {
		return nil
	}
	rest, err := url.PathUnescape(strings.Join(parts, "/"))
	if err != nil {
		return nil
	}
	parameters[n.greedy.name] = rest
	return n.greedy
}

// route finds the method of a request whose path begins with the stage. A path that ends in a slash or has two in a row is another
// path: the developer guide is silent, and being stricter never lets a client through that API Gateway turns away.
func (a *API) route(path, verb string) (m *method, parameters map[string]string, stage bool) {
	rest, found := strings.CutPrefix(path, "/"+a.cfg.Stage)
	if !found || rest != "" && rest[0] != '/' {
		return nil, nil, false
	}
	var parts []string
	if len(rest) > 1 {
		parts = strings.Split(rest[1:], "/")
	}
	parameters = map[string]string{}
	n := a.routes.find(parts, parameters)
	if n == nil {
		return nil, nil, true
	}
	if m = n.methods[verb]; m == nil {
		m = n.methods["ANY"]
	}
	return m, parameters, true
}
