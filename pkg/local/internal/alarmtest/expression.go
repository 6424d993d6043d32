// Package alarmtest says what CloudWatch makes of metrics and an alarm, as far as template.yaml has use for it. It is for tests. Its rules are
// those of "Using math expressions with CloudWatch metrics" and "Using Amazon CloudWatch alarms" (Amazon CloudWatch User Guide).
package alarmtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Series is a metric's values, one for each period, the newest last. NaN stands for a period without a value.
type Series []float64

// None is no value.
var None = math.NaN()

// Missing is what a period without a value is to arithmetic and to MAX, if another series has one there. The guide says that it is 0;
// those who have tried tell of periods that were dropped. An expression ought to be good with either.
type Missing int

// The readings.
const (
	AsZero Missing = iota
	Drops
)

// Expression is one of metric math. It has numbers, metrics by their ids, arrays, - * / > and the functions FILL, IF and MAX.
type Expression struct{ root node }

// Parse reads an expression. What the package does not know is an error, though CloudWatch may know it.
func Parse(text string) (*Expression, error) {
	p := &parser{text: text}
	root, err := p.comparison()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%q is not expected", p.peek())
	}
	if err != nil {
		return nil, fmt.Errorf("the expression %q: %w", text, err)
	}
	return &Expression{root}, nil
}

// Series answers the expression's values from those of the metrics, which have the same number of periods.
func (e *Expression) Series(metrics map[string]Series, missing Missing) (Series, error) {
	periods := 0
	for _, s := range metrics {
		periods = len(s)
	}
	for id, s := range metrics {
		if len(s) != periods {
			return nil, fmt.Errorf("%s has %d periods, another metric %d", id, len(s), periods)
		}
	}
	v, err := e.root.value(&scope{metrics, periods, missing})
	if err != nil {
		return nil, err
	}
	if v.series == nil {
		return nil, errors.New("the result is no time series")
	}
	return v.series, nil
}

type scope struct {
	metrics map[string]Series
	periods int
	missing Missing
}

// value is a number, a series or an array of series.
type value struct {
	number float64
	series Series
	array  []Series
}

func (v value) isNumber() bool { return v.series == nil && v.array == nil }

type node interface {
	value(*scope) (value, error)
}

type (
	number float64
	metric string
	array  []node
	binary struct {
		operator    string
		left, right node
	}
	call struct {
		function  string
		arguments []node
	}
)

func (n number) value(*scope) (value, error) { return value{number: float64(n)}, nil }

func (m metric) value(s *scope) (value, error) {
	series, ok := s.metrics[string(m)]
	if !ok {
		return value{}, fmt.Errorf("there is no metric %s", string(m))
	}
	return value{series: slices.Concat(Series{}, series)}, nil
}

func (a array) value(s *scope) (value, error) {
	all := value{array: []Series{}}
	for _, item := range a {
		v, err := item.value(s)
		if err != nil {
			return value{}, err
		}
		if v.series == nil {
			return value{}, errors.New("an array has something that is no time series")
		}
		all.array = append(all.array, v.series)
	}
	return all, nil
}

func (b binary) value(s *scope) (value, error) {
	left, err := b.left.value(s)
	if err != nil {
		return value{}, err
	}
	right, err := b.right.value(s)
	if err != nil {
		return value{}, err
	}
	if left.array != nil || right.array != nil {
		return value{}, fmt.Errorf("%s of an array is not known here", b.operator)
	}
	if left.isNumber() && right.isNumber() {
		n := calculate(b.operator, left.number, right.number)
		if math.IsNaN(n) {
			return value{}, errors.New("a number is divided by zero")
		}
		return value{number: n}, nil
	}
	result := make(Series, s.periods)
	for i := range result {
		x, y := at(left, i), at(right, i)
		// Numbers are never missing. "The function treats the missing value in the other time series as 0" is said of comparisons, too.
		if math.IsNaN(x) != math.IsNaN(y) && left.series != nil && right.series != nil && (s.missing == AsZero || b.operator == ">") {
			x, y = orZero(x), orZero(y)
		}
		result[i] = calculate(b.operator, x, y)
	}
	return value{series: result}, nil
}

func at(v value, i int) float64 {
	if v.series != nil {
		return v.series[i]
	}
	return v.number
}

func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// calculate answers NaN for a missing operand, and for a division by zero: "the data point is dropped".
func calculate(operator string, x, y float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsNaN(y) || operator == "/" && y == 0:
		return None
	case operator == "-":
		return x - y
	case operator == "*":
		return x * y
	case operator == "/":
		return x / y
	case x > y:
		return 1
	}
	return 0
}

func (c call) value(s *scope) (value, error) {
	arguments := make([]value, len(c.arguments))
	for i, a := range c.arguments {
		var err error
		if arguments[i], err = a.value(s); err != nil {
			return value{}, err
		}
	}
	result := make(Series, s.periods)
	switch {
	case c.function == "MAX" && len(arguments) == 1 && len(arguments[0].array) > 0:
		for i := range result {
			result[i] = highest(arguments[0].array, i, s.missing)
		}
	case c.function == "FILL" && len(arguments) == 2 && arguments[0].series != nil && arguments[1].isNumber():
		for i := range result {
			if result[i] = arguments[0].series[i]; math.IsNaN(result[i]) {
				result[i] = arguments[1].number
			}
		}
	case c.function == "IF" && len(arguments) == 3 && arguments[0].series != nil && arguments[1].array == nil && arguments[2].array == nil:
		for i := range result {
			switch condition := arguments[0].series[i]; {
			case math.IsNaN(condition):
				result[i] = None
			case condition != 0:
				result[i] = orZero(at(arguments[1], i)) // "0, if ... TRUE and the corresponding data point does not exist"
			default:
				result[i] = at(arguments[2], i)
			}
		}
	default:
		// MAX of one series is a number over all periods that are asked for, and an alarm asks for more than it evaluates.
		return value{}, fmt.Errorf("%s with these arguments is not known here", c.function)
	}
	return value{series: result}, nil
}

func highest(all []Series, i int, missing Missing) float64 {
	most, found := math.Inf(-1), false
	for _, s := range all {
		switch there := !math.IsNaN(s[i]); {
		case there:
			most, found = max(most, s[i]), true
		case missing == Drops:
			return None
		}
	}
	if !found {
		return None
	}
	if missing == AsZero && slices.ContainsFunc(all, func(s Series) bool { return math.IsNaN(s[i]) }) {
		return max(most, 0)
	}
	return most
}

type parser struct {
	text  string
	depth int
}

// deepest is how deep an expression may be nested.
const deepest = 50

// peek answers the next token, "" at the end. One character is a token, unless it begins a number or a name.
func (p *parser) peek() string {
	p.text = strings.TrimLeft(p.text, " ")
	end := strings.IndexFunc(p.text, func(r rune) bool { return !isWord(r) && r != '.' })
	if end < 0 {
		end = len(p.text)
	}
	if end == 0 && p.text != "" {
		end = 1
	}
	return p.text[:end]
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (p *parser) next() string {
	token := p.peek()
	p.text = p.text[len(token):]
	return token
}

func (p *parser) expect(token string) error {
	if got := p.next(); got != token {
		return fmt.Errorf("%q instead of %q", got, token)
	}
	return nil
}

func (p *parser) comparison() (node, error) { return p.chain(p.difference, ">") }
func (p *parser) difference() (node, error) { return p.chain(p.product, "-") }
func (p *parser) product() (node, error)    { return p.chain(p.operand, "*", "/") }

// chain reads operands with operators of one rank between, from left to right.
func (p *parser) chain(operand func() (node, error), operators ...string) (node, error) {
	left, err := operand()
	for err == nil && slices.Contains(operators, p.peek()) {
		operator := p.next()
		var right node
		right, err = operand()
		left = binary{operator, left, right}
	}
	return left, err
}

func (p *parser) operand() (node, error) {
	if p.depth++; p.depth > deepest {
		return nil, errors.New("it is nested too deep")
	}
	defer func() { p.depth-- }()
	token := p.next()
	switch {
	case token == "":
		return nil, errors.New("it ends too early")
	case token == "(":
		inner, err := p.comparison()
		if err == nil {
			err = p.expect(")")
		}
		return inner, err
	case token == "[":
		items, err := p.list("]")
		return array(items), err
	case token[0] >= '0' && token[0] <= '9':
		n, err := strconv.ParseFloat(token, 64)
		if err != nil || strings.ContainsAny(token, "_xXpP") {
			return nil, fmt.Errorf("%q is no number", token)
		}
		return number(n), nil
	case token[0] >= 'a' && token[0] <= 'z' && !strings.Contains(token, "."):
		return metric(token), nil
	case slices.Contains([]string{"FILL", "IF", "MAX"}, token):
		if err := p.expect("("); err != nil {
			return nil, err
		}
		arguments, err := p.list(")")
		return call{token, arguments}, err
	}
	return nil, fmt.Errorf("%q is not known here", token)
}

// list reads one or more expressions with commas between, and what ends them.
func (p *parser) list(end string) ([]node, error) {
	var items []node
	for {
		item, err := p.comparison()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		switch token := p.next(); token {
		case end:
			return items, nil
		case ",":
		default:
			return nil, fmt.Errorf("%q instead of a comma or %q", token, end)
		}
	}
}
