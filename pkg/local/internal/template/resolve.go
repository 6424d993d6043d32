package template

import (
	"maps"
	"strings"
)

// Environment is what a template does not say itself.
type Environment struct {
	Parameters map[string]string // values that take the place of the parameters' defaults
	AccountID  string
	Region     string
	Partition  string
	URLSuffix  string
	StackName  string
	// Attribute answers a Ref (attribute "") or Fn::GetAtt (attribute "Arn") of a resource of the template. An attribute that begins
	// with a dot is one of a resource that SAM makes of the resource: ".Alias", ".Version", ".Stage", ".Deployment" and ".Role" are
	// Refs of it, ".Role.Arn" is a Fn::GetAtt.
	//
	// properties are the resource's resolved properties, always a Map, less those that SAM makes resources of (Events,
	// DeploymentPreference and EventInvokeConfig of a function; AccessLogSetting, CanarySetting, MethodSettings and Variables of an
	// API). For ".Role" they are empty. An error that is no *Error gets the place of the reference.
	Attribute func(logicalID, resourceType, attribute string, properties *Value) (string, error)
}

// Resolved is what is left of a template in an environment: only what no condition leaves out, in the order of the file.
type Resolved struct {
	// Parameters has every parameter's value; that of a NoEcho parameter is "****", as DescribeStacks shows it.
	Parameters map[string]string
	Resources  []Resource
	LeftOut    []LeftOut
	Outputs    []Output
	// Broken is what the parameters break of the template's Rules, *Errors joined; nil if nothing. CloudFormation makes no stack then.
	Broken error
}

// Resource is a resource to be made. SAM's Globals are merged into its Properties.
type Resource struct {
	LogicalID  string
	Type       string
	Properties *Value   // always a Map
	Metadata   *Value   // nil if there is none
	DependsOn  []string // logical ids of other Resources
	Pos        Pos      // of the logical id
	File       string
}

// LeftOut is a resource that is not made, since its condition does not hold.
type LeftOut struct {
	LogicalID, Type, Condition string
	Parameters                 []Parameter // that the condition asks for, itself or by another one
}

// Output is one of the template's Outputs.
type Output struct {
	Name        string
	Description string
	Value       string
	Pos         Pos
}

// Resolve evaluates the template in an environment. The first fault ends it, an *Error at its place.
func (t *Template) Resolve(env Environment) (*Resolved, error) {
	values, err := t.values(env.Parameters)
	if err != nil {
		return nil, err
	}
	r := &resolver{Template: t, env: env, values: values, holds: make(map[string]bool), states: make(map[*resource]*state)}
	out := &Resolved{Parameters: maps.Clone(values)}
	for _, p := range t.parameters {
		if p.NoEcho {
			out.Parameters[p.Name] = "****"
		}
	}
	if out.Broken, err = r.broken(); err != nil {
		return nil, err
	}
	for _, res := range t.resources {
		if err := r.resource(res, out); err != nil {
			return nil, err
		}
	}
	for _, o := range t.outputs {
		if err := r.output(o, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxCost bounds what a small template can grow to by functions that repeat text, in bytes, roughly.
const (
	maxCost  = 64 << 20
	nodeCost = 64
)

type resolver struct {
	*Template
	env    Environment
	values map[string]string
	holds  map[string]bool // the conditions that were evaluated
	states map[*resource]*state
	stack  []string // logical ids of the resources being evaluated, outermost first
	cost   int
}

// state is how far the evaluation of a resource's properties is.
type state struct {
	begun, done []bool
	values      []*Value // nil: left out
}

func (r *resolver) spend(pos Pos, at *trail, text int) error {
	r.cost += nodeCost + text
	if at != nil {
		r.cost += at.length
	}
	if r.cost > maxCost {
		return r.fault(pos, nil, "the template grows beyond %d bytes when it is resolved: repeat less text", maxCost)
	}
	return nil
}

func (r *resolver) resource(res *resource, out *Resolved) error {
	holds, err := r.condition(res.condition)
	if err != nil {
		return err
	}
	if !holds {
		out.LeftOut = append(out.LeftOut, LeftOut{res.id, res.kind, res.condition, r.asked(res.condition)})
		return nil
	}
	made := Resource{LogicalID: res.id, Type: res.kind, Pos: res.pos, File: r.file}
	if made.Properties, err = r.properties(res, func(string) bool { return true }); err != nil {
		return err
	}
	if res.metadata != nil {
		at := (*trail)(nil).member("Resources").member(res.id).member("Metadata")
		if made.Metadata, err = r.eval(res.metadata, at); err != nil {
			return err
		}
	}
	for _, id := range res.dependsOn {
		// A resource that a condition leaves out is nothing to wait for.
		holds, err := r.condition(r.resourceNamed[id].condition)
		if err != nil {
			return err
		}
		if holds {
			made.DependsOn = append(made.DependsOn, id)
		}
	}
	out.Resources = append(out.Resources, made)
	return nil
}

// properties evaluates those properties of a resource that wanted wants. Each is evaluated once.
func (r *resolver) properties(res *resource, wanted func(string) bool) (*Value, error) {
	at := (*trail)(nil).member("Resources").member(res.id).member("Properties")
	out := &Value{Kind: Map, File: r.file, Pos: res.pos, Path: at.String()}
	if res.properties == nil {
		return out, nil
	}
	out.Pos = res.properties.pos
	members := res.properties.members
	s := r.states[res]
	if s == nil {
		s = &state{make([]bool, len(members)), make([]bool, len(members)), make([]*Value, len(members))}
		r.states[res] = s
	}
	r.stack = append(r.stack, res.id)
	defer func() { r.stack = r.stack[:len(r.stack)-1] }()
	for i, m := range members {
		if !wanted(m.name) {
			continue
		}
		if s.begun[i] && !s.done[i] {
			return nil, r.circle(res)
		}
		if !s.begun[i] {
			s.begun[i] = true
			value, err := r.eval(m.value, at.member(m.name))
			if err != nil {
				return nil, err
			}
			s.values[i], s.done[i] = value, true
		}
		if s.values[i] != nil {
			out.Members = append(out.Members, Member{m.name, m.pos, s.values[i]})
		}
	}
	return out, nil
}

// circle is the fault of a resource whose properties need themselves. CloudFormation calls it a circular dependency.
func (r *resolver) circle(res *resource) error {
	first := 0
	for i, id := range r.stack[:len(r.stack)-1] {
		if id == res.id {
			first = i
		}
	}
	at := (*trail)(nil).member("Resources").member(res.id)
	return r.fault(res.pos, at, "its properties need itself, in a circle: %s; take one of the references out", strings.Join(r.stack[first:], " -> "))
}

func (r *resolver) output(o *output, out *Resolved) error {
	holds, err := r.condition(o.condition)
	if err != nil || !holds {
		return err
	}
	value, err := r.text(o.value, (*trail)(nil).member("Outputs").member(o.name).member("Value"))
	if err != nil {
		return err
	}
	out.Outputs = append(out.Outputs, Output{o.name, o.description, value.plain(), o.pos})
	return nil
}

// condition says whether the condition called name holds; "" is no condition.
func (r *resolver) condition(name string) (bool, error) {
	if name == "" {
		return true, nil
	}
	if holds, known := r.holds[name]; known {
		return holds, nil
	}
	holds, err := r.truth(r.conditionNamed[name].expr, (*trail)(nil).member("Conditions").member(name))
	if err == nil {
		r.holds[name] = holds
	}
	return holds, err
}

// truth evaluates a condition function, no more of it than is needed.
func (r *resolver) truth(n *node, at *trail) (bool, error) {
	name, operands := conditionCall(n)
	switch name {
	case "Condition":
		return r.condition(operands[0].text)
	case "Fn::Equals":
		return r.equal(operands[0], operands[1], at)
	case "Fn::Not":
		holds, err := r.truth(operands[0], at)
		return !holds, err
	}
	decisive := name == "Fn::Or" // the answer that makes the others needless
	for _, operand := range operands {
		holds, err := r.truth(operand, at)
		if err != nil || holds == decisive {
			return holds, err
		}
	}
	return !decisive, nil
}

func (r *resolver) equal(a, b *node, at *trail) (bool, error) {
	left, err := r.eval(a, at)
	if err != nil {
		return false, err
	}
	right, err := r.eval(b, at)
	if err != nil {
		return false, err
	}
	return sameText(left, right), nil
}

// sameText compares two values as text, in upper and lower case; a list is equal to a list of equal texts.
func sameText(a, b *Value) bool {
	if a == nil || b == nil || a.Kind != b.Kind || len(a.Items) != len(b.Items) || a.Kind == Map {
		return false
	}
	for i := range a.Items {
		if !sameText(a.Items[i], b.Items[i]) {
			return false
		}
	}
	return a.plain() == b.plain()
}
