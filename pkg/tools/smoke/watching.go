package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/xray"
)

func probeFill(ctx context.Context, s *smoke) verdict {
	values, err := s.stack.filled(ctx)
	switch {
	case err != nil:
		return notRun(err)
	case len(values) == 0:
		return contradicted("FILL(m, 0) has no value where m has none")
	case slices.ContainsFunc(values, func(v float64) bool { return v != 0 }):
		return contradicted("FILL(m, 0) is %v where m has no value", values)
	}
	return settled("FILL(m, 0) is 0 in %s", plural(len(values), "minute"))
}

// fillOver is how much of the past is asked for: enough minutes, and all of them over.
const fillOver = 10 * time.Minute

// filled asks for a metric that nothing counts.
func (d *deployed) filled(ctx context.Context) (values []float64, err error) {
	now := time.Now().Truncate(time.Minute)
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(d.config), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-fillOver)), EndTime: aws.Time(now),
		MetricDataQueries: []cloudwatchtypes.MetricDataQuery{
			{Id: aws.String("m"), ReturnData: aws.Bool(false), MetricStat: &cloudwatchtypes.MetricStat{
				Metric: &cloudwatchtypes.Metric{
					Namespace: aws.String(d.known.parameters["MetricsNamespace"]), MetricName: aws.String("NeverCounted"),
					Dimensions: []cloudwatchtypes.Dimension{{Name: aws.String("Service"), Value: aws.String(d.name + "-smoke")}},
				},
				Period: aws.Int32(60), Stat: aws.String("Sum"),
			}},
			{Id: aws.String("filled"), Expression: aws.String("FILL(m, 0)")},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.MetricDataResults {
			if aws.ToString(r.Id) == "filled" {
				values = append(values, r.Values...)
			}
		}
	}
	return values, nil
}

func (l *local) filled(context.Context) ([]float64, error) { return nil, notHere("metric math") }

// insight is a query of Logs Insights.
type insight struct {
	id, name string // of one that is saved
	groups   []string
	text     string
}

// badInsight is what Logs Insights has against a query.
type badInsight struct{ name, why string }

func (b badInsight) Error() string { return fmt.Sprintf("the query %q: %s", b.name, b.why) }

// unlessBad is notRun, but that a query which Logs Insights refuses is an answer.
func unlessBad(err error) verdict {
	var bad badInsight
	if errors.As(err, &bad) {
		return contradicted("%s", bad)
	}
	return notRun(err)
}

// comparing has requests only if numbers in quotes are compared as numbers: "200" comes behind "1000".
const comparing = `filter status < 1000 | stats count(*) as requests, avg(responseLatency) as mean`

func probeInsights(ctx context.Context, s *smoke) verdict {
	x, missing := s.first()
	if missing != nil {
		return *missing
	}
	saved, err := s.stack.saved(ctx)
	if err != nil {
		return notRun(err)
	}
	i := slices.IndexFunc(saved, func(q insight) bool { return q.id == s.facts.resources["SlowRequestsQuery"] })
	if i < 0 {
		return skipped("SlowRequestsQuery is not among the %d saved queries of the stack", len(saved))
	}
	since := s.began // the requests of the run are enough, and what is read is paid for
	slowest, err := s.lines(ctx, saved[i], since)
	if err != nil {
		return unlessBad(err)
	}
	for _, q := range saved {
		q.text = strings.ReplaceAll(q.text, "the RequestId of the answer", strings.ReplaceAll(x.answer.RequestID, `"`, ""))
		if _, err := s.stack.insights(ctx, q, since); err != nil {
			return unlessBad(err)
		}
	}
	if len(slowest) == 0 {
		return skipped("%d saved queries answer, and the access log has no line after %s", len(saved), logWithin)
	}
	compared, err := s.stack.insights(ctx, insight{name: comparing, groups: []string{s.facts.resources[apiLogGroup]}, text: comparing}, since)
	if err != nil {
		return unlessBad(err)
	}
	if len(compared) == 0 || compared[0]["requests"] == "0" {
		return contradicted("status < 1000 finds none of %s", plural(len(slowest), "request"))
	}
	if _, err := strconv.ParseFloat(compared[0]["mean"], 64); err != nil {
		return contradicted("the mean of responseLatency is %q", compared[0]["mean"])
	}
	tells, fault := falling(slowest, "responseLatency")
	switch {
	case fault != "":
		return contradicted("sorted by responseLatency, %s", fault)
	case !tells:
		return skipped("%d saved queries answer; of %s none tells whether numbers or texts are sorted", len(saved), plural(len(slowest), "request"))
	}
	return settled("%d saved queries answer; the slowest of %s is first, the mean %s ms", len(saved), plural(len(slowest), "request"), compared[0]["mean"])
}

// lines asks until there is an answer that has any, or logWithin is over.
func (s *smoke) lines(ctx context.Context, q insight, since time.Time) ([]map[string]string, error) {
	bounded, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	for pause := newPause(firstPause, mostPause); ; {
		rows, err := s.stack.insights(bounded, q, since)
		if err == nil && len(rows) == 0 {
			err = pause.wait(bounded)
		}
		if ctx.Err() == nil && bounded.Err() != nil {
			return nil, nil
		}
		if err != nil || len(rows) > 0 {
			return rows, err
		}
	}
}

// falling tells whether numbers in a column are in their falling order, as a sentence if not, and whether texts would have another.
func falling(rows []map[string]string, column string) (tells bool, fault string) {
	before, last := "", 0.0
	for _, r := range rows {
		text := r[column]
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // a dash: it did not come to that
		}
		if before != "" && number > last {
			return true, fmt.Sprintf("%s stands behind %s", text, before)
		}
		tells = tells || before != "" && text > before
		before, last = text, number
	}
	return tells, ""
}

// mostQueryPages bounds the account's saved queries that are looked through: those of other stacks may have names that begin alike.
const mostQueryPages = 50

// saved answers the stack's queries.
func (d *deployed) saved(ctx context.Context) (all []insight, err error) {
	client, input := cloudwatchlogs.NewFromConfig(d.config), &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: aws.String(d.name + "/")}
	ours := map[string]bool{}
	for _, id := range d.known.resources {
		ours[id] = true
	}
	for range mostQueryPages {
		page, err := client.DescribeQueryDefinitions(ctx, input)
		if err != nil {
			return nil, err
		}
		for _, q := range page.QueryDefinitions {
			if id := aws.ToString(q.QueryDefinitionId); ours[id] {
				all = append(all, insight{id, aws.ToString(q.Name), q.LogGroupNames, aws.ToString(q.QueryString)})
			}
		}
		if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
			break
		}
	}
	return all, nil
}

// insights asks Logs Insights, and answers the rows of the first page by column.
func (d *deployed) insights(ctx context.Context, q insight, since time.Time) ([]map[string]string, error) {
	client := cloudwatchlogs.NewFromConfig(d.config)
	started, err := client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupNames: q.groups, QueryString: aws.String(q.text), StartTime: aws.Int64(since.Unix()), EndTime: aws.Int64(time.Now().Unix()),
	})
	var malformed *logstypes.MalformedQueryException
	if errors.As(err, &malformed) {
		return nil, badInsight{q.name, malformed.ErrorMessage()}
	}
	if err != nil {
		return nil, err
	}
	for pause := newPause(200*time.Millisecond, 5*time.Second); ; {
		answer, err := client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			return nil, err
		}
		switch answer.Status {
		case logstypes.QueryStatusComplete:
			var rows []map[string]string
			for _, fields := range answer.Results {
				r := map[string]string{}
				for _, f := range fields {
					r[aws.ToString(f.Field)] = aws.ToString(f.Value)
				}
				rows = append(rows, r)
			}
			return rows, nil
		case logstypes.QueryStatusScheduled, logstypes.QueryStatusRunning, logstypes.QueryStatusUnknown:
		case logstypes.QueryStatusFailed:
			return nil, badInsight{q.name, string(answer.Status)}
		default:
			return nil, fmt.Errorf("the query %q: %s", q.name, answer.Status)
		}
		if err := pause.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (l *local) saved(context.Context) ([]insight, error) { return nil, notHere("Logs Insights") }

func (l *local) insights(context.Context, insight, time.Time) ([]map[string]string, error) {
	return nil, notHere("Logs Insights")
}

func probeSampling(ctx context.Context, s *smoke) verdict {
	if tracing := s.facts.parameters["Tracing"]; tracing != "Active" {
		return skipped("Tracing=%s", tracing)
	}
	rule := "hydrant-" + s.facts.resources["Api"]
	requests, traced, err := s.stack.sampled(ctx, rule)
	switch {
	case err != nil:
		return notRun(err)
	case requests == 0:
		return skipped("X-Ray has counted no request by the rule %s yet", rule) // nor does it say which rule others were counted by
	}
	return settled("by the rule %s %d of %s were traced", rule, traced, plural(requests, "request"))
}

// sampled answers how many requests X-Ray has lately counted by a rule, and how many of them were traced.
func (d *deployed) sampled(ctx context.Context, rule string) (requests, traced int, err error) {
	pages := xray.NewGetSamplingStatisticSummariesPaginator(xray.NewFromConfig(d.config), &xray.GetSamplingStatisticSummariesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range page.SamplingStatisticSummaries {
			if aws.ToString(r.RuleName) == rule {
				requests, traced = requests+int(r.RequestCount), traced+int(r.SampledCount)
			}
		}
	}
	return requests, traced, nil
}

func (l *local) sampled(context.Context, string) (requests, traced int, err error) {
	return 0, 0, notHere("X-Ray")
}
