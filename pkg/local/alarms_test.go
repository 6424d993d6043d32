package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"hydrant/pkg/local/internal/alarmtest"
	"hydrant/pkg/local/internal/logs"
	"hydrant/pkg/local/internal/template"
	"hydrant/pkg/telemetry/emftest"
)

// A case is a run of the service, and which of the alarms on what its own functions write are to go off if it lasts.
type alarmCase struct {
	parameters []string
	before     func(t *testing.T, data string) // the runner starts
	run        func(t *testing.T, p *program)
	on         []string
}

// The functions are the programs that are deployed, and the lines those that they wrote. QuarantinedPanicAlarm is not among these: no event is
// known that makes judging panic.
var alarmCases = map[string]alarmCase{
	"all is well":          {run: func(t *testing.T, p *program) { p.events(t, 30, 0, 0); p.flush(t) }},
	"nothing comes":        {run: func(t *testing.T, p *program) { p.flush(t) }},
	"a few invalid events": {run: func(t *testing.T, p *program) { p.events(t, 97, 3, 0); p.flush(t) }},
	"few more, day after day": {
		run: func(t *testing.T, p *program) { p.events(t, 388, 12, 0); p.flush(t) },
		on:  []string{"QuarantineGrowthAlarm"},
	},
	"a third is invalid": {
		run: func(t *testing.T, p *program) { p.events(t, 30, 15, 0); p.flush(t) },
		on:  []string{"QuarantineGrowthAlarm", "QuarantinedShareAlarm", "RejectedShareAlarm"},
	},
	"one invalid event in each record": {
		run: func(t *testing.T, p *program) {
			record := `{"Data":[` + strings.Repeat(`{"type":"page_view","url":"https://www.example.com/"},`, 9) + `{"type":"typo"}]}`
			p.accepted(t, "/records", `{"Records":[`+record+strings.Repeat(","+record, 11)+`]}`)
			p.flush(t)
		},
		on: []string{"QuarantineGrowthAlarm", "QuarantinedShareAlarm", "RedrivenShareAlarm"},
	},
	"fields that the catalogue does not know": {
		run: func(t *testing.T, p *program) { p.events(t, 20, 0, 12); p.flush(t) },
		on:  []string{"UnknownFieldsAlarm"},
	},
	"a transform that fails": {
		parameters: []string{"MaxAttempts=1", "TransformRetries=0"},
		run: func(t *testing.T, p *program) {
			p.fault(t, "lambda.TransformFunction", "error")
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"AttemptsExhaustedAlarm"},
	},
	"a table that is not there": {
		parameters: []string{"MaxAttempts=0"},
		run: func(t *testing.T, p *program) {
			p.fault(t, "firehose.convert", "table-missing")
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"AttemptsExhaustedAlarm", "QuarantinedShareAlarm"},
	},
	"a table that is not there for a while": {
		parameters: []string{"StreamMode=PROVISIONED", "ShardCount=1"},
		run: func(t *testing.T, p *program) {
			p.put(t, `{"faults":[{"link":"firehose.convert","kind":"table-missing","count":5}]}`)
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"RedrivenShareAlarm"},
	},
	"an error code that is new": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("Lambda.SomethingNew", goodEvent))
			p.flush(t)
		},
		on: []string{"QuarantinedUnknownCodeAlarm"},
	},
	"an error that no attempt mends": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("DynamicPartitioning.MetadataExtractionFailed", goodEvent))
			p.flush(t)
		},
		on: []string{"QuarantinedNotRetryableAlarm"},
	},
	"an event that is too large to go round": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("Lambda.FunctionError", strings.TrimSuffix(goodEvent, "}")+`,"x":"`+strings.Repeat("x", 1_040_000)+`"}`))
			p.flush(t)
		},
		on: []string{"QuarantinedTooLargeAlarm"},
	},
	"lines that are not Firehose's": {
		run: func(t *testing.T, p *program) { p.errorObject(t, "{}\n"); p.flush(t) },
		on:  []string{"QuarantinedNoErrorLineAlarm"},
	},
	"a stream that takes nothing": {
		run: func(t *testing.T, p *program) {
			p.events(t, 30, 0, 0)
			p.flush(t)
			p.put(t, `{"faults":[{"link":"kinesis.put","kind":"throttle"}]}`)
			if status, answer, err := send(http.MethodPost, p.api+"/record", "application/json", strings.NewReader(`{"Data":`+goodEvent+`}`)); err != nil || status != http.StatusTooManyRequests {
				t.Errorf("%d %s (%v)", status, answer, err)
			}
		},
	},
	"callers who are known": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true"},
		before:     knownToken,
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusOK, "known", 1); p.flush(t) },
	},
	"a scan": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true", "AuthorizerTtl=0"},
		before:     knownToken,
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusUnauthorized, "guess", 20) },
	},
	"tokens that cannot be read": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true"},
		before: func(t *testing.T, data string) {
			knownToken(t, data)
			file := filepath.Join(data, "secrets", "hydrant-local-TokensSecret")
			if err := os.WriteFile(file, []byte("not JSON"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		run: func(t *testing.T, p *program) { p.call(t, http.StatusInternalServerError, "known", 3) },
		on:  []string{"AuthorizerFaultsAlarm", "AuthorizerRefreshAlarm"},
	},
	"an authorizer that cannot start": {
		parameters: []string{"Authorization=LAMBDA", "JwtIssuer=no-url", "JwtAudience=hydrant"},
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusInternalServerError, "any", 3) },
		on:         []string{"AuthorizerErrorsAlarm"},
	},
}

const goodEvent = `{"type":"page_view","event_id":"e-1","url":"https://www.example.com/"}`

// failedRecord is a line of an error object, as Firehose writes it.
func failedRecord(code, data string) string {
	return `{"attemptsMade":1,"arrivalTimestamp":1795341600500,"errorCode":"` + code + `","errorMessage":"m","attemptEndingTimestamp":1795341612750,"rawData":"` +
		base64.StdEncoding.EncodeToString([]byte(data)) + `"}` + "\n"
}

func (p *program) flush(t *testing.T) { p.control(t, http.MethodPost, "flush?delays=now") }

// events posts so many valid events, invalid ones, and among the valid ones some with an unknown field; each is a record.
func (p *program) events(t *testing.T, valid, invalid, unknown int) {
	t.Helper()
	var records []string
	for i := range valid {
		field := ""
		if i < unknown {
			field = `,"colour":"red"`
		}
		records = append(records, `{"Data":{"type":"page_view","url":"https://www.example.com/"`+field+`}}`)
	}
	for range invalid {
		records = append(records, `{"Data":{"type":"page_view"}}`)
	}
	p.accepted(t, "/records", `{"Records":[`+strings.Join(records, ",")+`]}`)
}

func (p *program) fault(t *testing.T, link, kind string) {
	t.Helper()
	p.put(t, `{"faults":[{"link":"`+link+`","kind":"`+kind+`"}]}`)
}

func (p *program) put(t *testing.T, faults string) {
	t.Helper()
	if status, answer, err := send(http.MethodPut, p.aws+"/_hydrant/faults", "application/json", strings.NewReader(faults)); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s (%v)", status, answer, err)
	}
}

// errorObject puts an object where Firehose puts those of its own.
func (p *program) errorObject(t *testing.T, text string) {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(p.aws, "http://"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "eu-west-1", MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	const key = "errors/processing-failed/dt=2026-11-22/hour=10/hydrant-1-2026-11-22-10-00-00-4b6a7c52-0f0e-4f5c-9d5e-1f8b0a6c7d01"
	if _, err := client.PutObject(context.Background(), "hydrant-local-bucket", key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

const knownTokenFile = "token-of-the-test"

func knownToken(t *testing.T, data string) {
	t.Helper()
	token := staticToken(t, filepath.Join(data, "secrets", "hydrant-local-TokensSecret"))
	if err := os.WriteFile(filepath.Join(data, knownTokenFile), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// call posts an event so many times, with a token: the known one, or another each time.
func (p *program) call(t *testing.T, want int, kind string, times int) {
	t.Helper()
	for i := range times {
		token := fmt.Sprint(kind, i)
		if kind == "known" {
			text, err := os.ReadFile(filepath.Join(p.data, knownTokenFile))
			if err != nil {
				t.Fatal(err)
			}
			token = string(text)
		}
		request, err := http.NewRequest(http.MethodPost, p.api+"/record", strings.NewReader(`{"Data":`+goodEvent+`}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Fatalf("%s: %d (%v), want %d", token, response.StatusCode, err, want)
		}
	}
}

func TestAlarmsOnWhatFunctionsWrite(t *testing.T) {
	checked := map[string]bool{}
	for name, c := range alarmCases {
		for _, id := range c.on {
			checked[id] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			if c.before != nil {
				c.before(t, data)
			}
			arguments := []string{"-data", data, "-quiet"}
			for _, parameter := range c.parameters {
				arguments = append(arguments, "-parameter", parameter)
			}
			p, err := launch(arguments...)
			if err != nil {
				t.Fatal(err)
			}
			p.data = data
			c.run(t, p)
			metrics := p.counted(t)
			if err := p.end(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			readLogs(t, data, metrics)
			var lasting, sudden []string
			for _, alarm := range ownAlarms(t, c.parameters) {
				if alarm.on(t, metrics, alarm.state.Of) {
					lasting = append(lasting, alarm.id)
				}
				if alarm.state.Datapoints == 1 && alarm.on(t, metrics, 1) {
					sudden = append(sudden, alarm.id)
				}
				if alarm.state.Datapoints > 1 && alarm.on(t, metrics, alarm.state.Datapoints-1) {
					t.Errorf("%s is on after %d periods", alarm.id, alarm.state.Datapoints-1)
				}
			}
			if !slices.Equal(lasting, c.on) {
				t.Errorf("on: %v, want %v; metrics %v", lasting, c.on, metrics)
			}
			for _, id := range lasting {
				if strings.HasPrefix(id, "Quarantined") && id != "QuarantinedShareAlarm" && !slices.Contains(sudden, id) {
					t.Errorf("%s waits for a second time", id)
				}
			}
		})
	}
	for _, alarm := range ownAlarms(t, []string{"Authorization=LAMBDA", "StaticTokens=true"}) {
		if !checked[alarm.id] && alarm.id != "QuarantinedPanicAlarm" {
			t.Errorf("no case has %s go off", alarm.id)
		}
	}
}

// metricKey is a metric with its one dimension.
type metricKey struct{ namespace, name, dimension string }

// measured are the values of a metric.
type measured struct {
	sum    float64
	values int
}

// counted are the metrics of Lambda's own that alarms on the functions' need.
func (p *program) counted(t *testing.T) map[metricKey]measured {
	t.Helper()
	metrics := map[metricKey]measured{}
	var links struct{ Links map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(p.control(t, http.MethodGet, "state")), &links); err != nil {
		t.Fatal(err)
	}
	for id, text := range links.Links {
		var stats struct{ Invocations float64 }
		if strings.HasSuffix(id, "Function") && json.Unmarshal(text, &stats) == nil && stats.Invocations > 0 {
			metrics[metricKey{"AWS/Lambda", "Invocations", "FunctionName=" + id}] = measured{stats.Invocations, int(stats.Invocations)}
		}
	}
	return metrics
}

// readLogs adds the sums of what the functions' logs have, by CloudWatch's rules.
func readLogs(t *testing.T, data string, metrics map[metricKey]measured) {
	t.Helper()
	store, err := logs.Open(filepath.Join(data, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, function := range []string{"transform", "dlq", "authorizer"} {
		err := store.Read("/hydrant/hydrant-local/"+function, func(e logs.Event) error {
			line := bytes.TrimSpace([]byte(e.Message))
			if !emftest.Is(line) {
				return nil
			}
			document, err := emftest.Check(line)
			if err != nil {
				return err
			}
			for name, value := range document.Metrics {
				key := metricKey{document.Namespaces[0], name, "Service=" + document.Dimensions["Service"]}
				metrics[key] = measured{metrics[key].sum + value, metrics[key].values + 1}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ownAlarm is an alarm on metrics that our functions write.
type ownAlarm struct {
	id         string
	expression *alarmtest.Expression
	metrics    map[string]metricKey // by their ids in the expression
	statistics map[string]string    // likewise: Sum or Average
	state      alarmtest.Alarm
}

// on says whether the alarm is on when a run's metrics are those of each of so many periods, behind others without any.
func (a *ownAlarm) on(t *testing.T, metrics map[metricKey]measured, periods int) bool {
	t.Helper()
	series := map[string]alarmtest.Series{}
	for id, key := range a.metrics {
		for i := range a.state.Of + 2 {
			value := metrics[key].sum
			if a.statistics[id] == "Average" {
				value /= float64(metrics[key].values)
			}
			if metrics[key].values == 0 || i < a.state.Of+2-periods {
				value = alarmtest.None
			}
			series[id] = append(series[id], value)
		}
	}
	points, err := a.expression.Series(series, alarmtest.AsZero)
	if err != nil {
		t.Fatalf("%s: %v", a.id, err)
	}
	return a.state.On(points)
}

// ownAlarms are those of the template with a metric in the functions' namespace, in the order of their names.
func ownAlarms(t *testing.T, parameters []string) (found []*ownAlarm) {
	t.Helper()
	parsed, err := template.Read("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := template.Overrides("../../samconfig.toml", "local")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		chosen[name] = value
	}
	resolved, err := parsed.Resolve(template.Environment{
		Parameters: chosen, AccountID: "000000000000", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "hydrant-local",
		Attribute: func(id, _, _ string, _ *template.Value) (string, error) { return id, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resolved.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarm := readAlarm(t, r)
		if slices.ContainsFunc(slices.Collect(keys(alarm.metrics)), func(k metricKey) bool { return k.namespace == resolved.Parameters["MetricsNamespace"] }) {
			for id, statistic := range alarm.statistics {
				if statistic != "Sum" && statistic != "Average" {
					t.Fatalf("%s: %s is the %s of its values, which is not known here", alarm.id, id, statistic)
				}
			}
			found = append(found, alarm)
		}
	}
	slices.SortFunc(found, func(a, b *ownAlarm) int { return strings.Compare(a.id, b.id) })
	return found
}

func keys(m map[string]metricKey) func(func(metricKey) bool) {
	return func(yield func(metricKey) bool) {
		for _, key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// readAlarm reads an alarm. What it does not know how to follow is an error.
func readAlarm(t *testing.T, r template.Resource) *ownAlarm {
	t.Helper()
	get := func(v *template.Value, path ...string) string {
		for _, name := range path {
			v = v.Get(name)
		}
		if v == nil {
			return ""
		}
		return v.Text
	}
	p := r.Properties
	number := func(name string) float64 {
		n, err := strconv.ParseFloat(get(p, name), 64)
		if err != nil {
			t.Fatalf("%s: %s: %v", r.LogicalID, name, err)
		}
		return n
	}
	alarm := &ownAlarm{id: r.LogicalID, metrics: map[string]metricKey{}, statistics: map[string]string{}}
	alarm.state = alarmtest.Alarm{
		Threshold: number("Threshold"), Below: get(p, "ComparisonOperator") == "LessThanThreshold", Of: int(number("EvaluationPeriods")),
		MissingIsBreaching: get(p, "TreatMissingData") == "breaching",
	}
	alarm.state.Datapoints = alarm.state.Of
	if p.Get("DatapointsToAlarm") != nil {
		alarm.state.Datapoints = int(number("DatapointsToAlarm"))
	}
	key := func(metric *template.Value) metricKey {
		k := metricKey{get(metric, "Namespace"), get(metric, "MetricName"), ""}
		if dimensions := metric.Get("Dimensions"); dimensions != nil && len(dimensions.Items) == 1 {
			k.dimension = get(dimensions.Items[0], "Name") + "=" + get(dimensions.Items[0], "Value")
		}
		return k
	}
	text := "metric"
	if metrics := p.Get("Metrics"); metrics == nil {
		alarm.metrics[text], alarm.statistics[text] = key(p), get(p, "Statistic")
	} else {
		for _, m := range metrics.Items {
			if m.Get("Expression") != nil {
				text = get(m, "Expression")
				continue
			}
			alarm.metrics[get(m, "Id")], alarm.statistics[get(m, "Id")] = key(m.Get("MetricStat").Get("Metric")), get(m, "MetricStat", "Stat")
		}
	}
	var err error
	if alarm.expression, err = alarmtest.Parse(text); err != nil {
		t.Fatalf("%s: %v", r.LogicalID, err)
	}
	return alarm
}
