package template

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// eval evaluates n, which stands at the place that at leads to. The answer is nil where n comes to AWS::NoValue.
func (r *resolver) eval(n *node, at *trail) (*Value, error) {
	if n.call != "" {
		return r.call(n, at)
	}
	if err := r.spend(n.pos, at, len(n.text)); err != nil {
		return nil, err
	}
	v := &Value{Kind: n.kind, Text: n.text, Quoted: n.quoted, File: r.file, Pos: n.pos, Path: at.String()}
	for i, item := range n.items {
		value, err := r.eval(item, at.item(i))
		if err != nil {
			return nil, err
		}
		if value != nil {
			v.Items = append(v.Items, value)
		}
	}
	for _, m := range n.members {
		value, err := r.eval(m.value, at.member(m.name))
		if err != nil {
			return nil, err
		}
		if value != nil {
			v.Members = append(v.Members, Member{m.name, m.pos, value})
		}
	}
	return v, nil
}

func (r *resolver) call(n *node, at *trail) (*Value, error) {
	switch n.call {
	case "Ref":
		return r.ref(n, n.arg.text, at)
	case "Fn::GetAtt":
		return r.getAtt(n, at)
	case "Fn::Sub":
		return r.sub(n, at)
	case "Fn::If":
		holds, err := r.condition(n.arg.items[0].text)
		if err != nil {
			return nil, err
		}
		if holds {
			return r.eval(n.arg.items[1], at)
		}
		return r.eval(n.arg.items[2], at)
	case "Fn::Join":
		return r.join(n, at)
	case "Fn::Select":
		return r.selectItem(n, at)
	case "Fn::Split":
		return r.split(n, at)
	case "Fn::FindInMap":
		return r.findInMap(n, at)
	case "Fn::Base64":
		text, err := r.text(n.arg, at)
		if err != nil {
			return nil, err
		}
		return r.made(n, at, base64.StdEncoding.EncodeToString([]byte(text.plain())), text.secret)
	}
	return nil, r.fault(n.pos, at, "%s may stand only in the template's Conditions", n.call)
}

// made is a text that n, a call, comes to.
func (r *resolver) made(n *node, at *trail, text string, secret bool) (*Value, error) {
	if err := r.spend(n.pos, at, len(text)); err != nil {
		return nil, err
	}
	return &Value{Kind: Scalar, Text: text, Quoted: true, File: r.file, Pos: n.pos, Path: at.String(), secret: secret}, nil
}

// madeList is a list of texts that n, a call, comes to.
func (r *resolver) madeList(n *node, at *trail, texts []string, secret bool) (*Value, error) {
	list := &Value{Kind: List, File: r.file, Pos: n.pos, Path: at.String()}
	for i, text := range texts {
		item, err := r.made(n, at.item(i), text, secret)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
	}
	return list, nil
}

// text evaluates n where only text may stand.
func (r *resolver) text(n *node, at *trail) (*Value, error) {
	v, err := r.eval(n, at)
	switch {
	case err != nil:
		return nil, err
	case v == nil:
		return nil, r.fault(n.pos, at, "expected text, and AWS::NoValue leaves none")
	case v.Kind != Scalar:
		return nil, r.fault(n.pos, at, "expected text, found %s", v.what())
	}
	return v, nil
}

func (r *resolver) list(n *node, at *trail) (*Value, error) {
	v, err := r.eval(n, at)
	switch {
	case err != nil:
		return nil, err
	case v == nil:
		return nil, r.fault(n.pos, at, "expected a list, and AWS::NoValue leaves none")
	case v.Kind != List:
		return nil, r.fault(n.pos, at, "expected a list, found %s", v.what())
	}
	return v, nil
}

func (r *resolver) ref(n *node, name string, at *trail) (*Value, error) {
	if p := r.parameterNamed[name]; p != nil {
		value := r.values[name]
		if p.isList() {
			return r.madeList(n, at, p.items(value), p.NoEcho)
		}
		return r.made(n, at, value, p.NoEcho)
	}
	if name == "AWS::NoValue" {
		return nil, nil
	}
	if text, ok := r.pseudo(name); ok {
		return r.made(n, at, text, false)
	}
	found, ok := r.refTarget(name)
	if !ok {
		return nil, r.fault(n.pos, at, "there is no parameter and no resource %q in the template", shorten(name))
	}
	return r.attribute(n, found, at)
}

func (r *resolver) pseudo(name string) (string, bool) {
	switch name {
	case "AWS::AccountId":
		return r.env.AccountID, true
	case "AWS::Partition":
		return r.env.Partition, true
	case "AWS::Region":
		return r.env.Region, true
	case "AWS::StackName":
		return r.env.StackName, true
	case "AWS::URLSuffix":
		return r.env.URLSuffix, true
	case "AWS::StackId":
		// The last part is a UUID in AWS; here it is one that never changes.
		return strings.Join([]string{
			"arn", r.env.Partition, "cloudformation", r.env.Region, r.env.AccountID,
			"stack/" + r.env.StackName + "/00000000-0000-0000-0000-000000000000",
		}, ":"), true
	}
	return "", false
}

// attribute asks the stack for a resource's Ref or attribute.
func (r *resolver) attribute(n *node, found target, at *trail) (*Value, error) {
	holds, err := r.condition(found.resource.condition)
	if err != nil {
		return nil, err
	}
	if !holds {
		return nil, r.fault(n.pos, at, "%s refers to %s, which its condition %s leaves out here: put the reference under the same condition",
			n.call, found.resource.id, found.resource.condition)
	}
	properties, err := r.properties(found.resource, neededFor(found.resource, found.attribute))
	if err != nil {
		return nil, err
	}
	text, err := r.env.Attribute(found.resource.id, found.resource.kind, found.attribute, properties)
	if placed := (*Error)(nil); errors.As(err, &placed) {
		return nil, err
	}
	if err != nil {
		return nil, r.fault(n.pos, at, "%s of %s: %v", n.call, found.resource.id, err)
	}
	return r.made(n, at, text, false)
}

func (r *resolver) getAtt(n *node, at *trail) (*Value, error) {
	id, attribute, _ := getAttArguments(n.arg)
	name, err := r.text(attribute, at)
	if err != nil {
		return nil, err
	}
	found, ok := r.attributeTarget(id, name.Text)
	if !ok {
		return nil, r.fault(n.pos, at, "there is no resource %q in the template", shorten(id))
	}
	return r.attribute(n, found, at)
}

func (r *resolver) sub(n *node, at *trail) (*Value, error) {
	text, variables, _ := subArguments(n.arg)
	parts, err := segments(text.text)
	if err != nil {
		return nil, r.fault(n.pos, at, "Fn::Sub: %v", err)
	}
	var out strings.Builder
	secret := false
	for _, part := range parts {
		if !part.variable {
			out.WriteString(part.text)
			continue
		}
		v, err := r.variable(n, part.text, variables, at)
		if err != nil {
			return nil, err
		}
		if v == nil || v.Kind != Scalar {
			return nil, r.fault(n.pos, at, "Fn::Sub: ${%s} is %s, and only text can be put into text", part.text, v.what())
		}
		if err := r.spend(n.pos, at, len(v.Text)); err != nil {
			return nil, err
		}
		secret = secret || v.secret
		out.WriteString(v.plain())
	}
	return r.made(n, at, out.String(), secret)
}

func (r *resolver) variable(n *node, name string, variables *node, at *trail) (*Value, error) {
	if variables != nil {
		if local := variables.get(name); local != nil {
			return r.eval(local, at)
		}
	}
	if r.parameterOrPseudo(name) {
		return r.ref(n, name, at)
	}
	found, ok := r.subTarget(name)
	if !ok {
		return nil, r.fault(n.pos, at, "there is no parameter and no resource %q in the template", shorten(name))
	}
	return r.attribute(n, found, at)
}

func (r *resolver) join(n *node, at *trail) (*Value, error) {
	list, err := r.list(n.arg.items[1], at)
	if err != nil {
		return nil, err
	}
	delimiter := n.arg.items[0].text
	if err := r.spend(n.pos, at, len(delimiter)*len(list.Items)); err != nil {
		return nil, err
	}
	texts := make([]string, len(list.Items))
	secret := false
	for i, item := range list.Items {
		if item.Kind != Scalar {
			return nil, r.fault(item.Pos, at, "Fn::Join joins texts, found %s", item.what())
		}
		texts[i], secret = item.plain(), secret || item.secret
	}
	return r.made(n, at, strings.Join(texts, delimiter), secret)
}

func (r *resolver) selectItem(n *node, at *trail) (*Value, error) {
	index, err := r.text(n.arg.items[0], at)
	if err != nil {
		return nil, err
	}
	list, err := r.list(n.arg.items[1], at)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index.Text)
	if err != nil || i < 0 || i >= len(list.Items) {
		return nil, r.fault(n.pos, at, "Fn::Select: %s is no index of a list of %d: they run from 0", index.what(), len(list.Items))
	}
	selected := *list.Items[i]
	selected.Path = at.String()
	return &selected, nil
}

func (r *resolver) split(n *node, at *trail) (*Value, error) {
	text, err := r.text(n.arg.items[1], at)
	if err != nil {
		return nil, err
	}
	return r.madeList(n, at, strings.Split(text.plain(), n.arg.items[0].text), text.secret)
}

func (r *resolver) findInMap(n *node, at *trail) (*Value, error) {
	var keys [3]*Value
	for i, item := range n.arg.items {
		key, err := r.text(item, at)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	found := r.mappings[keys[0].plain()]
	if found == nil {
		return nil, r.fault(n.pos, at, "Fn::FindInMap: the Mappings have none called %s", keys[0].what())
	}
	value := found.top[keys[1].plain()][keys[2].plain()]
	if value == nil {
		return nil, r.fault(n.pos, at, "Fn::FindInMap: the mapping %s has no %s with %s", keys[0].what(), keys[1].what(), keys[2].what())
	}
	if value.kind == Scalar {
		return r.made(n, at, value.plain(), false)
	}
	texts := make([]string, len(value.items))
	for i, item := range value.items {
		texts[i] = item.plain()
	}
	return r.madeList(n, at, texts, false)
}
