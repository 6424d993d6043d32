package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hydrant/functions/internal/runtimetest"
)

type logLine struct {
	Level, Message, RequestID, Code, Cause, See string
	Count                                       int
	AWS                                         json.RawMessage `json:"_aws"`

	text string
}

// log returns the lines of an invocation; the one with its metrics is the last.
func log(t *testing.T, f *runtimetest.Function, id string) (lines []logLine) {
	t.Helper()
	f.Output(t, func(text string) bool {
		l := logLine{text: text}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("log: %v: %s", err, text)
		}
		if l.RequestID == id { // or else of an earlier one, which was not looked at
			lines = append(lines, l)
		}
		return l.RequestID == id && l.Message == "dlq"
	})
	return lines
}

func checkLog(t *testing.T, f *runtimetest.Function, id string, explains []string, problems int) {
	t.Helper()
	var explained []string
	found := 0
	for _, l := range log(t, f, id) {
		switch l.Message {
		case "firehose could not deliver":
			explained = append(explained, fmt.Sprint(l.Code, " ", l.Count))
			if l.Cause == "" || !strings.HasPrefix(l.See, "docs/operate.md#") {
				t.Errorf("log: %s", l.text)
			}
		case "problem":
			found++
		case "dlq":
			if l.AWS == nil {
				t.Errorf("no metrics: %s", l.text)
			}
		default:
			t.Errorf("log: %s", l.text)
		}
		for _, secret := range []string{"shop.example", "shop-web", "view-", "typo", "malformed", "hello"} {
			if strings.Contains(l.text, secret) {
				t.Errorf("the log quotes a payload (%s): %s", secret, l.text)
			}
		}
	}
	slices.Sort(explained)
	check(t, "explained", explained, explains)
	if found != problems {
		t.Errorf("%d problems, want %d", found, problems)
	}
}
