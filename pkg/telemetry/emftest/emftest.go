// Package emftest says whether a line of a log is a document of CloudWatch's embedded metric format. It is for tests, and knows nothing of
// what wrote the line: its rules are those of "Specification: Embedded metric format" (Amazon CloudWatch User Guide), and where the
// CloudWatch API Reference has narrower ones for names and values, those.
package emftest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Document is what CloudWatch makes of a line.
type Document struct {
	Namespaces []string           // one for each directive
	Dimensions map[string]string  // of all metrics
	Metrics    map[string]float64 // the sum of a metric's values
	Units      map[string]string
	Members    map[string]json.RawMessage // of the root node, the above among them
}

// Limits of a document.
const (
	maxBytes      = 256 << 10 // of a log event, before the limit was raised to 1 MB
	maxMetrics    = 100
	maxDimensions = 30
	maxValues     = 100
)

// units are the values of StandardUnit.
var units = strings.Fields("Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits " +
	"Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second " +
	"Megabits/Second Gigabits/Second Terabits/Second Count/Second None")

type metadata struct {
	Timestamp         json.RawMessage
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name, Unit        string
		StorageResolution *int
	}
}

// Is says whether a line would be read as a document: whether it has the member that makes it one.
func Is(line []byte) bool {
	var root struct {
		AWS json.RawMessage `json:"_aws"`
	}
	return json.Unmarshal(line, &root) == nil && root.AWS != nil
}

// Check reads a line, with or without its newline. Its error has all faults.
func Check(line []byte) (Document, error) {
	text := bytes.TrimSuffix(line, []byte("\n"))
	d := Document{Dimensions: map[string]string{}, Metrics: map[string]float64{}, Units: map[string]string{}}
	switch {
	case len(text) > maxBytes:
		return d, fmt.Errorf("%d bytes", len(text))
	case !bytes.HasPrefix(text, []byte("{")) || !bytes.HasSuffix(text, []byte("}")) || bytes.ContainsAny(text, "\r\n"):
		return d, errors.New("the line has something beside one object")
	case !jsontext.Value(text).IsValid(): // ill-formed UTF-8 and names that are there twice are not valid to it
		return d, errors.New("the line is not valid JSON")
	}
	if err := json.Unmarshal(text, &d.Members); err != nil {
		return d, err
	}
	aws, err := readMetadata(d.Members["_aws"])
	if err != nil {
		return d, err
	}
	c := checker{document: &d, seen: map[string]bool{}}
	for _, directive := range aws.CloudWatchMetrics {
		c.directive(directive)
	}
	return d, errors.Join(c.faults...)
}

func readMetadata(text []byte) (metadata, error) {
	var m metadata
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("_aws: %w", err)
	}
	// encoding/json does not mind letter case; the format does.
	for _, name := range []string{"Timestamp", "CloudWatchMetrics", "Namespace", "Dimensions", "Metrics", "Name"} {
		if !bytes.Contains(text, []byte(`"`+name+`":`)) {
			return m, fmt.Errorf("_aws: no member %s", name)
		}
	}
	if _, err := strconv.ParseInt(string(m.Timestamp), 10, 64); err != nil {
		return m, errors.New("_aws: Timestamp is no whole number of milliseconds")
	}
	return m, nil
}

type checker struct {
	document *Document
	seen     map[string]bool // metrics, with what tells them apart
	faults   []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checker) directive(d directive) {
	c.document.Namespaces = append(c.document.Namespaces, d.Namespace)
	if !isName(d.Namespace, 255) || strings.HasPrefix(d.Namespace, "AWS/") {
		c.fault("namespace %q", d.Namespace)
	}
	if len(d.Dimensions) == 0 || len(d.Metrics) == 0 || len(d.Metrics) > maxMetrics {
		c.fault("a directive with %d sets of dimensions and %d metrics", len(d.Dimensions), len(d.Metrics))
	}
	for _, set := range d.Dimensions {
		c.dimensions(set)
		for _, m := range d.Metrics {
			key := fmt.Sprintf("%q %q %q", d.Namespace, set, m.Name)
			if c.seen[key] {
				c.fault("metric %q is defined twice", m.Name)
			}
			c.seen[key] = true
		}
	}
	for _, m := range d.Metrics {
		if m.Unit != "" && !slices.Contains(units, m.Unit) || m.StorageResolution != nil && *m.StorageResolution != 1 && *m.StorageResolution != 60 {
			c.fault("metric %q has the unit %q", m.Name, m.Unit)
		}
		c.document.Units[m.Name] = m.Unit
		c.metric(m.Name)
	}
}

func (c *checker) dimensions(set []string) {
	if len(set) > maxDimensions {
		c.fault("%d dimensions in a set", len(set))
	}
	for i, name := range set {
		var value string
		if err := json.Unmarshal(c.document.Members[name], &value); err != nil || !isName(value, 1024) {
			c.fault("dimension %q has the value %s", name, c.document.Members[name])
		}
		if !isName(name, 250) || slices.Contains(set[:i], name) {
			c.fault("dimension %q", name)
		}
		c.document.Dimensions[name] = value
	}
}

func (c *checker) metric(name string) {
	if !isName(name, 255) {
		c.fault("metric %q", name)
	}
	var values []float64
	target := c.document.Members[name]
	if !bytes.HasPrefix(target, []byte("[")) {
		target = slices.Concat([]byte("["), target, []byte("]"))
	}
	if err := json.Unmarshal(target, &values); err != nil || len(values) == 0 || len(values) > maxValues || bytes.Contains(target, []byte("null")) {
		c.fault("metric %q has the value %.100s", name, target)
	}
	sum := 0.0
	for _, v := range values {
		if sum += v; math.Abs(v) > math.Ldexp(1, 360) {
			c.fault("metric %q has the value %v", name, v)
		}
	}
	c.document.Metrics[name] = sum
}

func isName(s string, most int) bool {
	return s != "" && len(s) <= most && s[0] != ':' && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0 && strings.TrimSpace(s) != ""
}
