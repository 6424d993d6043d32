package main_test

import (
	"testing"

	"hydrant/functions/internal/runtimetest"
)

// A program with settings that it cannot take ends before it takes a batch, and says all that is wrong with them.
func TestSettings(t *testing.T) {
	for name, tc := range map[string]struct{ environment, want []string }{
		"one mistake": {[]string{"REJECTION_SAMPLES=-1"}, []string{"Samples"}},
		"three mistakes": {
			[]string{"POWERTOOLS_METRICS_NAMESPACE=AWS/Lambda", "REJECTION_SAMPLES=a few", "POWERTOOLS_TRACE_ENABLED=Active"},
			[]string{"Namespace", "Samples", "Trace", "begins neither with a colon nor with AWS/"},
		},
		"a service of blanks": {[]string{"POWERTOOLS_SERVICE_NAME= "}, []string{"Service"}},
	} {
		t.Run(name, func(t *testing.T) {
			runtimetest.CheckRefused(t, tc.environment, tc.want)
		})
	}
}
