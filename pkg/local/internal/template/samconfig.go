package template

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Overrides reads the parameter values that samconfig gives an environment: parameter_overrides of [<configEnv>.deploy.parameters], or
// else of [<configEnv>.global.parameters], as "Name=Value Other=\"two words\"" or a list of such texts. An environment without any is an
// empty map; one that the file does not have is an error that names those it has. A fault in the file is an *Error; a file that
// cannot be read is the operating system's error.
func Overrides(samconfigPath, configEnv string) (map[string]string, error) {
	data, err := os.ReadFile(samconfigPath)
	if err != nil {
		return nil, fmt.Errorf("samconfig cannot be read: %w", err)
	}
	return parseSamconfig(samconfigPath, data, configEnv)
}

// environment is one environment of samconfig: the tables of its commands, and in them one called parameters ("AWS SAM CLI
// configuration file").
type environment map[string]struct {
	Parameters struct {
		Overrides *overrides `toml:"parameter_overrides"`
	} `toml:"parameters"`
}

func parseSamconfig(path string, data []byte, configEnv string) (map[string]string, error) {
	// The members at the top are environments and, beside them, the file's version, so that they are decoded one by one.
	var file map[string]toml.Primitive
	meta, err := toml.Decode(string(data), &file)
	if err != nil {
		return nil, tomlError(path, err)
	}
	section, ok := file[configEnv]
	names := environments(meta)
	if !ok || !slices.Contains(names, configEnv) {
		have := "none"
		if len(names) > 0 {
			have = strings.Join(names, ", ")
		}
		return nil, &Error{path, Pos{1, 1}, fmt.Sprintf("there is no environment %q: the file has %s", shorten(configEnv), have)}
	}
	var env environment
	if err := meta.PrimitiveDecode(section, &env); err != nil {
		return nil, tomlError(path, err)
	}
	// A command's own table wins over the global one.
	for _, command := range []string{"deploy", "global"} {
		if found := env[command].Parameters.Overrides; found != nil {
			return found.values, nil
		}
	}
	return map[string]string{}, nil
}

// environments names the tables at the top of the file. One that only its own tables imply has no type of its own.
func environments(meta toml.MetaData) []string {
	tables := make(map[string]bool)
	for _, key := range meta.Keys() {
		if len(key) > 1 || meta.Type(key...) == "Hash" {
			tables[key[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(tables))
}

var wrongType = regexp.MustCompile(`^toml: line (\d+) \(last key "(.*?)"\): .*: (.*)$`)

// tomlError gives the library's error its place. Of a value of the wrong type the library tells the line alone.
func tomlError(path string, err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return &Error{path, Pos{max(parse.Position.Line, 1), max(parse.Position.Col, 1)}, parse.Message}
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			return &Error{path, Pos{line, 1}, fmt.Sprintf("%s: %s", m[2], m[3])}
		}
	}
	return &Error{path, Pos{1, 1}, strings.TrimPrefix(err.Error(), "toml: ")}
}

// overrides is a value of parameter_overrides. It reads itself so that the library gives its faults their place.
type overrides struct{ values map[string]string }

// UnmarshalTOML reads a text or a list of texts.
func (o *overrides) UnmarshalTOML(value any) error {
	var texts []string
	switch value := value.(type) {
	case string:
		texts = []string{value}
	case []any:
		for _, item := range value {
			text, ok := item.(string)
			if !ok {
				return errors.New("parameter_overrides: each item of the list must be text as \"Name=Value\"")
			}
			texts = append(texts, text)
		}
	default:
		return errors.New("parameter_overrides must be text as \"Name=Value Other=Value\", or a list of such texts")
	}
	o.values = make(map[string]string)
	for _, text := range texts {
		if err := parseOverrides(text, o.values); err != nil {
			return fmt.Errorf("parameter_overrides: %w", err)
		}
	}
	return nil
}

// parseOverrides reads Name=Value pairs with space between. A value with space in it stands in quotes; a backslash takes away
// what the next character means.
func parseOverrides(text string, into map[string]string) error {
	const space = " \t\r\n"
	rest := strings.TrimLeft(text, space)
	before := "at the beginning"
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || !logicalID.MatchString(name) {
			// What stands there is not shown: it may be the second half of a secret value that lacks its quotes.
			return fmt.Errorf("expected Name=Value %s; put a value with spaces in quotes", before)
		}
		before = "behind the value of " + name
		if name == "ParameterKey" {
			return errors.New("the form ParameterKey=Name,ParameterValue=Value is not supported by the local runner: write Name=Value")
		}
		if _, twice := into[name]; twice {
			return fmt.Errorf("%s has two values: remove one", name)
		}
		value, length, err := overrideValue(after)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		into[name] = value
		rest = after[length:]
		trimmed := strings.TrimLeft(rest, space)
		if trimmed != "" && trimmed == rest {
			return fmt.Errorf("%s: a space must follow the closing quote", name)
		}
		rest = trimmed
	}
	return nil
}

// overrideValue reads the value at the beginning of text, and answers how many bytes of text it takes.
func overrideValue(text string) (value string, length int, err error) {
	var out strings.Builder
	quote := byte(0)
	i := 0
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		quote, i = text[0], 1
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case quote != 0 && c == quote:
			return out.String(), i + 1, nil
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			return out.String(), i, nil
		default:
			out.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, errors.New("the quote is not closed")
	}
	return out.String(), i, nil
}
