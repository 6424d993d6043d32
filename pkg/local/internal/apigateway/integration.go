package apigateway

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/local/internal/template"
)

// integration is what stands behind a method.
type integration struct {
	mock        bool
	service     string
	action      string
	target      string // X-Amz-Target
	credentials string
	timeout     time.Duration
	passthrough passthrough
	templates   templates
	headers     []mapping
	// byStatus answers which integration response an endpoint's status selects: the patterns are matched once, here.
	byStatus [600]*integrationResponse
}

type integrationResponse struct {
	status    int
	templates templates
	headers   []mapping
}

// targets are the AWS services that an integration can call, with what API Gateway writes before the action into X-Amz-Target.
var targets = map[string]string{"kinesis": "Kinesis_20131202."}

var actionURI = regexp.MustCompile(`^arn:[a-z-]+:apigateway:([a-z0-9-]+):([a-z0-9.-]+):action/([A-Za-z]+)$`)

func (d *document) readIntegration(m *method, v *template.Value) error {
	in := &integration{timeout: 29 * time.Second}
	m.integration = in
	var kind, verb string
	var uri, responses, parameters *template.Value
	milliseconds := 29_000
	err := fields{
		"type": text(&kind), "httpMethod": text(&verb), "uri": keep(&uri), "credentials": text(&in.credentials),
		"passthroughBehavior": readPassthrough(&in.passthrough),
		"timeoutInMillis":     integer(&milliseconds, 50, 29_000),
		"connectionType":      only("INTERNET", ""),
		"requestParameters":   keep(&parameters),
		"requestTemplates":    readTemplates(&in.templates, "requestTemplates"),
		"responses":           keep(&responses),
	}.read(v)
	if err != nil {
		return err
	}
	in.timeout = time.Duration(milliseconds) * time.Millisecond
	switch strings.ToLower(kind) {
	case "mock":
		in.mock = true
	case "aws":
		if err := d.readAction(in, v, uri, verb); err != nil {
			return err
		}
	default:
		return v.Errorf("type %q is not supported by the local runner: only aws and mock are", kind)
	}
	if in.headers, err = readMappings(parameters, requestSide(m), allowRequestHeader); err != nil {
		return err
	}
	return readIntegrationResponses(m, responses)
}

// readAction reads which action of which service the integration calls.
func (d *document) readAction(in *integration, v, uri *template.Value, verb string) error {
	if uri == nil {
		return v.Errorf("has no uri")
	}
	parts := actionURI.FindStringSubmatch(uri.Text)
	if parts == nil || targets[parts[2]] == "" {
		return uri.Errorf("not supported by the local runner: only arn:aws:apigateway:REGION:kinesis:action/NAME is")
	}
	if parts[1] != d.api.cfg.Region {
		return uri.Errorf("is in %s, but the local runner is in %s only", parts[1], d.api.cfg.Region)
	}
	if verb != "POST" {
		return v.Errorf("httpMethod must be POST: the action takes nothing else")
	}
	if in.credentials == "" {
		return v.Errorf("has no credentials: API Gateway needs a role to call %s", parts[2])
	}
	in.service, in.action, in.target = parts[2], parts[3], targets[parts[2]]+parts[3]
	return nil
}

// notMappable are the headers with which an AWS integration answers 500 to every request.
var notMappable = []string{
	"content-length", "transfer-encoding", "x-amzn-trace-id", "authorization", "connection", "expect", "proxy-authenticate", "te",
	"x-amzn-apigateway-api-id",
}

func allowRequestHeader(m template.Member, name string) error {
	if slices.Contains(notMappable, strings.ToLower(name)) {
		return memberErrorf(m, "API Gateway answers 500 to a request whose integration sets %s", name)
	}
	return nil
}

func readIntegrationResponses(m *method, v *template.Value) error {
	var fallback *integrationResponse
	err := each(v, func(member template.Member) error {
		response, err := readIntegrationResponse(m, member)
		if err != nil {
			return err
		}
		if member.Name == "default" {
			fallback = response
			return nil
		}
		return m.integration.add(member, response)
	})
	for status := range m.integration.byStatus {
		if m.integration.byStatus[status] == nil {
			m.integration.byStatus[status] = fallback
		}
	}
	return err
}

// add gives the response the statuses that its pattern matches. Which of two patterns that match the same status wins, AWS does not
// say, and so it is refused.
func (in *integration) add(pattern template.Member, response *integrationResponse) error {
	re, err := regexp.Compile(`^(?:` + pattern.Name + `)$`)
	if err != nil {
		return memberErrorf(pattern, "selection pattern %q: %s", pattern.Name, err)
	}
	used := false
	for status := 100; status < len(in.byStatus); status++ {
		if !re.MatchString(strconv.Itoa(status)) {
			continue
		}
		if in.byStatus[status] != nil {
			return memberErrorf(pattern, "selects status %d, which another response selects too", status)
		}
		in.byStatus[status], used = response, true
	}
	if !used {
		return memberErrorf(pattern, "selects no HTTP status: patterns of an AWS integration are matched against it, from end to end")
	}
	return nil
}

func readIntegrationResponse(m *method, member template.Member) (*integrationResponse, error) {
	r := &integrationResponse{}
	var status, parameters *template.Value
	err := fields{
		"statusCode": keep(&status), "responseParameters": keep(&parameters),
		"responseTemplates": readTemplates(&r.templates, "responseTemplates"),
	}.read(member.Value)
	if err != nil {
		return nil, err
	}
	if status == nil {
		return nil, member.Value.Errorf("has no statusCode")
	}
	if err := integer(&r.status, 200, 599)(status); err != nil {
		return nil, err
	}
	declared, known := m.responses[status.Text]
	if !known {
		return nil, status.Errorf("the method's responses do not declare %s: API Gateway refuses to import this", status.Text)
	}
	r.headers, err = readMappings(parameters, responseSide, func(target template.Member, name string) error {
		if !declared[name] {
			return memberErrorf(target, "the method's response %s does not declare the header %s: API Gateway refuses to import this", status.Text, name)
		}
		return nil
	})
	return r, err
}
