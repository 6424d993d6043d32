package event

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tags are what a field's struct tags say.
type tags struct {
	name, column, doc string
	rules             fieldRules
	fallback          string // the default
	hasDefault        bool
}

// fieldRules are a validate tag taken to pieces.
type fieldRules struct {
	own, keys, elements string
	required, dives     bool
	most                int
}

var tagKeys = []string{"json", "validate", "default", "column", "doc"}

// glueName is what may name a column: Glue folds names to lower case, and Athena wants others in quotation marks
// (Amazon Athena User Guide, "Name databases, tables, and columns").
var glueName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// parseTags reads the tags of sf. Its errors say which tag is wrong, and how.
func parseTags(sf reflect.StructField) (tags, error) {
	if !sf.IsExported() || sf.Anonymous {
		return tags{}, errors.New("every field must be exported, and none embedded")
	}
	values, err := splitTag(string(sf.Tag))
	if err != nil {
		return tags{}, err
	}
	t := tags{name: values["json"], doc: values["doc"]}
	if t.column = t.name; values["column"] != "" {
		t.column = values["column"]
	}
	t.fallback, t.hasDefault = values["default"]
	switch {
	case t.name == "":
		return t, errors.New("it has no json tag, so no name")
	case strings.Contains(t.name, ","):
		return t, fmt.Errorf("the json tag %q has options, which mean nothing here", t.name)
	case !glueName.MatchString(t.column) || len(t.column) > maxNames:
		return t, fmt.Errorf("the column name %q must be a letter and then letters, digits and underscores, all lower case, %d at most", t.column, maxNames)
	case len(t.doc) > maxNames || strings.ContainsAny(t.doc, "\n\r\t"):
		return t, fmt.Errorf("its doc must be one line of at most %d bytes to be a comment in Glue", maxNames)
	}
	if t.rules, err = splitRules(values["validate"]); err != nil {
		return t, fmt.Errorf("validate: %w", err)
	}
	if t.rules.required && t.hasDefault {
		return t, errors.New("it is required, so its default can never apply")
	}
	return t, nil
}

// splitTag reads a struct tag of the conventional form. Unlike reflect it refuses what it does not understand: a typo would be a rule lost.
func splitTag(tag string) (map[string]string, error) {
	values := map[string]string{}
	for tag = strings.TrimLeft(tag, " "); tag != ""; tag = strings.TrimLeft(tag, " ") {
		key, rest, found := strings.Cut(tag, ":")
		quoted, err := strconv.QuotedPrefix(rest)
		if !found || err != nil {
			return nil, fmt.Errorf("its tags cannot be read from %q on", tag)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("its tags cannot be read from %q on", tag)
		}
		if _, twice := values[key]; twice || !slices.Contains(tagKeys, key) {
			return nil, fmt.Errorf("the tag %q is unknown or there twice; tags are %s", key, strings.Join(tagKeys, ", "))
		}
		values[key] = value
		tag = rest[len(quoted):]
	}
	return values, nil
}

// splitRules takes a validate tag to pieces: what is left of each is for validator.
func splitRules(tag string) (fieldRules, error) {
	var r fieldRules
	if tag == "" {
		return r, nil
	}
	own, inner, dives := strings.Cut(","+tag+",", ",dive,")
	r.dives = dives
	rules := splitList(own)
	r.required = slices.Contains(rules, "required")
	rules = slices.DeleteFunc(rules, func(rule string) bool { return rule == "required" })
	r.own = strings.Join(rules, ",")
	for _, rule := range rules {
		if limit, ok := strings.CutPrefix(rule, "max="); ok {
			r.most, _ = strconv.Atoi(limit) // a limit that is no number is validator's to refuse
		}
	}
	inner = "," + inner
	if keys, elements, ok := strings.Cut(inner, ",endkeys,"); ok {
		keys, ok = strings.CutPrefix(keys, ",keys,")
		if !ok {
			return r, errors.New("endkeys without keys right behind dive")
		}
		r.keys, inner = keys, elements
	}
	r.elements = strings.Join(splitList(inner), ",")
	for _, rule := range splitList(r.own + "," + r.keys + "," + r.elements) {
		if err := supported(rule); err != nil {
			return r, err
		}
	}
	return r, nil
}

func splitList(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(part string) bool { return part == "" })
}

// supported refuses those of validator's rules that mean nothing for a value alone.
func supported(rule string) error {
	for alternative := range strings.SplitSeq(rule, "|") {
		name, _, _ := strings.Cut(alternative, "=")
		switch {
		case slices.Contains([]string{"required", "dive", "keys", "endkeys", "structonly", "nostructlevel", "isdefault", "omitnil", "-"}, name):
			return fmt.Errorf("%s has no meaning here or in this place", name)
		case strings.HasSuffix(name, "field"), strings.HasPrefix(name, "field"), strings.HasPrefix(name, "required_"),
			strings.HasPrefix(name, "excluded_"), name == "skip_unless", name == "validateFn":
			return fmt.Errorf("%s looks at other fields, and rules see one value alone", name)
		}
	}
	return nil
}
