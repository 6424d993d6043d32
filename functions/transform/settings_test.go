package main_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// A program with settings that it cannot take ends before it takes a batch, and says all that is wrong with them.
func TestSettings(t *testing.T) {
	api := httptest.NewServer(newFunction().runtimeAPI())
	t.Cleanup(api.Close)
	for name, tc := range map[string]struct{ environment, want []string }{
		"one mistake": {[]string{"REJECTION_SAMPLES=-1"}, []string{"Samples"}},
		"three mistakes": {
			[]string{"POWERTOOLS_METRICS_NAMESPACE=AWS/Lambda", "REJECTION_SAMPLES=a few", "POWERTOOLS_TRACE_ENABLED=Active"},
			[]string{"Namespace", "Samples", "Trace", "begins neither with a colon nor with AWS/"},
		},
		"a service of blanks": {[]string{"POWERTOOLS_SERVICE_NAME= "}, []string{"Service"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := command(api.URL, tc.environment).CombinedOutput()
			if err == nil {
				t.Fatal("the program ends well")
			}
			var line struct{ Level, Message, Error string }
			if err := json.Unmarshal(out, &line); err != nil || line.Level != "ERROR" || line.Message != "cannot start" {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range tc.want {
				if !strings.Contains(line.Error, want) {
					t.Errorf("no %s in %s", want, line.Error)
				}
			}
		})
	}
}
