package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// A widget is one of a dashboard's ("Dashboard body structure and syntax", CloudWatch).
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Region, Title, Markdown, Stat, View, Query, SortBy string
		Period                                             int
		Alarms                                             []string
		Metrics                                            [][]any
		YAxis                                              json.RawMessage
		Annotations                                        struct {
			Horizontal []struct {
				Label, Color string
				Value        *float64
			}
		}
	}
}

// widgets are those of the stack's one dashboard.
func (s *stack) widgets() ([]widget, error) {
	var body struct {
		Start, PeriodOverride string
		Widgets               []widget
	}
	decoder := json.NewDecoder(strings.NewReader(text(only(s.Resolved, "AWS::CloudWatch::Dashboard").Properties, "DashboardBody")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, fmt.Errorf("the dashboard's body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the dashboard's body has something behind its end")
	}
	return body.Widgets, nil
}

// eachWidget has check look at the widgets, or says what keeps it from them.
func eachWidget(s *stack, check func([]widget) []string) []string {
	all, err := s.widgets()
	if err != nil {
		return []string{err.Error()}
	}
	return check(all)
}

var dashboardRules = map[string]rule{
	"the dashboard is one that CloudWatch takes": {
		why: "CloudFormation takes any text for a body; a widget that lies over another hides it, and one without a Region shows nothing",
		fix: "a widget on a line, within the 24 columns, beside the others, with what its type needs",
		check: func(s *stack) []string {
			return eachWidget(s, func(all []widget) (faults []string) {
				for i, w := range all {
					if w.X < 0 || w.Y < 0 || w.Width < 1 || w.Height < 1 || w.X+w.Width > 24 {
						faults = append(faults, w.name()+" is not within the 24 columns")
					}
					for _, other := range all[:i] {
						if w.X < other.X+other.Width && other.X < w.X+w.Width && w.Y < other.Y+other.Height && other.Y < w.Y+w.Height {
							faults = append(faults, w.name()+" lies over "+other.name())
						}
					}
					faults = append(faults, w.faults()...)
				}
				if len(all) < 20 {
					faults = append(faults, "there are few widgets")
				}
				return faults
			})
		},
		breaks: [][2]string{
			{`{"type":"metric","x":4,"y":9,`, `{"type":"metric","x":5,"y":9,`},
			{`{"type":"metric","x":19,"y":15,"width":5,`, `{"type":"metric","x":19,"y":15,"width":6,`},
			{`{"type":"metric","x":14,"y":9,"width":5,`, `{"type":"metric","x":14,"y":9,"width":5,,`},
			{`"region":"${AWS::Region}","title":"Records taken"`, `"title":"Records taken"`},
			{`"title":"Batches","stat":"Sum"`, `"title":"Batches","stat":"Total"`},
			{`"title":"Batches","stat":"Sum","period":60`, `"title":"Batches","stat":"Sum","period":10`},
			{`"view":"table","query"`, `"view":"list","query"`},
			{`"properties":{"markdown":"## Cost`, `"properties":{"text":"## Cost`},
			{`"value":${TransformTimeout}000`, `"value":"${TransformTimeout} s"`},
		},
	},
	"the dashboard has a name of its own": {
		why: "an account has one list of dashboards for all Regions: a stack of the same name in another Region would be refused",
		fix: "DashboardName: !Sub ${AWS::StackName}-${AWS::Region}",
		check: func(s *stack) []string {
			if got := text(only(s.Resolved, "AWS::CloudWatch::Dashboard").Properties, "DashboardName"); got != stackName+"-eu-west-1" {
				return []string{"its name is " + got}
			}
			return nil
		},
		breaks: [][2]string{{"DashboardName: !Sub ${AWS::StackName}-${AWS::Region}", "DashboardName: !Ref AWS::StackName"}},
	},
	"what the dashboard shows is there": {
		why: "a graph of a metric that nobody emits is empty, as is one in which all is well",
		fix: "a metric of awsMetrics with a resource of the template, or one that the function of this Service writes; make generate for those by type and reason",
		check: func(s *stack) []string {
			return eachWidget(s, func(all []widget) (faults []string) {
				for _, w := range all {
					for metric, err := range w.metrics() {
						if err == nil {
							err = s.emitted(metric)
						}
						if err != nil {
							faults = append(faults, w.name()+": "+err.Error())
						}
					}
				}
				return faults
			})
		},
		breaks: [][2]string{
			{`"AWS/Kinesis","IncomingBytes"`, `"AWS/Kinesis","BytesIncoming"`},
			{`"AWS/Lambda","Errors","FunctionName","${TransformFunction}"`, `"AWS/Lambda","Errors","FunctionName","transform"`},
			{`"ApproximateNumberOfMessagesVisible","QueueName","${DlqQueue.QueueName}"`, `"ApproximateNumberOfMessagesVisible","QueueName","${DlqFunction}"`},
			{`"IncomingBytes","LogGroupName","${ApiLogGroup}"`, `"IncomingBytes","LogGroupName","${Api}"`},
			{`"Events.page_view"`, `"Events.page_views"`},
			{`"Quarantined.too_large"`, `"Quarantined.largest"`},
			{`"Rejections.missing",".","."`, `"Rejections.missing",".","other"`},
			{`5120 * records`, `5120 * rows`},
			{`{"id":"bytes"}`, `{"id":"Bytes"}`},
			{"          # dashboard: begin (make generate)\n          EventsByType: >-\n", "          EventsByType: >-\n            [\".\",\"Events.nothing\",\".\",\".\"],\n"},
		},
	},
	"every alarm is on the dashboard": {
		why: "whoever opens it wants to know first what is wrong",
		fix: "the alarm's ARN in the alarm widget; one with a condition by a variable of the Fn::Sub, as AuthorizerAlarms",
		check: func(s *stack) []string {
			return eachWidget(s, func(all []widget) (faults []string) {
				var shown []string
				for _, w := range all {
					shown = append(shown, w.Properties.Alarms...)
				}
				var there []string
				for _, alarm := range ofType(s.Resolved, "AWS::CloudWatch::Alarm") {
					arn := "arn:aws:test:eu-west-1:000000000000:" + alarm.LogicalID
					if there = append(there, arn); !slices.Contains(shown, arn) {
						faults = append(faults, alarm.LogicalID+" is not on it")
					}
				}
				for _, arn := range shown {
					if !slices.Contains(there, arn) {
						faults = append(faults, arn+" is no alarm")
					}
				}
				if len(shown) > 100 {
					faults = append(faults, "a widget takes 100 alarms")
				}
				return faults
			})
		},
		breaks: [][2]string{
			{`"${DlqErrorsAlarm.Arn}", `, ""},
			{`"${DlqErrorsAlarm.Arn}"`, `"${DlqFunction.Arn}"`},
			{`!If [ExpectData, !Sub ',"${NoDataAlarm.Arn}"', ""]`, `""`},
			{`,"${AuthorizerRefreshAlarm.Arn}"', ""]`, `', ""]`},
		},
	},
	"the levels on the dashboard are the alarms'": {
		why: "a line at another level than the alarm's shows all well while it rings, or the other way round",
		fix: "25 and 50 percent of the retention, as DeliveryLagAlarm and DeliveryLagHalfAlarm have them; the transform's Timeout in milliseconds",
		check: func(s *stack) []string {
			return eachWidget(s, func(all []widget) (faults []string) {
				want := map[string]string{
					"a quarter": text(resource(s.Resolved, "DeliveryLagAlarm").Properties, "Threshold"),
					"a half":    text(resource(s.Resolved, "DeliveryLagHalfAlarm").Properties, "Threshold"),
					"timeout":   text(resource(s.Resolved, "TransformFunction").Properties, "Timeout") + "000",
				}
				for _, w := range all {
					for _, line := range w.Properties.Annotations.Horizontal {
						if line.Value == nil || fmt.Sprint(*line.Value) != want[line.Label] {
							faults = append(faults, w.name()+": "+line.Label+" is not "+want[line.Label])
						}
						delete(want, line.Label)
					}
				}
				for label := range want {
					faults = append(faults, "no line for "+label)
				}
				return faults
			})
		},
		breaks: [][2]string{
			{`"label":"a quarter","value":25`, `"label":"a quarter","value":20`},
			{`,"annotations":{"horizontal":[{"label":"timeout","value":${TransformTimeout}000,"color":"#d62728"}]}`, ""},
			{`"value":${TransformTimeout}000`, `"value":${TransformTimeout}`},
		},
	},
}

func (w widget) name() string {
	return fmt.Sprintf("the %s widget at %d,%d (%s)", w.Type, w.X, w.Y, w.Properties.Title)
}

// faults says what a widget lacks of what its type needs.
func (w widget) faults() (faults []string) {
	p := w.Properties
	expect := func(good bool, what string) {
		if !good {
			faults = append(faults, w.name()+" has no good "+what)
		}
	}
	switch w.Type {
	case "text":
		expect(p.Markdown != "", "markdown")
	case "alarm":
		expect(len(p.Alarms) > 0, "alarms")
	case "metric":
		expect(p.Region == "eu-west-1", "region")
		expect(p.Title != "", "title")
		expect(p.Period > 0 && p.Period%60 == 0, "period")
		expect(statistic.MatchString(p.Stat), "stat")
		expect(len(p.Metrics) > 0, "metrics")
		for _, line := range p.Annotations.Horizontal {
			expect(line.Label != "" && line.Value != nil, "annotation")
		}
	case "log":
		expect(p.Region == "eu-west-1", "region")
		expect(p.Title != "", "title")
		expect(p.View == "table", "view")
		expect(strings.HasPrefix(p.Query, "SOURCE '"), "query")
	default:
		faults = append(faults, w.name()+" is of a type that is not used here")
	}
	return faults
}

var (
	statistic = regexp.MustCompile(`^(Sum|Average|Minimum|Maximum|SampleCount|p[0-9]{1,2}(\.[0-9]+)?)$`)
	metricID  = regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	word      = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	// Of metric math ("Using math expressions with CloudWatch metrics").
	mathFunctions = []string{"MAX", "SUM", "FILL"}
)

// metrics yields what a widget shows as an alarm has it: values with Namespace, MetricName and Dimensions. "." stands for what is in its place in
// the metric before. An expression has to be of metrics of the same widget.
func (w widget) metrics() iter.Seq2[*template.Value, error] {
	return func(yield func(*template.Value, error) bool) {
		ids := map[string]bool{}
		var expressions []string
		var before []string
		for _, m := range w.Properties.Metrics {
			var names []string
			options := map[string]any{}
			for i, part := range m {
				switch part := part.(type) {
				case string:
					if part == "." && i < len(before) {
						part = before[i]
					}
					names = append(names, part)
				case map[string]any:
					options = part
				}
			}
			id, _ := options["id"].(string)
			stat, _ := options["stat"].(string)
			if id != "" && (!metricID.MatchString(id) || ids[id]) || stat != "" && !statistic.MatchString(stat) {
				yield(nil, fmt.Errorf("the id or the statistic of %v is none", m))
				return
			}
			ids[id] = true
			if expression, ok := options["expression"].(string); ok {
				expressions = append(expressions, expression)
				if len(names) > 0 {
					yield(nil, fmt.Errorf("%v is both a metric and an expression", m))
					return
				}
				continue
			}
			before = names
			if !yield(metricValue(names)) {
				return
			}
		}
		for _, expression := range expressions {
			for _, name := range word.FindAllString(expression, -1) {
				if !ids[name] && !slices.Contains(mathFunctions, name) && !yield(nil, fmt.Errorf("there is no %s for %s", name, expression)) {
					return
				}
			}
		}
	}
}

// metricValue is a metric of these: its namespace, its name, and each dimension with its value.
func metricValue(parts []string) (*template.Value, error) {
	if len(parts) < 4 || len(parts)%2 == 1 {
		return nil, fmt.Errorf("%q is no namespace, name and dimensions", parts)
	}
	scalar := func(s string) *template.Value { return &template.Value{Kind: template.Scalar, Text: s, Quoted: true} }
	dimensions := &template.Value{Kind: template.List}
	for i := 2; i < len(parts); i += 2 {
		dimensions.Items = append(dimensions.Items, &template.Value{Kind: template.Map, Members: []template.Member{
			{Name: "Name", Value: scalar(parts[i])}, {Name: "Value", Value: scalar(parts[i+1])},
		}})
	}
	return &template.Value{Kind: template.Map, Members: []template.Member{
		{Name: "Namespace", Value: scalar(parts[0])}, {Name: "MetricName", Value: scalar(parts[1])}, {Name: "Dimensions", Value: dimensions},
	}}, nil
}
