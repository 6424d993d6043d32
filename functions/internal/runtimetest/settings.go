package runtimetest

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// CheckRefused wants a program with these variables to end before it takes an invocation, with one line in the log that has each of the texts.
func CheckRefused(t *testing.T, environment, texts []string) {
	t.Helper()
	api := httptest.NewServer(New().RuntimeAPI())
	defer api.Close()
	out, err := Command(api.URL, environment...).CombinedOutput()
	if err == nil {
		t.Fatal("the program ends well")
	}
	var line struct{ Level, Message, Error string }
	if err := json.Unmarshal(out, &line); err != nil || line.Level != "ERROR" || line.Message != "cannot start" {
		t.Fatalf("%v: %s", err, out)
	}
	for _, text := range texts {
		if !strings.Contains(line.Error, text) {
			t.Errorf("no %s in %s", text, line.Error)
		}
	}
}
