package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/runnertest"
	"hydrant/pkg/tools/internal/child"
)

// The record of the goal's setting, 100 events of 1 KB in an array, goes from POST /record to Parquet; and what the model says of sizes is so: of
// the record, of the access log's line, and of the transform's.
func TestArrayFromPostToParquet(t *testing.T) {
	runner, err := runnertest.Get()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, err := child.Start(t.Context(), child.Options{
		Program: runner.Program, Log: filepath.Join(dir, "log"), StopWithin: time.Minute,
		Arguments: []string{"-template", "../../../template.yaml", "-data", filepath.Join(dir, "data"), "-build", runner.Build},
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			r.Kill()
		}
	}()

	sendArray(t, r)
	stopped = true
	if err := r.Finish(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	compareLines(t, runner.Program, dir)
}

// sendArray sends the record, and holds what the stream, the files and the table have of it against the model.
func sendArray(t *testing.T, r *child.Runner) {
	t.Helper()
	var events []string
	for i := range inArray.array {
		events = append(events, kilobyte(i))
	}
	answer := post(t, r.API+"/record", `{"Data":[`+strings.Join(events, ",")+`]}`)
	if !strings.Contains(answer, "SequenceNumber") {
		t.Fatal(answer)
	}
	var state struct {
		Links struct {
			DeliveryStream struct{ RecordsRead, BytesRead, Rows, ErrorObjects int }
		}
	}
	if err := json.Unmarshal([]byte(post(t, r.AWS+"/_hydrant/flush", "")), &state); err != nil {
		t.Fatal(err)
	}
	got := state.Links.DeliveryStream
	// The runner's caller has no name, the model's is a role; its request id is as long as API Gateway's.
	want := inArray.recordBytes() - len("arn:aws:sts::123456789012:assumed-role/shop-web-producer")
	if got.RecordsRead != 1 || got.Rows != 100 || got.ErrorObjects != 0 || got.BytesRead != want {
		t.Errorf("the stream had %+v; the model says 1 record of %d bytes, and 100 rows", got, want)
	}
	rows := strings.Split(strings.TrimSpace(get(t, r.AWS+"/_hydrant/tables/events")), "\n")
	for i := range events {
		if id := fmt.Sprintf(`"event_id":"cost-%04d"`, i); !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, id) }) {
			t.Errorf("no row has %s", id)
		}
	}
	if len(rows) != 100 {
		t.Errorf("the table has %d rows, want 100", len(rows))
	}
}

// compareLines holds the lines that were logged against the model.
func compareLines(t *testing.T, program, dir string) {
	t.Helper()
	within := func(what string, got, want int, share float64) {
		if math.Abs(float64(got-want)) > share*float64(want) {
			t.Errorf("%s has %d bytes, and the model says %d", what, got, want)
		}
		t.Logf("%s has %d bytes, and the model says %d", what, got, want)
	}
	template, err := source{program, "../../../template.yaml"}.resolve(t.Context(), "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readStack(template)
	if err != nil {
		t.Fatal(err)
	}
	// The runner writes "-" for the caller and for the trace.
	within("a line of the access log", len(logged(t, dir, "api", `"status":"200"`))+len(values["identity.userArn"]+values["xrayTraceId"])-len("--"), s.accessLine, 0.1)

	line := logged(t, dir, "transform", `"message":"batch"`)
	within("the transform's line", len(line), metricsLine, 0.25)
	// Of one type's events the line has the metrics of every batch, and the type's.
	var batch struct {
		AWS struct {
			CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
		} `json:"_aws"`
	}
	if err := json.Unmarshal([]byte(line), &batch); err != nil || len(batch.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("%v: %s", err, line)
	}
	if n := len(batch.AWS.CloudWatchMetrics[0].Metrics); n != transformMetrics+1 {
		t.Errorf("the transform's line has %d metrics, and the model says %d and one for each type", n, transformMetrics)
	}
}

// kilobyte is a page_view of 1,024 bytes.
func kilobyte(i int) string {
	head := fmt.Sprintf(`{"type":"page_view","event_id":"cost-%04d","url":"https://www.example.com/","context":{"note":"`, i)
	const tail = `"}}`
	return head + strings.Repeat("n", 1024-len(head)-len(tail)) + tail
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	return read(t)(http.Post(url, "application/json", strings.NewReader(body)))
}

func get(t *testing.T, url string) string {
	t.Helper()
	return read(t)(http.Get(url))
}

func read(t *testing.T) func(*http.Response, error) string {
	return func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v\n%s", response.Status, err, body)
		}
		return string(body)
	}
}

// logged is the first message in a group's log that has this text.
func logged(t *testing.T, dir, group, text string) (found string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "data", "logs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "%2F"+group+string(filepath.Separator)) {
			return err
		}
		data, err := os.ReadFile(path)
		for _, line := range bytes.Split(data, []byte("\n")) {
			var event struct{ Message string }
			if json.Unmarshal(line, &event) == nil && found == "" && strings.Contains(event.Message, text) {
				found = event.Message
			}
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("the log of %s has no line with %s (%v)", group, text, err)
	}
	return found
}

// project copies what the tool reads and writes into a folder.
func project(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"template.yaml", "samconfig.toml", "README.md", "docs/architecture.md"} {
		data, err := os.ReadFile(filepath.Join("../../..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func cost(t *testing.T, root string, args ...string) (string, error) {
	t.Helper()
	runner, err := runnertest.Get()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = run(t.Context(), append([]string{"-runner", runner.Program, "-root", root}, args...), &out, io.Discard)
	return out.String(), err
}

func TestPages(t *testing.T) {
	root := project(t)
	if _, err := cost(t, root, "-check"); err == nil || !strings.Contains(err.Error(), "docs/cost.md: not what follows") {
		t.Fatalf("without a page the error is %v", err)
	}
	if out, err := cost(t, root); err != nil || !strings.Contains(out, "wrote docs/cost.md\nwrote docs/cost.svg\n") {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err := cost(t, root); err != nil || out != "docs/cost.md and what else is written are up to date\n" {
		t.Errorf("what was just written is written again: %q, %v", out, err)
	}
	if out, err := cost(t, root, "-check"); err != nil || out != "" {
		t.Errorf("what was just written is stale: %q, %v", out, err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/cost.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"%!", "NaN", "Inf", "<no value>", "−−"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("docs/cost.md has %q", bad)
		}
	}
	// Every lever that the page names moves something: a parameter that the model does not read has no place there.
	_, levers, _ := strings.Cut(string(page), "## What to turn")
	levers, _, _ = strings.Cut(levers, "\n## ")
	if strings.Contains(levers, "| – | – |") {
		t.Errorf("a lever moves nothing:\n%s", levers)
	}

	// The template is read, never copied: with one alarm more the page is stale, and says what to run.
	path := filepath.Join(root, "template.yaml")
	template, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alarm := "Resources:\n\n  OneMoreAlarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties: {Namespace: N, MetricName: M, Period: 60}\n"
	if err := os.WriteFile(path, bytes.Replace(template, []byte("Resources:\n"), []byte(alarm), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := cost(t, root, "-check"); err == nil || !strings.Contains(err.Error(), "run make cost") {
		t.Errorf("with one alarm more the error is %v", err)
	}
}

func TestBills(t *testing.T) {
	root := project(t)
	for _, tc := range []struct {
		args, want string
	}{
		{"-array 100", "100 events a request, as an array in one record\nUS East (N. Virginia), environment prod, stream on demand, 100 million"},
		{"-env default -records 100 -rate 50", "one a record\nUS East (N. Virginia), environment default, stream provisioned with 1 shard, 131.4 million"},
		{"-region ap-northeast-2", "API Gateway: requests (unverified)"},
		{"-region ap-northeast-2", "in all (unverified: 100 %"},
		{"-parameter StreamMode=PROVISIONED -rate 5000", "the stream has 1 shard and needs 6 for that"},
		{"-parameter StreamMode=PROVISIONED -parameter ShardCount=2", "stream provisioned with 2 shards"},
		{"-parameter ExistingStreamName=ours", "in all"},
	} {
		out, err := cost(t, root, strings.Fields(tc.args)...)
		if err != nil || !strings.Contains(out, tc.want) {
			t.Errorf("cost %s lacks %q (%v):\n%s", tc.args, tc.want, err, out)
		}
	}
	if out, _ := cost(t, root, "-parameter", "ExistingStreamName=ours"); strings.Contains(out, "by the hour") {
		t.Errorf("an existing stream's hours are not the stack's:\n%s", out)
	}
	for _, tc := range []struct {
		args, want string
	}{
		{"-array 501 -size 2048", "at most 1024000 get through"},
		{"-records 501", "at most 500 records"},
		{"-records 100 -size 200000", "larger than 10 MB"},
		{"-size 0", "at least 1 byte"},
		{"-rate -3", "-rate -3: events a second are a number over 0"},
		{"-rate 0", "-rate 0: events a second are a number over 0"},
		{"-rate NaN", "-rate NaN: events a second are a number over 0"},
		{"-rate 1e12", "-rate 1e+12: 2.628e+18 events a month are not within 1 and 1e15"},
		{"-rate 5 -events-per-month 1000", "give -rate or -events-per-month, not both"},
		{"-events-per-month 0", "-events-per-month 0: 0 events a month are not within 1 and 1e15"},
		{"-env nowhere", `no environment "nowhere"`},
		{"-parameter TransformMemory=1", "TransformMemory"},
		{"-parameter TransformMemroy=512", "TransformMemroy"},
		{"-region mars-1", `no prices of the Region "mars-1": there are ap-northeast-2, `},
		{"-region mars-1", "-prices FILE takes a file of your own, in the form of those in pkg/tools/cost/prices"},
		{"-check -size 5", "-check is for the page"},
		{"more", `unexpected argument "more"`},
	} {
		if _, err := cost(t, root, strings.Fields(tc.args)...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("cost %s: the error is %v, want %q", tc.args, err, tc.want)
		}
	}
	if err := run(t.Context(), []string{"-runner", filepath.Join(root, "none"), "-size", "5"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "make cost") {
		t.Errorf("without a runner the error is %v", err)
	}
}
