package template

import (
	"slices"
	"strings"
)

// The pseudo-parameters that have a value on one machine ("Pseudo parameters reference"). AWS::NotificationARNs has none.
var pseudoParameters = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// target is what a Ref or Fn::GetAtt of a resource leads to: Environment.Attribute's logicalID and attribute.
type target struct {
	resource  *resource
	attribute string
}

// refTarget finds the resource that Ref means by name: a resource of the template, or one that SAM makes of it, either by SAM's
// name for it ("Fn.Alias") or by its logical id in the stack ("FnAliaslive", "FnRole", "ApiProdStage").
func (t *Template) refTarget(name string) (target, bool) {
	if r := t.resourceNamed[name]; r != nil {
		return target{resource: r}, true
	}
	if id, part, ok := strings.Cut(name, "."); ok {
		if r := t.resourceNamed[id]; r != nil && referable(r, part) {
			return target{r, "." + part}, true
		}
		return target{}, false
	}
	for _, r := range t.resources {
		suffix, ok := strings.CutPrefix(name, r.id)
		if part := generatedBy(r, suffix); ok && part != "" {
			return target{r, "." + part}, true
		}
	}
	return target{}, false
}

// attributeTarget finds what Fn::GetAtt means by a logical id and an attribute's name.
func (t *Template) attributeTarget(id, attribute string) (target, bool) {
	if part, rest, ok := strings.Cut(attribute, "."); ok {
		if r := t.resourceNamed[id]; r != nil && referable(r, part) {
			return target{r, "." + part + "." + rest}, true
		}
	}
	found, ok := t.refTarget(id)
	if !ok {
		return target{}, false
	}
	if found.attribute != "" {
		attribute = found.attribute + "." + attribute
	}
	return target{found.resource, attribute}, true
}

// subTarget finds what "${name}" means in Fn::Sub. SAM puts its own resources in before CloudFormation sees the text.
func (t *Template) subTarget(name string) (target, bool) {
	if found, ok := t.refTarget(name); ok {
		return found, true
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return t.attributeTarget(id, attribute)
	}
	return target{}, false
}

// referable says whether SAM makes a resource of r that the template may name "<r>.<part>" ("Generated CloudFormation resources").
func referable(r *resource, part string) bool {
	switch r.kind {
	case "AWS::Serverless::Function":
		return (part == "Alias" || part == "Version") && r.property("AutoPublishAlias") != nil
	case "AWS::Serverless::Api":
		return part == "Stage" || part == "Deployment"
	}
	return false
}

// generatedBy names the part of r that has the logical id "<r><suffix>" in the stack, or "". Logical ids that hold a hash, as a
// version's and a deployment's do, cannot be known beforehand.
func generatedBy(r *resource, suffix string) string {
	switch r.kind {
	case "AWS::Serverless::Function":
		if suffix == "Role" && r.property("Role") == nil {
			return "Role"
		}
		if alias := r.property("AutoPublishAlias"); alias.literal() && suffix == "Alias"+alias.text {
			return "Alias"
		}
	case "AWS::Serverless::Api":
		// A stage's name that is not plain text is hashed into the logical id.
		if stage := r.property("StageName"); stage.literal() && logicalID.MatchString(stage.text) && suffix == stage.text+"Stage" {
			return "Stage"
		}
	}
	return ""
}

func (r *resource) property(name string) *node {
	if r.properties == nil {
		return nil
	}
	return r.properties.get(name)
}

// parameterOrPseudo says whether Ref finds name without looking at the resources.
func (t *Template) parameterOrPseudo(name string) bool {
	return t.parameterNamed[name] != nil || slices.Contains(pseudoParameters, name)
}
