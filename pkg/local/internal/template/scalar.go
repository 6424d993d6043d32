package template

import "regexp"

// How YAML 1.2's core schema (chapter 10.3 of the YAML specification) reads an unquoted scalar.
var (
	coreHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	coreOctal = regexp.MustCompile(`^0o[0-7]+$`)
	coreFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

func isNull(text string) bool {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

func isBool(text string) bool {
	switch text {
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return true
	}
	return false
}
