package vtl

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethods are Java's; places and lengths count UTF-16 units.
var stringMethods = map[string]*method{
	"length":           {0, 0, stringLength},
	"isEmpty":          {0, 0, func(_ *run, on value, _ *accessor, _ []value) (value, error) { return on == "", nil }},
	"contains":         {1, 1, on2(func(s, t string) value { return strings.Contains(s, t) })},
	"startsWith":       {1, 1, on2(func(s, t string) value { return strings.HasPrefix(s, t) })},
	"endsWith":         {1, 1, on2(func(s, t string) value { return strings.HasSuffix(s, t) })},
	"equalsIgnoreCase": {1, 1, on2(func(s, t string) value { return strings.EqualFold(s, t) })},
	"lastIndexOf":      {1, 1, on2(func(s, t string) value { return unitIndex(s, strings.LastIndex(s, t)) })},
	"indexOf":          {1, 2, stringIndexOf},
	"substring":        {1, 2, stringSubstring},
	"charAt":           {1, 1, stringCharAt},
	"concat":           {1, 1, stringConcat},
	"replace":          {2, 2, stringReplace},
	"replaceAll":       {2, 2, stringReplaceAll},
	"replaceFirst":     {2, 2, stringReplaceAll},
	"matches":          {1, 1, stringMatches},
	"split":            {1, 2, stringSplit},
	"toLowerCase":      {0, 0, stringCase(unicode.ToLower)},
	"toUpperCase":      {0, 0, stringCase(unicode.ToUpper)},
	"trim":             {0, 0, stringTrim},
	"toString":         {0, 0, toString},
	"equals":           {1, 1, equals},
}

// on2 makes a method of a function of two strings.
func on2(f func(s, t string) value) func(*run, value, *accessor, []value) (value, error) {
	return func(_ *run, on value, _ *accessor, args []value) (value, error) {
		t, err := textArgument(args, 0)
		if err != nil {
			return nil, err
		}
		return f(on.(string), t), nil
	}
}

func stringLength(r *run, on value, _ *accessor, _ []value) (value, error) {
	s := on.(string)
	if isASCII(s) {
		return int64(len(s)), nil
	}
	return int64(len(units(s))), r.make(len(s))
}

// unitIndex makes UTF-16 units of a byte index.
func unitIndex(s string, i int) value {
	if i > 0 {
		return int64(len(units(s[:i])))
	}
	return int64(i)
}

func stringIndexOf(r *run, on value, _ *accessor, args []value) (value, error) {
	s := on.(string)
	t, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return unitIndex(s, strings.Index(s, t)), r.make(len(s))
	}
	from, err := intArgument(args, 1)
	if err != nil {
		return nil, err
	}
	all := units(s)
	from = min(max(from, 0), len(all))
	rest := fromUnits(all[from:])
	i := unitIndex(rest, strings.Index(rest, t)).(int64)
	if i >= 0 {
		i += int64(from)
	}
	return i, r.make(2 * len(s))
}

var errOutside = errors.New("the index is outside the string")

func stringSubstring(r *run, on value, _ *accessor, args []value) (value, error) {
	s := on.(string)
	from, err := intArgument(args, 0)
	if err != nil {
		return nil, err
	}
	ascii := isASCII(s)
	var all []uint16
	length := len(s)
	if !ascii {
		all = units(s)
		length = len(all)
	}
	to := length
	if len(args) == 2 {
		if to, err = intArgument(args, 1); err != nil {
			return nil, err
		}
	}
	if from < 0 || to > length || from > to {
		return nil, errOutside
	}
	if ascii {
		return s[from:to], nil
	}
	return fromUnits(all[from:to]), r.make(len(s))
}

func stringCharAt(r *run, on value, a *accessor, args []value) (value, error) {
	i, err := intArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return stringSubstring(r, on, a, []value{int64(i), int64(i + 1)})
}

func stringConcat(r *run, on value, _ *accessor, args []value) (value, error) {
	t, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return on.(string) + t, r.make(len(on.(string)) + len(t))
}

func stringReplace(r *run, on value, _ *accessor, args []value) (value, error) {
	s := on.(string)
	from, err := textArgument(args, 0)
	if err != nil {
		return nil, err
	}
	to, err := textArgument(args, 1)
	if err != nil {
		return nil, err
	}
	return r.replace(s, from, to)
}

// replace is strings.ReplaceAll within the bounds of a rendering.
func (r *run) replace(s, from, to string) (value, error) {
	n := strings.Count(s, from)
	if n == 0 {
		return s, nil
	}
	if size := len(s) + n*(len(to)-len(from)); n > maxOutput || len(to) > 0 && n > maxOutput/len(to) {
		return nil, r.make(maxOutput + 1)
	} else if err := r.make(size); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, from, to), nil
}

// stringCase maps a string's letters. Java writes one letter in two where it has no capital; of those, ß is the one that occurs.
func stringCase(f func(rune) rune) func(*run, value, *accessor, []value) (value, error) {
	upper := f('a') == 'A'
	return func(r *run, on value, _ *accessor, _ []value) (value, error) {
		s := on.(string)
		if upper {
			s = strings.ReplaceAll(s, "ß", "SS")
		}
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); {
			c, n := utf8.DecodeRuneInString(s[i:])
			if c == utf8.RuneError && n == 1 {
				b = append(b, s[i])
			} else {
				b = utf8.AppendRune(b, f(c))
			}
			i += n
		}
		return string(b), r.make(len(b))
	}
}

// stringTrim cuts off what Java's trim does: all up to the blank.
func stringTrim(_ *run, on value, _ *accessor, _ []value) (value, error) {
	return strings.TrimFunc(on.(string), func(c rune) bool { return c <= ' ' }), nil
}

func stringMatches(r *run, on value, a *accessor, args []value) (value, error) {
	re, err := a.regex(r, args)
	if err != nil {
		return nil, err
	}
	if err := re.work(r, on.(string)); err != nil {
		return nil, err
	}
	return re.whole.MatchString(on.(string)), nil
}

func stringReplaceAll(r *run, on value, a *accessor, args []value) (value, error) {
	s := on.(string)
	re, err := a.regex(r, args)
	if err != nil {
		return nil, err
	}
	with, err := textArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if re.literal != "" && a.name == "replaceAll" && !strings.ContainsAny(with, `$\`) {
		return r.replace(s, re.literal, with)
	}
	limit := -1
	if a.name == "replaceFirst" {
		limit = 1
	}
	return re.replace(r, s, with, limit)
}

// stringSplit is Java's split: without a limit, empty strings at the end are cut off, and an empty match at the start cuts off nothing.
func stringSplit(r *run, on value, a *accessor, args []value) (value, error) {
	s := on.(string)
	re, err := a.regex(r, args)
	if err != nil {
		return nil, err
	}
	limit := 0
	if len(args) == 2 {
		if limit, err = intArgument(args, 1); err != nil {
			return nil, err
		}
	}
	found, err := re.all(r, s, -1)
	if err != nil {
		return nil, err
	}
	var parts []value
	from := 0
	for _, m := range found {
		if limit > 0 && len(parts) == limit-1 {
			break
		}
		if m[1] == 0 {
			continue
		}
		parts = append(parts, s[from:m[0]])
		from = m[1]
	}
	matched := len(parts) > 0
	parts = append(parts, s[from:])
	if limit == 0 && matched {
		for len(parts) > 0 && parts[len(parts)-1] == "" {
			parts = slices.Delete(parts, len(parts)-1, len(parts))
		}
	}
	return &list{kind: fromArray, items: parts}, r.step(len(parts))
}
