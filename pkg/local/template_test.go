// Package main_test reads the project's template.yaml for what neither "sam validate" nor cfn-lint sees: the OpenAPI body, the mapping
// templates, the permissions, and whether its parts agree with one another.
//
// The rules are policy. Change them in review, not to make a build pass.
package main_test

import (
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"hydrant/pkg/local/internal/template"
)

const (
	templatePath = "../../template.yaml"
	stackName    = "hydrant-test"
)

// A rule is something that holds for the template whatever its parameters are.
type rule struct {
	why, fix string
	// check answers a sentence for each fault.
	check func(*stack) []string
	// breaks are changes of the template that check must notice: old texts, the first of each, and new ones.
	breaks [][2]string
}

// rules are those of all files of this package.
func rules() map[string]rule {
	all := map[string]rule{}
	for _, some := range []map[string]rule{
		apiRules,
		answerRules,
		authorizerRules,
		permissionRules,
		grantRules,
		storageRules,
		sourceRules,
		telemetryRules,
		watchRules,
		dashboardRules,
		insightsRules,
		alarmRules,
		dlqRules,
		edgeRules,
		optionRules,
		deploymentRules,
		keyRules,
		compactionRules,
	} {
		maps.Copy(all, some)
	}
	return all
}

func TestTemplateKeepsItsRules(t *testing.T) {
	t.Parallel() // with the tests of clients, which mostly wait
	stacks := slices.Collect(allStacks(t, source(t)))
	for name, r := range rules() {
		t.Run(name, func(t *testing.T) {
			for _, s := range stacks {
				for _, fault := range r.check(s) {
					t.Errorf("%s\n  why: %s\n  fix: %s\n  with: %v", fault, r.why, r.fix, s.parameters)
				}
				if t.Failed() {
					return // the other combinations would mostly say the same
				}
			}
		})
	}
}

func TestRulesNoticeWhatBreaksThem(t *testing.T) {
	t.Parallel()
	before := source(t)
	for name, r := range rules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(r.breaks) == 0 {
				t.Fatal("the rule has no example of a template that breaks it")
			}
			for _, change := range r.breaks {
				after := strings.Replace(before, change[0], change[1], 1)
				if after == before {
					t.Errorf("the template has no %q to break", change[0])
					continue
				}
				noticed := false
				for s := range stacksOf(t, after, false) {
					if noticed = len(r.check(s)) > 0; noticed {
						break
					}
				}
				if !noticed {
					t.Errorf("not noticed: %q instead of %q", change[1], change[0])
				}
			}
		})
	}
}

// choices are the values to try of the parameters that a condition or the API's body depends on.
var choices = map[string][]string{
	"Authorization":         {"AWS_IAM", "LAMBDA", "NONE"},
	"JwtIssuer":             {"", "https://issuer.example.com/"},
	"StaticTokens":          {"false", "true"},
	"ApiKeyRequired":        {"false", "true"},
	"QuotaRequests":         {"0", "1000"},
	"ThrottleRate":          {"0", "50"},
	"AllowedCidrs":          {"", "192.0.2.0/24,2001:db8::/32"},
	"WebAclArn":             {"", "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/edge/01234567-89ab-cdef-0123-456789abcdef"},
	"TextBodies":            {"false", "true"},
	"CorsOrigin":            {"", "https://www.example.com"},
	"ApiGatewayAccountRole": {"CREATE", "EXISTING"},
	"StreamMode":            {"ON_DEMAND", "PROVISIONED"},
	"EventDays":             {"0", "365"},
	"ExecutionLogs":         {"OFF", "ERROR"},
	"Compaction":            {"OFF", "DAILY", "HOURLY"},
	"CompactionMaxGB":       {"0", "100"},
	"Tracing":               {"Active", "PassThrough"},
	"DeploymentType":        {"AllAtOnce", "Canary10Percent10Minutes"},
	"AlarmTopicArn":         {"", "arn:aws:sns:eu-west-1:000000000000:alarms"},
	"ExpectDataMinutes":     {"0", "60"},

	"ExistingStreamName":     {"", "events.existing"},
	"SourceBackup":           {"Disabled", "Enabled"},
	"PermissionsBoundaryArn": {"", "arn:aws:iam::000000000000:policy/boundary"},
	"KmsKeyArn":              {"", "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"},
}

// A stack is the template as it is deployed with some parameters.
type stack struct {
	*template.Resolved
	parameters map[string]string // those that were chosen
	source     string
	file       func() *yaml.Node // the template as it is written, a mapping; most rules do not ask for it
}

func source(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// allStacks yields the template's stacks for combinations of choices.
func allStacks(t testing.TB, text string) iter.Seq[*stack] { return stacksOf(t, text, true) }

// stacksOf is allStacks for a template that may be broken: with some choices it may refer to what is not made, and is no stack at all.
func stacksOf(t testing.TB, text string, sound bool) iter.Seq[*stack] {
	t.Helper()
	file := sync.OnceValue(func() *yaml.Node {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		return document.Content[0]
	})
	parsed, err := template.Parse("template.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*stack) bool) {
		for _, c := range combinations() {
			resolved, err := resolveWith(parsed, c)
			if err != nil && sound {
				t.Fatal(err)
			}
			if err == nil && !yield(&stack{resolved, c, text, file}) {
				return
			}
		}
	}
}

func resolve(t testing.TB, parsed *template.Template, parameters map[string]string) *template.Resolved {
	t.Helper()
	resolved, err := resolveWith(parsed, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func resolveWith(parsed *template.Template, parameters map[string]string) (*template.Resolved, error) {
	return parsed.Resolve(template.Environment{
		Parameters: parameters,
		AccountID:  "000000000000", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: stackName,
		Attribute: attribute,
	})
}

// attribute gives every resource its logical id as the name, and an ARN made of it.
func attribute(id, kind, attribute string, _ *template.Value) (string, error) {
	switch {
	case attribute == "":
		return id, nil
	case attribute == ".Alias":
		return "arn:aws:test:eu-west-1:000000000000:" + id + ":live", nil
	case attribute == ".Stage": // the stage that SAM makes of the API, by its name
		return "v1", nil
	case kind == "AWS::Logs::LogGroup":
		return "arn:aws:logs:eu-west-1:000000000000:log-group:" + id + ":*", nil // as CloudFormation gives it
	}
	return "arn:aws:test:eu-west-1:000000000000:" + id, nil
}

// localStack is the stack that the local runner serves.
func localStack(t testing.TB) *template.Resolved {
	t.Helper()
	parsed, err := template.Read(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	overrides, err := template.Overrides("../../samconfig.toml", "local")
	if err != nil {
		t.Fatal(err)
	}
	return resolve(t, parsed, overrides)
}

// ofType are the resources of a type.
func ofType(r *template.Resolved, kind string) (found []template.Resource) {
	for _, resource := range r.Resources {
		if resource.Type == kind {
			found = append(found, resource)
		}
	}
	return found
}

// resource is the one of a logical id.
func resource(r *template.Resolved, logicalID string) template.Resource {
	for _, resource := range r.Resources {
		if resource.LogicalID == logicalID {
			return resource
		}
	}
	return template.Resource{Properties: &template.Value{Kind: template.Map}}
}

// only is the one resource of a type.
func only(r *template.Resolved, kind string) template.Resource {
	found := ofType(r, kind)
	if len(found) != 1 {
		return template.Resource{Properties: &template.Value{Kind: template.Map}}
	}
	return found[0]
}

// at follows member names and answers nil where one is missing.
func at(v *template.Value, path ...string) *template.Value {
	for _, name := range path {
		v = v.Get(name)
	}
	return v
}

// text is the scalar that stands there, or "".
func text(v *template.Value, path ...string) string {
	if v = at(v, path...); v == nil {
		return ""
	}
	return v.Text
}

// jsonOf is a value as JSON, or "".
func jsonOf(v *template.Value) string {
	if v == nil {
		return ""
	}
	return string(v.JSON())
}

// each yields the members of a map, or nothing.
func each(v *template.Value, path ...string) iter.Seq2[string, *template.Value] {
	return func(yield func(string, *template.Value) bool) {
		v := at(v, path...)
		if v == nil {
			return
		}
		for _, m := range v.Members {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// items are the items of a list, or the thing itself.
func items(v *template.Value) []*template.Value {
	if v == nil || v.Kind == template.List {
		if v == nil {
			return nil
		}
		return v.Items
	}
	return []*template.Value{v}
}

// written follows member names of the template as it is written, and answers nil where one is missing.
func written(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return c.Value == name })
		if i < 0 || i%2 == 1 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}
