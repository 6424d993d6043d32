package main

import (
	"context"
	"fmt"
)

// result is what came of a probe.
type result string

// The results. Contradicted fails the run: the code leans on what is not so.
const (
	Settled      result = "settled"
	Contradicted result = "contradicted"
	NotRun       result = "not run"
)

type verdict struct {
	result result
	saw    string
}

func settled(format string, args ...any) verdict {
	return verdict{Settled, fmt.Sprintf(format, args...)}
}

func contradicted(format string, args ...any) verdict {
	return verdict{Contradicted, fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) verdict {
	return verdict{NotRun, fmt.Sprintf(format, args...)}
}

// probe tries what a line of docs/unproven.md takes to be so.
type probe struct {
	line string // U1
	how  string // the line's cell "Probe", without the word that says who runs it
	// run tries it, when the events of the run have been looked for. nil: it needs another deployment or a fault, and is done by hand.
	run func(ctx context.Context, s *smoke) verdict
}

// probes are all of them, in the order of docs/unproven.md. To add a line: write it there, with a Probe that begins with "`make smoke`: " or
// with "By hand: ", and give it an entry here with the rest of that cell.
var probes = []probe{
	{"U1", "the stack's status: it was deployed.", probeStatus},
	{"U2", "without CorsOrigin, a POST and three OPTIONS have no CORS header in their answers.", probeNoCors},
	{"U3", "a POST of one event is a 200.", probeOne},
	{"U4", "a POST of a record of 1,048,577 bytes is a 413.", probeLargeRecord},
	{"U5", "a POST of 1,001 records is a 400 `InvalidRequest`.", probeManyRecords},
	{"U6", "one access log line has all three.", probeAccessLog},
	{"U7", "events with `1.50`, `1E-7`, 20 digits, a name twice and a lone surrogate are judged, and kept in `extra`, as they were sent.", probeTexts},
	{"U8", "the quarantine has the code of an invalid event.", probeFailedCode},
	{"U9", "the delivery stream's processor has the template's size.", probeProcessor},
	{"U10", "`received_at` in Athena is the answer's `Date`, within a minute.", probeTimes},
	{"U11", "an invalid event's line of its error object.", probeErrorLine},
	{"U12", "with AWS_IAM and a role's credentials, `producer`.", probeProducer},
	{"U13", "add a column ([add-an-event-type.md](add-an-event-type.md)), `make deploy ENV=$env && make smoke STACK=$stack`: no check says that the column is null.", nil},
	{"U14", "after a first deployment both queues are empty.", probeQueues},
	{"U15", "`aws iam put-role-policy --role-name $(res DeliveryRole) --policy-name deny --policy-document '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"s3:PutObject\",\"Resource\":\"*\"}]}'`; `make smoke STACK=$stack ARGS=-no-probes` fails; `metric hydrant ErrorLog.S3.AccessDenied Service=$stack-dlq Sum`; `aws iam delete-role-policy --role-name $(res DeliveryRole) --policy-name deny`.", nil},
	{"U16", "all six methods are asked without a credential, in the mode that is deployed.", probeMethods},
	{"U17", "with LAMBDA, what API Gateway says of its authorizer.", probeTTL},
	{"U18", "with LAMBDA, the headers of an answer to a request without a token.", probeChallenge},
	{"U19", "with LAMBDA and StaticTokens, `aws secretsmanager put-secret-value --secret-id $(res TokensSecret) --secret-string broken`; a static token is a 500 `AuthorizerFailure` ([authorization.md](authorization.md)); put the value back.", nil},
	{"U20", "with TextBodies, a POST of `{\"Data\":null}` as text/plain is a 400.", probeTextBody},
	{"U21", "`make deploy ENV=$env ARGS=\"--parameter-overrides AllowedCidrs=192.0.2.0/24\"`, then with `AllowedCidrs=`; `aws apigateway get-rest-api --rest-api-id $(res Api) --query policy` is null.", nil},
	{"U22", "with LAMBDA and ApiKeyRequired, requests with either alone are refused.", probeBoth},
	{"U23", "deploy with a key (`KmsKeyArn`); `make smoke STACK=$stack` finds its rows, and its invalid event in the quarantine.", nil},
	{"U24", "deploy with `SourceBackup=Enabled`; look at an object as [operate.md](operate.md#options) says.", nil},
	{"U25", "deploy with `ExistingStreamName`; `make smoke STACK=$stack`.", nil},
	{"U26", "send to a PROVISIONED stream of one shard until it answers 429; `5XXError` stays 0.", nil},
	{"U27", "with LAMBDA, `make deploy ENV=$env ARGS=\"--parameter-overrides JwtIssuer=x JwtAudience=y\"`; send a token; `metric AWS/Lambda Invocations FunctionName=$(res AuthorizerFunction) Sum` counts it.", nil},
	{"U28", "`FILL(m, 0)` over a metric that is not there has values.", probeFill},
	{"U34", "`aws cloudwatch put-dashboard --dashboard-name try --dashboard-body \"$(aws cloudwatch get-dashboard --dashboard-name $stack-$AWS_DEFAULT_REGION --query DashboardBody --output text)\"` has no message; `aws cloudwatch delete-dashboards --dashboard-names try`.", nil},
	{"U35", "each saved query answers, `SlowRequestsQuery` the slowest first; `status < 1000` finds requests, and their latency has a mean.", probeInsights},
	{"U36", "with LAMBDA and StaticTokens, a token for the producer `a\"b` ([authorization.md](authorization.md)); `insights RequestsByCallerQuery` names it.", nil},
	{"U37", "with Tracing, X-Ray has counted requests by the rule of the API's name.", probeSampling},
	{"U38", "after a deployment that changed a parameter of a function, those behind `live` have the stack's parameters and the number of its settings.", probeVersions},
	{"U39", "deploy twice to staging, the second time with another `RejectionSamples`.", nil},
	{"U40", "with `Compaction=HOURLY`, half an hour past the hour, `ask 'SELECT \"$path\", count(*) FROM events_by_type GROUP BY 1'` shows files under `type=…/event_date=…/`.", nil},
	{"U41", "with `Compaction`, the last figure of the commands at [CompactionFailedAlarm](operate.md#compactionfailedalarm) against the size of four days under `events/`.", nil},
	{"U42", "with `Compaction`, after a run, `aws cloudwatch list-metrics --namespace AWS/Athena --dimensions Name=WorkGroup,Value=$(res CompactionWorkGroup)`; then start a query in the workgroup and stop it (`aws athena stop-query-execution`).", nil},
	{"U43", "with `Compaction=HOURLY`, half an hour past the hour, the commands at [CompactionStaleAlarm](operate.md#compactionstalealarm): no message in the queue, and a run that has SUCCEEDED.", nil},
	{"U44", "with `Compaction=DAILY`, after a week, `aws s3 ls --recursive --summarize s3://$(res Bucket)/events_by_type/`.", nil},
	{"U45", "do [erasure.md](erasure.md) with a test user; `ask \"SELECT max(received_at), count(*) FROM events WHERE dt = '$(date -u +%F)'\"` before and after.", nil},
	{"U46", "`make deploy ENV=$env ARGS=\"--parameter-overrides ThrottleRate=50 ExecutionLogs=ERROR\"`, then with `ThrottleRate=0 ExecutionLogs=OFF`; `aws apigateway get-stage --rest-api-id $(res Api) --stage-name v1 --query methodSettings` has nothing.", nil},
	{"U47", "with a key, do [another key](operate.md#another-key); `aws sqs get-queue-attributes --queue-url $(res DlqQueue) --attribute-names KmsMasterKeyId`, `aws secretsmanager describe-secret --secret-id $(res TokensSecret) --query KmsKeyId` and `aws logs describe-log-groups --log-group-name-prefix /hydrant/$stack/ --query 'logGroups[].kmsKeyId'` have nothing.", nil},
	{"U48", "on staging, `make deploy ENV=$env ARGS=\"--parameter-overrides RejectionSamples=4\"`, and meanwhile `aws codedeploy stop-deployment --auto-rollback-enabled --deployment-id` of what `aws codedeploy list-deployments --include-only-statuses InProgress` shows; the same `make deploy` again ends well.", nil},
	{"U49", "`make deploy ENV=$env ARGS=\"--parameter-overrides ApiKeyRequired=true\"`, then with `ApiKeyRequired=false`; `aws apigateway get-usage-plans --query \"items[?name=='$stack'].id\"` is empty.", nil},
}
