package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hydrant/pkg/local/internal/alarmtest"
	"hydrant/pkg/local/internal/logs"
	"hydrant/pkg/local/internal/template"
	"hydrant/pkg/telemetry/emftest"
)

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
			if c.build != nil {
				arguments = append(arguments, "-build", c.build(t))
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
		if !checked[alarm.id] {
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
		if slices.ContainsFunc(slices.Collect(maps.Values(alarm.metrics)), func(k metricKey) bool { return k.namespace == resolved.Parameters["MetricsNamespace"] }) {
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
