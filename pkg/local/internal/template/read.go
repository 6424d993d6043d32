package template

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a template as it is written: its sections have the right shape and every name that is referred to exists, but no
// parameter has a value yet. It can be resolved any number of times.
type Template struct {
	file       string
	sam        bool // the template names SAM's transform
	nodes      int  // how many values it has, its aliases expanded and its Globals merged
	parameters []*Parameter
	mappings   map[string]*mapping
	rules      []*rule
	conditions []*condition
	resources  []*resource
	outputs    []*output

	parameterNamed map[string]*Parameter
	conditionNamed map[string]*condition
	resourceNamed  map[string]*resource
}

type condition struct {
	name string
	pos  Pos
	expr *node
}

type resource struct {
	id         string
	pos        Pos
	kind       string // its Type
	condition  string
	dependsOn  []string
	properties *node // a Map; nil if there are none
	metadata   *node // nil if there is none
}

type output struct {
	name, description string
	pos               Pos
	condition         string
	value             *node
	export            *node // nil if there is none
}

// Read reads the template in the file at path, in YAML or JSON. A fault in it is an *Error with its line and column; a file that
// cannot be read is the operating system's error.
func Read(path string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the template cannot be read: %w", err)
	}
	return Parse(path, data)
}

// Parse reads the template in data as Read does; file is its name in errors and in Values.
func Parse(file string, data []byte) (*Template, error) {
	r := &reader{file: file, active: make(map[*yaml.Node]bool)}
	root, err := r.document(data)
	if err != nil {
		return nil, err
	}
	t := &Template{file: file, nodes: r.nodes}
	if err := t.sections(root); err != nil {
		return nil, err
	}
	if err := t.mergeGlobals(root.get("Globals")); err != nil {
		return nil, err
	}
	if err := t.checkReferences(root); err != nil {
		return nil, err
	}
	return t, nil
}

// fault makes an *Error at pos, about the place that at leads to (nil: about no place in particular).
func (t *Template) fault(pos Pos, at *trail, format string, args ...any) error {
	return (&Value{File: t.file, Pos: pos, Path: at.String()}).Errorf(format, args...)
}

// sections reads the template's sections in the order in which one needs the other ("Template anatomy" names them).
func (t *Template) sections(root *node) error {
	if root.call != "" || root.kind != Map {
		return t.fault(root.pos, nil, "a template is a map of sections, found %s", root.what())
	}
	for _, m := range root.members {
		if err := t.section(m); err != nil {
			return err
		}
	}
	if t.resources == nil {
		return t.fault(root.pos, nil, "the template has no Resources: write at least one")
	}
	return nil
}

func (t *Template) section(m entry) error {
	at := (*trail)(nil).member(m.name)
	switch m.name {
	case "AWSTemplateFormatVersion":
		if !m.value.literal() || m.value.text != "2010-09-09" {
			return t.fault(m.value.pos, at, "the only version there is is 2010-09-09, found %s", m.value.what())
		}
		return nil
	case "Description":
		if !m.value.literal() {
			return t.fault(m.value.pos, at, "expected text, found %s", m.value.what())
		}
		return nil
	case "Metadata":
		return nil // it is for tools, and no part of the stack
	case "Transform":
		return t.readTransform(m.value, at)
	case "Parameters":
		return t.each(m.value, at, 200, t.readParameter)
	case "Rules":
		return t.each(m.value, at, maxNodes, t.readRule)
	case "Mappings":
		return t.each(m.value, at, 200, t.readMapping)
	case "Conditions":
		return t.each(m.value, at, maxNodes, t.readCondition)
	case "Globals":
		return nil // read by mergeGlobals, once the resources are known
	case "Resources":
		return t.each(m.value, at, 500, t.readResource)
	case "Outputs":
		return t.each(m.value, at, 200, t.readOutput)
	default:
		return t.fault(m.pos, at, "a section of this name is not supported by the local runner: remove it")
	}
}

// SAM's transform, the only one that the runner can carry out.
const samTransform = "AWS::Serverless-2016-10-31"

func (t *Template) readTransform(n *node, at *trail) error {
	names := []*node{n}
	if n.call == "" && n.kind == List {
		names = n.items
	}
	for _, name := range names {
		if !name.literal() || name.text != samTransform {
			return t.fault(name.pos, at, "the local runner knows only the transform %s, found %s", samTransform, name.what())
		}
		t.sam = true
	}
	return nil
}

// logicalID is how CloudFormation names what a template declares: "Logical IDs must be alphanumeric".
var logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// each calls read for every member of a section, of which CloudFormation allows no more than most ("CloudFormation quotas").
func (t *Template) each(n *node, at *trail, most int, read func(entry, *trail) error) error {
	if n.call != "" || n.kind != Map {
		return t.fault(n.pos, at, "expected a map of names, found %s", n.what())
	}
	if len(n.members) > most {
		return t.fault(n.pos, at, "there are %d of them, but CloudFormation takes no more than %d", len(n.members), most)
	}
	for _, m := range n.members {
		if !logicalID.MatchString(m.name) {
			return t.fault(m.pos, at, "the name %q must be letters and digits alone", shorten(m.name))
		}
		if err := read(m, at.member(m.name)); err != nil {
			return err
		}
	}
	return nil
}

// fields refuses what n, the body of a declaration, may not have, and answers a fault if it is no map.
func (t *Template) fields(n *node, at *trail, allowed ...string) error {
	if n.call != "" || n.kind != Map {
		return t.fault(n.pos, at, "expected a map with %s, found %s", strings.Join(allowed, ", "), n.what())
	}
	known := make(map[string]bool, len(allowed))
	for _, name := range allowed {
		known[name] = true
	}
	for _, m := range n.members {
		if !known[m.name] {
			return t.fault(m.pos, at.member(m.name), "not supported by the local runner; it knows %s here", strings.Join(allowed, ", "))
		}
	}
	return nil
}

// textOf answers the literal text of n's member name, or "" if it has none.
func (t *Template) textOf(n *node, at *trail, name string) (string, error) {
	v := n.get(name)
	if v == nil {
		return "", nil
	}
	if !v.literal() {
		return "", t.fault(v.pos, at.member(name), "expected text, found %s", v.what())
	}
	return v.plain(), nil
}

func (t *Template) readCondition(m entry, _ *trail) error {
	if t.conditionNamed == nil {
		t.conditionNamed = make(map[string]*condition)
	}
	c := &condition{m.name, m.pos, m.value}
	t.conditions = append(t.conditions, c)
	t.conditionNamed[m.name] = c
	return nil
}

var typeName = regexp.MustCompile(`^[A-Za-z0-9]+(::[A-Za-z0-9]+)+$`)

// readResource reads a resource. DeletionPolicy and UpdateReplacePolicy say what becomes of it when the stack changes, which
// nothing on one machine does; whatever else says how to create it would have to be honoured, and is refused.
func (t *Template) readResource(m entry, at *trail) error {
	n := m.value
	err := t.fields(n, at, "Type", "Condition", "DependsOn", "Properties", "Metadata", "DeletionPolicy", "UpdateReplacePolicy")
	if err != nil {
		return err
	}
	res := &resource{id: m.name, pos: m.pos, properties: n.get("Properties"), metadata: n.get("Metadata")}
	if res.kind, err = t.textOf(n, at, "Type"); err != nil {
		return err
	}
	if !typeName.MatchString(res.kind) {
		return t.fault(m.pos, at, "a resource needs a Type such as AWS::Kinesis::Stream, found %q", shorten(res.kind))
	}
	if res.condition, err = t.textOf(n, at, "Condition"); err != nil {
		return err
	}
	if res.dependsOn, err = t.readDependsOn(n.get("DependsOn"), at.member("DependsOn")); err != nil {
		return err
	}
	if p := res.properties; p != nil && (p.call != "" || p.kind != Map) {
		return t.fault(p.pos, at.member("Properties"), "expected a map of properties, found %s", p.what())
	}
	if t.resourceNamed == nil {
		t.resourceNamed = make(map[string]*resource)
	}
	t.resources = append(t.resources, res)
	t.resourceNamed[res.id] = res
	return nil
}

func (t *Template) readDependsOn(n *node, at *trail) ([]string, error) {
	if n == nil {
		return nil, nil
	}
	names := []*node{n}
	if n.call == "" && n.kind == List {
		names = n.items
	}
	var ids []string
	for _, name := range names {
		if !name.literal() {
			return nil, t.fault(name.pos, at, "expected a resource's logical id, found %s", name.what())
		}
		ids = append(ids, name.text)
	}
	return ids, nil
}

// readOutput reads an output. Its Export is for other stacks, of which there are none on one machine: it is checked and not used.
func (t *Template) readOutput(m entry, at *trail) error {
	n := m.value
	err := t.fields(n, at, "Value", "Description", "Condition", "Export")
	if err != nil {
		return err
	}
	out := &output{name: m.name, pos: m.pos, value: n.get("Value"), export: n.get("Export")}
	if out.value == nil {
		return t.fault(m.pos, at, "an output needs a Value")
	}
	if out.description, err = t.textOf(n, at, "Description"); err != nil {
		return err
	}
	if out.condition, err = t.textOf(n, at, "Condition"); err != nil {
		return err
	}
	t.outputs = append(t.outputs, out)
	return nil
}
