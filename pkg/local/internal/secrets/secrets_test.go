package secrets

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:"

func text(s string) *string { return &s }

func open(t *testing.T, dir string) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, Secrets: []Secret{
		{Name: "team/tokens", ARN: arn + "team/tokens-AbCdEf", Description: "who may send", Value: text(`{"a":1}`)},
		{Name: "made", ARN: arn + "made-AbCdEf", Generate: &Generate{Length: 40, Alphabet: "ab", Template: `{"user":"u"}`, Key: "password"}},
		{Name: "empty", ARN: arn + "empty-AbCdEf"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call asks over HTTP, and answers the members that came back.
func call(t *testing.T, s *Service, action, body string) (int, map[string]any) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", TargetPrefix+action)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, out
}

func TestActions(t *testing.T) {
	const get, describe = "GetSecretValue", "DescribeSecret"
	for name, tc := range map[string]struct {
		action, request string
		status          int
		member, want    string // of the answer
	}{
		"by name":              {get, `{"SecretId":"team/tokens"}`, 200, "SecretString", `{"a":1}`},
		"by ARN":               {get, `{"SecretId":"` + arn + `team/tokens-AbCdEf"}`, 200, "SecretString", `{"a":1}`},
		"by half an ARN":       {get, `{"SecretId":"` + arn + `team/tokens"}`, 200, "ARN", arn + "team/tokens-AbCdEf"},
		"the current version":  {get, `{"SecretId":"team/tokens","VersionStage":"AWSCURRENT"}`, 200, "Name", "team/tokens"},
		"an earlier version":   {get, `{"SecretId":"team/tokens","VersionStage":"AWSPREVIOUS"}`, 400, "__type", "ResourceNotFoundException"},
		"another version":      {get, `{"SecretId":"team/tokens","VersionId":"x"}`, 400, "__type", "ResourceNotFoundException"},
		"a secret of no value": {get, `{"SecretId":"empty"}`, 400, "message", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"},
		"no such secret":       {get, `{"SecretId":"tokens"}`, 400, "message", "Secrets Manager can't find the specified secret."},
		"no id":                {get, `{}`, 400, "__type", "InvalidParameterException"},
		"no JSON":              {get, `{`, 400, "__type", "SerializationException"},
		"another action":       {"PutSecretValue", `{"SecretId":"made"}`, 400, "__type", "UnknownOperationException"},
		"a description":        {describe, `{"SecretId":"team/tokens"}`, 200, "Description", "who may send"},
		"of a secret unvalued": {describe, `{"SecretId":"empty"}`, 200, "Name", "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			status, got := call(t, open(t, t.TempDir()), tc.action, tc.request)
			if status != tc.status || got[tc.member] != tc.want {
				t.Errorf("got %d %v\nwant %d, %s %s", status, got, tc.status, tc.member, tc.want)
			}
			if _, shown := got["SecretString"]; shown && tc.action == describe {
				t.Error("the description holds the value")
			}
		})
	}
}

func TestAFileGivesASecretItsValueAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, before := call(t, s, "GetSecretValue", `{"SecretId":"team/tokens"}`)
	if err := os.MkdirAll(filepath.Join(dir, "team"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "team", "tokens"), []byte("{\"b\":2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, after := call(t, s, "GetSecretValue", `{"SecretId":"team/tokens"}`)
	if after["SecretString"] != `{"b":2}` || after["VersionId"] == before["VersionId"] {
		t.Errorf("got %v after %v", after, before)
	}
	if _, again := call(t, s, "GetSecretValue", `{"SecretId":"team/tokens","VersionId":"`+after["VersionId"].(string)+`"}`); again["SecretString"] != `{"b":2}` {
		t.Errorf("got %v", again)
	}
}

func TestWhatIsMadeUpLasts(t *testing.T) {
	dir := t.TempDir()
	_, first := call(t, open(t, dir), "GetSecretValue", `{"SecretId":"made"}`)
	var value struct{ User, Password string }
	if err := json.Unmarshal([]byte(first["SecretString"].(string)), &value); err != nil || value.User != "u" || len(value.Password) != 40 || strings.Trim(value.Password, "ab") != "" {
		t.Errorf("got %v (%v)", first, err)
	}
	if _, second := call(t, open(t, dir), "GetSecretValue", `{"SecretId":"made"}`); second["SecretString"] != first["SecretString"] || second["VersionId"] != first["VersionId"] {
		t.Errorf("got %v after %v", second, first)
	}
	info, err := os.Stat(filepath.Join(dir, "made"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestNoSecretLeavesTheFolder(t *testing.T) {
	for _, name := range []string{"../out", "/etc/passwd", "a/../../b"} {
		if _, err := Open(Config{Dir: t.TempDir(), Secrets: []Secret{{Name: name, ARN: arn + name + "-AbCdEf"}}}); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
