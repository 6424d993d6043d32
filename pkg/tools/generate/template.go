package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
)

// The lines between which what is written stands, without their indentation.
var (
	columnMarks    = marks{"# columns: begin (make generate)", "# columns: end"}
	compactedMarks = marks{"# compacted columns: begin (make generate)", "# compacted columns: end"}
	scheduleMarks  = marks{"# compaction: begin (make generate)", "# compaction: end"}
	dashboardMarks = marks{"# dashboard: begin (make generate)", "# dashboard: end"}
)

type marks struct{ begin, end string }

// maxComment is the longest comment of a column, in characters ("Column structure", AWS Glue Web API Reference).
const maxComment = 255

// rewriteTemplate answers the template with what follows from the catalogue, and the size of a batch in MB. Nothing else in it changes.
func rewriteTemplate(template []byte, buffer string) ([]byte, error) {
	template, err := writeBuffer(template, buffer)
	if err != nil {
		return nil, err
	}
	if template, err = writeDashboard(template, event.Types()); err != nil {
		return nil, err
	}
	if template, err = writeColumns(template, columnMarks, event.Columns()); err != nil {
		return nil, err
	}
	return writeCompaction(template, event.Types(), event.Columns())
}

// writeColumns answers the template with the columns, one on a line, between the marked lines of a table. It fails if Glue would refuse a column.
func writeColumns(template []byte, table marks, columns []event.Column) ([]byte, error) {
	lines := make([]string, len(columns))
	for i, c := range columns {
		var err error
		if lines[i], err = entry(c); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return table.write(template, lines)
}

// writeDashboard answers the template with the dashboard's metrics by type and by reason, as variables of its Fn::Sub. Each is a list of metrics in
// short: the namespace and the dimension are those of the metric before ("Dashboard body structure and syntax", CloudWatch).
func writeDashboard(template []byte, types []string) ([]byte, error) {
	if !slices.Contains(types, "unknown") {
		types = append(slices.Clone(types), "unknown")
	}
	var ofEvents, ofQuarantine []string
	for _, r := range event.Reasons() {
		ofEvents = append(ofEvents, string(r.Reason))
		ofQuarantine = append(ofQuarantine, string(r.Reason))
	}
	for _, r := range dlq.Reasons() {
		ofQuarantine = append(ofQuarantine, string(r.Reason))
	}
	var lines []string
	for _, list := range []struct {
		variable, metric string
		ends             []string
	}{
		{"EventsByType", "Events.", types},
		{"RejectedByType", "EventsRejected.", types},
		{"RejectionsByReason", "Rejections.", ofEvents},
		{"QuarantinedByReason", "Quarantined.", ofQuarantine},
	} {
		lines = append(lines, list.variable+": >-")
		for i, end := range list.ends {
			line := fmt.Sprintf(`  [".",%q,".",".",{"label":%q}]`, list.metric+end, end)
			if i < len(list.ends)-1 {
				line += ","
			}
			lines = append(lines, line)
		}
	}
	return dashboardMarks.write(template, lines)
}

// write answers the template with lines between the marked ones, indented as those are. It fails if the marked lines are not there once each, in
// their order.
func (m marks) write(template []byte, content []string) ([]byte, error) {
	lines := strings.SplitAfter(string(template), "\n")
	first, err := find(lines, m.begin)
	if err != nil {
		return nil, err
	}
	last, err := find(lines, m.end)
	if err != nil {
		return nil, err
	}
	if last < first {
		return nil, fmt.Errorf("line %d: %q stands before %q", last+1, m.end, m.begin)
	}
	indent := lines[first][:strings.Index(lines[first], m.begin)]

	var out bytes.Buffer
	out.WriteString(strings.Join(lines[:first+1], ""))
	for _, line := range content {
		if line != "" {
			line = indent + line
		}
		out.WriteString(line + "\n")
	}
	out.WriteString(strings.Join(lines[last:], ""))
	return out.Bytes(), nil
}

// bufferLine is the default of the parameter TransformBufferMB.
var bufferLine = regexp.MustCompile(`(?m)^( *Default: )[0-9.]+( # batch size \(make generate\))$`)

// writeBuffer answers the template with the size of a batch in its marked line.
func writeBuffer(template []byte, size string) ([]byte, error) {
	if n := len(bufferLine.FindAll(template, -1)); n != 1 {
		return nil, fmt.Errorf(`%d lines like "Default: 0.5 # batch size (make generate)", want 1`, n)
	}
	return bufferLine.ReplaceAll(template, []byte("${1}"+size+"${2}")), nil
}

// find answers the place of the one line that holds nothing but the marker.
func find(lines []string, marker string) (int, error) {
	found := -1
	for i, line := range lines {
		if strings.TrimSpace(line) != marker {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("line %d: a second line %q", i+1, marker)
		}
		found = i
	}
	if found < 0 {
		return 0, fmt.Errorf("there is no line %q", marker)
	}
	return found, nil
}

// entry is a column as an item of the template's list.
func entry(c event.Column) (string, error) {
	if n := utf8.RuneCountInString(c.Comment); n > maxComment {
		return "", fmt.Errorf("its comment has %d characters, Glue takes %d", n, maxComment)
	}
	if strings.ContainsAny(c.Comment, "\r\n") {
		return "", fmt.Errorf("its comment has more than one line")
	}
	// %q escapes as YAML's double-quoted style does.
	line := fmt.Sprintf("- {Name: %s, Type: %q", c.Name, c.Type)
	if c.Comment != "" {
		line += fmt.Sprintf(", Comment: %q", c.Comment)
	}
	return line + "}", nil
}
