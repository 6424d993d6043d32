package template

import (
	"slices"
	"strings"
)

func (t *Template) checkConditionCycles() error {
	needs := func(name string) []string {
		return conditionsIn(t.conditionNamed[name].expr, nil)
	}
	names := make([]string, len(t.conditions))
	for i, c := range t.conditions {
		names[i] = c.name
	}
	if circle := findCircle(names, needs); circle != nil {
		c := t.conditionNamed[circle[0]]
		return t.fault(c.pos, (*trail)(nil).member("Conditions").member(c.name), "the condition needs itself: %s", strings.Join(circle, " -> "))
	}
	return nil
}

func conditionsIn(n *node, found []string) []string {
	name, operands := conditionCall(n)
	switch name {
	case "Condition":
		return append(found, operands[0].text)
	case "Fn::And", "Fn::Or", "Fn::Not":
		for _, operand := range operands {
			found = conditionsIn(operand, found)
		}
	}
	return found
}

// asked answers the parameters that the condition called name asks for, in the order of the file.
func (t *Template) asked(name string) []Parameter {
	names, seen := map[string]bool{}, map[string]bool{}
	var visit func(n *node)
	var enter func(condition string)
	visit = func(n *node) {
		switch {
		case n == nil:
			return
		case n.call == "Ref" && n.arg.literal():
			names[n.arg.text] = true
		}
		for _, condition := range conditionsIn(n, nil) {
			enter(condition)
		}
		visit(n.arg)
		for _, item := range n.items {
			visit(item)
		}
	}
	enter = func(condition string) {
		if !seen[condition] {
			seen[condition] = true
			visit(t.conditionNamed[condition].expr)
		}
	}
	enter(name)
	return slices.DeleteFunc(t.Parameters(), func(p Parameter) bool { return !names[p.Name] })
}

func (t *Template) checkDependsOn() error {
	owners := make(map[string][]string)
	names := make([]string, len(t.resources))
	for i, r := range t.resources {
		names[i] = r.id
		at := (*trail)(nil).member("Resources").member(r.id).member("DependsOn")
		for _, id := range r.dependsOn {
			found, ok := t.refTarget(id)
			if !ok || strings.Contains(id, ".") {
				return t.fault(r.pos, at, "there is no resource %q in the template", shorten(id))
			}
			owners[r.id] = append(owners[r.id], found.resource.id)
		}
		t.resources[i].dependsOn = owners[r.id]
	}
	if circle := findCircle(names, func(id string) []string { return owners[id] }); circle != nil {
		r := t.resourceNamed[circle[0]]
		at := (*trail)(nil).member("Resources").member(r.id).member("DependsOn")
		return t.fault(r.pos, at, "the resource depends on itself: %s", strings.Join(circle, " -> "))
	}
	return nil
}

// findCircle answers the first circle in a graph, its first name repeated at the end, or nil if there is none.
func findCircle(names []string, edges func(string) []string) []string {
	done, onPath := make(map[string]bool), make(map[string]bool)
	var path []string
	var visit func(string) []string
	visit = func(name string) []string {
		if onPath[name] {
			return append(slices.Clone(path[slices.Index(path, name):]), name)
		}
		if done[name] {
			return nil
		}
		path, onPath[name] = append(path, name), true
		defer func() { path, onPath[name] = path[:len(path)-1], false }()
		for _, next := range edges(name) {
			if circle := visit(next); circle != nil {
				return circle
			}
		}
		done[name] = true
		return nil
	}
	for _, name := range names {
		if circle := visit(name); circle != nil {
			return circle
		}
	}
	return nil
}
