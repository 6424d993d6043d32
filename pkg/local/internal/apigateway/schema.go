package apigateway

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"hydrant/pkg/local/internal/template"
)

// What a keyword of JSON Schema draft 4 holds.
const (
	holdsValue   = iota // anything that is no schema
	holdsSchema         // a schema or, where the keyword allows it, a boolean or a list of schemas
	holdsSchemas        // an object of schemas
	ignored             // documentation, or what API Gateway does not check
)

// keywords are those of draft 4 that API Gateway's models know. "API Gateway important notes" lists what is left out: exclusiveMinimum,
// default, discriminator, example, nullable and readOnly.
var keywords = map[string]int{
	"type": holdsValue, "enum": holdsValue, "required": holdsValue,
	"minLength": holdsValue, "maxLength": holdsValue, "pattern": holdsValue,
	"minimum": holdsValue, "maximum": holdsValue, "exclusiveMaximum": holdsValue, "multipleOf": holdsValue,
	"minProperties": holdsValue, "maxProperties": holdsValue, "uniqueItems": holdsValue,
	"items": holdsSchema, "additionalItems": holdsSchema, "additionalProperties": holdsSchema,
	"allOf": holdsSchema, "anyOf": holdsSchema, "oneOf": holdsSchema, "not": holdsSchema,
	"properties": holdsSchemas, "patternProperties": holdsSchemas, "definitions": holdsSchemas,
	"title": ignored, "description": ignored, "$schema": ignored, "format": ignored,
	// An imported model is checked without them: "The maxItems and minItems tags are not included in simple request validation."
	"minItems": ignored, "maxItems": ignored,
}

// schemaRef is what a reference to a model begins with.
const schemaRef = "#/components/schemas/"

// modelsURL is where the compiler finds components.schemas.
const modelsURL = "models:///components"

// model checks bodies of one media type.
type model struct {
	schema *jsonschema.Schema
	look   *look
}

// check validates a body; all of it must be one JSON value, since a check of the first value only would let what follows through
// unseen.
func (m *model) check(body []byte) error {
	if len(body) == 0 {
		body = emptyBody
	}
	value, err := decode(body, m.look)
	if err != nil {
		return err
	}
	return m.schema.Validate(value)
}

// compileModels makes the schemas of components.schemas known to the compiler and compiles each, used or not.
func (d *document) compileModels() error {
	d.compiler = jsonschema.NewCompiler()
	d.compiler.DefaultDraft(jsonschema.Draft4)
	models := map[string]any{}
	d.looks = map[string]*look{}
	if schemas := d.components["schemas"]; schemas != nil {
		for _, m := range schemas.Members {
			d.looks[schemaRef+m.Name] = &look{}
		}
	}
	err := each(d.components["schemas"], func(m template.Member) error {
		if !modelName.MatchString(m.Name) {
			return memberErrorf(m, "API Gateway takes only letters and digits in a model's name")
		}
		s, err := d.schema(m.Value)
		if err != nil {
			return err
		}
		models[m.Name] = s
		if m.Value.Get("$ref") != nil { // a second name: where it leads may not be known yet
			*d.looks[schemaRef+m.Name] = look{all: true}
			return nil
		}
		*d.looks[schemaRef+m.Name] = *d.look(m.Value)
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.compiler.AddResource(modelsURL, models); err != nil {
		return fmt.Errorf("components.schemas: %w", err)
	}
	return each(d.components["schemas"], func(m template.Member) error {
		if _, err := d.compiler.Compile(modelsURL + "#/" + m.Name); err != nil {
			return schemaError(m.Value, err)
		}
		return nil
	})
}

// model compiles a schema that stands where it is used.
func (d *document) model(v *template.Value) (*model, error) {
	s, err := d.schema(v)
	if err != nil {
		return nil, err
	}
	d.inline++
	url := fmt.Sprintf("models:///inline/%d", d.inline)
	if err := d.compiler.AddResource(url, s); err != nil {
		return nil, schemaError(v, err)
	}
	compiled, err := d.compiler.Compile(url)
	if err != nil {
		return nil, schemaError(v, err)
	}
	return &model{compiled, d.look(v)}, nil
}

func schemaError(v *template.Value, err error) error {
	cause := err
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		cause = invalid.Err
	}
	return v.Errorf("is no JSON Schema of draft 4: %s", strings.Join(strings.Fields(cause.Error()), " "))
}

// schema is v as the compiler takes it: without what API Gateway does not check, with references that it can follow.
func (d *document) schema(v *template.Value) (any, error) {
	if v.Kind != template.Map {
		return nil, v.Errorf("must be a schema")
	}
	if ref := v.Get("$ref"); ref != nil { // draft 4 ignores its siblings
		if _, err := d.deref(v, "schemas"); err != nil {
			return nil, err
		}
		return map[string]any{"$ref": modelsURL + "#/" + strings.TrimPrefix(ref.Text, schemaRef)}, nil
	}
	out := map[string]any{}
	for _, m := range v.Members {
		holds, known := keywords[m.Name]
		if !known {
			return nil, memberErrorf(m, "not supported in a model")
		}
		if err := d.keyword(out, m, holds); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *document) keyword(out map[string]any, m template.Member, holds int) (err error) {
	switch {
	case m.Name == "format":
		return format(m.Value)
	case holds == ignored:
		return nil
	case holds == holdsSchema && m.Value.Kind == template.Map:
		out[m.Name], err = d.schema(m.Value)
		return err
	case holds == holdsSchema && m.Value.Kind == template.List:
		list := make([]any, len(m.Value.Items))
		for i, item := range m.Value.Items {
			if list[i], err = d.schema(item); err != nil {
				return err
			}
		}
		out[m.Name] = list
		return nil
	case holds == holdsSchemas:
		all := map[string]any{}
		out[m.Name] = all
		return each(m.Value, func(p template.Member) (err error) {
			all[p.Name], err = d.schema(p.Value)
			return err
		})
	}
	out[m.Name], err = jsonschema.UnmarshalJSON(bytes.NewReader(m.Value.JSON()))
	return err
}

// format accepts the formats that API Gateway is known to ignore; it does not say which of the others it checks.
func format(v *template.Value) error {
	switch v.Text {
	case "int32", "int64", "float", "double":
		return nil
	}
	return v.Errorf("not supported by the local runner: API Gateway does not say whether it checks the format %s; use pattern", v.Text)
}

// explain lists what is wrong in the words of $context.error.validationErrorString. It names members, and holds no values of the
// caller's.
func explain(err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "[instance is not valid JSON]"
	}
	var faults []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			faults = append(faults, fault(e.ErrorKind))
		}
	}
	walk(invalid)
	sort.Strings(faults)
	return "[" + strings.Join(faults, ", ") + "]"
}

func fault(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Required:
		return fmt.Sprintf("object has missing required properties (%s)", quoted(k.Missing))
	case *kind.AdditionalProperties:
		return fmt.Sprintf("object instance has properties which are not allowed by the schema: %s", quoted(k.Properties))
	case *kind.Type:
		return fmt.Sprintf("instance type (%s) does not match any allowed primitive type (allowed: %s)", k.Got, quoted(k.Want))
	case *kind.MaxLength:
		return fmt.Sprintf("string is too long (length: %d, maximum allowed: %d)", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("string is too short (length: %d, required minimum: %d)", k.Got, k.Want)
	case *kind.Not:
		return "instance matched a schema which it should not have"
	}
	path := k.KeywordPath()
	return fmt.Sprintf("instance fails the schema's %s", strings.Join(path[:min(1, len(path))], ""))
}

func quoted(names []string) string {
	sort.Strings(names)
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = jsonText(name)
	}
	return "[" + strings.Join(list, ",") + "]"
}
