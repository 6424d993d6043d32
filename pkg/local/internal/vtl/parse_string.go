package vtl

import (
	"strconv"
	"strings"
)

// text reads a string. A doubled quote is one quote; a backslash escapes nothing but, in double quotes, \u and four hex digits.
// A string in double quotes that holds $ or # is a template of its own.
func (p *parser) text() (expression, error) {
	start := p.pos
	raw, err := p.quoted()
	if err != nil {
		return nil, err
	}
	quote := p.source[start : start+1]
	content := strings.ReplaceAll(raw, quote+quote, quote)
	if quote == `"` {
		if content, err = p.unicode(start, content); err != nil {
			return nil, err
		}
	}
	if quote == `'` || !strings.ContainsAny(raw, "$#") {
		return constant{content}, nil
	}
	inner := &parser{
		template: p.template, source: content, base: p.base + start + 1, names: p.names, nesting: p.nesting,
		fixed: p.fixed || len(content) != len(raw),
	}
	body, end, err := inner.block(nil)
	if err != nil {
		return nil, err
	}
	if end != nil {
		return nil, inner.errorf(end.pos, "#%s without #if, #foreach, #define or #macro before it in this string", end.word)
	}
	return &interpolated{pos: p.base + start, body: body}, nil
}

// quoted answers what stands between the quotes, as written.
func (p *parser) quoted() (string, error) {
	start := p.pos
	quote := p.source[start]
	for i := start + 1; i < len(p.source); i++ {
		if p.source[i] != quote {
			continue
		}
		if p.byteAt(i+1) == quote {
			i++
			continue
		}
		p.pos = i + 1
		return p.source[start+1 : i], nil
	}
	return "", p.errorf(start, "the string is not closed")
}

func (p *parser) unicode(start int, s string) (string, error) {
	if !strings.Contains(s, `\u`) {
		return s, nil
	}
	var b []byte
	for {
		before, after, found := strings.Cut(s, `\u`)
		b = append(b, before...)
		if !found {
			return string(b), nil
		}
		if len(after) < 4 {
			return "", p.errorf(start, `\u needs four hex digits`)
		}
		n, err := strconv.ParseUint(after[:4], 16, 16)
		if err != nil {
			return "", p.errorf(start, `\u needs four hex digits`)
		}
		b = appendUnit(b, uint16(n))
		s = after[4:]
	}
}
