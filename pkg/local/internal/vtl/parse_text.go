package vtl

import (
	"fmt"
	"strings"
)

// parser reads a template, or the inside of a string within one.
type parser struct {
	template *Template
	source   string
	pos      int
	base     int // where source begins in the template's text
	fixed    bool
	names    *names
	nesting  int
	defining int    // #define blocks around the parser's place
	literal  []byte // text read and not yet a node
}

// terminator is a directive that ends a block: end, else or elseif.
type terminator struct {
	word string
	pos  int
}

func (p *parser) errorf(pos int, format string, args ...any) error {
	if p.fixed {
		pos = 0
	}
	return p.template.errorAt(p.base+pos, fmt.Errorf(format, args...))
}

// nest refuses templates that would take the parser, and later the renderer, too deep into recursion.
func (p *parser) nest(pos int) error {
	if p.nesting++; p.nesting > maxNesting {
		return p.errorf(pos, "nested more than %d deep", maxNesting)
	}
	return nil
}

// block reads up to the directive that ends it, which only a block within one called opener may have.
func (p *parser) block(opener *terminator) (block, *terminator, error) {
	if err := p.nest(p.pos); err != nil {
		return nil, nil, err
	}
	defer func() { p.nesting-- }()
	outer := p.literal
	p.literal = nil
	defer func() { p.literal = outer }()
	var nodes block
	for p.pos < len(p.source) {
		n, end, err := p.piece()
		if err != nil {
			return nil, nil, err
		}
		if n != nil || end != nil {
			nodes = p.flush(nodes)
		}
		if end != nil {
			return nodes, end, nil
		}
		if n != nil {
			nodes = append(nodes, n)
		}
	}
	if opener != nil {
		return nil, nil, p.errorf(opener.pos, "#%s has no #end", opener.word)
	}
	return p.flush(nodes), nil, nil
}

func (p *parser) flush(nodes block) block {
	if len(p.literal) == 0 {
		return nodes
	}
	nodes = append(nodes, text(p.literal))
	p.literal = p.literal[:0]
	return nodes
}

// piece reads one node, or adds to the literal text and answers none.
func (p *parser) piece() (node, *terminator, error) {
	rest := p.source[p.pos:]
	i := strings.IndexAny(rest, `$#\`)
	if i < 0 {
		i = len(rest)
	}
	if i > 0 {
		p.write(0, rest[:i])
		p.pos += i
		return nil, nil, nil
	}
	switch rest[0] {
	case '$':
		n, err := p.dollar(0)
		return n, nil, err
	case '#':
		return p.hash()
	}
	n, err := p.backslashes()
	return n, nil, err
}

// dollar reads a reference, or a $ that begins none and is text.
func (p *parser) dollar(backslashes int) (node, error) {
	start := p.pos
	i := start + 1
	if i == len(p.source) && p.base == 0 {
		return nil, p.errorf(start, "a template must not end in a bare $")
	}
	quiet := p.byteAt(i) == '!'
	if quiet {
		i++
	}
	if p.byteAt(i) == '{' {
		i++
	}
	c := p.byteAt(i)
	switch {
	case isLetter(c):
		ref, err := p.reference()
		if err != nil {
			return nil, err
		}
		ref.backslash = backslashes
		return ref, nil
	case quiet, c == '_', c == '\\' && p.byteAt(i+1) == '!':
		return nil, p.errorf(start, "%q is not supported: a reference begins with a letter", p.source[start:min(i+1, len(p.source))])
	}
	p.write(backslashes, p.source[start:i])
	p.pos = i
	return nil, nil
}

func (p *parser) write(backslashes int, s string) {
	p.literal = append(p.literal, strings.Repeat(`\`, backslashes)...)
	p.literal = append(p.literal, s...)
}

// backslashes reads a run of backslashes. Before a reference or a directive each pair of them is one, and an odd one makes what follows
// text; elsewhere they are themselves.
func (p *parser) backslashes() (node, error) {
	n := 1
	for p.byteAt(p.pos+n) == '\\' {
		n++
	}
	p.pos += n
	switch p.byteAt(p.pos) {
	case '$':
		return p.dollar(n)
	case '#':
		word, length := p.directive()
		if !directives[word] {
			break
		}
		p.write(n/2, "")
		if n%2 == 1 {
			p.write(0, p.source[p.pos:p.pos+length])
			p.pos += length
		}
		return nil, nil
	}
	p.write(n, "")
	return nil, nil
}

func (p *parser) byteAt(i int) byte {
	if i < len(p.source) {
		return p.source[i]
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// word answers the identifier at i. Hyphens are part of it, as in Velocity 1.x: $a-b is one name.
func (p *parser) word(i int) string {
	end := i
	for end < len(p.source) && (isLetter(p.source[end]) || isDigit(p.source[end]) || p.source[end] == '_' || p.source[end] == '-') {
		end++
	}
	return p.source[i:end]
}

// newline steps over what ends a line behind a directive: blanks and one line break, or nothing.
func (p *parser) newline() {
	i := p.pos
	for p.byteAt(i) == ' ' || p.byteAt(i) == '\t' {
		i++
	}
	if p.byteAt(i) == '\r' && p.byteAt(i+1) == '\n' {
		i++
	}
	if c := p.byteAt(i); c == '\n' || c == '\r' {
		p.pos = i + 1
	}
}
