package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/local/internal/template"
)

// What the statements are given as columns and how they choose among copies is .ci/queries.py's and .ci/compaction.py's.
var compactionRules = map[string]rule{
	"events are compacted when it is asked for": {
		why: "it has a price, and a second copy of people's data",
		fix: "Condition: UseCompaction on all of it",
		check: func(s *stack) (faults []string) {
			on := s.parameters["Compaction"] != "OFF"
			for _, resource := range s.Resources {
				if !on && (strings.HasPrefix(resource.LogicalID, "Compact") || resource.LogicalID == "EventsByTypeTable") {
					faults = append(faults, resource.LogicalID+" is made with Compaction=OFF")
				}
			}
			schedules := ofType(s.Resolved, "AWS::Scheduler::Schedule")
			if on && len(schedules) == 0 {
				faults = append(faults, "there is no schedule with Compaction="+s.parameters["Compaction"])
			}
			want := map[string]string{"DAILY": "cron(20 1 * * ? *)", "HOURLY": "cron(20 * * * ? *)"}[s.parameters["Compaction"]]
			for _, schedule := range schedules {
				if got := text(schedule.Properties, "ScheduleExpression"); got != want {
					faults = append(faults, fmt.Sprintf("%s runs %s, not %s", schedule.LogicalID, got, want))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"    Type: AWS::Scheduler::Schedule\n    Condition: UseCompaction\n", "    Type: AWS::Scheduler::Schedule\n    Condition: CompactHourly\n"},
			{"    Type: AWS::Athena::WorkGroup\n    Condition: UseCompaction\n", "    Type: AWS::Athena::WorkGroup\n"},
			{"  CompactHourly: !Equals [!Ref Compaction, HOURLY]", "  CompactHourly: !Equals [!Ref Compaction, DAILY]"},
		},
	},
	"a run is started once, and is over before the next": {
		why: "two runs at the same time write the same events twice, since neither sees what the other is about to write",
		fix: "a ClientRequestToken of 32 to 128 characters, the stack's own, that is the same for one scheduled time; no start later than 25 minutes",
		check: func(s *stack) (faults []string) {
			tokens := map[string]bool{}
			for _, schedule := range ofType(s.Resolved, "AWS::Scheduler::Schedule") {
				target := at(schedule.Properties, "Target")
				var input struct {
					ClientRequestToken, WorkGroup, QueryString string
					QueryExecutionContext                      struct{ Database string }
				}
				if err := json.Unmarshal([]byte(text(target, "Input")), &input); err != nil {
					return []string{schedule.LogicalID + ": Input: " + err.Error()}
				}
				token := strings.Replace(input.ClientRequestToken, "<aws.scheduler.scheduled-time>", "2026-11-26T01:20:00Z", 1)
				stack := strings.Split(stackID(), "/")[2]
				if token == input.ClientRequestToken || tokens[token] || !strings.HasPrefix(token, stack) || len(token) < 32 || len(token) > 128 {
					faults = append(faults, schedule.LogicalID+": the token is "+input.ClientRequestToken)
				}
				tokens[token] = true
				if input.WorkGroup != "CompactionWorkGroup" || input.QueryExecutionContext.Database != "Database" {
					faults = append(faults, fmt.Sprintf("%s: it runs in %s on %s", schedule.LogicalID, input.WorkGroup, input.QueryExecutionContext.Database))
				}
				// A query ends after 30 minutes ("Service Quotas", Amazon Athena User Guide).
				if age := text(target, "RetryPolicy", "MaximumEventAgeInSeconds"); age != "1500" || text(schedule.Properties, "FlexibleTimeWindow", "Mode") != "OFF" {
					faults = append(faults, schedule.LogicalID+": a run may start after "+age+" seconds, or when the scheduler likes")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"${Stack}-1-<aws.scheduler.scheduled-time>", "${Stack}-1-<aws.scheduler.execution-id>"},
			{"${Stack}-1-<aws.scheduler.scheduled-time>", "compaction-of-all-stacks-<aws.scheduler.scheduled-time>"},
			{"${Stack}-1-<aws.scheduler.scheduled-time>", "<aws.scheduler.scheduled-time>"},
			{"MaximumEventAgeInSeconds: 1500", "MaximumEventAgeInSeconds: 3600"},
			{`FlexibleTimeWindow: {Mode: "OFF"}`, "FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 60}"},
			{`"WorkGroup":"${CompactionWorkGroup}"`, `"WorkGroup":"primary"`},
		},
	},
	"the table finds what is compacted": {
		why: "Athena writes to key=value folders under the location, and looks where the projection says; what the projection leaves out is in no query",
		fix: "Location and storage.location.template of the same folders, all types, and days from 11 before the first arrival until tomorrow",
		check: func(s *stack) (faults []string) {
			for _, r := range s.Resources {
				if r.LogicalID != "EventsByTypeTable" {
					continue
				}
				input := at(r.Properties, "TableInput")
				parameters := at(input, "Parameters")
				var keys []string
				place := text(input, "StorageDescriptor", "Location")
				for _, key := range items(at(input, "PartitionKeys")) {
					keys = append(keys, text(key, "Name"))
					place += text(key, "Name") + "=${" + text(key, "Name") + "}/"
				}
				first, err := time.Parse(time.DateOnly, strings.Split(text(table(s.Resolved), "TableInput", "Parameters", "projection.dt.range"), ",")[0])
				if err != nil {
					return []string{err.Error()}
				}
				for name, want := range map[string]string{
					"projection.enabled": "true", "storage.location.template": place, "projection.type.type": "enum",
					"projection.type.values": strings.Join(event.Types(), ","), "projection.event_date.format": "yyyy-MM-dd",
					"projection.event_date.type": "date", "projection.event_date.interval": "1", "projection.event_date.interval.unit": "DAYS",
					"projection.event_date.range": first.AddDate(0, 0, -11).Format(time.DateOnly) + ",NOW+1DAY",
				} {
					if got := text(parameters, name); got != want {
						faults = append(faults, fmt.Sprintf("%s is %s, not %s", name, got, want))
					}
				}
				if !slices.Equal(keys, []string{"type", "event_date"}) {
					faults = append(faults, fmt.Sprintf("the keys are %s: an INSERT INTO gives them last, in this order", keys))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"projection.type.values: page_view,purchase", "projection.type.values: page_view,refund"},
			{"event_date=${!event_date}/", "date=${!event_date}/"},
			{"projection.event_date.range: 2025-12-21,NOW+1DAY", "projection.event_date.range: 2026-01-01,NOW"},
			{"Location: !Sub s3://${Bucket}/events_by_type/", "Location: !Sub s3://${Bucket}/events_by_kind/"},
			{"          - {Name: type, Type: string}\n          - {Name: event_date, Type: string}\n", "          - {Name: event_date, Type: string}\n          - {Name: type, Type: string}\n"},
		},
	},
	"the compaction's table has the events' columns": {
		why: "a value whose column is missing is not carried over",
		fix: "make generate",
		check: func(s *stack) (faults []string) {
			r := resource(s.Resolved, "EventsByTypeTable")
			if r.Type == "" {
				return nil
			}
			want := []string{}
			for _, column := range items(at(table(s.Resolved), "TableInput", "StorageDescriptor", "Columns")) {
				if text(column, "Name") != "type" {
					want = append(want, text(column, "Name")+" "+text(column, "Type"))
				}
			}
			var got []string
			for _, column := range items(at(r.Properties, "TableInput", "StorageDescriptor", "Columns")) {
				got = append(got, text(column, "Name")+" "+text(column, "Type"))
			}
			if !slices.Equal(got, append(want, "dt string")) {
				faults = append(faults, fmt.Sprintf("its columns are %q, not %q and dt", got, want))
			}
			return faults
		},
		breaks: [][2]string{
			{"            # compacted columns: begin (make generate)\n", "            # compacted columns: begin (make generate)\n            - {Name: type, Type: string}\n"},
			{"            - {Name: dt, Type: \"string\", Comment", "            - {Name: day, Type: \"string\", Comment"},
		},
	},
	"a run keeps its notes in their own folder, and is counted": {
		why: "what is beside the events may become a row of them; and without metrics the alarms are blind",
		fix: "a workgroup with these settings, which win over a query's own",
		check: func(s *stack) (faults []string) {
			if s.parameters["Compaction"] == "OFF" {
				return nil
			}
			settings := at(resource(s.Resolved, "CompactionWorkGroup").Properties, "WorkGroupConfiguration")
			limit := ""
			if gb := s.parameters["CompactionMaxGB"]; gb != "0" {
				limit = gb + "000000000"
			}
			for name, want := range map[string]string{
				"EnforceWorkGroupConfiguration": "true", "PublishCloudWatchMetricsEnabled": "true", "BytesScannedCutoffPerQuery": limit,
			} {
				if got := text(settings, name); got != want {
					faults = append(faults, fmt.Sprintf("%s is %q, not %q", name, got, want))
				}
			}
			if place := text(settings, "ResultConfiguration", "OutputLocation"); place != "s3://Bucket/athena/compaction/" {
				faults = append(faults, "Athena's notes are in "+place)
			}
			return faults
		},
		breaks: [][2]string{
			{"        PublishCloudWatchMetricsEnabled: true\n", ""},
			{"        EnforceWorkGroupConfiguration: true\n", ""},
			{`"${CompactionMaxGB}000000000"`, `"${CompactionMaxGB}"`},
			{"OutputLocation: !Sub s3://${Bucket}/athena/compaction/", "OutputLocation: !Sub s3://${Bucket}/events/"},
		},
	},
}

// stackID is what AWS::StackId is in a stack of these tests.
func stackID() string {
	parsed, err := template.Parse("id.yaml", []byte("Resources:\n  Id:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: !Ref AWS::StackId}\n"))
	if err != nil {
		panic(err)
	}
	resolved, err := resolveWith(parsed, nil)
	if err != nil {
		panic(err)
	}
	return text(resource(resolved, "Id").Properties, "TopicName")
}
