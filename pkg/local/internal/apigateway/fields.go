package apigateway

import (
	"strconv"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// fields names the members that an object of the definition may have, and what reads each. A member that nothing reads (nil) is
// documentation, which API Gateway keeps and does not act on.
type fields map[string]func(*template.Value) error

// read hands v's members to their readers, in the order of the file. Vendor extensions other than Amazon's mean nothing to API
// Gateway; any other member that f does not name is refused.
func (f fields) read(v *template.Value) error {
	if v.Kind != template.Map {
		return v.Errorf("must be an object")
	}
	for _, m := range v.Members {
		read, known := f[m.Name]
		if !known {
			if strings.HasPrefix(m.Name, "x-") && !strings.HasPrefix(m.Name, "x-amazon-") {
				continue
			}
			return memberErrorf(m, "not supported by the local runner")
		}
		if read == nil {
			continue
		}
		if err := read(m.Value); err != nil {
			return err
		}
	}
	return nil
}

// each calls read for every member of the object v.
func each(v *template.Value, read func(template.Member) error) error {
	if v == nil {
		return nil
	}
	if v.Kind != template.Map {
		return v.Errorf("must be an object")
	}
	for _, m := range v.Members {
		if err := read(m); err != nil {
			return err
		}
	}
	return nil
}

// memberErrorf makes an error at the member's name.
func memberErrorf(m template.Member, format string, args ...any) error {
	at := *m.Value
	at.Pos = m.Pos
	return at.Errorf(format, args...)
}

func refuse(v *template.Value) error { return v.Errorf("not supported by the local runner") }

// keep stores the value itself, for a later step.
func keep(dst **template.Value) func(*template.Value) error {
	return func(v *template.Value) error {
		*dst = v
		return nil
	}
}

func text(dst *string) func(*template.Value) error {
	return func(v *template.Value) error {
		if v.Kind != template.Scalar {
			return v.Errorf("must be a text")
		}
		*dst = v.Text
		return nil
	}
}

func boolean(dst *bool) func(*template.Value) error {
	return func(v *template.Value) error {
		b, err := strconv.ParseBool(v.Text)
		if v.Kind != template.Scalar || err != nil {
			return v.Errorf("must be true or false")
		}
		*dst = b
		return nil
	}
}

func integer(dst *int, low, high int) func(*template.Value) error {
	return func(v *template.Value) error {
		n, err := strconv.Atoi(v.Text)
		if v.Kind != template.Scalar || err != nil || n < low || n > high {
			return v.Errorf("must be a whole number from %d to %d", low, high)
		}
		*dst = n
		return nil
	}
}

// only accepts the given text, in any case of letters.
func only(want, why string) func(*template.Value) error {
	return func(v *template.Value) error {
		if v.Kind != template.Scalar || !strings.EqualFold(v.Text, want) {
			return v.Errorf("not supported by the local runner: only %s is%s", want, why)
		}
		return nil
	}
}
