package vtl

import "strings"

// names gives each variable of a template, and of the strings in it, a slot.
type names struct{ slots map[string]int }

// The slots of what every template has; they cannot be assigned.
const (
	slotInput = iota
	slotUtil
	slotContext
	slotStageVariables
	slotForeach
	slotCount
	slotHasNext
	firstFree
)

func newNames() *names {
	return &names{map[string]int{
		"input": slotInput, "util": slotUtil, "context": slotContext, "stageVariables": slotStageVariables,
		"foreach": slotForeach, "velocityCount": slotCount, "velocityHasNext": slotHasNext,
	}}
}

func (n *names) slot(name string) int {
	s, ok := n.slots[name]
	if !ok {
		s = len(n.slots)
		n.slots[name] = s
	}
	return s
}

func (n *names) count() int { return len(n.slots) }

// reference reads $name, $!name, ${name} or $!{name} and the accessors behind the name. All print nothing when they are undefined, so
// the ! changes nothing.
func (p *parser) reference() (*reference, error) {
	start := p.pos
	p.pos++
	if p.byteAt(p.pos) == '!' {
		p.pos++
	}
	formal := p.byteAt(p.pos) == '{'
	if formal {
		p.pos++
	}
	name := p.word(p.pos)
	p.pos += len(name)
	ref := &reference{pos: p.base + start, name: name, slot: p.names.slot(name)}
	if p.fixed {
		ref.pos = p.base
	}
	for {
		a, ok, err := p.accessor(ref)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		ref.path = append(ref.path, a)
	}
	if formal {
		if p.byteAt(p.pos) == '|' {
			return nil, p.errorf(p.pos, "a default in ${ | } is not supported: API Gateway does not know it")
		}
		if p.byteAt(p.pos) != '}' {
			return nil, p.errorf(start, "${ is not closed by }")
		}
		p.pos++
	}
	ref.source = p.source[start:p.pos]
	return ref, nil
}

// accessor reads one .name, .name(…) or […], if there is one.
func (p *parser) accessor(ref *reference) (accessor, bool, error) {
	at := p.pos
	a := accessor{pos: p.base + at}
	if p.fixed {
		a.pos = p.base
	}
	switch {
	case p.byteAt(at) == '.' && isLetter(p.byteAt(at+1)):
		a.name = p.word(at + 1)
		p.pos += 1 + len(a.name)
		if p.byteAt(p.pos) != '(' {
			return a, true, nil
		}
		a.call = true
		args, err := p.arguments(false)
		if err != nil {
			return a, false, err
		}
		a.args = args
		if err := a.prepare(ref); err != nil {
			return a, false, p.errorf(at, "%w", err)
		}
		return a, true, nil
	case p.byteAt(at) == '[':
		index, err := p.index()
		a.args = []expression{index}
		return a, err == nil, err
	}
	return a, false, nil
}

func (p *parser) index() (expression, error) {
	start := p.pos
	p.pos++
	p.space()
	index, err := p.parameter()
	if err != nil {
		return nil, err
	}
	if p.space(); p.byteAt(p.pos) != ']' {
		return nil, p.errorf(start, "[ is not closed by ]; an index has no operators")
	}
	p.pos++
	return index, nil
}

// arguments reads ( … ). Between a macro's arguments, which are only skipped, blanks do as well as commas.
func (p *parser) arguments(macro bool) ([]expression, error) {
	start := p.pos
	p.pos++
	var args []expression
	for p.space(); p.byteAt(p.pos) != ')'; p.space() {
		if len(args) > 0 && (!macro || p.byteAt(p.pos) == ',') {
			if err := p.separator(start, ',', "( )"); err != nil {
				return nil, err
			}
		}
		arg, err := p.parameter()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	p.pos++
	return args, nil
}

// prepare looks at a method call as far as the text alone shows it: $input and $util have few methods, and a constant path or pattern is
// read once.
func (a *accessor) prepare(ref *reference) error {
	var methods map[string]*method
	if len(ref.path) == 0 {
		switch ref.slot {
		case slotInput:
			methods = inputMethods
		case slotUtil:
			methods = utilMethods
		}
	}
	if methods != nil {
		m, err := find(methods, "$"+ref.name, a)
		if err != nil {
			return err
		}
		a.method = m
	}
	if len(a.args) == 0 {
		return nil
	}
	c, ok := a.args[0].(constant)
	s, isText := c.value.(string)
	if !ok || !isText {
		return nil
	}
	var err error
	switch {
	case ref.slot == slotInput && len(ref.path) == 0 && (a.name == "json" || a.name == "path"):
		a.ready, err = parsePath(s)
		if err != nil {
			err = &pathError{strings.ToValidUTF8(s, "\uFFFD"), err}
		}
	case a.name == "replaceAll" || a.name == "replaceFirst" || a.name == "matches" || a.name == "split":
		a.ready, err = compile(s)
	}
	return err
}
