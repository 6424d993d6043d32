package vtl

import (
	"strconv"
	"strings"
)

// levels are the binary operators from the loosest to the tightest. Words are operators only where they stand alone.
var levels = [][]string{
	{"||", "or"},
	{"&&", "and"},
	{"==", "!=", "eq", "ne"},
	{"<=", ">=", "<", ">", "lt", "le", "gt", "ge"},
	{"+", "-"},
	{"*", "/", "%"},
}

var words = map[string]string{
	"or": "||", "and": "&&", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}

// space steps over blanks and line breaks within a directive.
func (p *parser) space() {
	for p.pos < len(p.source) && strings.IndexByte(" \t\r\n", p.source[p.pos]) >= 0 {
		p.pos++
	}
}

// operator reads one operator of a level, or answers "".
func (p *parser) operator(level int) string {
	p.space()
	for _, op := range levels[level] {
		if !strings.HasPrefix(p.source[p.pos:], op) {
			continue
		}
		if isLetter(op[0]) {
			if p.word(p.pos) != op {
				continue
			}
			p.pos += len(op)
			return words[op]
		}
		if op == "-" && (isDigit(p.byteAt(p.pos+1)) || p.byteAt(p.pos+1) == '.') {
			continue // -1 is a number, as in Velocity 1.x
		}
		p.pos += len(op)
		return op
	}
	return ""
}

// expression reads operators of a level and tighter ones.
func (p *parser) expression(level int) (expression, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.expression(level + 1)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		p.space()
		pos := p.pos
		op := p.operator(level)
		if op == "" {
			return left, nil
		}
		if n == maxNesting {
			return nil, p.errorf(pos, "more than %d operators in a row", maxNesting)
		}
		right, err := p.expression(level + 1)
		if err != nil {
			return nil, err
		}
		left = &binary{pos: p.base + pos, operator: op, left: left, right: right}
	}
}

func (p *parser) unary() (expression, error) {
	p.space()
	start := p.pos
	if err := p.nest(start); err != nil {
		return nil, err
	}
	defer func() { p.nesting-- }()
	switch {
	case p.byteAt(start) == '!' && p.byteAt(start+1) != '=':
		p.pos++
	case p.word(start) == "not":
		p.pos += len("not")
	case p.byteAt(start) == '(':
		p.pos++
		inside, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if p.space(); p.byteAt(p.pos) != ')' {
			return nil, p.errorf(p.pos, "( is not closed by ) here%s", p.hint())
		}
		p.pos++
		return inside, nil
	default:
		return p.parameter()
	}
	operand, err := p.unary()
	return &unary{operand}, err
}

// parameter reads what a method takes, a list holds and #foreach goes through: a literal or a reference, no operators.
func (p *parser) parameter() (expression, error) {
	if err := p.nest(p.pos); err != nil {
		return nil, err
	}
	defer func() { p.nesting-- }()
	c := p.byteAt(p.pos)
	switch {
	case c == '$':
		return p.operand()
	case c == '\'' || c == '"':
		return p.text()
	case c == '[':
		return p.list()
	case c == '{':
		return p.mapping()
	case isDigit(c), c == '.' && isDigit(p.byteAt(p.pos+1)), c == '-' && (isDigit(p.byteAt(p.pos+1)) || p.byteAt(p.pos+1) == '.'):
		return p.number()
	}
	word := p.word(p.pos)
	known := map[string]value{"true": true, "false": false, "null": nil}
	v, ok := known[word]
	if !ok {
		return nil, p.errorf(p.pos, "a value is missing here")
	}
	p.pos += len(word)
	return constant{v}, nil
}

func (p *parser) operand() (expression, error) {
	i := p.pos + 1
	if p.byteAt(i) == '!' {
		i++
	}
	if p.byteAt(i) == '{' {
		i++
	}
	if !isLetter(p.byteAt(i)) {
		return nil, p.errorf(p.pos, "a reference begins with a letter")
	}
	return p.reference()
}

// number reads an integer of 64 bits or a decimal.
func (p *parser) number() (expression, error) {
	start := p.pos
	if p.byteAt(p.pos) == '-' {
		p.pos++
	}
	p.digits()
	decimal := p.byteAt(p.pos) == '.' && p.byteAt(p.pos+1) != '.'
	if decimal {
		p.pos++
		p.digits()
	}
	if p.exponent() || decimal {
		f, err := strconv.ParseFloat(p.source[start:p.pos], 64)
		if err != nil {
			return nil, p.errorf(start, "not a number")
		}
		return constant{f}, nil
	}
	n, err := strconv.ParseInt(p.source[start:p.pos], 10, 64)
	if err != nil {
		return nil, p.errorf(start, "integers are of 64 bits")
	}
	return constant{n}, nil
}

func (p *parser) digits() {
	for isDigit(p.byteAt(p.pos)) {
		p.pos++
	}
}

// exponent reads e and an integer, if they stand here.
func (p *parser) exponent() bool {
	i := p.pos + 1
	if sign := p.byteAt(i); sign == '+' || sign == '-' {
		i++
	}
	if p.byteAt(p.pos)|0x20 != 'e' || !isDigit(p.byteAt(i)) {
		return false
	}
	p.pos = i
	p.digits()
	return true
}

func (p *parser) list() (expression, error) {
	start := p.pos
	p.pos++
	p.space()
	l := &listLiteral{}
	for first := true; p.byteAt(p.pos) != ']'; first = false {
		if !first {
			if err := p.separator(start, ',', "the list"); err != nil {
				return nil, err
			}
		}
		item, err := p.parameter()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, item)
		p.space()
		if first && strings.HasPrefix(p.source[p.pos:], "..") {
			return p.rangeTo(start, item)
		}
	}
	p.pos++
	return l, nil
}

// separator reads a comma or colon, with blanks around it.
func (p *parser) separator(start int, c byte, what string) error {
	p.space()
	if p.byteAt(p.pos) != c {
		return p.errorf(start, "%s is not closed, or a %q is missing; values in it have no operators", what, string(c))
	}
	p.pos++
	p.space()
	return nil
}

// rangeTo reads the rest of [from..to]. API Gateway does not take references as its ends.
func (p *parser) rangeTo(start int, from expression) (expression, error) {
	p.pos += len("..")
	p.space()
	to, err := p.parameter()
	if err != nil {
		return nil, err
	}
	p.space()
	first, _ := from.(constant)
	last, _ := to.(constant)
	a, ok1 := first.value.(int64)
	b, ok2 := last.value.(int64)
	if !ok1 || !ok2 || p.byteAt(p.pos) != ']' {
		return nil, p.errorf(start, "a range is [1..5]: API Gateway takes integers alone")
	}
	p.pos++
	if n := uint64(max(a, b)) - uint64(min(a, b)); n >= maxRange {
		return nil, p.errorf(start, "a range has %d elements at most", maxRange)
	}
	return &rangeLiteral{a, b}, nil
}

func (p *parser) mapping() (expression, error) {
	start := p.pos
	p.pos++
	p.space()
	m := &mapLiteral{pos: p.base + start}
	for first := true; p.byteAt(p.pos) != '}'; first = false {
		if !first {
			if err := p.separator(start, ',', "the map"); err != nil {
				return nil, err
			}
		}
		key, err := p.parameter()
		if err != nil {
			return nil, err
		}
		if err := p.separator(start, ':', "the map"); err != nil {
			return nil, err
		}
		val, err := p.parameter()
		if err != nil {
			return nil, err
		}
		m.keys, m.vals = append(m.keys, key), append(m.vals, val)
		p.space()
	}
	p.pos++
	return m, nil
}
