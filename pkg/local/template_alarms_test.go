package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/local/internal/template"
)

// An awsNamespace is what AWS documents of a service's metrics.
type awsNamespace struct {
	metrics    []string
	dimensions []awsDimension // all of them, in this order
}

// An awsDimension has the name of a resource of this type as its value, or what a property of it says; without a type, one of the words in property.
type awsDimension struct{ name, resource, property string }

var awsMetrics = map[string]awsNamespace{
	// "Amazon API Gateway dimensions and metrics". Without Stage a metric is of all stages; with Method and Resource it has its price.
	"AWS/ApiGateway": {
		[]string{"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"},
		[]awsDimension{{"ApiName", "AWS::Serverless::Api", "Name"}, {"Stage", "AWS::Serverless::Api", "StageName"}},
	},
	// "Monitor the Amazon Kinesis Data Streams service with Amazon CloudWatch"
	"AWS/Kinesis": {
		[]string{
			"GetRecords.IteratorAgeMilliseconds", "IncomingBytes", "IncomingRecords", "PutRecord.Success", "PutRecords.FailedRecords",
			"PutRecords.ThrottledRecords", "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded",
		},
		[]awsDimension{{"StreamName", "AWS::Kinesis::Stream", ""}},
	},
	// "Monitor Amazon Data Firehose using CloudWatch metrics"
	"AWS/Firehose": {
		[]string{
			"DataReadFromKinesisStream.Bytes", "DataReadFromKinesisStream.Records", "DeliveryToS3.Bytes", "DeliveryToS3.DataFreshness", "DeliveryToS3.Success", "FailedConversion.Records", "KinesisMillisBehindLatest",
			"SucceedConversion.Records",
		},
		[]awsDimension{{"DeliveryStreamName", "AWS::KinesisFirehose::DeliveryStream", ""}},
	},
	// "Types of metrics for Lambda functions"; an alias's and a version's are in their function's, too
	"AWS/Lambda": {[]string{"Duration", "Errors", "Invocations", "Throttles"}, []awsDimension{{"FunctionName", "AWS::Serverless::Function", ""}}},
	// "Monitoring with CloudWatch metrics" (CloudWatch Logs), and of the embedded metric format
	"AWS/Logs": {[]string{"EMFParsingErrors", "EMFValidationErrors", "IncomingBytes"}, []awsDimension{{"LogGroupName", "AWS::Logs::LogGroup", ""}}},
	// "List of CloudWatch metrics and dimensions for Athena"; of a workgroup that publishes them
	"AWS/Athena": {
		[]string{"ProcessedBytes", "TotalExecutionTime"},
		[]awsDimension{{"QueryState", "", "SUCCEEDED FAILED CANCELED"}, {"QueryType", "", "DDL DML UTILITY"}, {"WorkGroup", "AWS::Athena::WorkGroup", ""}},
	},
	// "Available CloudWatch metrics for Amazon SQS"
	"AWS/SQS": {[]string{"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}, []awsDimension{{"QueueName", "AWS::SQS::Queue", ""}}},
}

var alarmRules = map[string]rule{
	"an alarm watches what there is": {
		why: "an alarm on a metric that nobody emits is quiet for ever",
		fix: "a metric of awsMetrics with a resource of the template, or one that the function of this Service writes",
		check: func(s *stack) (faults []string) {
			for where, metric := range watched(s.Resolved) {
				if err := s.emitted(metric); err != nil {
					faults = append(faults, where+": "+err.Error())
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"MetricName: ApproximateAgeOfOldestMessage", "MetricName: AgeOfOldestMessage"},
			{"Value: !GetAtt DlqDeadLetterQueue.QueueName", "Value: DlqDeadLetterQueue2"},
			{"Dimensions: [{Name: FunctionName, Value: !Ref DlqFunction}]", "Dimensions: [{Name: Function, Value: !Ref DlqFunction}]"},
			{"MetricName: Quarantined.panic", "MetricName: Quarantined.panicked"},
			{"MetricName: AttemptsExhausted\n      Dimensions: [{Name: Service, Value: !Sub \"${AWS::StackName}-dlq\"}]", "MetricName: AttemptsExhausted\n      Dimensions: [{Name: Service, Value: !Sub \"${AWS::StackName}-transform\"}]"},
			{"{Namespace: !Ref MetricsNamespace, MetricName: Records,", "{Namespace: ours, MetricName: Records,"},
			{"MetricName: Records,", "MetricName: RecordsIn,"},
			{"[{Name: ApiName, Value: !Ref AWS::StackName}, {Name: Stage, Value: !Ref Api.Stage}]", "[{Name: ApiName, Value: !Ref AWS::StackName}]"},
			{"[{Name: ApiName, Value: !Ref AWS::StackName}, ", "[{Name: ApiId, Value: !Ref Api}, "},
			{"MetricName: DeliveryToS3.Success", "MetricName: DeliveryToS3.Successes"},
			{"{Name: StreamName, Value: !If [CreateStream, !Ref Stream, !Ref ExistingStreamName]}", "{Name: StreamName, Value: !If [CreateStream, !Ref DeliveryStream, !Ref ExistingStreamName]}"},
			{"{Name: StreamName, Value: !If [CreateStream, !Ref Stream, !Ref ExistingStreamName]}", "{Name: StreamName, Value: !If [CreateStream, !Ref Stream, !Ref DeliveryStream]}"},
		},
	},
	"an alarm says where to read on": {
		why: "whoever is woken by it has its description and nothing else",
		fix: "end AlarmDescription with docs/operate.md#<the alarm's logical id in lower case>, and write that section",
		check: func(s *stack) (faults []string) {
			for _, alarm := range ofType(s.Resolved, "AWS::CloudWatch::Alarm") {
				want := " docs/operate.md#" + strings.ToLower(alarm.LogicalID)
				if !strings.HasSuffix(text(alarm.Properties, "AlarmDescription"), want) {
					faults = append(faults, alarm.LogicalID+": its description does not end in"+want)
				}
			}
			return faults
		},
		breaks: [][2]string{{"docs/operate.md#dlqqueueagealarm", "docs/operate.md#dlqqueuedepthalarm"}, {" docs/operate.md#redrivenshare", " operate.md#redrivenshare"}},
	},
	"an alarm goes to the topic, and without one nowhere": {
		why: "an empty ARN fails the deployment, and an alarm that was forgotten wakes nobody",
		fix: "AlarmActions: !If [UseAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]",
		check: func(s *stack) (faults []string) {
			for _, alarm := range ofType(s.Resolved, "AWS::CloudWatch::Alarm") {
				actions, topic := items(at(alarm.Properties, "AlarmActions")), s.Parameters["AlarmTopicArn"]
				if topic == "" && len(actions) == 0 || topic != "" && len(actions) == 1 && actions[0].Text == topic {
					continue
				}
				faults = append(faults, fmt.Sprintf("%s: it has %d actions, with the topic %q", alarm.LogicalID, len(actions), topic))
			}
			return faults
		},
		breaks: [][2]string{
			{"      AlarmActions: !If [UseAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]\n", ""},
			{"AlarmActions: !If [UseAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]", "AlarmActions: [!Ref AlarmTopicArn]"},
		},
	},
	"what no data means is chosen": {
		why: "by default an alarm without data is neither on nor off, and a queue or a function that is idle has none",
		fix: "TreatMissingData, with the reason in a comment beside it",
		check: func(s *stack) (faults []string) {
			lines := strings.Split(s.source, "\n")
			for _, alarm := range ofType(s.Resolved, "AWS::CloudWatch::Alarm") {
				missing := at(alarm.Properties, "TreatMissingData")
				if missing == nil || !slices.Contains([]string{"breaching", "notBreaching", "ignore", "missing"}, missing.Text) {
					faults = append(faults, alarm.LogicalID+": has no TreatMissingData")
				} else if !strings.Contains(lines[missing.Pos.Line-1], " # ") {
					faults = append(faults, alarm.LogicalID+": does not say why no data is "+missing.Text)
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"      TreatMissingData: ignore # nobody polls this queue, and it may fall silent with messages in it\n", ""},
			{"ignore # nobody polls this queue, and it may fall silent with messages in it", "ignore"},
			{"TreatMissingData: ignore", "TreatMissingData: ignored"},
		},
	},
}

// watched yields the metrics of all alarms: values with Namespace, MetricName and Dimensions.
func watched(r *template.Resolved) iter.Seq2[string, *template.Value] {
	return func(yield func(string, *template.Value) bool) {
		for _, alarm := range ofType(r, "AWS::CloudWatch::Alarm") {
			metrics := items(at(alarm.Properties, "Metrics"))
			if metrics == nil && !yield(alarm.LogicalID, alarm.Properties) {
				return
			}
			for _, m := range metrics {
				if metric := at(m, "MetricStat", "Metric"); metric != nil && !yield(alarm.LogicalID, metric) {
					return
				}
			}
		}
	}
}

// emitted says what is wrong with a metric that is watched.
func (s *stack) emitted(metric *template.Value) error {
	namespace, name := text(metric, "Namespace"), text(metric, "MetricName")
	dimensions := items(at(metric, "Dimensions"))
	if theirs, ok := awsMetrics[namespace]; ok {
		if !slices.Contains(theirs.metrics, name) || len(dimensions) != len(theirs.dimensions) {
			return fmt.Errorf("%s has no metric %s with %d dimensions", namespace, name, len(dimensions))
		}
		for i, d := range theirs.dimensions {
			value := text(dimensions[i], "Value")
			if text(dimensions[i], "Name") != d.name || !s.named(d, value) {
				return fmt.Errorf("%s has no metric %s with %s=%s", namespace, name, text(dimensions[i], "Name"), value)
			}
		}
		return nil
	}
	if len(dimensions) != 1 {
		return fmt.Errorf("%s has %d dimensions, not one", name, len(dimensions))
	}
	dimension, value := text(dimensions[0], "Name"), text(dimensions[0], "Value")
	if namespace != s.Parameters["MetricsNamespace"] || dimension != "Service" {
		return fmt.Errorf("nobody writes metrics in %s by %s", namespace, dimension)
	}
	for _, function := range ofType(s.Resolved, "AWS::Serverless::Function") {
		if text(function.Properties, "Environment", "Variables", "POWERTOOLS_SERVICE_NAME") != value {
			continue
		}
		names, err := metricNames(folder(function))
		if err != nil {
			return err
		}
		if !names[name] {
			return fmt.Errorf("%s writes no metric %s", function.LogicalID, name)
		}
		return nil
	}
	return fmt.Errorf("no function is the Service %s", value)
}

// named says whether there is a resource whose metrics have this value of the dimension.
func (s *stack) named(d awsDimension, value string) bool {
	if existing := s.Parameters["ExistingStreamName"]; d.resource == "AWS::Kinesis::Stream" && existing != "" {
		return value == existing
	}
	if d.resource == "" {
		return slices.Contains(strings.Fields(d.property), value)
	}
	if d.property == "" {
		// GetAtt's result in these tests is an ARN, whatever is asked for.
		return resource(s.Resolved, value[strings.LastIndex(value, ":")+1:]).Type == d.resource
	}
	return slices.ContainsFunc(ofType(s.Resolved, d.resource), func(r template.Resource) bool { return text(r.Properties, d.property) == value })
}

// folder is where a function's program is.
func folder(function template.Resource) string {
	return "../../functions/" + strings.ToLower(strings.TrimSuffix(function.LogicalID, "Function"))
}

// metricNames reads in a function's source which metrics it writes: the names that are given to count or stand in a telemetry.Metric. A name that is
// put together is taken with every end that it can have: a reason, an error code, or a type of event.
func metricNames(folder string) (map[string]bool, error) {
	names := map[string]bool{}
	add := func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.BasicLit:
			name, err := strconv.Unquote(e.Value)
			if err == nil && !strings.HasSuffix(name, ".") {
				names[name] = true
			} else if err == nil {
				for _, end := range ends() {
					names[name+end] = true
				}
			}
		case *ast.BinaryExpr:
			if prefix, ok := e.X.(*ast.BasicLit); ok {
				name, err := strconv.Unquote(prefix.Value)
				for _, end := range ends() {
					names[name+end] = err == nil
				}
			}
		}
	}
	return names, eachNode(folder, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "count" || f.Name == "byCode") {
				add(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Name" {
				add(n.Value)
			}
		}
	})
}

// ends are what a metric's name may end in.
func ends() []string {
	all := []string{"unknown"}
	for _, r := range append(event.Reasons(), dlq.Reasons()...) {
		all = append(all, string(r.Reason))
	}
	for _, c := range firehose.Codes() {
		all = append(all, c.Name)
	}
	return append(all, event.Types()...)
}

// eachNode walks the source files of a folder, without tests.
func eachNode(folder string, visit func(ast.Node)) error {
	files, err := sourceFiles(folder)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
	return err
}

// parsedFolders are the answers of sourceFiles, by the folder: rules ask for the same one with every stack.
var parsedFolders sync.Map

// sourceFiles are the source files of a folder, without tests.
func sourceFiles(folder string) ([]*ast.File, error) {
	if files, ok := parsedFolders.Load(folder); ok {
		return files.([]*ast.File), nil
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no Go source in %s (%w)", folder, err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	parsedFolders.Store(folder, files)
	return files, nil
}

// sections are the sections of a page of Markdown, by the anchors that GitHub makes of their headings.
func sections(page string) map[string]string {
	found := map[string]string{}
	heading := regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	// Comments in blocks of code look like headings.
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllStringFunc(page, func(block string) string { return strings.ReplaceAll(block, "\n#", "\n") })
	places := heading.FindAllStringSubmatchIndex(page, -1)
	for i, at := range places {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(page[at[2]:at[3]]), "")
		end := len(page)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		found[strings.ReplaceAll(anchor, " ", "-")] = page[at[1]:end]
	}
	return found
}

func TestOperateHasEverythingThatPointsThere(t *testing.T) {
	data, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	page := sections(string(data))
	for _, code := range append(firehose.Codes(), firehose.Explain("Nobody.Knows")) {
		anchor, ok := strings.CutPrefix(code.Anchor(), "docs/operate.md#")
		section, there := page[anchor]
		if !ok || !there {
			t.Errorf("%s points to %s, which is not there", code.Name, code.Anchor())
		}
		if !strings.Contains(section, code.Cause) || code.Known && !strings.Contains(section, code.Action) || !strings.Contains(section, "```\n") {
			t.Errorf("%s: the section does not say what the log says, or has no command:\n%s %s", code.Name, code.Cause, code.Action)
		}
	}
	mentioned := regexp.MustCompile(`docs/operate\.md#([a-z0-9_-]+)`).FindAllStringSubmatch(source(t), -1)
	if len(mentioned) == 0 {
		t.Error("template.yaml points nowhere in docs/operate.md")
	}
	for _, m := range mentioned {
		if section, there := page[m[1]]; !there || !strings.Contains(section, "**Means:**") || !strings.Contains(section, "**Do:**") {
			t.Errorf("template.yaml points to %s, which is not there, or does not say what it means and what to do", m[0])
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(data), -1) {
		if _, there := page[link[1]]; !there {
			t.Errorf("docs/operate.md points to its own #%s, which is not there", link[1])
		}
	}
}
