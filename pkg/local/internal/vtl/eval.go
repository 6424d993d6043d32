package vtl

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

func (c constant) eval(*run) (value, error) { return c.value, nil }

func (i *interpolated) eval(r *run) (value, error) {
	s, err := r.capture(i.body)
	return s, r.fail(i.pos, err)
}

func (l *listLiteral) eval(r *run) (value, error) {
	items := make([]value, len(l.items))
	for i, item := range l.items {
		v, err := item.eval(r)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return &list{items: items}, r.step(len(items))
}

func (g *rangeLiteral) eval(r *run) (value, error) {
	n, by := int(g.to-g.from), int64(1)
	if n < 0 {
		n, by = -n, -1
	}
	if err := r.step(n); err != nil {
		return nil, err
	}
	items := make([]value, n+1)
	for i := range items {
		items[i] = g.from + by*int64(i)
	}
	return &list{items: items}, nil
}

func (m *mapLiteral) eval(r *run) (value, error) {
	d := &dict{}
	for i := range m.keys {
		k, err := m.keys[i].eval(r)
		if err != nil {
			return nil, err
		}
		name, ok := keyOf(k)
		if !ok {
			return nil, r.fail(m.pos, fmt.Errorf("%s cannot be a map's key", kindOf(k)))
		}
		v, err := m.vals[i].eval(r)
		if err != nil {
			return nil, err
		}
		d.put(name, v)
	}
	return d, r.step(len(m.keys))
}

func (u *unary) eval(r *run) (value, error) {
	v, err := u.operand.eval(r)
	return !truth(v), err
}

func (b *binary) eval(r *run) (value, error) {
	if err := r.step(1); err != nil {
		return nil, r.fail(b.pos, err)
	}
	left, err := b.left.eval(r)
	if err != nil {
		return nil, err
	}
	switch {
	case b.operator == "&&" && !truth(left):
		return false, nil
	case b.operator == "||" && truth(left):
		return true, nil
	}
	right, err := b.right.eval(r)
	if err != nil {
		return nil, err
	}
	v, err := r.operate(b.operator, left, right)
	return v, r.fail(b.pos, err)
}

func (r *run) operate(operator string, left, right value) (value, error) {
	switch operator {
	case "&&", "||":
		return truth(right), nil
	case "==", "!=":
		same, err := r.equal(left, right, 0)
		return same == (operator == "=="), err
	case "<", "<=", ">", ">=":
		return compare(operator, left, right)
	}
	_, text1 := left.(string)
	_, text2 := right.(string)
	if operator == "+" && (text1 || text2) && left != nil && right != nil {
		return r.concatenate(left, right)
	}
	return arithmetic(operator, left, right)
}

func (r *run) concatenate(left, right value) (value, error) {
	a, err := r.stringOf(left)
	if err != nil {
		return nil, err
	}
	b, err := r.stringOf(right)
	if err != nil {
		return nil, err
	}
	return a + b, r.make(len(a) + len(b))
}

// numeric answers v as an int64 or a float64.
func numeric(v value) (n int64, f float64, integer, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	case number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, float64(n), true, true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		return 0, f, false, err == nil
	}
	return 0, 0, false, false
}

// compare: beside null every comparison is false, as in Velocity 1.x. Velocity also takes a text for incomparable and goes on with false.
// That hides a fault, so it is an error here.
func compare(operator string, left, right value) (value, error) {
	if left == nil || right == nil {
		return false, nil
	}
	n1, f1, int1, ok1 := numeric(left)
	n2, f2, int2, ok2 := numeric(right)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s compares numbers, not %s and %s", operator, kindOf(left), kindOf(right))
	}
	less, more := f1 < f2, f1 > f2
	if int1 && int2 {
		less, more = n1 < n2, n1 > n2
	}
	switch operator {
	case "<":
		return less, nil
	case "<=":
		return !more, nil
	case ">":
		return more, nil
	}
	return !less, nil
}

var errOverflow = errors.New("the result does not fit in 64 bits")

func arithmetic(operator string, left, right value) (value, error) {
	n1, f1, int1, ok1 := numeric(left)
	n2, f2, int2, ok2 := numeric(right)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s takes numbers, not %s and %s", operator, kindOf(left), kindOf(right))
	}
	if int1 && int2 {
		return integers(operator, n1, n2)
	}
	switch operator {
	case "+":
		return f1 + f2, nil
	case "-":
		return f1 - f2, nil
	case "*":
		return f1 * f2, nil
	}
	if f2 == 0 {
		return nil, errors.New("division by zero")
	}
	if operator == "%" {
		return math.Mod(f1, f2), nil
	}
	return f1 / f2, nil
}

func integers(operator string, a, b int64) (value, error) {
	switch operator {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "*":
		c := a * b
		if a != 0 && (c/a != b || a == -1 && b == math.MinInt64) {
			return nil, errOverflow
		}
		return c, nil
	}
	switch {
	case b == 0:
		return nil, errors.New("division by zero")
	case b == -1 && operator == "/":
		return integers("-", 0, a)
	case b == -1:
		return int64(0), nil
	case operator == "%":
		return a % b, nil
	}
	return a / b, nil
}

// equal: null equals null and, on API Gateway, the empty text; numbers are compared as numbers, values of different kinds by their text.
func (r *run) equal(a, b value, depth int) (bool, error) {
	if depth > maxDepth {
		return false, errTooDeep
	}
	if err := r.step(1); err != nil {
		return false, err
	}
	if a == nil || b == nil {
		return (a == nil || a == "") && (b == nil || b == ""), nil
	}
	n1, f1, int1, ok1 := numeric(a)
	n2, f2, int2, ok2 := numeric(b)
	if ok1 && ok2 {
		return int1 && int2 && n1 == n2 || !(int1 && int2) && f1 == f2, nil
	}
	if a == b {
		return true, nil
	}
	l1, ok1 := a.(*list)
	l2, ok2 := b.(*list)
	if ok1 && ok2 {
		return r.equalLists(l1, l2, depth)
	}
	d1, ok1 := a.(*dict)
	d2, ok2 := b.(*dict)
	if ok1 && ok2 {
		return r.equalDicts(d1, d2, depth)
	}
	s1, err := r.stringOf(a)
	if err != nil {
		return false, err
	}
	s2, err := r.stringOf(b)
	return s1 == s2, err
}

func (r *run) equalLists(a, b *list, depth int) (bool, error) {
	if len(a.items) != len(b.items) {
		return false, nil
	}
	for i := range a.items {
		if same, err := r.equal(a.at(i), b.at(i), depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalDicts(a, b *dict, depth int) (bool, error) {
	if len(a.keys) != len(b.keys) {
		return false, nil
	}
	for i, k := range a.keys {
		v, ok := b.get(k)
		if !ok {
			return false, nil
		}
		if same, err := r.equal(a.at(i), v, depth+1); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}
