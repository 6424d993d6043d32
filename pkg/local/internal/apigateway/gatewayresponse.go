package apigateway

import (
	"maps"
	"slices"

	"hydrant/pkg/local/internal/template"
)

// What API Gateway answers itself.
const (
	accessDenied = iota
	apiConfigurationError
	authorizerConfigurationError
	authorizerFailure
	badRequestBody
	badRequestParameters
	expiredToken
	integrationFailure
	integrationTimeout
	invalidAPIKey
	invalidSignature
	missingAuthenticationToken
	quotaExceeded
	requestTooLarge
	throttled
	unauthorized
	unsupportedMediaType
)

// gatewayKinds are the gateway responses that the local runner gives, with their default status and their x-amzn-ErrorType. See
// "Gateway response types for API Gateway".
var gatewayKinds = [...]struct {
	name      string
	status    int
	errorType string
}{
	apiConfigurationError:      {"API_CONFIGURATION_ERROR", 500, "InternalServerErrorException"},
	badRequestBody:             {"BAD_REQUEST_BODY", 400, "BadRequestException"},
	badRequestParameters:       {"BAD_REQUEST_PARAMETERS", 400, "BadRequestException"},
	integrationFailure:         {"INTEGRATION_FAILURE", 504, "InternalServerErrorException"},
	integrationTimeout:         {"INTEGRATION_TIMEOUT", 504, "InternalServerErrorException"},
	missingAuthenticationToken: {"MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException"},
	requestTooLarge:            {"REQUEST_TOO_LARGE", 413, "RequestTooLargeException"},
	unsupportedMediaType:       {"UNSUPPORTED_MEDIA_TYPE", 415, "BadRequestException"},

	accessDenied:                 {"ACCESS_DENIED", 403, "AccessDeniedException"},
	authorizerConfigurationError: {"AUTHORIZER_CONFIGURATION_ERROR", 500, "AuthorizerConfigurationException"},
	authorizerFailure:            {"AUTHORIZER_FAILURE", 500, "AuthorizerConfigurationException"},
	expiredToken:                 {"EXPIRED_TOKEN", 403, "ExpiredTokenException"},
	invalidAPIKey:                {"INVALID_API_KEY", 403, "ForbiddenException"},
	invalidSignature:             {"INVALID_SIGNATURE", 403, "InvalidSignatureException"},
	quotaExceeded:                {"QUOTA_EXCEEDED", 429, "LimitExceededException"},
	throttled:                    {"THROTTLED", 429, "TooManyRequestsException"},
	unauthorized:                 {"UNAUTHORIZED", 401, "UnauthorizedException"},
}

// otherKinds can be described, but nothing that the local runner does leads to them.
var otherKinds = []string{"DEFAULT_4XX", "DEFAULT_5XX", "RESOURCE_NOT_FOUND", "WAF_FILTERED"}

// gatewayResponse is how one kind is answered.
type gatewayResponse struct {
	status  int // 0: the kind's own
	headers []mapping
	types   []string
	byType  map[string]substitution
}

// readGatewayResponses reads x-amazon-apigateway-gateway-responses. A kind that is not described there has DEFAULT_4XX's or
// DEFAULT_5XX's answer, with its own status unless that names one.
func (a *API) readGatewayResponses(v *template.Value) error {
	described := map[string]*gatewayResponse{}
	err := each(v, func(m template.Member) (err error) {
		if m.Name == gatewayKinds[requestTooLarge].name {
			return memberErrorf(m, "API Gateway does not let this answer be changed")
		}
		if !slices.Contains(otherKinds, m.Name) && !isGatewayKind(m.Name) {
			return memberErrorf(m, "API Gateway has no gateway response of this name")
		}
		described[m.Name], err = readGatewayResponse(m.Value)
		return err
	})
	a.gateway = map[string]*gatewayResponse{}
	for _, kind := range gatewayKinds {
		fallback := "DEFAULT_4XX"
		if kind.status >= 500 {
			fallback = "DEFAULT_5XX"
		}
		r := &gatewayResponse{}
		if described[kind.name] != nil {
			*r = *described[kind.name]
		} else if described[fallback] != nil {
			*r = *described[fallback]
		}
		if r.status == 0 {
			r.status = kind.status
		}
		if len(r.types) == 0 {
			r.types, r.byType = []string{jsonType}, maps.Clone(defaultBody)
			if kind.name == gatewayKinds[accessDenied].name {
				r.byType = maps.Clone(deniedBody)
			}
		}
		a.gateway[kind.name] = r
	}
	return err
}

var defaultBody = map[string]substitution{jsonType: mustSubstitution(`{"message":$context.error.messageString}`)}

// deniedBody is ACCESS_DENIED's own: AWS writes Message there with a capital.
var deniedBody = map[string]substitution{jsonType: mustSubstitution(`{"Message":$context.error.messageString}`)}

func isGatewayKind(name string) bool {
	for _, kind := range gatewayKinds {
		if kind.name == name {
			return true
		}
	}
	return false
}

func readGatewayResponse(v *template.Value) (*gatewayResponse, error) {
	r := &gatewayResponse{byType: map[string]substitution{}}
	err := fields{
		"statusCode": integer(&r.status, 200, 599),
		"responseParameters": func(v *template.Value) (err error) {
			r.headers, err = readMappings(v, gatewaySide, func(template.Member, string) error { return nil })
			return err
		},
		"responseTemplates": func(v *template.Value) error {
			return each(v, func(m template.Member) error {
				if m.Value.Kind != template.Scalar {
					return m.Value.Errorf("must be a text")
				}
				s, err := parseSubstitution(m.Value.Text)
				if err != nil {
					return m.Value.Errorf("%s", err)
				}
				key := mediaType(m.Name)
				r.types = append(r.types, key)
				r.byType[key] = s
				return nil
			})
		},
	}.read(v)
	return r, err
}

func (r *gatewayResponse) render(x *exchange) *methodResponse {
	media, body := forAccept(x.r.Header.Get("Accept"), r.types, r.byType)
	out := &methodResponse{status: r.status, media: media, body: body.append(nil, x, plain)}
	for i := range r.headers {
		if value := r.headers[i].source.value(x); value != "" {
			out.headers = append(out.headers, header{r.headers[i].header, value})
		}
	}
	return out
}
