package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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

func probeStatus(_ context.Context, s *smoke) verdict {
	status, err := s.stack.status()
	switch {
	case err != nil:
		return notRun(err)
	case status == "CREATE_COMPLETE", status == "UPDATE_COMPLETE", status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return settled("%s", status)
	}
	return skipped("the stack is %s: its last deployment says nothing", status)
}

// first is the first request that was accepted, which is of one event.
func (s *smoke) first() (*exchange, *verdict) {
	for _, x := range s.ledger.exchanges {
		if x.accepted() && !x.batch && len(x.events) == 1 {
			return x, nil
		}
	}
	v := skipped("no event was accepted")
	return nil, &v
}

func probeNoCors(ctx context.Context, s *smoke) verdict {
	if origin := s.facts.parameters["CorsOrigin"]; origin != "" {
		return skipped("CorsOrigin=%s", origin)
	}
	x, missing := s.first()
	if missing != nil {
		return *missing
	}
	headers := map[string]http.Header{"POST /record": x.answer.header}
	for _, route := range []string{"/record", "/records", "/health"} {
		a, err := s.sender.send(ctx, call{method: http.MethodOptions, route: route, withoutCredential: true, withoutKey: true})
		if err != nil {
			return notRun(err)
		}
		headers["OPTIONS "+route] = a.header
	}
	for of, header := range headers {
		for name, values := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				return contradicted("the answer to %s has %s: %s", of, name, strings.Join(values, ", "))
			}
		}
	}
	return settled("4 answers without one")
}

func probeOne(_ context.Context, s *smoke) verdict {
	if x, _ := s.first(); x != nil {
		return settled("POST /record was answered with %s", x.answer)
	}
	for _, x := range s.ledger.exchanges {
		if x.answer.status >= 500 {
			return contradicted("POST %s was answered with %s", x.what, x.answer)
		}
	}
	return skipped("no event was accepted, and no answer was a 500")
}

// padded is an event that is marked and so many bytes long at least.
func (s *smoke) padded(bytes int) []byte {
	return fmt.Appendf(nil, `{"type":"smoke_large","test":true,"user_id":%q,"session_id":%q,"padding":"%s"}`, smokeUser, s.run, strings.Repeat("x", bytes))
}

func probeLargeRecord(ctx context.Context, s *smoke) verdict {
	a, err := s.sender.send(ctx, call{route: "/record", body: append(append([]byte(`{"Data":`), s.padded(1<<20+1)...), '}')})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 413 && a.Code == "RecordTooLarge":
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

func probeManyRecords(ctx context.Context, s *smoke) verdict {
	one := append(append([]byte(`{"Data":`), s.padded(0)...), '}')
	body := append([]byte(`{"Records":[`), bytes.Repeat(append(slices.Clone(one), ','), 1000)...)
	a, err := s.sender.send(ctx, call{route: "/records", body: append(append(body, one...), "]}"...)})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 400 && a.Code == "InvalidRequest":
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

// logWithin is how long an access log line may be late.
const logWithin = 2 * time.Minute

func probeAccessLog(ctx context.Context, s *smoke) verdict {
	x, missing := s.first()
	if missing != nil {
		return *missing
	}
	bounded, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	for pause := newPause(200*time.Millisecond, mostPause); ; {
		line, err := s.stack.accessLog(bounded, x.answer.RequestID, s.began)
		if line != nil {
			return loggedIntegration(line)
		}
		if err == nil {
			err = pause.wait(bounded)
		}
		if bounded.Err() != nil {
			return skipped("the request %s has no line in the access log after %s", x.answer.RequestID, logWithin)
		}
		if err != nil {
			return notRun(err)
		}
	}
}

func loggedIntegration(line []byte) verdict {
	var logged map[string]any
	if err := json.Unmarshal(line, &logged); err != nil {
		return contradicted("an access log line is no JSON object")
	}
	var saw []string
	for _, name := range []string{"integrationLatency", "integrationStatus", "integrationRequestId"} {
		value := fmt.Sprint(logged[name])
		if logged[name] == nil || value == "" || value == "-" {
			return contradicted("%s is %q", name, value)
		}
		saw = append(saw, name+" "+value)
	}
	return settled("%s", strings.Join(saw, ", "))
}

func probeTexts(_ context.Context, s *smoke) verdict {
	for _, x := range s.ledger.exchanges {
		if x.question != "U7" {
			continue
		}
		if len(x.events) == 0 {
			return contradicted("the request was answered with %s", x.answer)
		}
		for _, e := range x.events {
			if !e.seen() {
				return skipped("event %s is in neither table", e.id)
			}
			if faults := s.ledger.faults(e); len(faults) > 0 {
				return contradicted("event %s: %s", e.id, faults[0])
			}
		}
		for _, text := range []string{"1.50", "1E-7", "12345678901234567890"} {
			if extra := x.events[0].landed[0].text("extra"); !strings.Contains(extra, ":"+text) {
				return contradicted("%s was sent, and extra is %s", text, extra)
			}
		}
		return settled("extra has the numbers as they were sent; the others were judged alike")
	}
	return skipped("nothing was sent for it")
}

// quarantined is an invalid event that is in the quarantine, as it failed first.
func (s *smoke) quarantined() row {
	for _, e := range s.ledger.events() {
		if len(e.kept) > 0 {
			return e.kept[0]
		}
	}
	return nil
}

const processingFailed = "Lambda.ProcessingFailedStatus"

func probeFailedCode(_ context.Context, s *smoke) verdict {
	switch r := s.quarantined(); {
	case r == nil:
		return skipped("no event is in the quarantine")
	case r.text("code") == processingFailed:
		return settled("%s", processingFailed)
	default:
		return contradicted("the code is %s", r.text("code"))
	}
}

func probeProcessor(ctx context.Context, s *smoke) verdict {
	parameters, err := s.stack.processor(ctx)
	if err != nil {
		return notRun(err)
	}
	got, want := parameters["BufferSizeInMBs"], s.facts.parameters["TransformBufferMB"]
	a, err := strconv.ParseFloat(got, 64)
	b, wantErr := strconv.ParseFloat(want, 64)
	if err != nil || wantErr != nil || a != b {
		return contradicted("BufferSizeInMBs is %q, and TransformBufferMB %q", got, want)
	}
	return settled("BufferSizeInMBs is %s; how it is counted cannot be seen", got)
}

// clocks is how far those of two services may be apart.
const clocks = time.Minute

func probeTimes(_ context.Context, s *smoke) verdict {
	for _, e := range s.ledger.events() {
		if len(e.landed) == 0 || e.landed[0]["received_at"] == nil {
			continue
		}
		answered, err := http.ParseTime(e.of.answer.header.Get("Date"))
		if err != nil {
			answered = e.of.answer.at
		}
		received := time.UnixMilli(e.landed[0].number("received_at")).UTC()
		if apart := answered.Sub(received).Abs(); apart > clocks {
			return contradicted("received_at is %s, and the answer's time %s", received.Format(time.RFC3339), answered.UTC().Format(time.RFC3339))
		}
		return settled("received_at is %s, answered at %s", received.Format(time.RFC3339), answered.UTC().Format(time.RFC3339))
	}
	return skipped("no event is in the table")
}

// errorKeys are those that a line of an error object has for a failure of the transform's, in their order.
var errorKeys = []string{
	"lambdaARN", "rawData", "attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp",
}

func probeErrorLine(ctx context.Context, s *smoke) verdict {
	r := s.quarantined()
	if r == nil {
		return skipped("no event is in the quarantine")
	}
	line, err := s.facts.errorLine(ctx, r.text("source_object"), int(r.number("source_line")))
	if err != nil {
		return notRun(err)
	}
	keys, err := memberNames(line)
	if err != nil {
		return contradicted("a line of an error object is no JSON object")
	}
	for _, key := range errorKeys {
		if !slices.Contains(keys, key) {
			return contradicted("there is no %s among %s", key, strings.Join(keys, ", "))
		}
	}
	return settled("%s", strings.Join(keys, ", "))
}

// memberNames are the names in a JSON object, in their order.
func memberNames(text []byte) (names []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("no object: %w", err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		names = append(names, fmt.Sprint(name))
	}
	_, err = decoder.Token()
	return names, err
}

func probeProducer(ctx context.Context, s *smoke) verdict {
	if s.sender.authorization != "AWS_IAM" {
		return skipped("Authorization=%s", s.sender.authorization)
	}
	arn, err := s.stack.caller(ctx)
	if err != nil {
		return notRun(err)
	}
	if !strings.Contains(arn, ":assumed-role/") {
		return skipped("the credentials are those of %s, which is no role", arn)
	}
	want := arn[:strings.LastIndexByte(arn, '/')]
	for _, e := range s.ledger.events() {
		if len(e.landed) == 0 {
			continue
		}
		if got := e.landed[0].text("producer"); got != want {
			return contradicted("the producer is %s, and the caller %s", got, arn)
		}
		return settled("%s", want)
	}
	return skipped("no event is in the table")
}

func probeQueues(ctx context.Context, s *smoke) verdict {
	for _, id := range []string{dlqQueue, dlqDeadLetter} {
		q, err := s.facts.queue(ctx, id)
		if err != nil {
			return notRun(err)
		}
		if q.all() > 0 {
			return skipped("%s holds %s, which may be anything: look", id, plural(q.all(), "message"))
		}
	}
	return settled("both are empty")
}

func probeMethods(ctx context.Context, s *smoke) verdict {
	closed := map[string]int{"AWS_IAM": 403, "LAMBDA": 401, "NONE": 400}[s.sender.authorization] // {} is refused by the model, if it gets there
	if s.sender.authorization == "NONE" && s.sender.keyRequired {
		closed = 403
	}
	var saw []string
	for _, c := range []struct {
		method, route string
		status        int
	}{
		{"POST", "/record", closed},
		{"POST", "/records", closed},
		{"GET", "/health", 200},
		{"OPTIONS", "/record", 204},
		{"OPTIONS", "/records", 204},
		{"OPTIONS", "/health", 204},
	} {
		call := call{method: c.method, route: c.route, withoutCredential: true, withoutKey: true}
		if c.method == http.MethodPost {
			call.body = []byte("{}")
		}
		a, err := s.sender.send(ctx, call)
		if err != nil {
			return notRun(err)
		}
		if a.status != c.status {
			return contradicted("%s %s without a credential is answered with %s, and ought to be with %d", c.method, c.route, a, c.status)
		}
		saw = append(saw, strconv.Itoa(a.status))
	}
	return settled("%s with %s", strings.Join(saw, " "), s.sender.authorization)
}

func (s *smoke) needsLambda() *verdict {
	if s.sender.authorization == "LAMBDA" {
		return nil
	}
	v := skipped("Authorization=%s", s.sender.authorization)
	return &v
}

func probeTTL(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	all, err := s.stack.authorizerTTL(ctx)
	if err != nil {
		return notRun(err)
	}
	if want := s.facts.parameters["AuthorizerTtl"]; len(all) != 1 || strconv.Itoa(int(all[0])) != want {
		return contradicted("the authorizers' seconds are %v, and AuthorizerTtl is %s", all, want)
	}
	return settled("%d seconds", all[0])
}

func probeChallenge(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	a, err := s.sender.send(ctx, call{route: "/record", body: []byte("{}"), withoutCredential: true})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 401 && a.header.Get("WWW-Authenticate") == "Bearer":
		return settled("401, WWW-Authenticate: Bearer")
	}
	return contradicted("%s, WWW-Authenticate: %q, remapped %q", a, a.header.Get("WWW-Authenticate"), a.header.Get("X-Amzn-Remapped-WWW-Authenticate"))
}

func probeTextBody(ctx context.Context, s *smoke) verdict {
	if s.facts.parameters["TextBodies"] != "true" {
		return skipped("TextBodies=false")
	}
	a, err := s.sender.send(ctx, call{route: "/record", contentType: "text/plain", body: []byte(`{"Data":null}`)})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 400:
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

func probeBoth(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	if !s.sender.keyRequired {
		return skipped("ApiKeyRequired=false")
	}
	for _, c := range []call{{route: "/record", body: []byte("{}"), withoutKey: true}, {route: "/record", body: []byte("{}"), withoutCredential: true}} {
		a, err := s.sender.send(ctx, c)
		if err != nil {
			return notRun(err)
		}
		if a.status != 401 && a.status != 403 {
			return contradicted("a request without one of the two is answered with %s", a)
		}
	}
	return settled("either alone is refused")
}
