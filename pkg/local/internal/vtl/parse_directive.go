package vtl

import "strings"

// directives are the words that a backslash keeps from being a directive.
var directives = map[string]bool{
	"set": true, "if": true, "elseif": true, "else": true, "end": true, "foreach": true, "define": true, "stop": true, "macro": true,
	"include": true, "parse": true, "break": true,
}

// refused are directives of Velocity that API Gateway has not been seen to honour; rendering would differ from the service in silence.
var refused = map[string]string{
	"include": "a mapping template has no files to include",
	"parse":   "a mapping template has no files to parse",
	"break":   "whether API Gateway honours it is not known",
}

// directive answers the word behind the # at the parser's place, and how long # and word are.
func (p *parser) directive() (word string, length int) {
	i := p.pos + 1
	formal := p.byteAt(i) == '{'
	if formal {
		i++
	}
	end := i
	for end < len(p.source) && (isLetter(p.source[end]) || end > i && (isDigit(p.source[end]) || p.source[end] == '_')) {
		end++
	}
	word = p.source[i:end]
	if formal {
		if p.byteAt(end) != '}' {
			return "", 0
		}
		end++
	}
	return word, end - p.pos
}

// hash reads what begins with #: a comment, unparsed text, a directive, or a # that is text.
func (p *parser) hash() (node, *terminator, error) {
	start := p.pos
	rest := p.source[start:]
	switch {
	case strings.HasPrefix(rest, "##"):
		p.comment()
		return nil, nil, nil
	case strings.HasPrefix(rest, "#*"):
		return nil, nil, p.enclosed("*#", false)
	case strings.HasPrefix(rest, "#[["):
		return nil, nil, p.enclosed("]]#", true)
	case len(rest) == 1 && p.base == 0:
		return nil, nil, p.errorf(start, "a template must not end in a bare #")
	case strings.HasPrefix(rest, "#@"):
		return nil, nil, p.errorf(start, "a macro with a body is not supported: API Gateway has no macros")
	}
	word, length := p.directive()
	if why, ok := refused[word]; ok {
		return nil, nil, p.errorf(start, "#%s is not supported: %s", word, why)
	}
	if !directives[word] {
		return nil, nil, p.unknown(word, max(length, 1))
	}
	p.pos += length
	switch word {
	case "end", "else":
		p.newline()
		return nil, &terminator{word, start}, nil
	case "elseif":
		return nil, &terminator{word, start}, nil
	case "stop":
		if p.defining > 0 || p.base > 0 {
			return nil, nil, p.errorf(start, "#stop within #define or a string is not supported")
		}
		return stop{}, nil, nil
	}
	n, err := p.statement(&terminator{word, start})
	return n, nil, err
}

// comment steps over ## and its line, line break included.
func (p *parser) comment() {
	line, _, found := strings.Cut(p.source[p.pos:], "\n")
	p.pos += len(line)
	if found {
		p.pos++
	}
}

func (p *parser) enclosed(end string, keep bool) error {
	opening := len(end)
	i := strings.Index(p.source[p.pos+opening:], end)
	if i < 0 {
		return p.errorf(p.pos, "%s has no %s", p.source[p.pos:p.pos+opening], end)
	}
	inside := p.source[p.pos+opening : p.pos+opening+i]
	if keep {
		p.write(0, inside)
	}
	p.pos += opening + i + len(end)
	return nil
}

// unknown keeps what is no directive as text. With arguments behind it, it is a call of a macro; API Gateway has none, and prints the
// call as it is written, references within it included.
func (p *parser) unknown(word string, length int) error {
	start := p.pos
	p.pos += length
	i := p.pos
	for p.byteAt(i) == ' ' || p.byteAt(i) == '\t' {
		i++
	}
	if word != "" && p.byteAt(i) == '(' {
		p.pos = i
		if _, err := p.arguments(true); err != nil {
			return err
		}
	}
	p.write(0, p.source[start:p.pos])
	return nil
}

// statement reads the arguments of a directive, and the block of one that has a block.
func (p *parser) statement(open *terminator) (node, error) {
	p.space()
	if p.byteAt(p.pos) != '(' {
		return nil, p.errorf(open.pos, "#%s needs its ( )", open.word)
	}
	p.pos++
	p.space()
	switch open.word {
	case "set":
		return p.set(open)
	case "if":
		return p.conditional(open)
	case "foreach":
		return p.foreach(open)
	case "define":
		return p.define(open)
	}
	return nil, p.macro(open)
}

// closing reads the ) of a directive, and the line break behind it.
func (p *parser) closing(open *terminator) error {
	p.space()
	if p.byteAt(p.pos) != ')' {
		return p.errorf(p.pos, "#%s is not closed by ) here%s", open.word, p.hint())
	}
	p.pos++
	p.newline()
	return nil
}

// hint explains the likeliest mistake at the parser's place.
func (p *parser) hint() string {
	switch c := p.byteAt(p.pos); {
	case c == '-' && isDigit(p.byteAt(p.pos+1)):
		return ": -1 is a number, write a blank behind a minus"
	case c == '=':
		return ": compare with =="
	}
	return ""
}

func (p *parser) set(open *terminator) (node, error) {
	target, err := p.target("the left side of #set")
	if err != nil {
		return nil, err
	}
	p.space()
	if p.byteAt(p.pos) != '=' || p.byteAt(p.pos+1) == '=' {
		return nil, p.errorf(p.pos, "#set needs a = here")
	}
	p.pos++
	v, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	return &set{pos: open.pos, target: target, value: v}, p.closing(open)
}

// target reads a reference that can be assigned to.
func (p *parser) target(what string) (*reference, error) {
	start := p.pos
	if p.byteAt(start) != '$' || !isLetter(p.byteAt(start+1)) {
		return nil, p.errorf(start, "%s must be a reference such as $name", what)
	}
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	if len(ref.path) == 0 && ref.slot < firstFree {
		return nil, p.errorf(start, "$%s cannot be assigned", ref.name)
	}
	if len(ref.path) > 0 && ref.path[len(ref.path)-1].call {
		return nil, p.errorf(start, "a method call cannot be assigned")
	}
	return ref, nil
}

// name reads a reference that is a name alone.
func (p *parser) name(what string) (*reference, error) {
	ref, err := p.target(what)
	if err == nil && len(ref.path) > 0 {
		return nil, p.errorf(ref.pos, "%s must be a name alone", what)
	}
	return ref, err
}

func (p *parser) conditional(open *terminator) (node, error) {
	c := &conditional{}
	at := *open
	for {
		condition, err := p.condition(&at)
		if err != nil {
			return nil, err
		}
		body, end, err := p.block(open)
		if err != nil {
			return nil, err
		}
		c.branches = append(c.branches, branch{at.pos, condition, body})
		switch end.word {
		case "end":
			return c, nil
		case "else":
			c.otherwise, err = p.lastBlock(open)
			return c, err
		}
		at = *end
		p.space()
		if p.byteAt(p.pos) != '(' {
			return nil, p.errorf(end.pos, "#elseif needs its ( )")
		}
		p.pos++
	}
}

// condition reads an expression that can be a condition. A bare literal is refused: Velocity takes a text for false and so would we.
func (p *parser) condition(open *terminator) (expression, error) {
	p.space()
	start := p.pos
	e, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	c, isConstant := e.(constant)
	_, isBool := c.value.(bool)
	switch e.(type) {
	case *interpolated, *listLiteral, *rangeLiteral, *mapLiteral:
		isConstant = true
	}
	if isConstant && !isBool {
		return nil, p.errorf(start, "#%s needs a condition, not a value", open.word)
	}
	return e, p.closing(open)
}

// lastBlock reads a block that only #end can end.
func (p *parser) lastBlock(open *terminator) (block, error) {
	body, end, err := p.block(open)
	if err == nil && end.word != "end" {
		return nil, p.errorf(end.pos, "#%s does not belong here: #%s at this place ends with #end", end.word, open.word)
	}
	return body, err
}

func (p *parser) foreach(open *terminator) (node, error) {
	ref, err := p.name("the loop variable of #foreach")
	if err != nil {
		return nil, err
	}
	p.space()
	if p.word(p.pos) != "in" {
		return nil, p.errorf(p.pos, "#foreach needs the word in here")
	}
	p.pos += len("in")
	p.space()
	list, err := p.parameter()
	if err != nil {
		return nil, err
	}
	if err := p.closing(open); err != nil {
		return nil, err
	}
	body, err := p.lastBlock(open)
	return &foreach{pos: open.pos, slot: ref.slot, list: list, body: body}, err
}

func (p *parser) define(open *terminator) (node, error) {
	ref, err := p.name("the name of #define")
	if err != nil {
		return nil, err
	}
	if err := p.closing(open); err != nil {
		return nil, err
	}
	p.defining++
	body, err := p.lastBlock(open)
	p.defining--
	return &define{slot: ref.slot, body: body}, err
}

// macro reads a macro's definition and forgets it: API Gateway prints nothing for the definition, and each call as it is written.
func (p *parser) macro(open *terminator) error {
	name := p.word(p.pos)
	if name == "" {
		return p.errorf(p.pos, "#macro needs a name")
	}
	p.pos += len(name)
	for {
		for c := p.byteAt(p.pos); c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ','; c = p.byteAt(p.pos) {
			p.pos++
		}
		if p.byteAt(p.pos) != '$' {
			break
		}
		if _, err := p.name("a parameter of #macro"); err != nil {
			return err
		}
	}
	if err := p.closing(open); err != nil {
		return err
	}
	_, err := p.lastBlock(open)
	return err
}
