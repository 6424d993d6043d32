package apigateway

import (
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hydrant/pkg/local/internal/template"
)

// document is the OpenAPI definition while it is read.
type document struct {
	api        *API
	components map[string]*template.Value // by section, as "schemas"
	validators map[string]validator
	validator  validator // the default one of the API
	compiler   *jsonschema.Compiler
	looks      map[string]*look // by reference
	schemes    map[string]*scheme
	inline     int // schemas written where they are used
	paths      *template.Value
}

// validator says what is checked before an integration is called. See "Set up request validation" in the API Gateway guide.
type validator struct{ body, parameters bool }

// maxPayload is the largest body of a request, in bytes: "Quotas for configuring and running a REST API".
const maxPayload = 10 * 1024 * 1024

func (a *API) readDocument(body *template.Value) error {
	d := &document{api: a, components: map[string]*template.Value{}, validators: map[string]validator{}, schemes: map[string]*scheme{}}
	var components, validators, gateway, defaultValidator *template.Value
	err := fields{
		"openapi": openAPIVersion,
		"info":    nil, "tags": nil, "externalDocs": nil,
		// "basepath" defaults to "ignore" when a REST API is imported, so the servers' paths count for nothing.
		"servers":                                      nil,
		"components":                                   keep(&components),
		"paths":                                        keep(&d.paths),
		"security":                                     rootSecurity,
		"x-amazon-apigateway-request-validators":       keep(&validators),
		"x-amazon-apigateway-request-validator":        keep(&defaultValidator),
		"x-amazon-apigateway-gateway-responses":        keep(&gateway),
		"x-amazon-apigateway-binary-media-types":       noBinary,
		"x-amazon-apigateway-minimum-compression-size": integer(&a.minCompression, 0, maxPayload),
		"x-amazon-apigateway-endpoint-configuration":   endpoint,
		"x-amazon-apigateway-api-key-source":           only("HEADER", ""),
		"x-amazon-apigateway-policy":                   a.readPolicy,
		"x-amazon-apigateway-documentation":            nil,
		"x-amazon-apigateway-importexport-version":     nil,
	}.read(body)
	if err != nil {
		return err
	}
	if err := d.readComponents(components); err != nil {
		return err
	}
	if err := d.readValidators(validators, defaultValidator); err != nil {
		return err
	}
	if err := a.readGatewayResponses(gateway); err != nil {
		return err
	}
	if d.paths == nil {
		return body.Errorf("has no paths")
	}
	return each(d.paths, d.readPath)
}

func openAPIVersion(v *template.Value) error {
	if !strings.HasPrefix(v.Text, "3.0") {
		return v.Errorf("not supported by the local runner: only OpenAPI 3.0 is")
	}
	return nil
}

// rootSecurity refuses what looks as if it secured the API: "API Gateway important notes" says that it is ignored.
func rootSecurity(v *template.Value) error {
	if v.Kind == template.List && len(v.Items) == 0 {
		return nil
	}
	return v.Errorf("API Gateway ignores security at the root: write it in each method")
}

func noBinary(v *template.Value) error {
	if v.Kind == template.List && len(v.Items) == 0 {
		return nil
	}
	return refuse(v)
}

func endpoint(v *template.Value) error {
	disabled := false
	err := fields{
		"types":                     nil,
		"disableExecuteApiEndpoint": boolean(&disabled),
	}.read(v)
	if err == nil && disabled {
		return v.Get("disableExecuteApiEndpoint").Errorf("not supported by the local runner: there is no custom domain")
	}
	return err
}

func (d *document) readComponents(v *template.Value) error {
	if v != nil {
		section := func(name string) func(*template.Value) error {
			return func(v *template.Value) error {
				d.components[name] = v
				return nil
			}
		}
		err := fields{
			"schemas": section("schemas"), "parameters": section("parameters"), "requestBodies": section("requestBodies"),
			"responses": section("responses"), "headers": section("headers"), "examples": nil,
			"securitySchemes": func(v *template.Value) error { return each(v, d.readScheme) },
		}.read(v)
		if err != nil {
			return err
		}
	}
	return d.compileModels()
}

// deref follows v's $ref into a section of the components; without one v is the answer.
func (d *document) deref(v *template.Value, section string) (*template.Value, error) {
	for range 8 {
		ref := v.Get("$ref")
		if ref == nil {
			return v, nil
		}
		name, found := strings.CutPrefix(ref.Text, "#/components/"+section+"/")
		target := d.components[section].Get(name)
		if !found || target == nil {
			return nil, ref.Errorf("%q names nothing in components.%s", ref.Text, section)
		}
		v = target
	}
	return nil, v.Errorf("its references lead in a circle")
}

func (d *document) readValidators(v, defaultName *template.Value) error {
	err := each(v, func(m template.Member) error {
		var one validator
		err := fields{
			"validateRequestBody":       boolean(&one.body),
			"validateRequestParameters": boolean(&one.parameters),
		}.read(m.Value)
		d.validators[m.Name] = one
		return err
	})
	if err != nil || defaultName == nil {
		return err
	}
	return d.useValidator(&d.validator)(defaultName)
}

func (d *document) useValidator(dst *validator) func(*template.Value) error {
	return func(v *template.Value) error {
		one, known := d.validators[v.Text]
		if !known {
			return v.Errorf("%q is not one of x-amazon-apigateway-request-validators", v.Text)
		}
		*dst = one
		return nil
	}
}

// modelName is what API Gateway takes as the name of a model: "API Gateway important notes", alphanumeric characters only.
var modelName = regexp.MustCompile(`^[A-Za-z0-9]+$`)
