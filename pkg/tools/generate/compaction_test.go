package main

import (
	"fmt"
	"strings"
	"testing"

	"hydrant/pkg/event"
)

// Athena takes 100 partitions in a statement, and the comment beside the constants reckons with these.
func TestAStatementKeepsToAthenasPartitions(t *testing.T) {
	for what, n := range map[string]int{
		"written":                           typesAStatement * (windowDays + lateDays + 1),
		"read of the events":                windowDays * 24,
		"read of what is compacted already": typesAStatement * (windowDays + copyDays + lateDays + 1),
	} {
		if n > 100 {
			t.Errorf("%d partitions are %s", n, what)
		}
	}
	if copyDays < windowDays {
		t.Errorf("a copy is known for %d days, and a run looks at %d: what one run leaves out a later one would write", copyDays, windowDays)
	}
}

func TestSchedulesTakeAllTypes(t *testing.T) {
	columns := []event.Column{{Name: "type", Type: "string"}, {Name: "event_id", Type: "string"}, {Name: "order", Type: "int"}}
	of, err := compacted(columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 5, 6, 11} {
		var types []string
		for i := range n {
			types = append(types, fmt.Sprintf("type_%d", i))
		}
		text := strings.Join(schedules(types, of), "\n")
		statements := strings.Count(text, "INSERT INTO")
		if want := (n + typesAStatement - 1) / typesAStatement; statements != want || strings.Count(text, "Type: AWS::Scheduler::Schedule") != want {
			t.Errorf("%d types have %d statements, not %d", n, statements, want)
		}
		for _, name := range types {
			// In the events and in what is compacted already, of one statement.
			if got := strings.Count(text, "'"+name+"'"); got != 2 {
				t.Errorf("of %d types %s is named %d times", n, name, got)
			}
		}
		for i := range statements {
			if !strings.Contains(text, fmt.Sprintf(`"${Stack}-%d-<aws.scheduler.scheduled-time>"`, i+1)) {
				t.Errorf("of %d types statement %d has no token of its own", n, i+1)
			}
		}
		if !strings.Contains(text, `(\"event_id\", \"order\", \"dt\", \"type\", \"event_date\")`) {
			t.Errorf("the columns are not there, quoted, the keys last:\n%s", text)
		}
	}
}

func TestCompactedRefusesItsOwnNames(t *testing.T) {
	for _, name := range columnsOfCompaction {
		if _, err := compacted([]event.Column{{Name: name, Type: "string"}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("column %s: %v", name, err)
		}
	}
}
