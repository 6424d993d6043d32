package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parameter is one of the template's Parameters as it is declared.
type Parameter struct {
	Name        string
	Type        string // String, Number, CommaDelimitedList or List<Number>
	Description string
	Default     string // meaningful if HasDefault
	HasDefault  bool
	NoEcho      bool // its value is not to be shown
	Allowed     []string
	Pos         Pos

	pattern     *regexp.Regexp
	patternText string
	minLength   *float64
	maxLength   *float64
	minValue    *float64
	maxValue    *float64
	explanation string // its ConstraintDescription
}

// Parameters answers the template's parameters in the order of the file.
func (t *Template) Parameters() []Parameter {
	out := make([]Parameter, len(t.parameters))
	for i, p := range t.parameters {
		out[i] = *p
		out[i].Allowed = slices.Clone(p.Allowed)
	}
	return out
}

func (p *Parameter) isList() bool { return p.Type == "CommaDelimitedList" || p.Type == "List<Number>" }

func (p *Parameter) isNumber() bool { return p.Type == "Number" || p.Type == "List<Number>" }

// items are a value's parts: the members of a list, with the space around each removed, or the value itself.
func (p *Parameter) items(value string) []string {
	if !p.isList() {
		return []string{value}
	}
	// "Each member string is space trimmed", says "Parameters" about CommaDelimitedList.
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (t *Template) readParameter(m entry, at *trail) error {
	n := m.value
	err := t.fields(n, at, "Type", "Default", "Description", "NoEcho", "AllowedValues", "AllowedPattern", "ConstraintDescription",
		"MinLength", "MaxLength", "MinValue", "MaxValue")
	if err != nil {
		return err
	}
	p := &Parameter{Name: m.name, Pos: m.pos}
	for _, field := range []struct {
		name string
		text *string
	}{
		{"Type", &p.Type},
		{"Default", &p.Default},
		{"Description", &p.Description},
		{"ConstraintDescription", &p.explanation},
		{"AllowedPattern", &p.patternText},
	} {
		if *field.text, err = t.textOf(n, at, field.name); err != nil {
			return err
		}
	}
	p.HasDefault = n.get("Default") != nil
	switch p.Type {
	case "String", "Number", "CommaDelimitedList", "List<Number>":
	default:
		return t.fault(m.pos, at, "a parameter's Type is String, Number, CommaDelimitedList or List<Number> for the local runner, found %q", shorten(p.Type))
	}
	if err := t.readConstraints(p, n, at); err != nil {
		return err
	}
	if why := p.refuses(p.Default); p.HasDefault && why != "" {
		return t.fault(n.get("Default").pos, at.member("Default"), "%s", why)
	}
	if t.parameterNamed == nil {
		t.parameterNamed = make(map[string]*Parameter)
	}
	t.parameters = append(t.parameters, p)
	t.parameterNamed[p.Name] = p
	return nil
}

func (t *Template) readConstraints(p *Parameter, n *node, at *trail) error {
	if v := n.get("NoEcho"); v != nil {
		if !v.literal() || !isBool(v.text) {
			return t.fault(v.pos, at.member("NoEcho"), "expected true or false, found %s", v.what())
		}
		p.NoEcho = v.plain() == "true"
	}
	if v := n.get("AllowedValues"); v != nil {
		if v.call != "" || v.kind != List || !mappingValue(v) {
			return t.fault(v.pos, at.member("AllowedValues"), "expected a list of texts, found %s", v.what())
		}
		for _, item := range v.items {
			p.Allowed = append(p.Allowed, item.plain())
		}
	}
	if v := n.get("AllowedPattern"); v != nil {
		// CloudFormation's patterns are Java's, and the whole value must match.
		pattern, err := regexp.Compile(`^(?:` + p.patternText + `)$`)
		if err != nil {
			return t.fault(v.pos, at.member("AllowedPattern"), "the local runner cannot use this pattern: %v", err)
		}
		p.pattern = pattern
	}
	return t.readBounds(p, n, at)
}

func (t *Template) readBounds(p *Parameter, n *node, at *trail) error {
	for _, bound := range []struct {
		name, kind string
		value      **float64
	}{
		{"MinLength", "String", &p.minLength},
		{"MaxLength", "String", &p.maxLength},
		{"MinValue", "Number", &p.minValue},
		{"MaxValue", "Number", &p.maxValue},
	} {
		v := n.get(bound.name)
		if v == nil {
			continue
		}
		value, ok := number(v.text)
		if !v.literal() || !ok {
			return t.fault(v.pos, at.member(bound.name), "expected a number, found %s", v.what())
		}
		if p.Type != bound.kind {
			return t.fault(v.pos, at.member(bound.name), "it is for a parameter of Type %s, and this one is a %s", bound.kind, p.Type)
		}
		*bound.value = &value
	}
	return nil
}

// number reads a decimal number; neither an infinity nor a hexadecimal number is one.
func number(text string) (float64, bool) {
	if !coreFloat.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// refuses says why value is none that the parameter takes, or "". It does not show the value of a NoEcho parameter.
func (p *Parameter) refuses(value string) string {
	// "CloudFormation quotas": a parameter's value has at most 4,096 bytes.
	if len(value) > 4096 {
		return fmt.Sprintf("the value has %d bytes, but a parameter's value has at most 4096", len(value))
	}
	if !utf8.ValidString(value) {
		return "the value is no UTF-8 text"
	}
	for _, item := range p.items(value) {
		if why := p.refusesItem(item); why != "" {
			if p.explanation != "" {
				why += " (" + p.explanation + ")"
			}
			return why
		}
	}
	return ""
}

func (p *Parameter) refusesItem(item string) string {
	shown := strconv.Quote(shorten(item))
	if p.NoEcho {
		shown = "the value (not shown, since it is NoEcho)"
	}
	value, isNumber := number(item)
	length := float64(utf8.RuneCountInString(item))
	switch {
	case p.isNumber() && !isNumber:
		return "expected a number, found " + shown
	case len(p.Allowed) > 0 && !slices.Contains(p.Allowed, item):
		return shown + " is not allowed: it is one of " + strings.Join(p.Allowed, ", ")
	case p.pattern != nil && !p.pattern.MatchString(item):
		return shown + " does not match the AllowedPattern " + p.patternText
	case p.minLength != nil && length < *p.minLength:
		return fmt.Sprintf("%s must have at least %v characters, and has %v", shown, *p.minLength, length)
	case p.maxLength != nil && length > *p.maxLength:
		return fmt.Sprintf("%s must have at most %v characters, and has %v", shown, *p.maxLength, length)
	case p.minValue != nil && value < *p.minValue:
		return fmt.Sprintf("%s is less than %v, the least there may be", shown, *p.minValue)
	case p.maxValue != nil && value > *p.maxValue:
		return fmt.Sprintf("%s is more than %v, the most there may be", shown, *p.maxValue)
	}
	return ""
}

// values answers what each parameter has in an environment: what overrides gives, else its default.
func (t *Template) values(overrides map[string]string) (map[string]string, error) {
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if t.parameterNamed[name] == nil {
			return nil, t.fault(Pos{1, 1}, nil, "there is no parameter %q to give a value to: %s", shorten(name), t.instead(name))
		}
	}
	values := make(map[string]string, len(t.parameters))
	for _, p := range t.parameters {
		at := (*trail)(nil).member("Parameters").member(p.Name)
		value, ok := overrides[p.Name]
		if !ok && !p.HasDefault {
			return nil, t.fault(p.Pos, at, "the parameter has no value: give it a Default, or one in samconfig.toml or on the command line")
		}
		if !ok {
			value = p.Default
		}
		if why := p.refuses(value); why != "" {
			return nil, t.fault(p.Pos, at, "%s", why)
		}
		values[p.Name] = value
	}
	return values, nil
}

// instead says which parameters there are in place of one that there is not: those that begin alike, or all.
func (t *Template) instead(name string) string {
	var alike []string
	most := 2 // letters that say nothing
	for _, p := range t.parameters {
		n := 0
		for n < min(len(name), len(p.Name)) && name[n]|0x20 == p.Name[n]|0x20 { // letters in either case
			n++
		}
		if n > most {
			alike, most = nil, n
		}
		if n == most && n > 2 {
			alike = append(alike, p.Name)
		}
	}
	if alike == nil {
		return "the template has " + t.parameterNames()
	}
	return "did you mean " + strings.Join(alike, " or ") + "?"
}

func (t *Template) parameterNames() string {
	if len(t.parameters) == 0 {
		return "none"
	}
	names := make([]string, len(t.parameters))
	for i, p := range t.parameters {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}
