package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// liveAlias is what calls the functions, as the template names it.
const liveAlias = "live"

// version is what Lambda says of the version of a function that an alias is at.
type version struct {
	number, description string
	settings            map[string]string // memory in MB, timeout in seconds, and the environment's variables
}

// The names of what is no variable.
const memory, timeout = "its memory", "its timeout"

// made says what of a function comes from which parameter of the stack. It does not hold all: a version has all of its settings or none.
var made = []struct {
	function   string
	parameters map[string]string
}{
	{"TransformFunction", map[string]string{
		memory: "TransformMemory", timeout: "TransformTimeout", "REJECTION_SAMPLES": "RejectionSamples", "POWERTOOLS_LOG_LEVEL": "LogLevel",
		"POWERTOOLS_METRICS_NAMESPACE": "MetricsNamespace",
	}},
	{"DlqFunction", map[string]string{
		memory: "DlqMemory", "MAX_ATTEMPTS": "MaxAttempts", "REDRIVE_RECORDS_PER_SECOND": "RedriveRecordsPerSecond", "POWERTOOLS_LOG_LEVEL": "LogLevel",
	}},
	{"AuthorizerFunction", map[string]string{
		memory: "AuthorizerMemory", "JWT_ISSUER": "JwtIssuer", "JWT_AUDIENCE": "JwtAudience", "JWT_SCOPE": "JwtScope", "POWERTOOLS_LOG_LEVEL": "LogLevel",
	}},
}

// probeVersions holds the versions that are called against the stack's parameters. As long as no parameter was changed there is nothing to see.
func probeVersions(ctx context.Context, s *smoke) verdict {
	status, err := s.stack.status()
	if err != nil {
		return notRun(err)
	}
	if strings.HasSuffix(status, "_IN_PROGRESS") && !strings.HasSuffix(status, "_CLEANUP_IN_PROGRESS") {
		return skipped("the stack is %s", status)
	}
	// Of a resource with three names CloudFormation may answer all, with | between them. The last is the number.
	all := strings.Split(s.facts.resources["Settings"], "|")
	number := all[len(all)-1]
	var saw []string
	for _, m := range made {
		name := s.facts.resources[m.function]
		if m.function == "AuthorizerFunction" && s.sender.authorization != "LAMBDA" {
			continue
		}
		v, err := s.stack.version(ctx, name)
		if err != nil {
			return notRun(err)
		}
		if text := strings.TrimSuffix(v.description, ")"); number == "" || !strings.HasSuffix(text, " "+number) && !strings.HasSuffix(text, "|"+number) {
			return contradicted("%s of %s is version %s, and says %q; the stack's settings are %s", liveAlias, m.function, v.number, v.description, cmp.Or(number, "not there"))
		}
		for _, setting := range slices.Sorted(maps.Keys(m.parameters)) {
			parameter := m.parameters[setting]
			if got, want := v.settings[setting], s.facts.parameters[parameter]; got != want {
				return contradicted("%s of %s is version %s, where %s is %q, and %s is %q", liveAlias, m.function, v.number, setting, got, parameter, want)
			}
		}
		saw = append(saw, m.function+" "+v.number)
	}
	if number == "1" {
		return skipped("%s is at %s, which are as the stack's parameters; none was ever changed", liveAlias, strings.Join(saw, ", "))
	}
	return settled("%s is at %s, which have the stack's settings %s", liveAlias, strings.Join(saw, ", "), number)
}

func (d *deployed) version(ctx context.Context, function string) (*version, error) {
	answer, err := lambda.NewFromConfig(d.config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(function), Qualifier: aws.String(liveAlias),
	})
	if err != nil {
		return nil, err
	}
	v := &version{number: aws.ToString(answer.Version), description: aws.ToString(answer.Description), settings: map[string]string{
		memory: strconv.Itoa(int(aws.ToInt32(answer.MemorySize))), timeout: strconv.Itoa(int(aws.ToInt32(answer.Timeout))),
	}}
	if answer.Environment != nil {
		for name, value := range answer.Environment.Variables {
			v.settings[name] = value
		}
	}
	return v, nil
}

func (l *local) version(context.Context, string) (*version, error) {
	return nil, notHere("versions of functions")
}
