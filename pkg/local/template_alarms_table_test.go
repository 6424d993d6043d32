package main_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/template"
)

// A watch is what an alarm is, in words that are compared as they stand.
type watch struct {
	metrics  []string // the expression of metric math first, if there is one
	when     string
	sentence string
}

// alarms are all of them. A change of one is to be made here too, by somebody who means it.
var alarms = map[string]watch{
	"AuthorizerFaultsAlarm": {
		[]string{"Sum of hydrant Faults Service=hydrant-test-authorizer in 60 s"},
		"> 0 in 2 of 5, no data is notBreaching",
		"The authorizer cannot judge callers, who get a 500 - no keys, no tokens, or a panic.",
	},
	"AuthorizerErrorsAlarm": {
		[]string{
			"share: 100 * (invocations - FILL(decisions, 0)) / invocations",
			"invocations: Sum of AWS/Lambda Invocations FunctionName=AuthorizerFunction in 60 s",
			"decisions: Sum of hydrant Decisions Service=hydrant-test-authorizer in 60 s",
		},
		"> 1 in 3 of 5, no data is notBreaching",
		"The authorizer ends without having decided in more than 1 % of its invocations - it cannot start, crashes, or takes too long.",
	},
	"ApiErrorsAlarm": {
		[]string{"Average of AWS/ApiGateway 5XXError ApiName=hydrant-test Stage=v1 in 60 s"},
		"> 0.01 in 3 of 5, no data is notBreaching",
		"More than 1 % of the requests are answered with a 5xx, in three of five minutes.",
	},
	"ApiLatencyAlarm": {
		[]string{"p99 of AWS/ApiGateway Latency ApiName=hydrant-test Stage=v1 in 300 s"},
		"> 1000 in 3 of 3, no data is notBreaching, few samples: evaluate",
		"One request in a hundred takes longer than a second, for a quarter of an hour.",
	},
	"StreamThrottlesAlarm": {
		[]string{"Sum of AWS/Kinesis WriteProvisionedThroughputExceeded StreamName=Stream in 300 s"},
		"> 0 in 3 of 3, no data is notBreaching",
		"The stream has refused records for a quarter of an hour - it has too little capacity, or one partition key has too much.",
	},
	"StreamFailuresAlarm": {
		[]string{"Sum of AWS/Kinesis PutRecords.FailedRecords StreamName=Stream in 300 s"},
		"> 0 in 2 of 3, no data is notBreaching",
		"Kinesis has failed to take records, by failures of its own.",
	},
	"TransformErrorsAlarm": {
		[]string{"Sum of AWS/Lambda Errors FunctionName=TransformFunction in 60 s"},
		"> 0 in 2 of 5, no data is notBreaching",
		"The transform function ends with errors, or before it has answered.",
	},
	"TransformThrottlesAlarm": {
		[]string{"Sum of AWS/Lambda Throttles FunctionName=TransformFunction in 300 s"},
		"> 0 in 2 of 3, no data is notBreaching",
		"The transform function is throttled - the concurrency of the account is used up.",
	},
	"TransformDurationAlarm": {
		[]string{
			"duration: longest / (10 * 60)",
			"longest: Maximum of AWS/Lambda Duration FunctionName=TransformFunction in 300 s",
		},
		"> 50 in 2 of 3, no data is notBreaching",
		"A batch takes the transform function more than half of its timeout.",
	},
	"RejectedShareAlarm": {
		[]string{
			"share: IF(rejected > 10, 100 * rejected / events, 0)",
			"rejected: Sum of hydrant EventsRejected Service=hydrant-test-transform in 300 s",
			"events: Sum of hydrant Events Service=hydrant-test-transform in 300 s",
		},
		"> 20 in 2 of 2, no data is notBreaching",
		"More than 20 % of the events are invalid, for ten minutes.",
	},
	"UnknownFieldsAlarm": {
		[]string{
			"share: IF(fields > 10, 100 * fields / events, 0)",
			"fields: Sum of hydrant UnknownFields Service=hydrant-test-transform in 3600 s",
			"events: Sum of hydrant Events Service=hydrant-test-transform in 3600 s",
		},
		"> 10 in 2 of 2, no data is notBreaching",
		"Events have fields that the catalogue does not know, more than one for ten events, for two hours.",
	},
	"ConversionFailuresAlarm": {
		[]string{"Sum of AWS/Firehose FailedConversion.Records DeliveryStreamName=DeliveryStream in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Rows did not fit the table, or the table was not there.",
	},
	"DeliveryFailuresAlarm": {
		[]string{"Average of AWS/Firehose DeliveryToS3.Success DeliveryStreamName=DeliveryStream in 300 s"},
		"< 1 in 2 of 3, no data is notBreaching",
		"Firehose fails to write to the bucket.",
	},
	"DlqQueueAgeAlarm": {
		[]string{"Maximum of AWS/SQS ApproximateAgeOfOldestMessage QueueName=DlqQueue in 300 s"},
		"> 3600 in 3 of 3, no data is notBreaching",
		"Error objects are not dealt with - a message of the dlq queue is older than an hour.",
	},
	"DlqQueueDepthAlarm": {
		[]string{"Minimum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=DlqQueue in 300 s"},
		"> 1000 in 3 of 3, no data is notBreaching",
		"The dlq function falls behind - a thousand messages are waiting in its queue.",
	},
	"DlqDeadLetterAlarm": {
		[]string{"Maximum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=DlqDeadLetterQueue in 300 s"},
		"> 0 in 1 of 1, no data is ignore",
		"The dlq function gave a message up. Its records are safe in their error object, but nobody deals with them.",
	},
	"DlqErrorsAlarm": {
		[]string{"Sum of AWS/Lambda Errors FunctionName=DlqFunction in 300 s"},
		"> 0 in 2 of 3, no data is notBreaching",
		"The dlq function ends with errors, or before it has answered.",
	},
	"DlqThrottlesAlarm": {
		[]string{"Sum of AWS/Lambda Throttles FunctionName=DlqFunction in 300 s"},
		"> 0 in 3 of 3, no data is notBreaching",
		"The dlq function is throttled - the concurrency of the account is used up.",
	},
	"AttemptsExhaustedAlarm": {
		[]string{"Sum of hydrant AttemptsExhausted Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Events were quarantined after their last attempt. What they met with has lasted for an hour.",
	},
	"QuarantinedUnknownCodeAlarm": {
		[]string{"Sum of hydrant Quarantined.unknown_code Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Events were quarantined because of an error code that hydrant does not know.",
	},
	"QuarantinedNotRetryableAlarm": {
		[]string{"Sum of hydrant Quarantined.not_retryable Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Events were quarantined because of an error that no attempt would mend.",
	},
	"QuarantinedTooLargeAlarm": {
		[]string{"Sum of hydrant Quarantined.too_large Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Events were quarantined because they are too large to be sent round.",
	},
	"QuarantinedNoErrorLineAlarm": {
		[]string{"Sum of hydrant Quarantined.no_error_line Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"An error object has lines that are not as Firehose writes them.",
	},
	"QuarantinedPanicAlarm": {
		[]string{"Sum of hydrant Quarantined.panic Service=hydrant-test-dlq in 300 s"},
		"> 0 in 1 of 1, no data is notBreaching",
		"Events were quarantined because judging them made the dlq function panic.",
	},
	"QuarantinedShareAlarm": {
		[]string{
			"share: 100 * FILL(quarantined, 0) / events",
			"quarantined: Sum of hydrant Quarantined Service=hydrant-test-dlq in 900 s",
			"events: Sum of hydrant Events Service=hydrant-test-transform in 900 s",
		},
		"> 5 in 2 of 2, no data is notBreaching",
		"More than 5 % of the events are quarantined.",
	},
	"QuarantineGrowthAlarm": {
		[]string{
			"share: IF(quarantined > 10, 100 * quarantined / events, 0)",
			"quarantined: Sum of hydrant Quarantined Service=hydrant-test-dlq in 3600 s",
			"events: Sum of hydrant Events Service=hydrant-test-transform in 3600 s",
		},
		"> 1 in 6 of 24, no data is notBreaching",
		"The quarantine grows steadily - in six of 24 hours more than 1 % of the events went there.",
	},
	"RedrivenShareAlarm": {
		[]string{
			"share: 100 * FILL(redriven, 0) / records",
			"redriven: Sum of hydrant RecordsSentRound Service=hydrant-test-dlq in 900 s",
			"records: Sum of hydrant Records Service=hydrant-test-transform in 900 s",
		},
		"> 20 in 4 of 4, no data is notBreaching",
		"More than 20 % of the records are sent round for an hour.",
	},
	"DeliveryLagAlarm": {
		[]string{
			"lag: MAX([FILL(fresh, 0), FILL(behind, 0) / 1000, FILL(age, 0) / 1000]) / (36 * 24)",
			"fresh: Maximum of AWS/Firehose DeliveryToS3.DataFreshness DeliveryStreamName=DeliveryStream in 300 s",
			"behind: Maximum of AWS/Firehose KinesisMillisBehindLatest DeliveryStreamName=DeliveryStream in 300 s",
			"age: Maximum of AWS/Kinesis GetRecords.IteratorAgeMilliseconds StreamName=Stream in 300 s",
		},
		"> 25 in 2 of 2, no data is notBreaching",
		"The oldest record that is not delivered has waited for a quarter of the stream's retention.",
	},
	"DeliveryLagHalfAlarm": {
		[]string{
			"lag: MAX([FILL(fresh, 0), FILL(behind, 0) / 1000, FILL(age, 0) / 1000]) / (36 * 24)",
			"fresh: Maximum of AWS/Firehose DeliveryToS3.DataFreshness DeliveryStreamName=DeliveryStream in 300 s",
			"behind: Maximum of AWS/Firehose KinesisMillisBehindLatest DeliveryStreamName=DeliveryStream in 300 s",
			"age: Maximum of AWS/Kinesis GetRecords.IteratorAgeMilliseconds StreamName=Stream in 300 s",
		},
		"> 50 in 1 of 1, no data is notBreaching",
		"URGENT - the oldest record that is not delivered has waited for half of the stream's retention. What is older than all of it is lost.",
	},
	"DeliveryStalledAlarm": {
		[]string{
			"unread: IF(FILL(read, 0) > 0, 0, incoming)",
			"read: Sum of AWS/Firehose DataReadFromKinesisStream.Records DeliveryStreamName=DeliveryStream in 300 s",
			"incoming: Sum of AWS/Kinesis IncomingRecords StreamName=Stream in 300 s",
		},
		"> 0 in 3 of 3, no data is notBreaching",
		"Records come into the stream, and Firehose has read none for a quarter of an hour.",
	},
	"NoDataAlarm": {
		[]string{"Sum of AWS/Firehose SucceedConversion.Records DeliveryStreamName=DeliveryStream in 60 s"},
		"< 1 in 60 of 60, no data is breaching",
		"No row has arrived for ExpectDataMinutes.",
	},
}

// otherwise is what an expression has in it, by the name of a stack, instead of what it has by default.
var otherwise = map[string][2]string{
	"prod": {"/ (36 * 24)", "/ (36 * 72)"},
}

func TestAlarms(t *testing.T) {
	stacks := watchedStacks(t)
	for name, resolved := range stacks {
		t.Run(name, func(t *testing.T) {
			want := maps.Clone(alarms)
			maps.DeleteFunc(want, func(id string, _ watch) bool {
				return strings.HasPrefix(id, "Authorizer") && resolved.Parameters["Authorization"] != "LAMBDA" || id == "NoDataAlarm" && resolved.Parameters["ExpectDataMinutes"] == "0"
			})
			for _, alarm := range ofType(resolved, "AWS::CloudWatch::Alarm") {
				got, want := watchOf(alarm), want[alarm.LogicalID].of(name)
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
					t.Errorf("%q: %#v,\nwant %#v", alarm.LogicalID, got, want)
				}
			}
			for id := range want {
				if resource(resolved, id).Type == "" {
					t.Errorf("%s is missing", id)
				}
			}
		})
	}
}

// watchedStacks are the stacks of samconfig.toml, and one with all that is off by default.
func watchedStacks(t *testing.T) map[string]*template.Resolved {
	t.Helper()
	parsed, err := template.Read(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	stacks := map[string]*template.Resolved{}
	for _, name := range []string{"default", "prod", "local"} {
		overrides, err := template.Overrides("../../samconfig.toml", name)
		if err != nil {
			t.Fatal(err)
		}
		stacks[name] = resolve(t, parsed, overrides)
	}
	stacks["all"] = resolve(t, parsed, map[string]string{"Authorization": "LAMBDA", "StaticTokens": "true", "ExpectDataMinutes": "60"})
	return stacks
}

func (w watch) of(stack string) watch {
	if change, ok := otherwise[stack]; ok {
		w.metrics = slices.Clone(w.metrics)
		for i := range w.metrics {
			w.metrics[i] = strings.Replace(w.metrics[i], change[0], change[1], 1)
		}
	}
	return w
}

func watchOf(alarm template.Resource) watch {
	p := alarm.Properties
	sentence, _, _ := strings.Cut(text(p, "AlarmDescription"), " docs/operate.md#")
	w := watch{sentence: sentence}
	metrics := items(at(p, "Metrics"))
	if metrics == nil {
		w.metrics = []string{metricText(p, text(p, "Statistic")+text(p, "ExtendedStatistic"), text(p, "Period"))}
	}
	for _, m := range metrics {
		returned := at(m, "ReturnData") == nil
		switch stat := at(m, "MetricStat"); {
		case stat == nil && returned:
			w.metrics = append(w.metrics, text(m, "Id")+": "+text(m, "Expression"))
		case stat != nil && !returned && text(m, "ReturnData") == "false":
			w.metrics = append(w.metrics, text(m, "Id")+": "+metricText(at(stat, "Metric"), text(stat, "Stat"), text(stat, "Period")))
		default:
			w.metrics = append(w.metrics, "neither the alarm's expression nor a metric of it: "+jsonOf(m))
		}
	}
	least := text(p, "DatapointsToAlarm")
	if least == "" {
		least = text(p, "EvaluationPeriods")
	}
	comparison := map[string]string{"GreaterThanThreshold": ">", "LessThanThreshold": "<"}[text(p, "ComparisonOperator")]
	w.when = fmt.Sprintf("%s %s in %s of %s, no data is %s", comparison, text(p, "Threshold"), least, text(p, "EvaluationPeriods"), text(p, "TreatMissingData"))
	if few := text(p, "EvaluateLowSampleCountPercentile"); few != "" {
		w.when += ", few samples: " + few
	}
	return w
}

func metricText(metric *template.Value, statistic, period string) string {
	var dimensions []string
	for _, d := range items(at(metric, "Dimensions")) {
		value := text(d, "Value") // GetAtt's result in these tests is an ARN, whatever is asked for
		dimensions = append(dimensions, text(d, "Name")+"="+value[strings.LastIndex(value, ":")+1:])
	}
	return fmt.Sprintf("%s of %s %s %s in %s s", statistic, text(metric, "Namespace"), text(metric, "MetricName"), strings.Join(dimensions, " "), period)
}

// CloudWatch has its price for each metric of an alarm ("Amazon CloudWatch Pricing"), and for none of an expression.
func TestWhatAlarmsCost(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	count := func(resolved *template.Resolved) (metrics int) {
		for range watched(resolved) {
			metrics++
		}
		return metrics
	}
	stacks := watchedStacks(t)
	metrics := count(stacks["default"])
	want := fmt.Sprintf("The %d alarms watch %d metrics, which is $%d.%d0 a month at $0.10 each; an authorizer and `ExpectDataMinutes` add %d.",
		len(ofType(stacks["default"], "AWS::CloudWatch::Alarm")), metrics, metrics/10, metrics%10, count(stacks["all"])-metrics)
	if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), want) {
		t.Errorf("docs/operate.md does not say: %s", want)
	}
}
