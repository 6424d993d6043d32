package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// deployed is a stack in an account.
type deployed struct {
	name      string
	results   string // where Athena writes its answers
	workgroup string
	config    aws.Config
	account   string // its number

	known *facts
	state string
}

// patience is how long credentials and whoever they are of are waited for.
const patience = 20 * time.Second

// deployedStack answers a stack in a Region, with credentials that AWS takes. Its errors say what to do; of what AWS says they have the code alone,
// since a message may quote a part of what was sent.
func deployedStack(ctx context.Context, o *options) (*deployed, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("there are no credentials that can be used: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("there is no Region. Set AWS_DEFAULT_REGION or AWS_REGION, or choose a profile that has one by AWS_PROFILE")
	}
	d := &deployed{name: o.stack, results: o.results, workgroup: o.workgroup, config: cfg}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(bounded); err != nil {
		return nil, fmt.Errorf("there are no credentials%s. Give them as for the AWS CLI: AWS_PROFILE, AWS_ACCESS_KEY_ID with the rest, or aws sso login", why(err))
	}
	arn, err := d.caller(bounded)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return nil, fmt.Errorf("AWS does not take these credentials (%s). Renew them, or choose others by AWS_PROFILE", api.ErrorCode())
	}
	if err != nil {
		return nil, fmt.Errorf("AWS cannot be reached: %w", cause(err))
	}
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		d.account = parts[4]
	}
	return d, nil
}

// why is what a profile or a login has against it. Of the metadata of an instance, which is the last that is asked for credentials, nobody wants to know.
func why(err error) string {
	if strings.Contains(err.Error(), "EC2 IMDS") {
		return ""
	}
	return fmt.Sprintf(" that can be used (%v)", cause(err))
}

// cause is the last of what an error wraps that says something: the SDK's own words say which of its parts met with it.
func cause(err error) error {
	if sent, ok := errors.AsType[*url.Error](err); ok {
		return sent
	}
	return err
}

func (d *deployed) facts(ctx context.Context) (*facts, error) {
	client := cloudformation.NewFromConfig(d.config)
	answer, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(d.name)})
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return nil, fmt.Errorf("CloudFormation does not show the stack %s (%s): is it of the account %s and %s?", d.name, api.ErrorCode(), d.account, d.config.Region)
	}
	if err != nil {
		return nil, fmt.Errorf("AWS cannot be reached: %w", cause(err))
	}
	if len(answer.Stacks) != 1 {
		return nil, fmt.Errorf("CloudFormation knows %d stacks called %s", len(answer.Stacks), d.name)
	}
	s := answer.Stacks[0]
	d.state = string(s.StackStatus)
	f := &facts{
		name: "the stack " + d.name, parameters: map[string]string{}, resources: map[string]string{}, config: d.config, credentials: d.config.Credentials,
		pathStyle: d.config.BaseEndpoint != nil,
	}
	for _, p := range s.Parameters {
		f.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range s.Outputs {
		if aws.ToString(o.OutputKey) == "ApiUrl" {
			f.api = aws.ToString(o.OutputValue)
		}
	}
	for pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: aws.String(d.name)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.StackResourceSummaries {
			f.resources[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	for _, id := range []string{"Database", "Bucket"} {
		if f.resources[id] == "" {
			return nil, fmt.Errorf("the stack %s (%s) has no %s: it is not one of hydrant's, or not deployed yet", d.name, d.state, id)
		}
	}
	if f.api == "" {
		return nil, fmt.Errorf("the stack %s (%s) has no output ApiUrl", d.name, d.state)
	}
	d.known = f
	return f, nil
}

// hasten does nothing: Firehose delivers when its buffers are full or old.
func (d *deployed) hasten(context.Context) error { return nil }

func (d *deployed) rows(ctx context.Context, t table, requestIDs []string, since time.Time) ([]row, error) {
	client := athena.NewFromConfig(d.config)
	input := &athena.StartQueryExecutionInput{
		QueryString:           aws.String(t.query(requestIDs, since, time.Now())),
		QueryExecutionContext: &athenatypes.QueryExecutionContext{Database: aws.String(d.known.resources["Database"])},
		ResultConfiguration: &athenatypes.ResultConfiguration{
			OutputLocation: aws.String(cmp.Or(d.results, "s3://"+d.known.resources["Bucket"]+"/athena/")),
		},
	}
	if d.workgroup != "" {
		input.WorkGroup = aws.String(d.workgroup)
	}
	started, err := client.StartQueryExecution(ctx, input)
	if err != nil {
		return nil, err
	}
	if err := queryDone(ctx, client, started.QueryExecutionId); err != nil {
		return nil, fmt.Errorf("the table %s: %w", t.name, err)
	}
	var columns []string
	var rows []row
	for pages := athena.NewGetQueryResultsPaginator(client, &athena.GetQueryResultsInput{QueryExecutionId: started.QueryExecutionId}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResultSet.Rows {
			var cells []*string
			for _, c := range r.Data {
				cells = append(cells, c.VarCharValue)
			}
			if columns == nil { // the first row of the first page has the columns' names
				for _, c := range cells {
					columns = append(columns, aws.ToString(c))
				}
				continue
			}
			read, err := t.fromCells(columns, cells)
			if err != nil {
				return nil, err
			}
			rows = append(rows, read)
		}
	}
	return rows, nil
}

// queryDone waits until a query is done.
func queryDone(ctx context.Context, client *athena.Client, id *string) error {
	for pause := newPause(500*time.Millisecond, 5*time.Second); ; {
		answer, err := client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: id})
		if err != nil {
			return err
		}
		switch s := answer.QueryExecution.Status; s.State {
		case athenatypes.QueryExecutionStateSucceeded:
			return nil
		case athenatypes.QueryExecutionStateQueued, athenatypes.QueryExecutionStateRunning:
		default:
			return fmt.Errorf("query %s: %s %s", aws.ToString(id), s.State, aws.ToString(s.StateChangeReason))
		}
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

// mostLogPages bounds the search for a line: CloudWatch Logs answers empty pages while it has more to look through.
const mostLogPages = 50

func (d *deployed) accessLog(ctx context.Context, requestID string, since time.Time) ([]byte, error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(d.config), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(d.known.resources[apiLogGroup]), StartTime: aws.Int64(since.UnixMilli()),
		FilterPattern: aws.String(`{ $.requestId = "` + strings.ReplaceAll(requestID, `"`, "") + `" }`),
	})
	for n := 0; pages.HasMorePages() && n < mostLogPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.Events) > 0 {
			return []byte(aws.ToString(page.Events[0].Message)), nil
		}
	}
	return nil, nil
}

func (d *deployed) caller(ctx context.Context) (string, error) {
	answer, err := sts.NewFromConfig(d.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(answer.Arn), nil
}

func (d *deployed) status() (string, error) { return d.state, nil }

func (d *deployed) processor(ctx context.Context) (map[string]string, error) {
	answer, err := firehose.NewFromConfig(d.config).DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{
		DeliveryStreamName: aws.String(d.known.resources["DeliveryStream"]),
	})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, destination := range answer.DeliveryStreamDescription.Destinations {
		s3 := destination.ExtendedS3DestinationDescription
		if s3 == nil || s3.ProcessingConfiguration == nil {
			continue
		}
		for _, p := range s3.ProcessingConfiguration.Processors {
			if p.Type != firehosetypes.ProcessorTypeLambda {
				continue
			}
			for _, parameter := range p.Parameters {
				out[string(parameter.ParameterName)] = aws.ToString(parameter.ParameterValue)
			}
		}
	}
	return out, nil
}

func (d *deployed) authorizerTTL(ctx context.Context) ([]int32, error) {
	answer, err := apigateway.NewFromConfig(d.config).GetAuthorizers(ctx, &apigateway.GetAuthorizersInput{RestApiId: aws.String(d.known.resources["Api"])})
	if err != nil {
		return nil, err
	}
	var all []int32
	for _, a := range answer.Items {
		all = append(all, aws.ToInt32(a.AuthorizerResultTtlInSeconds))
	}
	return all, nil
}

func (d *deployed) where(id string) string {
	return fmt.Sprintf("make where ID='%s' STACK=%s", id, d.name)
}

// hours are the partitions that what arrives between two moments can be in: days, and hours of days. Firehose names them by the oldest record
// of an object, which may have waited for a quarter of an hour in a buffer.
func hours(since, now time.Time) (days, hours []string) {
	for t := since.Add(-time.Hour).UTC().Truncate(time.Hour); !t.After(now); t = t.Add(time.Hour) {
		if day := t.Format(time.DateOnly); !slices.Contains(days, day) {
			days = append(days, day)
		}
		if hour := t.Format("15"); !slices.Contains(hours, hour) {
			hours = append(hours, hour)
		}
	}
	return days, hours
}
