package template

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Decode puts v into what dst points to.
//
//   - A struct takes a Map: the field tagged `cfn:"Name"` takes the member Name, `cfn:"Name,required"` must have one, an embedded struct
//     without a tag lends its fields, and an untagged field is left alone. A member without a field is an *Error that says "not
//     supported by the local runner" at the member's name.
//   - A map with string keys takes any Map, a slice a List, a pointer whatever its element takes (nil: the member is absent).
//   - A *Value takes anything, and is v itself.
//   - string takes any scalar (an unquoted True is "true"), bool takes true and false, int, int64 and float64 decimal numbers; quoted or
//     not, as CloudFormation converts text to the type that a property has.
//
// The first fault is an *Error at its place, and dst may be half filled then. A dst of another type is an error of another type.
func (v *Value) Decode(dst any) error {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("template: Decode needs a pointer to put the value in, not a %T", dst)
	}
	if v == nil {
		return fmt.Errorf("template: there is no value to put in a %T", dst)
	}
	return v.into(target.Elem())
}

var valueType = reflect.TypeFor[*Value]()

func (v *Value) into(dst reflect.Value) error {
	if dst.Type() == valueType {
		dst.Set(reflect.ValueOf(v))
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		element := reflect.New(dst.Type().Elem())
		if err := v.into(element.Elem()); err != nil {
			return err
		}
		dst.Set(element)
		return nil
	case reflect.Struct:
		return v.intoStruct(dst)
	case reflect.Map:
		return v.intoMap(dst)
	case reflect.Slice:
		return v.intoSlice(dst)
	default:
		return v.intoScalar(dst)
	}
}

func (v *Value) intoScalar(dst reflect.Value) error {
	expected := map[reflect.Kind]string{
		reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "an integer", reflect.Int64: "an integer", reflect.Float64: "a number",
	}[dst.Kind()]
	if expected == "" {
		return fmt.Errorf("template: Decode cannot put %s into a %s", v.Path, dst.Type())
	}
	fault := v.Errorf("expected %s, found %s", expected, v.what())
	if v.Kind != Scalar {
		return fault
	}
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(v.plain())
	case reflect.Bool:
		if !isBool(v.Text) {
			return fault
		}
		dst.SetBool(strings.EqualFold(v.Text, "true"))
	case reflect.Float64:
		f, ok := number(v.Text)
		if !ok {
			return fault
		}
		dst.SetFloat(f)
	default:
		i, err := strconv.ParseInt(v.Text, 10, dst.Type().Bits())
		if err != nil {
			return fault
		}
		dst.SetInt(i)
	}
	return nil
}

func (v *Value) intoSlice(dst reflect.Value) error {
	if v.Kind != List {
		return v.Errorf("expected a list, found %s", v.what())
	}
	slice := reflect.MakeSlice(dst.Type(), len(v.Items), len(v.Items))
	for i, item := range v.Items {
		if err := item.into(slice.Index(i)); err != nil {
			return err
		}
	}
	dst.Set(slice)
	return nil
}

func (v *Value) intoMap(dst reflect.Value) error {
	if dst.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("template: Decode cannot put %s into a %s, whose keys are no strings", v.Path, dst.Type())
	}
	if v.Kind != Map {
		return v.Errorf("expected a map, found %s", v.what())
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(v.Members))
	for _, m := range v.Members {
		element := reflect.New(dst.Type().Elem()).Elem()
		if err := m.Value.into(element); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(m.Name).Convert(dst.Type().Key()), element)
	}
	dst.Set(out)
	return nil
}

// field is a struct's field that takes a member.
type field struct {
	name     string
	required bool
	dst      reflect.Value
}

func (v *Value) intoStruct(dst reflect.Value) error {
	if v.Kind != Map {
		return v.Errorf("expected a map, found %s", v.what())
	}
	fields := fieldsOf(dst, nil)
	named := make(map[string]field, len(fields))
	for _, f := range fields {
		named[f.name] = f
	}
	for _, m := range v.Members {
		f, known := named[m.Name]
		if !known {
			return v.MemberErrorf(m.Name, "not supported by the local runner")
		}
		if err := m.Value.into(f.dst); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if f.required && v.Get(f.name) == nil {
			return v.Errorf("%s is missing, and must be given", f.name)
		}
	}
	return nil
}

func fieldsOf(dst reflect.Value, found []field) []field {
	for i := range dst.NumField() {
		declared := dst.Type().Field(i)
		name, options, _ := strings.Cut(declared.Tag.Get("cfn"), ",")
		switch {
		case name != "" && declared.IsExported():
			found = append(found, field{name, options == "required", dst.Field(i)})
		case declared.Anonymous && declared.Type.Kind() == reflect.Struct:
			found = fieldsOf(dst.Field(i), found)
		}
	}
	return found
}

// MemberErrorf makes an *Error at the name of v's member called name, or at v if it has none; the message begins with the member's path.
func (v *Value) MemberErrorf(name, format string, args ...any) error {
	at := Value{File: v.File, Pos: v.Pos, Path: v.Path}
	for _, m := range v.Members {
		if m.Name == name {
			at.Pos = m.Pos
			at.Path = strings.TrimPrefix(v.Path+"."+name, ".")
		}
	}
	return at.Errorf(format, args...)
}
