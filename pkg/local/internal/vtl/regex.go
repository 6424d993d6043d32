package vtl

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// regex is a pattern of Java's, read by RE2: linear in time, and refused where the two would differ.
type regex struct {
	find    *regexp.Regexp
	whole   *regexp.Regexp // for matches
	literal string         // what the pattern matches, if that is one text
	mixed   bool           // matches both the empty text and others
	dollar  bool           // $ looks beyond a last line break in Java
	size    int            // instructions of the compiled pattern
}

// work counts the steps of matching a text: RE2 takes each instruction with each byte at worst, a good deal faster than a node.
func (re *regex) work(r *run, s string) error {
	return r.step(1 + len(s)/16*re.size + len(s)%16*re.size/16)
}

// regex answers the first argument as a pattern, which Parse has compiled if it is constant.
func (a *accessor) regex(r *run, args []value) (*regex, error) {
	if re, ok := a.ready.(*regex); ok {
		return re, nil
	}
	s, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	re, err := compile(s)
	if err != nil {
		return nil, err
	}
	return re, r.step(100 + 10*re.size) // a node is evaluated in the time of some bytes of a pattern's compilation
}

var errPattern = errors.New("the regular expression is not one, or uses what only Java's have")

func compile(pattern string) (*regex, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("a regular expression is longer than %d bytes", maxPattern)
	}
	translated, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		return nil, errPattern // the cause would quote the pattern
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, errPattern
	}
	re := &regex{size: len(program.Inst)}
	if re.find, err = regexp.Compile(translated); err != nil {
		return nil, errPattern
	}
	if re.whole, err = regexp.Compile(`\A(?:` + translated + `)\z`); err != nil {
		return nil, errPattern
	}
	if s, complete := re.find.LiteralPrefix(); complete {
		re.literal = s
	}
	empty, other := lengths(tree)
	re.mixed = empty && other
	re.dollar = hasDollar(tree)
	return re, nil
}

// translate writes a Java pattern for RE2. Java's . leaves out more line breaks, and its \s takes in the vertical tab.
func translate(pattern string) (string, error) {
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			i++
			s, err := escape(pattern[i], class)
			if err != nil {
				return "", err
			}
			b.WriteString(s)
			if pattern[i] == 'Q' {
				quoted, _, _ := strings.Cut(pattern[i+1:], `\E`)
				b.WriteString(regexp.QuoteMeta(quoted))
				i = min(i+len(quoted)+2, len(pattern)-1)
			}
			continue
		case class && c == '[', class && strings.HasPrefix(pattern[i:], "&&"):
			return "", errors.New("a class within a class of a regular expression is not supported")
		case c == '[':
			class = true
			if strings.HasPrefix(pattern[i:], "[]") || strings.HasPrefix(pattern[i:], "[^]") {
				return "", errPattern
			}
		case c == ']':
			class = false
		case c == '.' && !class:
			b.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
			continue
		case !class && strings.HasPrefix(pattern[i:], "(?") && !strings.HasPrefix(pattern[i:], "(?:") && !strings.HasPrefix(pattern[i:], "(?i)"):
			return "", errors.New("of the (? groups in a regular expression only (?: and (?i) are supported")
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// escape translates a backslash and the byte behind it.
func escape(c byte, class bool) (string, error) {
	switch {
	case c == 's' && class:
		return `\t\n\x0B\f\r `, nil
	case c == 's':
		return `[\t\n\x0B\f\r ]`, nil
	case c == 'S' && !class:
		return `[^\t\n\x0B\f\r ]`, nil
	case c == 'Q' && !class:
		return "", nil
	case strings.IndexByte("dDwWntrf", c) >= 0, !class && (c == 'b' || c == 'B'), !isLetter(c) && !isDigit(c):
		return `\` + string(c), nil
	}
	return "", fmt.Errorf(`\%c in a regular expression is not supported`, c)
}

// lengths says whether a pattern can match the empty text, and whether it can match another.
func lengths(re *syntax.Regexp) (empty, other bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true, false
	case syntax.OpCapture:
		return lengths(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		_, other = lengths(re.Sub[0])
		return true, other
	case syntax.OpPlus:
		return lengths(re.Sub[0])
	case syntax.OpRepeat:
		empty, other = lengths(re.Sub[0])
		return empty || re.Min == 0, other && re.Max != 0
	case syntax.OpConcat:
		empty = true
		for _, sub := range re.Sub {
			e, o := lengths(sub)
			empty, other = empty && e, other || o
		}
		return empty, other
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			e, o := lengths(sub)
			empty, other = empty || e, other || o
		}
		return empty, other
	}
	return false, true
}

func hasDollar(re *syntax.Regexp) bool {
	if re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0 {
		return true
	}
	for _, sub := range re.Sub {
		if hasDollar(sub) {
			return true
		}
	}
	return false
}

// all answers the matches in s, as Java's find gives them one after the other.
func (re *regex) all(r *run, s string, limit int) ([][]int, error) {
	if re.mixed {
		return nil, errors.New("a regular expression that matches the empty text as well as others is not supported")
	}
	if re.dollar && s != "" && strings.ContainsAny(s[max(0, len(s)-3):], "\n\r\u0085\u2028\u2029") {
		return nil, errors.New("$ in a regular expression is not supported on a text that ends in a line break")
	}
	if err := re.work(r, s); err != nil {
		return nil, err
	}
	if limit < 0 {
		limit = maxSteps - r.steps + 1
	}
	found := re.find.FindAllStringSubmatchIndex(s, limit)
	return found, r.step(len(found))
}

func (re *regex) replace(r *run, s, with string, limit int) (value, error) {
	found, err := re.all(r, s, limit)
	if err != nil {
		return nil, err
	}
	out := printer{r: r}
	from := 0
	for _, m := range found {
		if err := out.add(s[from:m[0]]); err != nil {
			return nil, err
		}
		if err := re.expand(&out, s, with, m); err != nil {
			return nil, err
		}
		from = m[1]
	}
	err = out.add(s[from:])
	return string(out.out), err
}

// expand writes a replacement as Java's Matcher does: \ makes what follows literal, and $n is a group.
func (re *regex) expand(out *printer, s, with string, match []int) error {
	for i := 0; i < len(with); i++ {
		piece := with[i : i+1]
		switch with[i] {
		case '\\':
			if i++; i == len(with) {
				return errors.New(`a replacement must not end in \`)
			}
			piece = with[i : i+1]
		case '$':
			group, n, err := re.group(with[i+1:])
			if err != nil {
				return err
			}
			i += n
			piece = ""
			if from := match[2*group]; from >= 0 {
				piece = s[from:match[2*group+1]]
			}
		}
		if err := out.add(piece); err != nil {
			return err
		}
	}
	return nil
}

// group reads the number behind a $: as many digits as still name a group.
func (re *regex) group(s string) (group, n int, err error) {
	for n < len(s) && isDigit(s[n]) {
		next := 10*group + int(s[n]-'0')
		if n > 0 && next > re.find.NumSubexp() {
			break
		}
		group = next
		n++
	}
	if n == 0 || group > re.find.NumSubexp() {
		return 0, 0, errors.New(`$ in a replacement needs the number of a group, and \$ is a $`)
	}
	return group, n, nil
}
