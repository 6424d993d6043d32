package template

import "errors"

// rule is one of the template's Rules: what must hold of its parameters' values ("Rules section" in the CloudFormation user guide).
type rule struct {
	name       string
	pos        Pos
	condition  *node // nil: it always applies
	assertions []assertion
}

type assertion struct {
	assert      *node
	description string
	pos         Pos
}

func (t *Template) readRule(m entry, at *trail) error {
	if err := t.fields(m.value, at, "RuleCondition", "Assertions"); err != nil {
		return err
	}
	r := &rule{name: m.name, pos: m.pos, condition: m.value.get("RuleCondition")}
	list := m.value.get("Assertions")
	if list == nil || list.call != "" || list.kind != List || len(list.items) == 0 {
		return t.fault(m.pos, at, "a rule needs a list of Assertions")
	}
	for i, item := range list.items {
		at := at.member("Assertions").item(i)
		if err := t.fields(item, at, "Assert", "AssertDescription"); err != nil {
			return err
		}
		a := assertion{assert: item.get("Assert"), pos: item.pos}
		if a.assert == nil {
			return t.fault(item.pos, at, "an assertion needs an Assert")
		}
		var err error
		if a.description, err = t.textOf(item, at, "AssertDescription"); err != nil {
			return err
		}
		r.assertions = append(r.assertions, a)
	}
	t.rules = append(t.rules, r)
	return nil
}

func (t *Template) checkRules() error {
	c := checker{t, true}
	for _, r := range t.rules {
		at := (*trail)(nil).member("Rules").member(r.name)
		exprs := []*node{r.condition}
		for _, a := range r.assertions {
			exprs = append(exprs, a.assert)
		}
		for _, expr := range exprs {
			if expr == nil {
				continue
			}
			if len(conditionsIn(expr, nil)) > 0 {
				return t.fault(expr.pos, at, "a rule knows the template's parameters, and none of its Conditions")
			}
			if err := c.condition(expr, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// broken answers every assertion that does not hold, each an *Error, joined; nil if all do.
func (r *resolver) broken() (broken, err error) {
	var all []error
	for _, rule := range r.rules {
		at := (*trail)(nil).member("Rules").member(rule.name)
		if rule.condition != nil {
			applies, err := r.truth(rule.condition, at)
			if err != nil {
				return nil, err
			}
			if !applies {
				continue
			}
		}
		for _, a := range rule.assertions {
			holds, err := r.truth(a.assert, at)
			if err != nil {
				return nil, err
			}
			if !holds {
				why := a.description
				if why == "" {
					why = "the parameters do not meet this rule"
				}
				all = append(all, r.fault(a.pos, at, "%s", why))
			}
		}
	}
	return errors.Join(all...), nil
}
