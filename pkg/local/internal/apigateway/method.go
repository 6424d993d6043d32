package apigateway

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"

	"hydrant/pkg/local/internal/template"
)

// method is an HTTP method of a resource.
type method struct {
	verb         string // or ANY
	resourcePath string // as "/record"
	resourceID   string
	access       access
	throttle     *bucket // nil: none
	validator    validator
	parameters   []parameter                // headers, then path, then query, as messages list them
	models       map[string]*model          // by media type
	responses    map[string]map[string]bool // declared: status, then header
	integration  *integration
	context      map[string]any // what mapping templates see of it and of the API
}

type parameter struct {
	in, name string // in: header, path or querystring
	required bool
}

// declares says whether the method has a parameter, as "header.X".
func (m *method) declares(name string) bool {
	return slices.ContainsFunc(m.parameters, func(p parameter) bool { return p.in+"."+p.name == name })
}

// verbs are the members of a path item that API Gateway makes methods of; ANY stands for all that are not there.
var verbs = map[string]string{
	"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE", "head": "HEAD", "options": "OPTIONS",
	"x-amazon-apigateway-any-method": "ANY",
}

func (d *document) readPath(path template.Member) error {
	var shared *template.Value
	methods := map[string]*method{}
	read := fields{"summary": nil, "description": nil, "parameters": keep(&shared)}
	for member, verb := range verbs {
		read[member] = func(v *template.Value) error {
			m := &method{verb: verb, resourcePath: path.Name, resourceID: resourceID(path.Name), validator: d.validator}
			m.context = d.api.fixedContext(m)
			methods[verb] = m
			d.api.methods = append(d.api.methods, m)
			return d.readMethod(v, m, path.Value.Get("parameters"))
		}
	}
	if err := read.read(path.Value); err != nil {
		return err
	}
	return d.api.routes.add(path, methods)
}

// resourceID makes what API Gateway gives every resource: a short id that stays the same.
func resourceID(path string) string {
	h := fnv.New32a()
	h.Write([]byte(path))
	return strconv.FormatUint(uint64(h.Sum32())|1<<31, 36)[:6]
}

func (d *document) readMethod(v *template.Value, m *method, shared *template.Value) error {
	var parameters, body, responses, integrationValue *template.Value
	err := fields{
		"summary": nil, "description": nil, "tags": nil, "operationId": nil, "externalDocs": nil, "deprecated": nil,
		"parameters": keep(&parameters), "requestBody": keep(&body), "responses": keep(&responses),
		"security":                              d.methodSecurity(&m.access),
		"x-amazon-apigateway-auth":              methodAuth(&m.access),
		"x-amazon-apigateway-request-validator": d.useValidator(&m.validator),
		"x-amazon-apigateway-integration":       keep(&integrationValue),
	}.read(v)
	if err != nil {
		return err
	}
	if err := d.readParameters(m, shared, parameters); err != nil {
		return err
	}
	if err := d.readRequestBody(m, body); err != nil {
		return err
	}
	if err := d.readMethodResponses(m, responses); err != nil {
		return err
	}
	if integrationValue == nil {
		return v.Errorf("has no x-amazon-apigateway-integration")
	}
	return d.readIntegration(m, integrationValue)
}

// readParameters reads the path's parameters and the method's own, which win.
func (d *document) readParameters(m *method, lists ...*template.Value) error {
	for _, list := range lists {
		if list == nil {
			continue
		}
		if list.Kind != template.List {
			return list.Errorf("must be a list")
		}
		for _, item := range list.Items {
			p, err := d.readParameter(item)
			if err != nil {
				return err
			}
			m.parameters = slices.DeleteFunc(m.parameters, func(old parameter) bool { return old.in == p.in && old.name == p.name })
			m.parameters = append(m.parameters, p)
		}
	}
	slices.SortStableFunc(m.parameters, func(a, b parameter) int { return cmp.Compare(a.in, b.in) }) // header, path, querystring
	return nil
}

func (d *document) readParameter(v *template.Value) (p parameter, err error) {
	if v, err = d.deref(v, "parameters"); err != nil {
		return p, err
	}
	in := ""
	err = fields{
		"name": text(&p.name), "in": text(&in), "required": boolean(&p.required),
		// Validation looks at presence only, so the rest is documentation: "Request validation for REST APIs in API Gateway".
		"schema": nil, "content": nil, "description": nil, "style": nil, "explode": nil, "deprecated": nil,
		"allowEmptyValue": nil, "allowReserved": nil, "example": nil, "examples": nil,
	}.read(v)
	if err != nil {
		return p, err
	}
	names := map[string]string{"header": "header", "path": "path", "query": "querystring"}
	if p.in = names[in]; p.in == "" || p.name == "" {
		return p, v.Errorf("not supported by the local runner: a parameter has a name and is in header, path or query")
	}
	return p, nil
}

func (d *document) readRequestBody(m *method, v *template.Value) (err error) {
	if v == nil {
		return nil
	}
	if v, err = d.deref(v, "requestBodies"); err != nil {
		return err
	}
	var content *template.Value
	// API Gateway does not act on "required": an empty body is checked as {}.
	if err := (fields{"description": nil, "required": nil, "content": keep(&content)}).read(v); err != nil {
		return err
	}
	m.models = map[string]*model{}
	return each(content, func(media template.Member) error {
		return fields{"example": nil, "examples": nil, "schema": func(schema *template.Value) (err error) {
			m.models[mediaType(media.Name)], err = d.model(schema)
			return err
		}}.read(media.Value)
	})
}

// readMethodResponses keeps what the method declares: an integration response can use nothing else.
func (d *document) readMethodResponses(m *method, v *template.Value) error {
	m.responses = map[string]map[string]bool{}
	return each(v, func(status template.Member) error {
		declared := map[string]bool{}
		m.responses[status.Name] = declared
		response, err := d.deref(status.Value, "responses")
		if err != nil {
			return err
		}
		return fields{
			"description": nil,
			"headers": func(headers *template.Value) error {
				return each(headers, func(header template.Member) error {
					declared[header.Name] = true
					_, err := d.deref(header.Value, "headers")
					return err
				})
			},
			"content": func(content *template.Value) error {
				return each(content, func(media template.Member) error {
					return fields{"example": nil, "examples": nil, "schema": func(schema *template.Value) error {
						_, err := d.model(schema)
						return err
					}}.read(media.Value)
				})
			},
		}.read(response)
	})
}
