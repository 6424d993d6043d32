package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// resolved is a template with its parameters, as the runner's command resolve prints it.
type resolved struct {
	Parameters map[string]string   `json:"parameters"`
	Resources  map[string]resource `json:"resources"`
}

type resource struct {
	Type       string          `json:"type"`
	Properties json.RawMessage `json:"properties"`
}

// source is where the template is, and who reads it.
type source struct{ runner, template string }

// resolve has the runner read the template for an environment of samconfig.toml, with these parameters over its own.
func (s source) resolve(ctx context.Context, env string, parameters map[string]string) (*resolved, error) {
	args := []string{"resolve", "-template", s.template, "-config-env", env}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		args = append(args, "-parameter", name+"="+parameters[name])
	}
	cmd := exec.CommandContext(ctx, s.runner, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound), err != nil && stderr.Len() == 0:
		return nil, fmt.Errorf("-runner %s: %w: build it with `go build -o %[1]s ./pkg/local`, or use `make cost`", s.runner, err)
	case err != nil:
		return nil, errors.New(strings.TrimSpace(stderr.String()))
	}
	var r resolved
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, fmt.Errorf("-runner %s: %w", s.runner, err)
	}
	return &r, nil
}

// stack is what of a template costs something.
type stack struct {
	onDemand   bool
	ownStream  bool // or else its hours are somebody else's
	shards     int
	retention  float64 // hours
	keyUsers   int     // roles that use the stream under a key of KMS's
	conversion bool

	transform        function
	bufferBytes      float64 // of a batch for the transform
	bufferSeconds    float64
	delivery         float64 // seconds between two files
	deliveryBytes    float64 // of a file, before conversion
	sourceBackup     bool
	accessLine       int  // bytes of a line of the access log; 0 if there is none
	executionLog     bool // API Gateway's own, of every request
	apiTraced        bool
	apiSampling      sampling
	authorizer       *function
	authorizerTTL    float64 // seconds
	logDays          float64
	alarmMetrics     int
	fastAlarmMetrics int
	compositeAlarms  int
	dashboards       int
	metricFilters    int
	polledQueues     int
	keys, secrets    int
}

// function is a Lambda function.
type function struct {
	id           string
	memory       float64 // GB
	architecture string  // of Lambda's price: lambda.<architecture>
	platformLog  bool    // Lambda's own lines of each invocation
	traced       bool
	sampling     sampling
}

// sampling is a rule of X-Ray's: so many a second, and a share of those beyond.
type sampling struct{ perSecond, share float64 }

// defaultSampling is X-Ray's where no rule of one's own is ("Configuring sampling rules").
var defaultSampling = sampling{1, 0.05}

// number is a number of the template, as text or not.
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	*n = number(f)
	return err
}

// truth is a truth of the template, as text or not.
type truth bool

func (t *truth) UnmarshalJSON(data []byte) error {
	b, err := strconv.ParseBool(string(bytes.Trim(data, `"`)))
	*t = truth(b)
	return err
}

// reader gathers a stack and what is wrong with it.
type reader struct {
	*resolved
	errs []error
}

// each decodes the properties of the resources of a type, in the order of their ids.
func each[T any](r *reader, kind string, use func(id string, properties T)) {
	for _, id := range slices.Sorted(maps.Keys(r.Resources)) {
		if r.Resources[id].Type != kind {
			continue
		}
		var properties T
		if err := json.Unmarshal(r.Resources[id].Properties, &properties); err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", id, err))
			continue
		}
		use(id, properties)
	}
}

func (r *reader) count(kind string) (n int) {
	each(r, kind, func(string, struct{}) { n++ })
	return n
}

// readStack takes out of a template what costs something.
func readStack(from *resolved) (*stack, error) {
	r := &reader{resolved: from}
	s := &stack{shards: 1, retention: 24}
	s.onDemand = r.Parameters["StreamMode"] != "PROVISIONED" // of a stream that is not the stack's own
	r.stream(s)
	functions := r.functions(s)
	r.delivery(s, functions)
	r.api(s, functions)
	each(r, "AWS::Logs::LogGroup", func(_ string, p struct{ RetentionInDays number }) {
		s.logDays = max(s.logDays, float64(p.RetentionInDays))
	})
	r.watching(s)
	s.keys, s.secrets = r.count("AWS::KMS::Key"), r.count("AWS::SecretsManager::Secret")
	if s.transform.id == "" && len(r.errs) == 0 {
		r.errs = append(r.errs, errors.New("the template has no delivery stream with a transform function"))
	}
	return s, errors.Join(r.errs...)
}

func (r *reader) stream(s *stack) {
	each(r, "AWS::Kinesis::Stream", func(_ string, p struct {
		StreamModeDetails    struct{ StreamMode string }
		ShardCount           number
		RetentionPeriodHours number
		StreamEncryption     struct{ EncryptionType string }
	},
	) {
		s.ownStream = true
		s.onDemand = p.StreamModeDetails.StreamMode == "ON_DEMAND"
		if p.ShardCount > 0 {
			s.shards = int(p.ShardCount)
		}
		if p.RetentionPeriodHours > 0 {
			s.retention = float64(p.RetentionPeriodHours)
		}
		if p.StreamEncryption.EncryptionType == "KMS" {
			s.keyUsers = 2 // the API's role writes, Firehose's reads
		}
	})
	if s.onDemand {
		s.shards = 4 // what a new stream has ("Choosing the data stream capacity mode")
	}
}

func (r *reader) functions(s *stack) map[string]function {
	rules := r.sampling()
	functions := map[string]function{}
	each(r, "AWS::Serverless::Function", func(id string, p struct {
		MemorySize    number
		Architectures []string
		Tracing       string
		LoggingConfig struct{ SystemLogLevel string }
		Events        map[string]struct{ Type string }
	},
	) {
		f := function{id: id, memory: 128. / 1024, architecture: "lambda.x86_64", traced: p.Tracing == "Active", sampling: rules("AWS::Lambda::Function")}
		if p.MemorySize > 0 {
			f.memory = float64(p.MemorySize) / 1024
		}
		if slices.Contains(p.Architectures, "arm64") {
			f.architecture = "lambda.arm64"
		}
		f.platformLog = p.LoggingConfig.SystemLogLevel != "WARN"
		functions[id] = f
		for _, event := range p.Events {
			if event.Type == "SQS" {
				s.polledQueues++
			}
		}
	})
	return functions
}

// sampling answers the rule for a type of service: of those that fit, the one with the lowest Priority.
func (r *reader) sampling() func(service string) sampling {
	type rule struct {
		Priority                 number
		ServiceType              string
		FixedRate, ReservoirSize number
	}
	var rules []rule
	each(r, "AWS::XRay::SamplingRule", func(_ string, p struct{ SamplingRule rule }) { rules = append(rules, p.SamplingRule) })
	slices.SortStableFunc(rules, func(a, b rule) int { return int(a.Priority - b.Priority) })
	return func(service string) sampling {
		for _, rule := range rules {
			if rule.ServiceType == "*" || rule.ServiceType == service {
				return sampling{float64(rule.ReservoirSize), float64(rule.FixedRate)}
			}
		}
		return defaultSampling
	}
}

func (r *reader) delivery(s *stack, functions map[string]function) {
	each(r, "AWS::KinesisFirehose::DeliveryStream", func(_ string, p struct {
		ExtendedS3DestinationConfiguration struct {
			BufferingHints          struct{ SizeInMBs, IntervalInSeconds number }
			S3BackupMode            string
			ProcessingConfiguration struct {
				Processors []struct {
					Type       string
					Parameters []struct{ ParameterName, ParameterValue string }
				}
			}
			DataFormatConversionConfiguration struct{ Enabled truth }
		}
	},
	) {
		to := p.ExtendedS3DestinationConfiguration
		s.delivery, s.deliveryBytes = float64(to.BufferingHints.IntervalInSeconds), float64(to.BufferingHints.SizeInMBs)*megabyte
		s.sourceBackup, s.conversion = to.S3BackupMode == "Enabled", bool(to.DataFormatConversionConfiguration.Enabled)
		if s.delivery <= 0 || s.deliveryBytes <= 0 {
			r.errs = append(r.errs, errors.New("the delivery stream has no BufferingHints"))
		}
		for _, processor := range to.ProcessingConfiguration.Processors {
			if processor.Type != "Lambda" {
				continue
			}
			s.bufferBytes, s.bufferSeconds = megabyte, 60 // Firehose's defaults
			for _, parameter := range processor.Parameters {
				value, _ := strconv.ParseFloat(parameter.ParameterValue, 64)
				switch parameter.ParameterName {
				case "LambdaArn":
					s.transform = functionOf(parameter.ParameterValue, functions)
				case "BufferSizeInMBs":
					s.bufferBytes = value * megabyte
				case "BufferIntervalInSeconds":
					s.bufferSeconds = max(value, 1)
				}
			}
		}
	})
}

const megabyte = 1 << 20

// functionOf answers the function that an ARN or an API's body names; an empty one if it is none of them.
func functionOf(text string, functions map[string]function) function {
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		if regexp.MustCompile(`:function:[A-Za-z0-9_-]*\b` + id + `\b`).MatchString(text) {
			return functions[id]
		}
	}
	return function{}
}

func (r *reader) api(s *stack, functions map[string]function) {
	each(r, "AWS::Serverless::Api", func(_ string, p struct {
		TracingEnabled   truth
		AccessLogSetting struct{ Format string }
		MethodSettings   []struct{ LoggingLevel string }
		DefinitionBody   struct {
			Components struct {
				SecuritySchemes map[string]struct {
					Authorizer *struct {
						URI string `json:"authorizerUri"`
						TTL number `json:"authorizerResultTtlInSeconds"`
					} `json:"x-amazon-apigateway-authorizer"`
				}
			}
		}
	},
	) {
		s.apiTraced, s.apiSampling = bool(p.TracingEnabled), r.sampling()("AWS::ApiGateway::Stage")
		for _, settings := range p.MethodSettings {
			s.executionLog = s.executionLog || settings.LoggingLevel == "INFO"
		}
		if p.AccessLogSetting.Format != "" {
			s.accessLine = len(accessLine(p.AccessLogSetting.Format))
		}
		for _, scheme := range p.DefinitionBody.Components.SecuritySchemes {
			if scheme.Authorizer != nil {
				f := functionOf(scheme.Authorizer.URI, functions)
				s.authorizer, s.authorizerTTL = &f, float64(scheme.Authorizer.TTL)
			}
		}
	})
}

// values are what typical values of the access log's variables look like; the others take up as much as other does.
var values = map[string]string{
	"requestId": "6f1c0f3e-2b5d-4c8e-9a47-d1e0b7a35c21", "extendedRequestId": "DKLr9HzXoAMEsHQ=", "requestTimeEpoch": "1732269600123",
	"requestTime": "22/Nov/2024:10:00:00 +0000", "httpMethod": "POST", "resourcePath": "/records", "path": "/v1/records", "status": "200", "stage": "v1", "apiId": "a1b2c3d4e5",
	"responseLatency": "24", "responseLength": "148", "identity.sourceIp": "198.51.100.204", "identity.userArn": "arn:aws:sts::123456789012:assumed-role/shop-web-producer/i-0123456789abcdef0",
	"integration.requestId": "e1d0c3b2-90f6-c7a1-b855-7a6f5e4d3c2b", "xrayTraceId": "1-67405f20-0a1b2c3d4e5f60718293a4b5",
}

const other = "200"

var variable = regexp.MustCompile(`\$context\.[A-Za-z0-9_.]*[A-Za-z0-9_]`)

// accessLine is a line of an access log of this format.
func accessLine(format string) string {
	return variable.ReplaceAllStringFunc(format, func(name string) string {
		if value, known := values[strings.TrimPrefix(name, "$context.")]; known {
			return value
		}
		return other
	})
}

func (r *reader) watching(s *stack) {
	each(r, "AWS::CloudWatch::Alarm", func(_ string, p struct {
		Period  number
		Metrics []struct {
			MetricStat *struct{ Period number }
		}
	},
	) {
		if len(p.Metrics) == 0 {
			p.Metrics = append(p.Metrics, struct {
				MetricStat *struct{ Period number }
			}{&struct{ Period number }{p.Period}})
		}
		// An alarm on an expression costs as much as one on each metric in it ("Amazon CloudWatch Pricing").
		for _, metric := range p.Metrics {
			switch {
			case metric.MetricStat == nil:
			case metric.MetricStat.Period > 0 && metric.MetricStat.Period < 60:
				s.fastAlarmMetrics++
			default:
				s.alarmMetrics++
			}
		}
	})
	s.compositeAlarms = r.count("AWS::CloudWatch::CompositeAlarm")
	s.dashboards = r.count("AWS::CloudWatch::Dashboard")
	each(r, "AWS::Logs::MetricFilter", func(_ string, p struct{ MetricTransformations []struct{} }) {
		s.metricFilters += len(p.MetricTransformations)
	})
}
