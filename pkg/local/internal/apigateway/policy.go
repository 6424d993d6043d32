package apigateway

import (
	"net/netip"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// statement is a statement of a policy: of the API's resource policy, or of what an authorizer answered.
type statement struct {
	deny      bool
	actions   []string
	resources []string
	// ranges are the source addresses that it is for, or not for; nil: whatever the address.
	ranges []netip.Prefix
	notIn  bool
}

const invoke = "execute-api:Invoke"

// applies says whether the statement is about calling the method from the address.
func (s *statement) applies(methodARN, sourceIP string) bool {
	if !slices.ContainsFunc(s.actions, func(a string) bool { return glob(strings.ToLower(a), strings.ToLower(invoke)) }) ||
		!slices.ContainsFunc(s.resources, func(r string) bool { return glob(r, methodARN) }) {
		return false
	}
	if s.ranges == nil {
		return true
	}
	address, err := netip.ParseAddr(sourceIP)
	inside := err == nil && slices.ContainsFunc(s.ranges, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
	return inside != s.notIn
}

// evaluate answers what the statements say; neither is an implicit deny. See "Policy evaluation logic" in the IAM User Guide.
func evaluate(all []statement, methodARN, sourceIP string) (allow, deny bool) {
	for i := range all {
		if all[i].applies(methodARN, sourceIP) {
			allow, deny = allow || !all[i].deny, deny || all[i].deny
		}
	}
	return allow && !deny, deny
}

// glob says whether text is what pattern describes from end to end: * is any text, / and : too, and ? any one character.
func glob(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from, p = p, t, p+1
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0: // let the last * take one more
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// readPolicy reads x-amazon-apigateway-policy: statements for everybody, with conditions on aws:SourceIp.
func (a *API) readPolicy(v *template.Value) error {
	if v.Get("Statement") == nil {
		return v.Errorf("has no Statement")
	}
	a.policy = []statement{}
	return fields{"Version": policyVersion, "Id": nil, "Statement": func(v *template.Value) error {
		list := []*template.Value{v}
		if v.Kind == template.List {
			list = v.Items
		}
		for _, item := range list {
			s, err := a.readStatement(item)
			if err != nil {
				return err
			}
			a.policy = append(a.policy, s)
		}
		return nil
	}}.read(v)
}

func policyVersion(v *template.Value) error {
	if v.Text != "2012-10-17" && v.Text != "2008-10-17" {
		return v.Errorf("must be 2012-10-17 or 2008-10-17")
	}
	return nil
}

func (a *API) readStatement(v *template.Value) (s statement, err error) {
	effect := ""
	err = fields{
		"Sid": nil, "Effect": text(&effect), "Principal": everybody, "Action": texts(&s.actions), "Resource": texts(&s.resources),
		"Condition": func(v *template.Value) error { return each(v, s.readCondition) },
	}.read(v)
	if err != nil {
		return s, err
	}
	if effect != "Allow" && effect != "Deny" || len(s.actions) == 0 || len(s.resources) == 0 || v.Get("Principal") == nil {
		return s, v.Errorf("a statement has an Effect of Allow or Deny, a Principal, an Action and a Resource")
	}
	s.deny = effect == "Deny"
	for i, r := range s.resources {
		// "API Gateway resource policy examples": the short form is completed with this API's ARN.
		if rest, short := strings.CutPrefix(r, "execute-api:/"); short {
			s.resources[i] = a.arn() + "/" + rest
		}
	}
	return s, nil
}

func everybody(v *template.Value) error {
	if aws := v.Get("AWS"); aws != nil && len(v.Members) == 1 {
		v = aws
	}
	if v.Kind != template.Scalar || v.Text != "*" {
		return v.Errorf(`not supported by the local runner: only the principal "*" is`)
	}
	return nil
}

func (s *statement) readCondition(m template.Member) error {
	if m.Name != "IpAddress" && m.Name != "NotIpAddress" || s.ranges != nil {
		return memberErrorf(m, "not supported by the local runner: only one condition, IpAddress or NotIpAddress, is")
	}
	s.notIn = m.Name == "NotIpAddress"
	return fields{"aws:SourceIp": func(v *template.Value) error {
		var list []string
		if err := texts(&list)(v); err != nil {
			return err
		}
		s.ranges = []netip.Prefix{}
		for _, one := range list {
			prefix, err := netip.ParsePrefix(one)
			if address, addressErr := netip.ParseAddr(one); addressErr == nil {
				prefix, err = address.Prefix(address.BitLen())
			}
			if err != nil {
				return v.Errorf("%q is neither an address nor a range", one)
			}
			s.ranges = append(s.ranges, prefix)
		}
		return nil
	}}.read(m.Value)
}

// texts reads one text, or a list of them.
func texts(dst *[]string) func(*template.Value) error {
	return func(v *template.Value) error {
		list := []*template.Value{v}
		if v.Kind == template.List {
			list = v.Items
		}
		for _, item := range list {
			var one string
			if err := text(&one)(item); err != nil {
				return err
			}
			*dst = append(*dst, one)
		}
		return nil
	}
}

// arn is the API's, as policies name it.
func (a *API) arn() string {
	partition := a.cfg.Partition
	if partition == "" {
		partition = "aws"
	}
	return "arn:" + partition + ":execute-api:" + a.cfg.Region + ":" + a.cfg.AccountID + ":" + a.cfg.ID
}

// screen asks the API's resource policy. A Deny ends it here; whether an Allow is needed depends on the method: "How API Gateway
// resource policies affect authorization workflow".
func (x *exchange) screen() *failure {
	if x.api.policy == nil {
		return nil
	}
	allow, deny := evaluate(x.api.policy, x.methodARN(), x.sourceIP())
	if deny {
		return x.denied(true)
	}
	x.policyAllows = allow
	return nil
}

// denied is the answer of the resource policy.
func (x *exchange) denied(explicit bool) *failure {
	id := x.api.cfg.AccountID
	masked := strings.Replace(x.methodARN(), ":"+id+":", ":********"+id[max(len(id)-4, 0):]+":", 1)
	message := "User: anonymous is not authorized to perform: " + invoke + " on resource: " + masked
	if explicit {
		message += " with an explicit deny"
	}
	return &failure{kind: accessDenied, message: message}
}
