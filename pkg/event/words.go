package event

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ruleWords says in words which values a field takes. Its JSON type is not repeated.
func (f *field) ruleWords() string {
	parts := words(f.rules, f.form, f.bits)
	switch f.form {
	case list:
		if each := f.element.ruleWords(); each != "" {
			parts = append(parts, "each "+each)
		}
	case texts:
		if names := f.key.ruleWords(); names != "" {
			parts = append(parts, "names of "+names)
		}
		if values := f.element.ruleWords(); values != "" {
			parts = append(parts, "values of "+values)
		}
	}
	return strings.Join(parts, "; ")
}

// words says in words what validator's rules, and the column, ask of a value of this form: its own form first, then its size.
func words(rules string, f form, bits int) (parts []string) {
	size := sizeRules{form: f, bits: bits}
	if f == timestamp {
		parts = append(parts, "years 2000 to 2100 in UTC")
	}
	for _, rule := range splitList(rules) {
		if size.take(rule) {
			continue
		}
		var alternatives []string
		for alternative := range strings.SplitSeq(rule, "|") {
			alternatives = append(alternatives, phrase(alternative))
		}
		parts = append(parts, strings.Join(alternatives, " or "))
	}
	if phrase := size.words(); phrase != "" {
		parts = append(parts, phrase)
	}
	if size.mayLack && len(parts) > 0 {
		parts[0] = size.zero() + ", or " + parts[0]
	}
	return parts
}

// sizeRules gathers the rules on a value's size: together they are one phrase.
type sizeRules struct {
	form             form
	bits             int
	least, most      string // as in the tag; "" is none
	exactly, mayLack bool
}

// take reports whether the rule is one on size, and notes it.
func (l *sizeRules) take(rule string) bool {
	name, param, _ := strings.Cut(rule, "=")
	switch {
	case strings.Contains(rule, "|"):
		return false
	case name == "min" || name == "gte":
		l.least = param
	case name == "max" || name == "lte":
		l.most = param
	case name == "len" && l.form != integer && l.form != number:
		l.least, l.most, l.exactly = param, param, true
	case name == "omitempty":
		l.mayLack = true
	default:
		return false
	}
	return true
}

func (l *sizeRules) words() string {
	phrase, unit := "", l.unit()
	switch {
	case l.exactly:
		phrase = "exactly " + grouped(l.least) + unit
	case l.least != "" && l.most != "":
		phrase = grouped(l.least) + " to " + grouped(l.most) + unit
	case l.least != "":
		phrase = "at least " + grouped(l.least) + unit
	case l.most != "":
		phrase = "at most " + grouped(l.most) + unit
	}
	if l.form == integer && (l.least == "" || l.most == "") {
		phrase = strings.TrimPrefix(phrase+", "+l.column(), ", ")
	}
	return phrase
}

// column says what fits the column of an integer.
func (l *sizeRules) column() string {
	if l.bits == 64 {
		return "within 64 bits"
	}
	most := int64(1)<<(l.bits-1) - 1
	return "within " + grouped(strconv.FormatInt(-most-1, 10)) + " to " + grouped(strconv.FormatInt(most, 10))
}

func (l *sizeRules) unit() string {
	unit := map[form]string{text: "character", list: "element", texts: "member"}[l.form]
	switch {
	case unit == "":
		return ""
	case l.most == "1" || l.most == "" && l.least == "1":
		return " " + unit
	}
	return " " + unit + "s"
}

func (l *sizeRules) zero() string {
	switch l.form {
	case integer, number, timestamp:
		return "0"
	case boolean:
		return "false"
	}
	return "empty"
}

// phrases say what rules ask for; their parameter stands for %.
var phrases = map[string]string{
	"http_url":           "an http or https URL",
	"url":                "a URL",
	"uri":                "a URI",
	"email":              "an email address",
	"uuid":               "a UUID in lower case",
	"uuid4":              "a UUID of version 4 in lower case",
	"ulid":               "a ULID",
	"ip":                 "an IP address",
	"ipv4":               "an IPv4 address",
	"ipv6":               "an IPv6 address",
	"hostname":           "a host name",
	"fqdn":               "a full domain name",
	"e164":               "a phone number in the form of E.164",
	"semver":             "a semantic version",
	"timezone":           "a time zone of the IANA database",
	"bcp47_language_tag": "a BCP 47 language tag",
	"iso3166_1_alpha2":   "an ISO 3166-1 alpha-2 country code",
	"iso3166_1_alpha3":   "an ISO 3166-1 alpha-3 country code",
	"iso4217":            "an ISO 4217 currency code",
	"alpha":              "letters A-Z and a-z only",
	"alphanum":           "letters A-Z and a-z and digits only",
	"numeric":            "a number in text",
	"ascii":              "ASCII only",
	"lowercase":          "lower case",
	"uppercase":          "upper case",
	"hexadecimal":        "hexadecimal digits only",
	"base64":             "base64",
	"latitude":           "a latitude in degrees",
	"longitude":          "a longitude in degrees",
	"startswith":         "begins with `%`",
	"endswith":           "ends with `%`",
	"contains":           "contains `%`",
	"eq":                 "is `%`",
	"ne":                 "is not `%`",
	"gt":                 "more than %",
	"lt":                 "less than %",
	"identifier":         "letters A-Z and a-z, digits, and `-` `_` `.` `:` only",
	"not_after_receipt":  "at most % after the receipt",
}

// oneOf finds the values of oneof's parameter: words, or texts in single quotes.
var oneOf = regexp.MustCompile(`'[^']*'|\S+`)

// phrase says in words what one rule asks of a value. What has no words stands as validator's documentation has it.
func phrase(rule string) string {
	name, param, _ := strings.Cut(rule, "=")
	if name == "oneof" {
		var allowed []string
		for _, value := range oneOf.FindAllString(param, -1) {
			allowed = append(allowed, "`"+strings.Trim(value, "'")+"`")
		}
		return "one of " + strings.Join(allowed, ", ")
	}
	words, ok := phrases[name]
	if !ok {
		return "validator's rule `" + rule + "`"
	}
	if d, err := time.ParseDuration(param); err == nil && strings.HasSuffix(name, "_receipt") {
		param = strconv.FormatFloat(d.Hours(), 'f', -1, 64) + " hours"
	}
	return strings.ReplaceAll(words, "%", grouped(param))
}

// grouped writes an integer as people read it, as in 10,000,000; anything else stays as it is.
func grouped(n string) string {
	sign, digits := "", n
	if strings.HasPrefix(n, "-") {
		sign, digits = "-", n[1:]
	}
	if _, err := strconv.ParseUint(digits, 10, 64); err != nil {
		return n
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
