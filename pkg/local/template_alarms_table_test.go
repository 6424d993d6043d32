package main_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/alarmtest"
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
	"AuthorizerRefreshAlarm": {
		[]string{"Average of hydrant RefreshFailures Service=hydrant-test-authorizer in 3600 s"},
		"> 0.5 in 3 of 3, no data is notBreaching",
		"For three hours most attempts of the authorizer to read its keys or tokens again have failed. After 24 hours it cannot judge callers any more.",
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
	"CompactionFailedAlarm": {
		[]string{
			"ended: MAX([FILL(failed, 0), FILL(cancelled, 0)])",
			"failed: SampleCount of AWS/Athena TotalExecutionTime QueryState=FAILED QueryType=DML WorkGroup=CompactionWorkGroup in 300 s",
			"cancelled: SampleCount of AWS/Athena TotalExecutionTime QueryState=CANCELED QueryType=DML WorkGroup=CompactionWorkGroup in 300 s",
		},
		"> 0 in 1 of 1, no data is notBreaching",
		"A run of the compaction failed or was cancelled.",
	},
	"CompactionStaleAlarm": {
		[]string{"SampleCount of AWS/Athena TotalExecutionTime QueryState=SUCCEEDED QueryType=DML WorkGroup=CompactionWorkGroup in 86400 s"},
		"< 1 in 2 of 2, no data is breaching",
		"No run of the compaction has succeeded for two days.",
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
				return strings.HasPrefix(id, "Authorizer") && resolved.Parameters["Authorization"] != "LAMBDA" ||
					strings.HasPrefix(id, "Compaction") && resolved.Parameters["Compaction"] == "OFF" || id == "NoDataAlarm" && resolved.Parameters["ExpectDataMinutes"] == "0"
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
	stacks["all"] = resolve(t, parsed, map[string]string{"Authorization": "LAMBDA", "StaticTokens": "true", "ExpectDataMinutes": "60", "Compaction": "HOURLY"})
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
	want := fmt.Sprintf("The %d alarms watch %d metrics, which is $%d.%d0 a month at $0.10 each; an authorizer, `ExpectDataMinutes` and `Compaction` add %d.",
		len(ofType(stacks["default"], "AWS::CloudWatch::Alarm")), metrics, metrics/10, metrics%10, count(stacks["all"])-metrics)
	if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), want) {
		t.Errorf("docs/operate.md does not say: %s", want)
	}
}

// What expressions come to, by hand, periods without a value among them: "-" is none.
func TestExpressionsOfAlarms(t *testing.T) {
	examples := map[string][]struct {
		metrics map[string]float64 // one that is left out has no value
		want    string
	}{
		"AuthorizerErrorsAlarm": {
			{map[string]float64{"invocations": 200, "decisions": 198}, "1"},
			{map[string]float64{"invocations": 10}, "100"}, // it cannot start
			{map[string]float64{"decisions": 3}, "-"},      // the newest minute, of which Lambda has not told yet
			{nil, "-"},
		},
		"TransformDurationAlarm": {{map[string]float64{"longest": 30_000}, "50"}, {nil, "-"}},
		"RejectedShareAlarm": {
			{map[string]float64{"rejected": 11, "events": 20}, "55"},
			{map[string]float64{"rejected": 10, "events": 10}, "0"}, // ten wake nobody
			{map[string]float64{"rejected": 0, "events": 0}, "0"},   // a batch without events
			{nil, "-"},
		},
		"UnknownFieldsAlarm": {{map[string]float64{"fields": 12, "events": 48}, "25"}, {map[string]float64{"fields": 10, "events": 10}, "0"}, {nil, "-"}},
		"QuarantinedShareAlarm": {
			{map[string]float64{"quarantined": 1, "events": 20}, "5"},
			{map[string]float64{"events": 20}, "0"},
			{map[string]float64{"quarantined": 5}, "-"}, // what failed in an earlier period, or before the transform: other alarms tell
			{nil, "-"},
		},
		"QuarantineGrowthAlarm": {
			{map[string]float64{"quarantined": 11, "events": 1100}, "1"},
			{map[string]float64{"quarantined": 10, "events": 10}, "0"},
			{map[string]float64{"quarantined": 11}, "0"}, // IF takes what it has chosen and is not there for 0
			{map[string]float64{"events": 20}, "-"},
			{nil, "-"},
		},
		"RedrivenShareAlarm": {{map[string]float64{"redriven": 1, "records": 5}, "20"}, {map[string]float64{"records": 5}, "0"}, {map[string]float64{"redriven": 5}, "-"}, {nil, "-"}},
		"DeliveryLagAlarm": {
			{map[string]float64{"fresh": 6 * 3600, "behind": 60_000, "age": 60_000}, "25"},
			{map[string]float64{"behind": 12 * 3_600_000}, "50"}, // the others are silent
			{map[string]float64{"age": 24 * 3_600_000}, "100"},
			{nil, "0"},
		},
		"DeliveryLagHalfAlarm":  {{map[string]float64{"fresh": 12 * 3600}, "50"}, {map[string]float64{"age": 12 * 3_600_000}, "50"}, {nil, "0"}},
		"CompactionFailedAlarm": {{map[string]float64{"failed": 1}, "1"}, {map[string]float64{"cancelled": 2}, "2"}, {nil, "0"}},
		"DeliveryStalledAlarm": {
			{map[string]float64{"incoming": 5}, "5"}, // Firehose may not read, and has no metric
			{map[string]float64{"incoming": 5, "read": 0}, "5"},
			{map[string]float64{"incoming": 5, "read": 1}, "0"},
			{map[string]float64{"read": 5}, "0"},
			{nil, "-"},
		},
	}
	for id, ids := range expressions(t) {
		if examples[id] == nil {
			t.Errorf("%s has no example", id)
		}
		for _, example := range examples[id] {
			got, err := ids.expression.Series(onePeriod(ids.metrics, example.metrics), alarmtest.AsZero)
			if text := seriesText(got); err != nil || text != example.want {
				t.Errorf("%s of %v is %s (%v), not %s", id, example.metrics, text, err, example.want)
			}
		}
	}
}

// AWS says that arithmetic takes a missing value for 0, and those who have tried that it drops the period: no alarm may depend on it.
func TestNoAlarmDependsOnTheReadingOfMissingData(t *testing.T) {
	for id, e := range expressions(t) {
		// Each metric has none of these values in turn, or one of them.
		choices := []float64{alarmtest.None, 0, 1, 11, 1e6}
		for n := range int(math.Pow(float64(len(choices)), float64(len(e.metrics)))) {
			values := map[string]float64{}
			for _, metric := range e.metrics {
				values[metric] = choices[n%len(choices)]
				n /= len(choices)
			}
			zero, err := e.expression.Series(onePeriod(e.metrics, values), alarmtest.AsZero)
			dropped, errDropped := e.expression.Series(onePeriod(e.metrics, values), alarmtest.Drops)
			if err != nil || errDropped != nil || seriesText(zero) != seriesText(dropped) {
				t.Errorf("%s of %v is %s (%v) or %s (%v)", id, values, seriesText(zero), err, seriesText(dropped), errDropped)
			}
		}
	}
}

// onePeriod is one period with these values.
func onePeriod(ids []string, values map[string]float64) map[string]alarmtest.Series {
	series := map[string]alarmtest.Series{}
	for _, id := range ids {
		value, there := values[id]
		if !there {
			value = alarmtest.None
		}
		series[id] = alarmtest.Series{value}
	}
	return series
}

func seriesText(s alarmtest.Series) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]float64(s)), "[]"), "NaN", "-")
}

type mathOfAlarm struct {
	expression *alarmtest.Expression
	metrics    []string
}

// expressions are those of the alarms, with the ids of their metrics.
func expressions(t *testing.T) map[string]mathOfAlarm {
	t.Helper()
	found := map[string]mathOfAlarm{}
	for _, alarm := range ofType(watchedStacks(t)["all"], "AWS::CloudWatch::Alarm") {
		var e mathOfAlarm
		for _, m := range items(at(alarm.Properties, "Metrics")) {
			if at(m, "Expression") == nil {
				e.metrics = append(e.metrics, text(m, "Id"))
				continue
			}
			var err error
			if e.expression, err = alarmtest.Parse(text(m, "Expression")); err != nil {
				t.Fatalf("%s: %v", alarm.LogicalID, err)
			}
		}
		if e.expression != nil {
			found[alarm.LogicalID] = e
		}
	}
	return found
}
