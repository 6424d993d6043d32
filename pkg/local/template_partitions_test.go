package main_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/local/internal/template"
)

// moments are times of arrival: the ends of hours, days, years, and what one digit or two would tell apart.
var moments = []time.Time{
	time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2026, 2, 28, 9, 59, 59, 999_000_000, time.UTC),
	time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
	time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC),
	time.Date(2027, 1, 3, 5, 0, 0, 0, time.UTC), // another year by the week's count, YYYY
	time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("", 9*3600)),
}

// javaFormats are the date formats that are used, as Go's. Both Firehose and Athena have Java's, in UTC.
var javaFormats = map[string]string{"yyyy-MM-dd": "2006-01-02", "HH": "15", "yyyy": "2006", "MM": "01", "dd": "02", "yyyy-MM": "2006-01", "yyyy/MM/dd": "2006/01/02"}

func formatJava(format string, moment time.Time) (string, error) {
	layout, known := javaFormats[format]
	if !known {
		return "", fmt.Errorf("the format %s is not among those that this test can read", format)
	}
	return moment.UTC().Format(layout), nil
}

// firehosePrefix evaluates a Prefix of timestamp expressions.
func firehosePrefix(prefix string, moment time.Time) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(prefix, "!{timestamp:")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		format, after, _ := strings.Cut(rest, "}")
		value, err := formatJava(format, moment)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		prefix = after
	}
}

// projectedPath is where Athena looks for what arrived at a moment, by the table's partition projection ("Partition projection with
// Amazon Athena"). It fails where the moment is out of the projection's range.
func projectedPath(table *template.Value, moment time.Time) (string, error) {
	parameters := at(table, "TableInput", "Parameters")
	if text(parameters, "projection.enabled") != "true" {
		return "", fmt.Errorf("projection is not enabled")
	}
	path := text(parameters, "storage.location.template")
	for _, key := range items(at(table, "TableInput", "PartitionKeys")) {
		name := text(key, "Name")
		projection := func(setting string) string { return text(parameters, "projection."+name+"."+setting) }
		var value string
		var err error
		switch projection("type") {
		case "date":
			value, err = projectDate(projection, moment)
		case "integer":
			value, err = projectHour(projection, moment)
		default:
			err = fmt.Errorf("projection.%s.type is %q", name, projection("type"))
		}
		if err != nil {
			return "", err
		}
		if !strings.Contains(path, "${"+name+"}") {
			return "", fmt.Errorf("%s has no ${%s}", path, name)
		}
		path = strings.Replace(path, "${"+name+"}", value, 1)
	}
	return path, nil
}

func projectDate(projection func(string) string, moment time.Time) (string, error) {
	format := projection("format")
	value, err := formatJava(format, moment)
	if err != nil {
		return "", err
	}
	from, to, _ := strings.Cut(projection("range"), ",")
	first, err := time.Parse(javaFormats[format], from)
	if err != nil {
		return "", err
	}
	if to != "NOW" || moment.Before(first) {
		return "", fmt.Errorf("%s is not in the range %s,%s, or that ends", value, from, to)
	}
	if projection("interval") != "1" || projection("interval.unit") != "DAYS" {
		return "", fmt.Errorf("the interval is not a day")
	}
	return value, nil
}

// projectHour takes an integer partition for the hour of the day.
func projectHour(projection func(string) string, moment time.Time) (string, error) {
	from, to, _ := strings.Cut(projection("range"), ",")
	first, err := strconv.Atoi(from)
	if err != nil {
		return "", err
	}
	last, err := strconv.Atoi(to)
	if err != nil {
		return "", err
	}
	hour := moment.UTC().Hour()
	if hour < first || hour > last || first != 0 || last != 23 {
		return "", fmt.Errorf("the hours are %d to %d", first, last)
	}
	digits, err := strconv.Atoi(projection("digits"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", digits, hour), nil
}
