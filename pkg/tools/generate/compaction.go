package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hydrant/pkg/event"
)

// What one statement of the compaction reads and writes. Athena writes to 100 partitions in one INSERT INTO and fails beyond that ("INSERT INTO",
// Amazon Athena User Guide), and the page can be read as if that held for what is read, too. All of it keeps to that:
//
//	written       typesAStatement × (windowDays + lateDays + 1)             = 5 × 16 = 80
//	read, events  windowDays × 24 hours                                    = 96
//	read, table   typesAStatement × (windowDays + copyDays + lateDays + 1) = 5 × 20 = 100
const (
	// windowDays are the days of arrival that a run looks at, with its own. A file is delivered up to 24 hours after its first record arrived (the
	// stream's retention, by default), so it can have the date of the day before yesterday at a run after midnight: three days. The fourth is for
	// a day on which the run fails.
	windowDays = 4
	// copyDays are how many days a copy may arrive after the one that is in the table and still be known as a copy. No less than the window:
	// then what was decided of a row is decided again at every run, whichever of its copies the window still holds.
	copyDays = windowDays
	// lateDays are how many days an event may arrive after it happened and still be put under the day when it happened. Others are put under
	// the day of their arrival: one statement writes to a fixed number of days, whatever a producer says.
	lateDays = 11
	// typesAStatement are the types of events that one statement takes. More types make more statements.
	typesAStatement = 5
)

// columnsOfCompaction are names that the statement and its table give themselves.
var columnsOfCompaction = []string{"dt", "hour", "event_date", "nth_copy"}

// writeCompaction answers the template with the columns and types of the compacted events, and the schedules that compact them.
func writeCompaction(template []byte, types []string, columns []event.Column) ([]byte, error) {
	columns, err := compacted(columns)
	if err != nil {
		return nil, err
	}
	if template, err = writeColumns(template, compactedMarks, columns); err != nil {
		return nil, err
	}
	if n := len(typesLine.FindAll(template, -1)); n != 1 {
		return nil, fmt.Errorf(`%d lines like "projection.type.values: a,b # types (make generate)", want 1`, n)
	}
	template = typesLine.ReplaceAll(template, []byte("${1}"+strings.Join(types, ",")+"${2}"))
	return scheduleMarks.write(template, schedules(types, columns))
}

// typesLine has the values of the partition key type of the compacted events.
var typesLine = regexp.MustCompile(`(?m)^( *projection\.type\.values: ).*( # types \(make generate\))$`)

// compacted answers the columns of the table events_by_type, without its partition keys type and event_date.
func compacted(columns []event.Column) ([]event.Column, error) {
	var of []event.Column
	for _, c := range columns {
		if slices.Contains(columnsOfCompaction, c.Name) {
			return nil, fmt.Errorf("column %s: the table of compacted events has one of this name", c.Name)
		}
		if c.Name != "type" {
			of = append(of, c)
		}
	}
	return append(of, event.Column{Name: "dt", Type: "string", Comment: "The day that the event arrived on, in UTC: the partition of events that it comes from."}), nil
}

// schedules answers the resources that start the compaction, one for each statement, as lines of YAML without indentation.
func schedules(types []string, columns []event.Column) []string {
	var lines []string
	number := 0
	for some := range slices.Chunk(types, typesAStatement) {
		number++
		lines = append(lines, schedule(number, some, columns)...)
	}
	return lines
}

func schedule(number int, types []string, columns []event.Column) []string {
	id := "CompactionSchedule"
	if number > 1 {
		id += fmt.Sprint(number)
	}
	lines := []string{
		id + ":",
		"  Type: AWS::Scheduler::Schedule",
		"  Condition: UseCompaction",
		// Both tables have a new column before the statement names it; and it does so before the new function's first file is there to be compacted.
		"  DependsOn: [EventsTable, EventsByTypeTable]",
		"  Properties:",
		"    Description: !Sub Compacts the events of ${AWS::StackName} of the types " + strings.Join(types, " "),
		`    FlexibleTimeWindow: {Mode: "OFF"}`,
		`    ScheduleExpression: !If [CompactHourly, "cron(20 * * * ? *)", "cron(20 1 * * ? *)"]`,
		"    Target:",
		"      Arn: !Sub arn:${AWS::Partition}:scheduler:::aws-sdk:athena:startQueryExecution",
		"      RoleArn: !GetAtt CompactionRole.Arn",
		"      DeadLetterConfig: {Arn: !GetAtt CompactionDeadLetterQueue.Arn}",
		"      RetryPolicy: {MaximumEventAgeInSeconds: 1500, MaximumRetryAttempts: 20}",
		"      Input: !Sub",
		"        - >-",
		fmt.Sprintf(`          {"ClientRequestToken":"${Stack}-%d-<aws.scheduler.scheduled-time>","WorkGroup":"${CompactionWorkGroup}",`, number),
		`          "QueryExecutionContext":{"Database":"${Database}"},"QueryString":"`,
	}
	for _, line := range statement(types, columns) {
		lines = append(lines, "          "+strings.ReplaceAll(line, `"`, `\"`))
	}
	return append(lines, `          "}`, `        - {Stack: !Select [2, !Split [/, !Ref "AWS::StackId"]]}`, "")
}

// statement is the query that compacts some types, in lines. current_timestamp is the one thing in it that changes from run to run.
func statement(types []string, columns []event.Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, `"`+c.Name+`"`)
	}
	list := strings.Join(names, ", ")
	ofTypes := "type IN ('" + strings.Join(types, "', '") + "')"
	return []string{
		"INSERT INTO events_by_type (" + list + `, "type", "event_date")`,
		"SELECT " + list + `, "type",`,
		fmt.Sprintf("CASE WHEN date(occurred_at) BETWEEN date(dt) - interval '%d' day AND date(dt) + interval '1' day", lateDays),
		"THEN date_format(occurred_at, '%Y-%m-%d') ELSE dt END",
		"FROM (SELECT e.*, row_number() OVER (PARTITION BY e.type, e.event_id ORDER BY e.attempt, e.received_at) AS nth_copy",
		"FROM (SELECT * FROM events WHERE " + ofTypes,
		"AND dt BETWEEN " + daysAgo(windowDays-1) + " AND " + daysAgo(0) + ") e",
		"LEFT JOIN (SELECT type, event_id, dt FROM events_by_type WHERE " + ofTypes,
		"AND event_date >= " + daysAgo(windowDays-1+copyDays+lateDays) + " AND dt >= " + daysAgo(windowDays-1+copyDays) + ") c",
		fmt.Sprintf("ON c.type = e.type AND c.event_id = e.event_id AND c.dt >= date_format(date(e.dt) - interval '%d' day, '%%Y-%%m-%%d')", copyDays),
		"WHERE c.event_id IS NULL)",
		"WHERE nth_copy = 1",
	}
}

// daysAgo is the date so many days before the run's, as text.
func daysAgo(days int) string {
	return fmt.Sprintf("date_format(current_timestamp AT TIME ZONE 'UTC' - interval '%d' day, '%%Y-%%m-%%d')", days)
}
