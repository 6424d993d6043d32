package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// account is an AWS account with one stack: the services that the runner lacks answer in the shapes of AWS's, with what the runner has;
// what it has is the runner's.
type awsAccount struct {
	t       *testing.T
	runner  *local
	facts   *facts
	proxy   http.Handler
	mu      sync.Mutex
	queries map[string]string // by id
	polls   map[string]int
	calls   map[string]bool // service:Action

	status  string                           // of the stack
	refuses func(action string) string       // an error code, or "" for an answer
	states  []string                         // of a query, one after the other; the last stays
	cell    func(column, text string) string // changes what Athena answers
	watched
}

func newAccount(t *testing.T, endpoint string) *awsAccount {
	t.Helper()
	a := &awsAccount{
		t: t, runner: newLocal(endpoint, ""), queries: map[string]string{}, polls: map[string]int{}, calls: map[string]bool{},
		status: "CREATE_COMPLETE", refuses: func(string) string { return "" }, states: []string{"QUEUED", "RUNNING", "SUCCEEDED"},
		cell: func(_, text string) string { return text }, watched: watchedWell(),
	}
	var err error
	if a.facts, err = a.runner.facts(t.Context()); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	a.proxy = httputil.NewSingleHostReverseProxy(to)
	return a
}

// environment is that of a program that uses the account.
func (a *awsAccount) environment() []string {
	server := httptest.NewServer(a)
	a.t.Cleanup(server.Close)
	nowhere := filepath.Join(a.t.TempDir(), "none")
	return []string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=" + a.facts.config.Region, "AWS_CONFIG_FILE=" + nowhere, "AWS_SHARED_CREDENTIALS_FILE=" + nowhere,
		"AWS_PROFILE=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + localRoleKey, "AWS_SECRET_ACCESS_KEY=" + localRoleSecret, "AWS_SESSION_TOKEN=" + localRoleToken,
	}
}

func (a *awsAccount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // of the two services that speak in forms
	service, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	service = map[string]string{"AmazonAthena": "athena", "AmazonSQS": "sqs", "Firehose_20150804": "firehose", "Logs_20140328": "logs"}[service]
	switch {
	case action != "":
	case form.Get("Action") != "":
		service, action = "cloudformation", form.Get("Action")
	case strings.HasPrefix(r.URL.Path, "/restapis/"):
		service, action = "apigateway", "GetAuthorizers"
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"):
		service, action = "lambda", "GetFunctionConfiguration"
	case r.URL.Path == "/SamplingStatisticSummaries":
		service, action = "xray", "GetSamplingStatisticSummaries"
	case r.URL.Path == "/service/GraniteServiceVersion20100801/operation/GetMetricData":
		service, action = "cloudwatch", "GetMetricData"
	case r.URL.Query().Get("list-type") != "":
		service, action = "s3", "ListObjectsV2"
	default:
		service, action = "s3", "GetObject"
	}
	a.mu.Lock()
	a.calls[service+":"+action] = true
	a.mu.Unlock()
	if code := a.refuses(action); code != "" {
		a.refuse(w, action, code)
		return
	}
	var input map[string]any
	_ = json.Unmarshal(body, &input) // of the others
	if a.watch(w, r, service+":"+action, body, input) {
		return
	}
	switch action {
	case "DescribeStacks":
		a.describeStacks(w, form.Get("StackName"))
	case "ListStackResources":
		a.listResources(w, form.Get("NextToken"))
	case "GetCallerIdentity":
		arn, _ := a.runner.caller(r.Context()) // it knows
		fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>%s</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`, arn)
	case "StartQueryExecution":
		a.startQuery(w, input)
	case "GetQueryExecution":
		a.queryState(w, input["QueryExecutionId"].(string))
	case "GetQueryResults":
		a.results(w, r, input)
	case "FilterLogEvents":
		a.logEvents(w, r, input)
	case "DescribeDeliveryStream":
		a.write(w, map[string]any{"DeliveryStreamDescription": map[string]any{
			"DeliveryStreamName": input["DeliveryStreamName"], "HasMoreDestinations": false,
			"Destinations": []any{map[string]any{"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": map[string]any{
				"ProcessingConfiguration": map[string]any{"Enabled": true, "Processors": []any{map[string]any{"Type": "Lambda", "Parameters": []any{
					map[string]any{"ParameterName": "BufferSizeInMBs", "ParameterValue": "0.3"},
				}}}},
			}}},
		}})
	case "GetAuthorizers":
		a.write(w, map[string]any{"item": []any{map[string]any{"id": "abc123", "type": "REQUEST", "authorizerResultTtlInSeconds": 300}}})
	case "ListObjectsV2":
		a.listObjects(w, r)
	case "GetObject":
		http.ServeFile(w, r, filepath.Join(a.runner.data, "s3", filepath.FromSlash(r.URL.Path)))
	default:
		a.proxy.ServeHTTP(w, r)
	}
}

func (a *awsAccount) write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.t.Error(err)
	}
}

// refuse answers an error, in the form of the action's protocol.
func (a *awsAccount) refuse(w http.ResponseWriter, action, code string) {
	switch action {
	case "DescribeStacks", "ListStackResources", "GetCallerIdentity":
		w.WriteHeader(400)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>Stack with id x does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code)
	case "GetMetricData":
		a.writeBinary(w, 400, cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + code), "message": cbor.String("not authorized")})
	default:
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"__type":%q,"message":"not authorized"}`, code)
	}
}

func (a *awsAccount) describeStacks(w http.ResponseWriter, name string) {
	fmt.Fprintf(w, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>%s</StackName><StackStatus>%s</StackStatus><CreationTime>2026-11-22T09:30:00Z</CreationTime><Parameters>`, name, a.status)
	for key, value := range a.facts.parameters {
		fmt.Fprintf(w, "<member><ParameterKey>%s</ParameterKey><ParameterValue>%s</ParameterValue></member>", key, value)
	}
	fmt.Fprintf(w, `</Parameters><Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>%s</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, a.facts.api)
}

// listResources answers in two pages.
func (a *awsAccount) listResources(w http.ResponseWriter, token string) {
	fmt.Fprint(w, `<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ListStackResourcesResult><StackResourceSummaries>`)
	for id, physical := range a.facts.resources {
		if (id < "F") == (token == "") {
			fmt.Fprintf(w, "<member><LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId><ResourceType>x</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-11-22T09:30:00Z</LastUpdatedTimestamp></member>", id, physical)
		}
	}
	next := ""
	if token == "" {
		next = "<NextToken>more</NextToken>"
	}
	fmt.Fprintf(w, `</StackResourceSummaries>%s</ListStackResourcesResult></ListStackResourcesResponse>`, next)
}

func (a *awsAccount) startQuery(w http.ResponseWriter, input map[string]any) {
	if err := a.runner.hasten(a.t.Context()); err != nil { // time passes in an account
		a.t.Error(err)
	}
	database := input["QueryExecutionContext"].(map[string]any)["Database"]
	output := input["ResultConfiguration"].(map[string]any)["OutputLocation"]
	if database != a.facts.resources["Database"] || output != "s3://"+a.facts.resources["Bucket"]+"/athena/" {
		a.t.Errorf("a query of the database %v, for %v", database, output)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprintf("q-%d", len(a.queries))
	a.queries[id] = input["QueryString"].(string)
	a.write(w, map[string]any{"QueryExecutionId": id})
}

func (a *awsAccount) queryState(w http.ResponseWriter, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	state := a.states[min(a.polls[id], len(a.states)-1)]
	a.polls[id]++
	a.write(w, map[string]any{"QueryExecution": map[string]any{"QueryExecutionId": id, "Status": map[string]any{"State": state, "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8"}}})
}

// The parts of the one query.
var (
	selected = regexp.MustCompile(`^SELECT (.+) FROM (\w+) WHERE dt IN \((.+?)\) AND hour IN \((.+?)\) AND request_id IN \((.+?)\)$`)
	alias    = regexp.MustCompile(` AS "(\w+)"(?:, |$)`)
	literal  = regexp.MustCompile(`'((?:[^']|'')*)'`)
)

func texts(list string) (all []string) {
	for _, m := range literal.FindAllStringSubmatch(list, -1) {
		all = append(all, strings.ReplaceAll(m[1], "''", "'"))
	}
	return all
}

// results answers rows of texts as Athena does: the names first, in pages of ten.
func (a *awsAccount) results(w http.ResponseWriter, r *http.Request, input map[string]any) {
	a.mu.Lock()
	query := a.queries[input["QueryExecutionId"].(string)]
	a.mu.Unlock()
	parts := selected.FindStringSubmatch(query)
	if parts == nil {
		a.t.Errorf("the query %s", query)
		return
	}
	var columns []string
	for _, m := range alias.FindAllStringSubmatch(parts[1], -1) {
		columns = append(columns, m[1])
	}
	lines, err := a.runner.control(r.Context(), http.MethodGet, "tables/"+parts[2])
	if err != nil {
		a.t.Error(err)
	}
	var header []any
	for _, c := range columns {
		header = append(header, map[string]any{"VarCharValue": c})
	}
	rows := []any{map[string]any{"Data": header}}
	for line := range bytes.Lines(lines) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			a.t.Error(err)
		}
		in := func(column, list string) bool { return slices.Contains(texts(list), fmt.Sprint(row[column])) }
		if !in("dt", parts[3]) || !in("hour", parts[4]) || !in("request_id", parts[5]) {
			continue
		}
		var data []any
		for _, c := range columns {
			if row[c] == nil {
				data = append(data, map[string]any{})
			} else {
				data = append(data, map[string]any{"VarCharValue": a.cell(c, athenaText(parts[2], c, row[c]))})
			}
		}
		rows = append(rows, map[string]any{"Data": data})
	}
	const page = 10
	at := 0
	if token, _ := input["NextToken"].(string); token != "" {
		_, err = fmt.Sscan(token, &at)
	}
	answer := map[string]any{"ResultSet": map[string]any{"Rows": rows[at:min(at+page, len(rows))]}}
	if at+page < len(rows) {
		answer["NextToken"] = fmt.Sprint(at + page)
	}
	if err != nil {
		a.t.Error(err)
	}
	a.write(w, answer)
}

// athenaText writes a value as the query's casts do in Athena's engine version 3.
func athenaText(table, column string, value any) string {
	switch v := value.(type) {
	case string:
		c, _ := eventsTable().column(column)
		at, err := time.Parse(time.RFC3339, v)
		if table == "events" && c.glue == "timestamp" && err == nil {
			return at.Format("2006-01-02 15:04:05.000")
		}
		return v
	case float64:
		if c, _ := eventsTable().column(column); table == "events" && c.glue == "double" {
			return strings.ToUpper(fmt.Sprintf("%e", v)) // 1.5E+00
		}
		return fmt.Sprintf("%.0f", v)
	case bool:
		return fmt.Sprint(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(text)
}

// logEvents answers an empty page first, as CloudWatch Logs does while it looks.
func (a *awsAccount) logEvents(w http.ResponseWriter, r *http.Request, input map[string]any) {
	if input["nextToken"] == nil {
		a.write(w, map[string]any{"events": []any{}, "nextToken": "more", "searchedLogStreams": []any{}})
		return
	}
	pattern := regexp.MustCompile(`^\{ \$\.requestId = "(.+)" \}$`).FindStringSubmatch(input["filterPattern"].(string))
	if pattern == nil || input["logGroupName"] != a.facts.resources[apiLogGroup] {
		a.t.Errorf("asked for %v of %v", input["filterPattern"], input["logGroupName"])
		return
	}
	line, err := a.runner.accessLog(r.Context(), pattern[1], time.Time{})
	if err != nil {
		a.t.Error(err)
	}
	events := []any{}
	if line != nil {
		events = append(events, map[string]any{"logStreamName": "s", "timestamp": 1, "message": string(line)})
	}
	a.write(w, map[string]any{"events": events})
}

func (a *awsAccount) listObjects(w http.ResponseWriter, r *http.Request) {
	bucket := strings.Trim(r.URL.Path, "/")
	folder := filepath.Join(a.runner.data, "s3", bucket)
	fmt.Fprint(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>`)
	names, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(r.URL.Query().Get("prefix")), "*"))
	if err != nil {
		a.t.Error(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			a.t.Error(err)
			continue
		}
		key, _ := filepath.Rel(folder, name)
		fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified></Contents>", filepath.ToSlash(key), info.Size(), info.ModTime().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

// permitted are the actions that docs/operate.md gives to whoever runs make smoke.
func permitted(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Smoke test\n")
	section, _, _ = strings.Cut(section, "\n## ")
	all := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z0-9-]+:[A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(section, -1) {
		all[m[1]] = true
	}
	return all
}

// A deployed stack is asked through AWS's services. These are the runner's behind the services that it lacks: what is sent, and how it is
// judged, is the whole way.
func TestADeployedStack(t *testing.T) {
	folder := t.TempDir()
	token := staticToken(t, filepath.Join(folder, "secrets", "hydrant-local-TokensSecret"))
	iam, lambda := startRunner(t, t.TempDir(), "Authorization=AWS_IAM"), startRunner(t, folder, "Authorization=LAMBDA", "StaticTokens=true")
	called := map[string]bool{}
	t.Run("with AWS_IAM", func(t *testing.T) {
		a := newAccount(t, iam.AWS)
		got := runSmoke(t, a.environment(), "-stack", "hydrant", "-within", "1m")
		for _, want := range []string{
			"the stack hydrant at " + iam.API + " (Authorization=AWS_IAM)", "U1   settled       CREATE_COMPLETE\n", "U6   settled ", "U9   settled       BufferSizeInMBs is 0.3",
			"U28  settled       FILL(m, 0) is 0 in 3 minutes\n", "U35  settled       3 saved queries answer; the slowest of 3 requests is first, the mean 71.3 ms\n",
			"U37  settled       by the rule hydrant-", " 2 of 30 requests were traced\n",
			"U38  settled       live is at TransformFunction 7, DlqFunction 7, which have the stack's settings 3\n",
			"U10  settled ", "U11  settled ", "U12  settled       arn:aws:sts::000000000000:assumed-role/hydrant-role\n", "\n = in events     18\n + quarantined    5\n", "\nAll is well: 0 of 16",
		} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("it does not say %q:\n%s%s", want, got.stdout, got.stderr)
			}
		}
		if got.status != 0 {
			t.Errorf("exit status %d\n%s", got.status, got.stderr)
		}
		for action := range a.calls {
			called[action] = true
		}
	})
	t.Run("with LAMBDA", func(t *testing.T) {
		a := newAccount(t, lambda.AWS)
		r := runSmoke(t, append(a.environment(), "TOKEN="+token), "-stack", "hydrant", "-within", "1m", "-json").report(t)
		if !r.OK || r.Stack != "hydrant" || !slices.Contains(r.Probes, probed{"U17", Settled, "300 seconds", false}) ||
			!slices.Contains(r.Probes, probed{"U38", Settled, "live is at TransformFunction 7, DlqFunction 7, AuthorizerFunction 7, which have the stack's settings 3", false}) {
			t.Errorf("%+v", r)
		}
		for action := range a.calls {
			called[action] = true
		}
	})
	t.Run("what is wrong is said", func(t *testing.T) {
		for name, tc := range map[string]struct {
			change func(a *awsAccount)
			args   []string
			status int
			want   []string
		}{
			"a stack that there is not": {
				func(a *awsAccount) {
					a.refuses = func(action string) string { return map[string]string{"DescribeStacks": "ValidationError"}[action] }
				},
				nil, 2,
				[]string{"smoke: CloudFormation does not show the stack hydrant (ValidationError): is it of the account 000000000000 and eu-west-1?\n"},
			},
			"a stack of something else": {
				func(a *awsAccount) { delete(a.facts.resources, "Database") }, nil, 2, []string{"has no Database: it is not one of hydrant's"},
			},
			"a query that fails": {
				func(a *awsAccount) { a.states = []string{"FAILED"} }, nil, 2, []string{"the table events: query q-0: FAILED COLUMN_NOT_FOUND: line 1:8"},
			},
			"a query that may not be asked": {
				func(a *awsAccount) {
					a.refuses = func(action string) string {
						return map[string]string{"StartQueryExecution": "AccessDeniedException"}[action]
					}
				},
				nil, 2,
				[]string{"StartQueryExecution", "not authorized"},
			},
			"a value that is none of its type": {
				func(a *awsAccount) {
					a.cell = func(column, text string) string {
						if column == "received_at" {
							return "soon"
						}
						return text
					}
				},
				nil, 2,
				[]string{"events: column received_at: "},
			},
			"another value, with what may not be asked": {
				func(a *awsAccount) {
					a.cell = func(column, text string) string {
						if column == "viewport" {
							return `{"width":0,"height":7}`
						}
						return text
					}
					a.refuses = func(action string) string {
						if action == "DescribeDeliveryStream" || action == "FilterLogEvents" {
							return "AccessDeniedException"
						}
						return ""
					}
				},
				nil, 1,
				[]string{"column viewport is map[string]interface {}{", "STACK=hydrant\n", "U9   not run       operation error Firehose: DescribeDeliveryStream", "U6   not run       "},
			},
			"what is watched is not what it seems": {
				func(a *awsAccount) {
					a.values, a.latencies, a.rule = nil, []string{"9", "85", "120"}, "Default"
					a.memory = func(string) string { return "128" }
				},
				nil, 1,
				[]string{
					"U28  CONTRADICTED  FILL(m, 0) has no value where m has none\n", "U35  CONTRADICTED  sorted by responseLatency, 85 stands behind 9\n",
					"U37  not run       X-Ray has counted no request by the rule hydrant-",
					"U38  CONTRADICTED  live of TransformFunction is version 7, where its memory is \"128\", and TransformMemory is \"",
				},
			},
			"what is watched is another": {
				func(a *awsAccount) {
					a.values, a.requests, a.settings = []float64{0, 1}, "0", "2"
				},
				nil, 1,
				[]string{
					"U28  CONTRADICTED  FILL(m, 0) is [0 1] where m has no value\n", "U35  CONTRADICTED  status < 1000 finds none of 3 requests\n",
					"U38  CONTRADICTED  live of TransformFunction is version 7, and says \"Validates (settings 2)\"; the stack's settings are 3\n",
				},
			},
			"a saved query that is none, of a stack that was never changed": {
				func(a *awsAccount) {
					a.malformed, a.settings, a.facts.resources["Settings"] = true, "abc1234|def5678|1", "abc1234|def5678|1"
					a.facts.parameters["Tracing"] = "PassThrough"
				},
				nil, 1,
				[]string{
					"U35  CONTRADICTED  the query \"hydrant/newest rejections\": unexpected symbol found", "U37  not run       Tracing=PassThrough\n",
					"U38  not run       live is at TransformFunction 7, DlqFunction 7, which are as the stack's parameters; none was ever changed\n",
				},
			},
			"what says nothing, and what may not be asked": {
				func(a *awsAccount) {
					a.latencies = []string{"9", "8", "8"}
					a.refuses = func(action string) string {
						return map[string]string{"GetMetricData": "AccessDenied", "GetFunctionConfiguration": "AccessDeniedException"}[action]
					}
				},
				nil, 0,
				[]string{
					"U28  not run       operation error CloudWatch: GetMetricData", "U35  not run       3 saved queries answer; of 3 requests none tells whether numbers or texts are sorted\n",
					"U38  not run       operation error Lambda: GetFunctionConfiguration",
				},
			},
			"a stack that was rolled back": {
				func(a *awsAccount) { a.status = "UPDATE_ROLLBACK_COMPLETE" }, nil, 0, []string{"U1   not run       the stack is UPDATE_ROLLBACK_COMPLETE"},
			},
			"no probes": {func(*awsAccount) {}, []string{"-no-probes"}, 0, []string{"\nAll is well: 0 of 16 checks failed.\n"}},
		} {
			t.Run(name, func(t *testing.T) {
				a := newAccount(t, iam.AWS)
				a.states = []string{"SUCCEEDED"}
				tc.change(a)
				got := runSmoke(t, a.environment(), append([]string{"-stack", "hydrant", "-within", "1m"}, tc.args...)...)
				if got.status != tc.status {
					t.Errorf("exit status %d, want %d", got.status, tc.status)
				}
				for _, want := range tc.want {
					if !strings.Contains(got.stdout+got.stderr, want) {
						t.Errorf("it does not say %q:\n%s%s", want, got.stdout, got.stderr)
					}
				}
			})
		}
	})
	// Not found in time: the error objects are looked through.
	t.Run("rows that do not come", func(t *testing.T) {
		a := newAccount(t, iam.AWS)
		a.states = []string{"SUCCEEDED"}
		a.cell = func(column, text string) string {
			if column == "request_id" {
				return ""
			}
			return text
		}
		got := runSmoke(t, a.environment(), "-stack", "hydrant", "-within", "1s", "-no-probes")
		if got.status != 1 || !strings.Contains(got.stdout, "the record failed with Lambda.ProcessingFailedStatus (errors/processing-failed/dt=") {
			t.Errorf("exit status %d\n%s%s", got.status, got.stdout, got.stderr)
		}
		for action := range a.calls {
			called[action] = true
		}
	})
	t.Run("the documented permissions", func(t *testing.T) {
		// What an action is allowed by has another name here, or needs no permission; what Athena and S3 do with the caller's permissions is not seen.
		needs := map[string]string{"s3:ListObjectsV2": "s3:ListBucket", "apigateway:GetAuthorizers": "apigateway:GET", "cloudformation:GetCallerIdentity": ""}
		byOthers := []string{
			"glue:GetTable", "glue:GetDatabase", "glue:GetPartitions", "s3:PutObject", "s3:GetBucketLocation", "s3:ListMultipartUploadParts",
			"s3:AbortMultipartUpload", "kms:Decrypt", "kms:GenerateDataKey",
		}
		allowed := permitted(t)
		for action := range called {
			need, other := needs[action]
			if !other {
				need = action
			}
			if need != "" && !allowed[need] {
				t.Errorf("docs/operate.md, Smoke test, does not allow %s, which make smoke calls", need)
			}
			delete(allowed, need)
		}
		for action := range allowed {
			if !slices.Contains(byOthers, action) {
				t.Errorf("docs/operate.md, Smoke test, allows %s, which make smoke does not call", action)
			}
		}
	})
}

// Before anything is sent: what is wrong with the credentials, or with the way to AWS, is a sentence that says what to do.
func TestTheWayToAStack(t *testing.T) {
	const secret = "wJalrXUtnFEMI-never-to-be-seen"
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>the token %s is expired</Message></Error><RequestId>r</RequestId></ErrorResponse>`, secret)
	}))
	t.Cleanup(refusing.Close)
	keys := []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=" + secret}
	for name, tc := range map[string]struct {
		environment []string
		want        string
	}{
		"no Region":                {keys, "smoke: there is no Region. Set AWS_DEFAULT_REGION or AWS_REGION, or choose a profile that has one by AWS_PROFILE\n"},
		"no credentials":           {[]string{"AWS_REGION=eu-west-1"}, "smoke: there are no credentials. Give them as for the AWS CLI: AWS_PROFILE, AWS_ACCESS_KEY_ID with the rest, or aws sso login\n"},
		"a profile that is not":    {append(keys, "AWS_REGION=eu-west-1", "AWS_PROFILE=nobody"), "smoke: there are no credentials that can be used: failed to get shared config profile, nobody\n"},
		"credentials that are old": {append(keys, "AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL="+refusing.URL), "smoke: AWS does not take these credentials (ExpiredToken). Renew them, or choose others by AWS_PROFILE\n"},
		"the Region of the AWS CLI": {
			append(keys, "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL="+refusing.URL), "smoke: AWS does not take these credentials (ExpiredToken). Renew",
		},
		"AWS out of reach": {append(keys, "AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1"), `smoke: AWS cannot be reached: Post "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused`},
	} {
		t.Run(name, func(t *testing.T) {
			nowhere := filepath.Join(t.TempDir(), "none")
			environment := []string{
				"AWS_CONFIG_FILE=" + nowhere, "AWS_SHARED_CREDENTIALS_FILE=" + nowhere, "AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE=", "AWS_REGION=", "AWS_DEFAULT_REGION=",
				"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=", "AWS_ENDPOINT_URL=", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=", "AWS_CONTAINER_CREDENTIALS_FULL_URI=",
			}
			got := runSmoke(t, append(environment, tc.environment...), "-stack", "hydrant")
			if got.status != 2 || !strings.HasPrefix(got.stderr, tc.want) || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, secret) {
				t.Errorf("exit status %d, %q; want 2 and %q", got.status, got.stderr, tc.want)
			}
		})
	}
}
