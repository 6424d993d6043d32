package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// watched is what CloudWatch, X-Ray and Lambda say of a stack.
type watched struct {
	values    []float64                // of FILL
	latencies []string                 // of the slowest requests, in the order of the answer
	requests  string                   // whose status is less than 1000
	malformed bool                     // a saved query is
	rule      string                   // that has counted requests, or the stack's
	settings  string                   // in the functions' descriptions
	memory    func(want string) string // of a function, in MB
}

func watchedWell() watched {
	return watched{
		values: []float64{0, 0, 0}, latencies: []string{"120", "85", "9"}, requests: "3", settings: "3",
		memory: func(want string) string { return want },
	}
}

// The ids of saved queries; the last is another stack's.
const slowRequests, oneRequest, rejections, elsewhere = "slow-requests", "one-request", "newest-rejections", "elsewhere"

// watch answers for those services, in their shapes.
func (a *awsAccount) watch(w http.ResponseWriter, r *http.Request, action string, body []byte, input map[string]any) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch action {
	case "cloudformation:ListStackResources": // what the runner leaves out
		for id, physical := range map[string]string{"SlowRequestsQuery": slowRequests, "OneRequestQuery": oneRequest, "NewestRejectionsQuery": rejections, "Settings": "3"} {
			if got := a.facts.resources[id]; id != "Settings" || !strings.Contains(got, "|") {
				a.facts.resources[id] = physical
			}
		}
		return false
	case "cloudwatch:GetMetricData":
		a.metricData(w, body)
	case "xray:GetSamplingStatisticSummaries":
		rule := a.rule
		if rule == "" {
			rule = "hydrant-" + a.facts.resources["Api"]
		}
		summary := func(name string, requests, sampled int) map[string]any {
			return map[string]any{"RuleName": name, "Timestamp": 1.7e9, "RequestCount": requests, "BorrowCount": 0, "SampledCount": sampled}
		}
		a.write(w, map[string]any{"SamplingStatisticSummaries": []any{summary("Default", 400, 20), summary(rule, 24, 1), summary(rule, 6, 1)}})
	case "lambda:GetFunctionConfiguration":
		a.configuration(w, r)
	case "logs:DescribeQueryDefinitions":
		if input["queryDefinitionNamePrefix"] != "hydrant/" {
			a.t.Errorf("asked for queries that begin with %v", input["queryDefinitionNamePrefix"])
		}
		query := func(id, name, text string) map[string]any {
			return map[string]any{"queryDefinitionId": id, "name": name, "queryString": text, "lastModified": 1, "logGroupNames": []string{a.facts.resources[apiLogGroup]}}
		}
		if input["nextToken"] == nil {
			a.write(w, map[string]any{"nextToken": "more", "queryDefinitions": []any{
				query(oneRequest, "hydrant/one request", `filter requestId = "the RequestId of the answer"`), query(slowRequests, "hydrant/slow", "sort responseLatency desc"),
			}})
			return true
		}
		a.write(w, map[string]any{"queryDefinitions": []any{query(elsewhere, "hydrant/other", "elsewhere"), query(rejections, "hydrant/newest rejections", "rejected")}})
	case "logs:StartQuery":
		a.startInsight(w, input)
	case "logs:GetQueryResults":
		a.insight(w, input["queryId"].(string))
	default:
		return false
	}
	return true
}

// writeBinary answers in CBOR, as CloudWatch does ("Smithy RPC v2 CBOR protocol").
func (a *awsAccount) writeBinary(w http.ResponseWriter, status int, value cbor.Value) {
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.WriteHeader(status)
	if _, err := w.Write(cbor.Encode(value)); err != nil {
		a.t.Error(err)
	}
}

func (a *awsAccount) metricData(w http.ResponseWriter, body []byte) {
	asked, err := cbor.Decode(body)
	if err != nil {
		a.t.Error(err)
		return
	}
	queries, _ := asked.(cbor.Map)["MetricDataQueries"].(cbor.List)
	if len(queries) != 2 || queries[1].(cbor.Map)["Expression"] != cbor.String("FILL(m, 0)") {
		a.t.Errorf("asked for %v", queries)
	}
	values, times := cbor.List{}, cbor.List{}
	for i, v := range a.values {
		values = append(values, cbor.Float64(v))
		times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(time.Now().Add(time.Duration(-i) * time.Minute).Unix())})
	}
	a.writeBinary(w, 200, cbor.Map{"Messages": cbor.List{}, "MetricDataResults": cbor.List{cbor.Map{
		"Id": cbor.String("filled"), "Label": cbor.String("filled"), "StatusCode": cbor.String("Complete"), "Values": values, "Timestamps": times,
	}}})
}

// configuration is that of a function's version, made of the stack's parameters.
func (a *awsAccount) configuration(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/configuration")
	if r.URL.Query().Get("Qualifier") != "live" {
		a.t.Errorf("asked for %s of %s", r.URL.Query().Get("Qualifier"), name)
	}
	of := a.facts.parameters
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			a.t.Error(err)
		}
		return n
	}
	var answer map[string]any
	switch name {
	case a.facts.resources["TransformFunction"]:
		answer = map[string]any{"MemorySize": number(a.memory(of["TransformMemory"])), "Timeout": number(of["TransformTimeout"]), "Environment": map[string]any{"Variables": map[string]string{
			"REJECTION_SAMPLES": of["RejectionSamples"], "POWERTOOLS_LOG_LEVEL": of["LogLevel"], "POWERTOOLS_METRICS_NAMESPACE": of["MetricsNamespace"],
		}}}
	case a.facts.resources["DlqFunction"]:
		answer = map[string]any{"MemorySize": number(of["DlqMemory"]), "Timeout": 300, "Environment": map[string]any{"Variables": map[string]string{
			"MAX_ATTEMPTS": of["MaxAttempts"], "REDRIVE_RECORDS_PER_SECOND": of["RedriveRecordsPerSecond"], "POWERTOOLS_LOG_LEVEL": of["LogLevel"],
		}}}
	case a.facts.resources["AuthorizerFunction"]:
		answer = map[string]any{"MemorySize": number(of["AuthorizerMemory"]), "Timeout": 10, "Environment": map[string]any{"Variables": map[string]string{
			"JWT_ISSUER": of["JwtIssuer"], "JWT_AUDIENCE": of["JwtAudience"], "JWT_SCOPE": of["JwtScope"], "POWERTOOLS_LOG_LEVEL": of["LogLevel"],
		}}}
	default:
		a.t.Errorf("asked for the function %s", name)
	}
	answer["FunctionName"], answer["Version"], answer["Description"] = name, "7", "Validates (settings "+a.settings+")"
	a.write(w, answer)
}

func (a *awsAccount) startInsight(w http.ResponseWriter, input map[string]any) {
	text := input["queryString"].(string)
	groups, _ := input["logGroupNames"].([]any)
	if len(groups) != 1 || groups[0] != a.facts.resources[apiLogGroup] || strings.Contains(text, "the RequestId") || text == "elsewhere" {
		a.t.Errorf("the query %s of %v", text, groups)
	}
	if a.malformed && text == "rejected" {
		w.Header().Set("X-Amzn-ErrorType", "MalformedQueryException")
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"MalformedQueryException","message":"unexpected symbol found"}`)
		return
	}
	id := fmt.Sprintf("i-%d", len(a.queries))
	a.queries[id] = text
	a.write(w, map[string]any{"queryId": id})
}

// insight answers a query that runs at first.
func (a *awsAccount) insight(w http.ResponseWriter, id string) {
	a.polls[id]++
	if a.polls[id] == 1 {
		a.write(w, map[string]any{"status": "Running", "results": []any{}})
		return
	}
	field := func(name, value string) map[string]any { return map[string]any{"field": name, "value": value} }
	results := []any{}
	switch text := a.queries[id]; {
	case strings.HasPrefix(text, "sort responseLatency"):
		for _, latency := range a.latencies {
			results = append(results, []any{field("status", "200"), field("responseLatency", latency), field("@ptr", "CmEKJgoi")})
		}
	case strings.HasPrefix(text, "filter status < 1000"):
		results = append(results, []any{field("requests", a.requests), field("mean", "71.3")})
	}
	a.write(w, map[string]any{"queryLanguage": "CWLI", "status": "Complete", "results": results})
}

func TestFalling(t *testing.T) {
	for name, tc := range map[string]struct {
		latencies []string
		tells     bool
		fault     string
	}{
		"numbers":               {[]string{"120", "85", "9"}, true, ""},
		"texts":                 {[]string{"85", "120"}, true, "120 stands behind 85"},
		"numbers of one length": {[]string{"85", "20", "20"}, false, ""},
		"a dash between":        {[]string{"120", "-", "9"}, true, ""},
		"one":                   {[]string{"120"}, false, ""},
		"none":                  {nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []map[string]string
			for _, latency := range tc.latencies {
				rows = append(rows, map[string]string{"l": latency})
			}
			if tells, fault := falling(rows, "l"); tells != tc.tells || fault != tc.fault {
				t.Errorf("%v, %q, want %v, %q", tells, fault, tc.tells, tc.fault)
			}
		})
	}
}
