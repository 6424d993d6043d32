package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	main "hydrant/pkg/local"
)

// What Lambda itself writes into a function's log, which the runner does not ("Lambda Telemetry API event schema reference", of platform.report).
const platformReport = `{"time":"2026-11-26T14:00:00.000Z","type":"platform.report","record":{"requestId":"6f7f0961-f834-4118-8d6f-e9c2d8ee1e6c",` +
	`"status":"success","metrics":{"durationMs":101.51,"billedDurationMs":300,"memorySizeMB":256,"maxMemoryUsedMB":33,"initDurationMs":116.67}}}`

// A query that names a field of no line is empty for ever. All queries of the template, on the lines of the real API and the real functions.
func TestLogQueriesNameWhatIsLogged(t *testing.T) {
	var deployed *stack
	for s := range allStacks(t, source(t)) {
		if s.parameters["Authorization"] == "LAMBDA" && s.parameters["Tracing"] == "Active" {
			deployed = s
			break
		}
	}
	lines := main.LogLines(t)
	fields := map[string]map[string]bool{}
	for group, all := range lines {
		fields[group] = map[string]bool{"@timestamp": true, "@message": true, "@log": true}
		if group != "api" && group != "delivery" {
			all = append(all, platformReport)
		}
		for _, line := range all {
			if strings.Contains(line, "s3cret") || strings.Contains(line, "Bearer") {
				t.Errorf("%s quotes what was sent: %s", group, line)
			}
			var members map[string]any
			if err := json.Unmarshal([]byte(line), &members); err != nil {
				t.Errorf("%s: %v: %s", group, err, line)
			}
			discover(fields[group], "", members)
		}
	}
	queries := deployed.logQueries()
	for where, q := range queries {
		names, err := parseInsights(q.text)
		if err != nil {
			t.Errorf("%s: %v", where, err)
		}
		for _, name := range names {
			known := slices.ContainsFunc(q.groups, func(group string) bool {
				properties := resource(deployed.Resolved, group).Properties
				return fields[strings.TrimPrefix(text(properties, "LogGroupName"), "/hydrant/"+stackName+"/")][name]
			})
			if !known {
				t.Errorf("%s: no line of %s has the field %s", where, strings.Join(q.groups, ", "), name)
			}
		}
		// A line's message or type that a filter asks for is one that is written.
		for _, asked := range insightsValues(q.text) {
			known := slices.ContainsFunc(slices.Collect(maps.Values(lines)), func(all []string) bool {
				return slices.ContainsFunc(append(all, platformReport), func(line string) bool { return strings.Contains(line, asked) })
			})
			if !known {
				t.Errorf("%s: no line has %s", where, asked)
			}
		}
	}
	if len(queries) < 15 || fields["api"]["userAgent"] || fields["transform"]["payload"] {
		t.Errorf("%d queries, of fields %v", len(queries), fields)
	}
	// The parts of the latency are numbers where there is one, and a dash where there is none.
	var accepted, refused, failed map[string]string
	for _, line := range lines["api"] {
		var entry map[string]string
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		switch entry["status"] {
		case "200":
			accepted = entry
		case "401":
			refused = entry
		case "503":
			failed = entry
		}
		if len(entry) != len(accessLog) {
			t.Errorf("%d members, not %d: %s", len(entry), len(accessLog), line)
		}
	}
	// As docs/operate.md tells the causes of a 5xx apart.
	if failed["error"] != "-" || failed["integrationStatus"] != "500" || accepted["integrationStatus"] != "200" || refused["error"] != "UNAUTHORIZED" {
		t.Errorf("failed %v, accepted %v, refused %v", failed, accepted, refused)
	}
	if accepted["integrationLatency"] == "-" || accepted["authorizerLatency"] == "-" || accepted["producer"] != "tap" || refused["integrationLatency"] != "-" || refused["producer"] != "-" {
		t.Errorf("accepted %v, refused %v", accepted, refused)
	}
}

// discover adds the fields that Logs Insights makes of a line ("Supported logs and discovered fields").
func discover(fields map[string]bool, prefix string, members map[string]any) {
	for name, value := range members {
		if inner, ok := value.(map[string]any); ok {
			discover(fields, prefix+name+".", inner)
			continue
		}
		fields[prefix+name] = true
	}
}

// insightsValues are what a query compares message and type with, as a line has it.
func insightsValues(query string) (asked []string) {
	for _, name := range []string{"message", "type"} {
		for _, part := range strings.Split(query, name+` = "`)[1:] {
			value, _, _ := strings.Cut(part, `"`)
			asked = append(asked, `"`+name+`":"`+value+`"`)
		}
	}
	return asked
}

func TestOperateNamesEachSavedQuery(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("insights ([A-Za-z]+Query)").FindAllStringSubmatch(string(page), -1) {
		named[m[1]] = true
	}
	saved := map[string]bool{}
	for s := range allStacks(t, source(t)) {
		for _, r := range ofType(s.Resolved, "AWS::Logs::QueryDefinition") {
			saved[r.LogicalID] = true
		}
	}
	if !maps.Equal(named, saved) {
		t.Errorf("docs/operate.md names %v, and saved are %v", slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(saved)))
	}
}
