package template

import (
	"fmt"
	"strings"
)

// checker walks over everything that can be evaluated, whether or not a condition uses it, so that a wrong name is found before
// the day on which a parameter brings it to light. What it lets through, the resolver can index without looking.
type checker struct {
	*Template
	inCondition bool // Conditions know no resources, and are the only place for Fn::Equals and its like
}

// checkReferences checks the functions' arguments, the names they refer to, and that no condition needs itself.
func (t *Template) checkReferences(root *node) error {
	conditions := checker{t, true}
	for _, c := range t.conditions {
		if err := conditions.condition(c.expr, (*trail)(nil).member("Conditions").member(c.name)); err != nil {
			return err
		}
	}
	if err := t.checkConditionCycles(); err != nil {
		return err
	}
	if err := t.checkRules(); err != nil {
		return err
	}
	if globals := root.get("Globals"); globals != nil {
		if err := (checker{t, false}).value(globals, (*trail)(nil).member("Globals")); err != nil {
			return err
		}
	}
	// What stands in the file, not what Globals are merged into: they are checked already.
	for _, m := range root.get("Resources").members {
		if err := t.checkResource(t.resourceNamed[m.name], m.value); err != nil {
			return err
		}
	}
	for _, o := range t.outputs {
		if err := t.checkOutput(o); err != nil {
			return err
		}
	}
	return t.checkDependsOn()
}

func (t *Template) checkResource(r *resource, written *node) error {
	at := (*trail)(nil).member("Resources").member(r.id)
	if t.parameterNamed[r.id] != nil {
		return t.fault(r.pos, at, "a parameter has this name too: rename one")
	}
	if !t.sam && strings.HasPrefix(r.kind, "AWS::Serverless::") {
		return t.fault(r.pos, at, "the type %s needs the line \"Transform: %s\" at the top of the template", r.kind, samTransform)
	}
	if err := t.checkConditionName(r.condition, r.pos, at); err != nil {
		return err
	}
	for _, name := range []string{"Properties", "Metadata"} {
		if n := written.get(name); n != nil {
			if err := (checker{t, false}).value(n, at.member(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) checkOutput(o *output) error {
	at := (*trail)(nil).member("Outputs").member(o.name)
	if err := t.checkConditionName(o.condition, o.pos, at); err != nil {
		return err
	}
	if o.export != nil {
		if err := (checker{t, false}).value(o.export, at.member("Export")); err != nil {
			return err
		}
	}
	return (checker{t, false}).value(o.value, at.member("Value"))
}

func (t *Template) checkConditionName(name string, pos Pos, at *trail) error {
	if name != "" && t.conditionNamed[name] == nil {
		return t.fault(pos, at, "the Conditions have none called %q", shorten(name))
	}
	return nil
}

// value checks n where a value is expected.
func (c checker) value(n *node, at *trail) error {
	if n.call != "" {
		return c.call(n, at)
	}
	for i, item := range n.items {
		if err := c.value(item, at.item(i)); err != nil {
			return err
		}
	}
	for _, m := range n.members {
		if err := c.value(m.value, at.member(m.name)); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) call(n *node, at *trail) error {
	switch n.call {
	case "Ref":
		return c.ref(n, at)
	case "Fn::GetAtt":
		return c.getAtt(n, at)
	case "Fn::Sub":
		return c.sub(n, at)
	case "Fn::If":
		return c.ifElse(n, at)
	case "Fn::FindInMap":
		return c.findInMap(n, at)
	case "Fn::Base64":
		return c.value(n.arg, at)
	case "Fn::Join", "Fn::Select", "Fn::Split":
		return c.ofTwo(n, at)
	default:
		return c.fault(n.pos, at, "%s may stand only in the template's Conditions", n.call)
	}
}

func (c checker) ref(n *node, at *trail) error {
	if !n.arg.literal() {
		return c.fault(n.pos, at, "Ref takes a name, found %s", n.arg.what())
	}
	name := n.arg.text
	if c.parameterOrPseudo(name) {
		return nil
	}
	if _, ok := c.refTarget(name); ok && !c.inCondition {
		return nil
	}
	return c.unknown(n.pos, at, "Ref", name)
}

// unknown is the fault of a name that leads nowhere.
func (c checker) unknown(pos Pos, at *trail, function, name string) error {
	switch {
	case strings.HasPrefix(name, "AWS::"):
		return c.fault(pos, at, "%s: the pseudo-parameter %s is not supported by the local runner", function, shorten(name))
	case c.inCondition:
		return c.fault(pos, at, "%s: there is no parameter %q, and a condition can refer to nothing else: the template has %s",
			function, shorten(name), c.parameterNames())
	}
	return c.fault(pos, at, "%s: there is no parameter and no resource %q in the template", function, shorten(name))
}

// getAttArguments splits the argument of Fn::GetAtt, "Id.Attribute" or a list of the two, of which the second may be a call.
func getAttArguments(arg *node) (id string, attribute *node, ok bool) {
	if arg.literal() {
		id, rest, found := strings.Cut(arg.text, ".")
		return id, &node{kind: Scalar, text: rest, quoted: true, pos: arg.pos}, found && id != "" && rest != ""
	}
	if arg.call != "" || arg.kind != List || len(arg.items) != 2 || !arg.items[0].literal() {
		return "", nil, false
	}
	return arg.items[0].text, arg.items[1], arg.items[1].call != "" || arg.items[1].literal()
}

func (c checker) getAtt(n *node, at *trail) error {
	id, attribute, ok := getAttArguments(n.arg)
	if !ok {
		return c.fault(n.pos, at, "Fn::GetAtt takes a resource and its attribute, as Stream.Arn or [Stream, Arn], found %s", n.arg.what())
	}
	if c.inCondition {
		return c.fault(n.pos, at, "Fn::GetAtt may not stand in the Conditions, which know no resources")
	}
	if _, known := c.attributeTarget(id, attribute.text); !known {
		return c.fault(n.pos, at, "Fn::GetAtt: there is no resource %q in the template", shorten(id))
	}
	return c.value(attribute, at)
}

func (c checker) sub(n *node, at *trail) error {
	text, variables, ok := subArguments(n.arg)
	if !ok {
		return c.fault(n.pos, at, "Fn::Sub takes a text, or a list of a text and a map of variables, found %s", n.arg.what())
	}
	parts, err := segments(text.text)
	if err != nil {
		return c.fault(n.pos, at, "Fn::Sub: %v", err)
	}
	if variables != nil {
		if err := c.value(variables, at); err != nil {
			return err
		}
	}
	for _, part := range parts {
		if !part.variable || c.parameterOrPseudo(part.text) || variables != nil && variables.get(part.text) != nil {
			continue
		}
		if _, known := c.subTarget(part.text); !known || c.inCondition {
			return c.unknown(n.pos, at, "Fn::Sub", part.text)
		}
	}
	return nil
}

func (c checker) ifElse(n *node, at *trail) error {
	if n.arg.call != "" || n.arg.kind != List || len(n.arg.items) != 3 || !n.arg.items[0].literal() {
		return c.fault(n.pos, at, "Fn::If takes a list of a condition's name, a value if it is true and a value if it is false, found %s", n.arg.what())
	}
	if c.inCondition {
		return c.fault(n.pos, at, "Fn::If may not stand in the Conditions: use Fn::And, Fn::Or and Fn::Not")
	}
	if name := n.arg.items[0].text; c.conditionNamed[name] == nil {
		return c.fault(n.pos, at, "Fn::If: the Conditions have none called %q", shorten(name))
	}
	if err := c.value(n.arg.items[1], at); err != nil {
		return err
	}
	return c.value(n.arg.items[2], at)
}

func (c checker) findInMap(n *node, at *trail) error {
	if n.arg.call != "" || n.arg.kind != List || len(n.arg.items) != 3 {
		return c.fault(n.pos, at, "Fn::FindInMap takes a list of a mapping's name, a top-level key and a second-level key, found %s", n.arg.what())
	}
	for _, item := range n.arg.items {
		if item.call == "" && item.kind != Scalar {
			return c.fault(n.pos, at, "Fn::FindInMap takes texts, found %s", item.what())
		}
		if err := c.value(item, at); err != nil {
			return err
		}
	}
	if name := n.arg.items[0]; name.literal() && c.mappings[name.text] == nil {
		return c.fault(n.pos, at, "Fn::FindInMap: the Mappings have none called %q", shorten(name.text))
	}
	return nil
}

// ofTwo checks Fn::Join [delimiter, list], Fn::Select [index, list] and Fn::Split [delimiter, text].
func (c checker) ofTwo(n *node, at *trail) error {
	if n.arg.call != "" || n.arg.kind != List || len(n.arg.items) != 2 {
		return c.fault(n.pos, at, "%s takes a list of two, found %s", n.call, n.arg.what())
	}
	first, second := n.arg.items[0], n.arg.items[1]
	switch {
	case n.call == "Fn::Select" && first.call == "" && first.kind != Scalar:
		return c.fault(n.pos, at, "Fn::Select takes an index first, found %s", first.what())
	case n.call != "Fn::Select" && !first.literal() || n.call == "Fn::Split" && first.text == "":
		return c.fault(n.pos, at, "%s takes a delimiter as text first, found %s", n.call, first.what())
	case n.call == "Fn::Split" && second.call == "" && second.kind != Scalar:
		return c.fault(n.pos, at, "Fn::Split takes a text second, found %s", second.what())
	case n.call != "Fn::Split" && second.call == "" && second.kind != List:
		return c.fault(n.pos, at, "%s takes a list second, found %s", n.call, second.what())
	}
	if err := c.value(first, at); err != nil {
		return err
	}
	return c.value(second, at)
}

// condition checks n where a condition is expected.
func (c checker) condition(n *node, at *trail) error {
	name, operands := conditionCall(n)
	least, most := 0, 0
	switch name {
	case "Condition":
		if !operands[0].literal() {
			return c.fault(n.pos, at, "Condition takes a condition's name, found %s", operands[0].what())
		}
		return c.checkConditionName(operands[0].text, n.pos, at)
	case "Fn::Equals":
		least, most = 2, 2
	case "Fn::Not":
		least, most = 1, 1
	case "Fn::And", "Fn::Or":
		least, most = 2, 10 // "The minimum number of conditions that you can include is 2, and the maximum is 10."
	default:
		return c.fault(n.pos, at, "a condition is made of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition, found %s", n.what())
	}
	if len(operands) < least || len(operands) > most {
		return c.fault(n.pos, at, "%s takes a list of %s, found %s", name, count(least, most), n.arg.what())
	}
	for _, operand := range operands {
		check := c.condition
		if name == "Fn::Equals" {
			check = c.value
		}
		if err := check(operand, at); err != nil {
			return err
		}
	}
	return nil
}

func count(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// conditionCall answers the condition function that n calls and what it takes. {"Condition": name} is one only here.
func conditionCall(n *node) (name string, operands []*node) {
	switch {
	case n.call == "" && n.kind == Map && len(n.members) == 1 && n.members[0].name == "Condition":
		return "Condition", []*node{n.members[0].value}
	case n.call == "Condition":
		return "Condition", []*node{n.arg}
	case n.call != "" && n.arg.call == "" && n.arg.kind == List:
		return n.call, n.arg.items
	}
	return n.call, nil
}
