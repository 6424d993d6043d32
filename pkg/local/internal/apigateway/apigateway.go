// Package apigateway serves a REST API of Amazon API Gateway as its OpenAPI body describes it: routing, request validators and models,
// mapping templates, AWS and MOCK integrations, gateway responses and access logs. What it cannot honour it refuses when the API is
// made, with the line of the template.
package apigateway

import (
	"context"
	"net/http"
	"sync"

	"hydrant/pkg/local/internal/sigv4"
	"hydrant/pkg/local/internal/template"
)

// Config describes a deployed stage of a REST API.
type Config struct {
	ID, Stage, AccountID, Region string
	Partition                    string // "" is aws
	// Body is the OpenAPI 3.0 definition, with API Gateway's extensions.
	Body           *template.Value
	StageVariables map[string]string
	// MinimumCompressionSize is the API's property of that name, in bytes; nil is absent. The body's extension wins.
	MinimumCompressionSize *int
	// Callers finds whose an access key is, for methods that ask for signatures; nil knows nobody.
	Callers func(accessKey string) (sigv4.Credential, bool)
	// Functions runs the Lambda authorizers; it may be nil if there are none.
	Functions  Invoker
	APIKeys    []APIKey
	UsagePlans []UsagePlan // of this stage
	Throttles  []MethodThrottle
	// AccessLogFormat is the stage's; AccessLog gets one line for every request. Both or none.
	AccessLogFormat string
	AccessLog       func(line string)
	// ExecutionLog gets what API Gateway writes to its execution log about a request that failed inside the API, such as the
	// fault of a mapping template. It may be nil.
	ExecutionLog func(requestID, message string)
}

// Call is a request that an integration makes of an AWS service.
type Call struct {
	Service, Action string // as "kinesis", "PutRecord"
	Header          http.Header
	Body            []byte // valid until Backend.Call returns
	Credentials     string // the ARN of the role
}

// Answer is what the AWS service said, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Backend performs AWS calls. It returns when ctx is done, at the latest; an error means that no answer came over the network. An
// answer that comes after ctx's deadline is lost, as it is in API Gateway, whatever the service has done.
type Backend interface {
	Call(ctx context.Context, c Call) (Answer, error)
}

// API is a deployed stage. It is safe for concurrent use.
type API struct {
	cfg       Config
	backend   Backend
	routes    *node
	gateway   map[string]*gatewayResponse // by response type, all of them
	accessLog substitution
	// minCompression is in bytes; below 0 the API neither reads nor writes compressed payloads.
	minCompression int
	domain         string
	stats          counters

	verifier    *sigv4.Verifier
	policy      []statement // the resource policy; nil: none
	authorizers map[string]*authorizer
	methods     []*method

	limits  sync.RWMutex       // held to replace clients and the methods' throttles
	clients map[string]*client // by the API key's value
}

// New reads the API. An error that the definition causes is a *template.Error.
func New(cfg Config, b Backend) (*API, error) {
	a := &API{
		cfg: cfg, backend: b, routes: &node{}, minCompression: -1,
		domain: cfg.ID + ".execute-api." + cfg.Region + ".amazonaws.com", authorizers: map[string]*authorizer{},
	}
	a.verifier = &sigv4.Verifier{Region: cfg.Region, Service: "execute-api", Lookup: cfg.Callers}
	if cfg.Callers == nil {
		a.verifier.Lookup = func(string) (sigv4.Credential, bool) { return sigv4.Credential{}, false }
	}
	if n := cfg.MinimumCompressionSize; n != nil {
		a.minCompression = *n
	}
	if err := a.readDocument(cfg.Body); err != nil {
		return nil, err
	}
	a.setClients()
	if err := a.setThrottles(); err != nil {
		return nil, err
	}
	if err := a.setAccessLog(); err != nil {
		return nil, err
	}
	return a, nil
}
