package emftest_test

import (
	"strings"
	"testing"

	"hydrant/pkg/telemetry/emftest"
)

const good = `{"_aws":{"Timestamp":1732269600123,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[["Service"]],"Metrics":[{"Name":"A","Unit":"Count"},{"Name":"B"}]}]},` +
	`"Service":"s","A":3,"B":[1,2.5]}`

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct{ old, new string }{
		"text before it":                   {`{"_aws"`, `INFO {"_aws"`},
		"text behind it":                   {`[1,2.5]}`, `[1,2.5]} ok`},
		"a blank behind it":                {`[1,2.5]}`, `[1,2.5]} `},
		"two lines":                        {`"A":3,`, "\"A\":3,\n"},
		"two members of one name":          {`"A":3,`, `"A":3,"A":3,`},
		"ill-formed UTF-8":                 {`"A":3,`, "\"A\":3,\"x\":\"\xff\","},
		"more than a log event may have":   {`"A":3,`, `"A":3,"x":"` + strings.Repeat("x", 1<<18) + `",`},
		"no metadata":                      {`"_aws"`, `"aws"`},
		"metadata of another letter case":  {`"CloudWatchMetrics"`, `"cloudWatchMetrics"`},
		"a member that metadata have not":  {`"Timestamp"`, `"x":1,"Timestamp"`},
		"no timestamp":                     {`"Timestamp":1732269600123,`, ``},
		"a timestamp of seconds and parts": {`1732269600123`, `1732269600.123`},
		"a timestamp that is text":         {`1732269600123`, `"2026"`},
		"no namespace":                     {`"Namespace":"n"`, `"Namespace":""`},
		"AWS's namespace":                  {`"Namespace":"n"`, `"Namespace":"AWS/Lambda"`},
		"no set of dimensions":             {`[["Service"]]`, `[]`},
		"too many dimensions":              {`[["Service"]]`, `[["` + strings.Repeat(`Service","`, 30) + `Service"]]`},
		"a dimension without a value":      {`"Service":"s",`, ``},
		"a dimension with an empty value":  {`"Service":"s"`, `"Service":""`},
		"a dimension that is a number":     {`"Service":"s"`, `"Service":1`},
		"no metrics":                       {`[{"Name":"A","Unit":"Count"},{"Name":"B"}]`, `[]`},
		"a metric without a value":         {`"A":3,`, ``},
		"a metric that is text":            {`"A":3`, `"A":"3"`},
		"a metric that is null":            {`"A":3`, `"A":null`},
		"a metric of no values":            {`"A":3`, `"A":[]`},
		"a metric of too many values":      {`"A":3`, `"A":[` + strings.Repeat("0,", 100) + `0]`},
		"a metric beyond all floats":       {`"A":3`, `"A":1e400`},
		"a metric beyond CloudWatch's":     {`"A":3`, `"A":-1e110`},
		"a metric defined twice":           {`{"Name":"B"}`, `{"Name":"A"}`},
		"a metric without a name":          {`{"Name":"B"}`, `{"Name":""}`},
		"a name that is not ASCII":         {`B"`, `ü"`},
		"a unit that there is not":         {`"Count"`, `"count"`},
		"too many metrics":                 {`{"Name":"B"}`, strings.Repeat(`{"Name":"B"},`, 100) + `{"Name":"B"}`},
	} {
		t.Run(name, func(t *testing.T) {
			line := strings.ReplaceAll(good, tc.old, tc.new)
			if line == good {
				t.Fatalf("the good line has no %s", tc.old)
			}
			if _, err := emftest.Check([]byte(line)); err == nil {
				t.Errorf("it passes: %.300s", line)
			}
		})
	}
	d, err := emftest.Check([]byte(good + "\n"))
	if err != nil || d.Metrics["A"] != 3 || d.Metrics["B"] != 3.5 || d.Dimensions["Service"] != "s" || d.Units["A"] != "Count" {
		t.Errorf("got %+v, %v", d, err)
	}
	if !emftest.Is([]byte(good)) || emftest.Is([]byte(`{"message":"_aws"}`)) {
		t.Error("it takes one for the other")
	}
}
