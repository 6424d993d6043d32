package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hydrant/functions/internal/runtimetest"
	"hydrant/pkg/telemetry/emftest"
)

func TestMain(m *testing.M) { runtimetest.Main(m) }

// printed is what the program printed for one invocation. The last line is the metrics, or, behind them, what aws-lambda-go prints of an
// error.
func printed(t *testing.T, f *runtimetest.Function, of runtimetest.Outcome) []string {
	t.Helper()
	last := `"Decisions":1`
	if of.Path == "error" {
		last = "errorMessage"
	}
	return f.Output(t, func(line string) bool { return strings.Contains(line, last) })
}

// serveKeys is the issuer's key set.
func serveKeys(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(keySet()))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/keys"
}

const secretARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:hydrant/tokens-AbCdEf"

// serveSecret is Secrets Manager, by its API Reference ("GetSecretValue"), with one secret.
func serveSecret(t testing.TB) string {
	t.Helper()
	text := tokens
	for i, token := range []string{goodToken, expiredToken} {
		sum := sha256.Sum256([]byte(token))
		text = strings.Replace(text, fmt.Sprintf("HASH-%d", i+1), hex.EncodeToString(sum[:]), 1)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || len(in) != 1 || in["SecretId"] != secretARN {
			t.Errorf("asked %s %v: %v", r.Header.Get("X-Amz-Target"), in, err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]any{"ARN": secretARN, "Name": "hydrant/tokens", "SecretString": text, "VersionStages": []string{"AWSCURRENT"}})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// environment has both kinds of credential on.
func environment(keys, secrets string) []string {
	return []string{
		"JWT_ISSUER=" + testIssuer, "JWT_AUDIENCE=hydrant,hydrant-test", "JWT_JWKS_URL=" + keys, "JWT_ALGORITHMS=RS256,EdDSA", "JWT_SCOPE=write",
		"JWT_AUDIENCE_CLAIM=", "JWT_PRODUCER_CLAIM=", "CREDENTIALS_REFRESH=", "CREDENTIALS_KEEP=",
		"TOKENS_SECRET_ARN=" + secretARN, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + secrets,
	}
}

// The program that is deployed, over the Runtime API that Lambda has, with every input that `sam local invoke` is given.
func TestProgram(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(inputs, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("inputs: %v, %v", files, err)
	}
	f := runtimetest.Start(t, environment(serveKeys(t), serveSecret(t))...)
	for _, file := range slices.Concat(files, files) { // with and without keys at hand
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, ok := cases[strings.TrimSuffix(filepath.Base(file), ".json")]
			if !ok {
				t.Fatal("nothing says what this input gets")
			}
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := f.Invoke(t, payload)
			if want.answer == "" && got.Message(t) != "Unauthorized" || want.answer != "" && (got.Path != "response" || string(got.Body) != want.answer) {
				t.Errorf("%s: %s", got.Path, got.Body)
			}
			d := checkOutput(t, printed(t, f, got), got.ID, want)
			if d.Metrics["Faults"] != 0 || d.Metrics["Unauthorized"] != map[bool]float64{true: 1}[want.answer == ""] {
				t.Errorf("metrics %v", d.Metrics)
			}
		})
	}
}

// checkOutput wants lines of JSON without anything of a credential: one that says why, at the level INFO, and one with the metrics.
func checkOutput(t *testing.T, output []string, id string, want input) (d emftest.Document) {
	t.Helper()
	decisions := 0
	for _, text := range output {
		var line struct {
			Timestamp                                time.Time
			Level, Message, RequestID                string
			Verdict, Reason, Kind, Producer, Label   string
			Decisions, Refreshes, RefreshFailures, X float64
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Timestamp.IsZero() || line.Level != "INFO" {
			t.Errorf("%v: %s", err, text)
		}
		switch {
		case strings.Contains(line.Message, "errorMessage"):
			if line.Message != `{"errorMessage":"Unauthorized","errorType":"errorString"}` {
				t.Errorf("aws-lambda-go prints %s", line.Message)
			}
		case line.RequestID != id:
			t.Errorf("no request id: %s", text)
		case line.Verdict != "":
			if decisions++; line.Reason != want.reason || want.answer != "" && !strings.Contains(want.answer, fmt.Sprintf(`"producer":%q,"label":%q,"kind":%q`, line.Producer, line.Label, line.Kind)) {
				t.Errorf("got %s", text)
			}
		case line.Decisions == 1:
			var err error
			if d, err = emftest.Check([]byte(text)); err != nil || d.Dimensions["Service"] != "authorizer" {
				t.Errorf("%v: %s", err, text)
			}
		case line.Refreshes != 1 || line.RefreshFailures != 0:
			t.Errorf("unexpected: %s", text)
		}
		for _, secret := range append(want.authorization, goodToken, "eyJ", "evil", "hydrant_", "not-a-key", "192.0.2") {
			if strings.Contains(text, secret) {
				t.Errorf("the log quotes %s: %s", secret, text)
			}
		}
	}
	if decisions != 1 {
		t.Errorf("%d decisions: %q", decisions, output)
	}
	return d
}

// Where neither the issuer nor Secrets Manager answers, nobody is told that their credential is bad, and the fault is our own metric.
func TestFaults(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	f := runtimetest.Start(t, append(environment(dead.URL, dead.URL), "AWS_MAX_ATTEMPTS=1")...)
	for name, tc := range map[string]struct {
		message, fault string
		faults         float64
	}{
		"jwt":           {"the caller's credential cannot be judged: keys_unavailable", "key set: ", 1},
		"token":         {"the caller's credential cannot be judged: tokens_unavailable", "static tokens: ", 1},
		"no-credential": {"Unauthorized", "", 0},
		"jwt-none":      {"Unauthorized", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.Invoke(t, cases[name].event())
			if message := got.Message(t); message != tc.message {
				t.Errorf("got %s, want %s", message, tc.message)
			}
			output := strings.Join(printed(t, f, got), "")
			if !strings.Contains(output, fmt.Sprintf(`"Faults":%v,`, tc.faults)) || strings.Contains(output, `"level":"ERROR"`) != (tc.faults == 1) {
				t.Errorf("printed %s", output)
			}
			if tc.fault != "" && (!strings.Contains(output, `"RefreshFailures":1`) || !strings.Contains(output, `"error":"`+tc.fault)) {
				t.Errorf("printed %s", output)
			}
			if strings.Contains(output, "eyJ") || strings.Contains(output, "hydrant_") || strings.Contains(output, "not-a-key") {
				t.Errorf("the log quotes the credential: %s", output)
			}
		})
	}
}

// A program with settings that it cannot take ends before it is asked, and says all that is wrong with them.
func TestSettings(t *testing.T) {
	for name, tc := range map[string]struct{ environment, want []string }{
		"none": {nil, []string{"neither an issuer"}},
		"all wrong": {
			[]string{
				"POWERTOOLS_METRICS_NAMESPACE=AWS/Lambda", "POWERTOOLS_TRACE_ENABLED=Active", "CREDENTIALS_REFRESH=often", "CREDENTIALS_KEEP=1s",
				"JWT_ALGORITHMS=HS256,none", "JWT_JWKS_URL=http://issuer.example/keys", "JWT_SCOPE=a b",
			},
			[]string{"Namespace", "Trace", "Refresh", "less long", `"HS256"`, `"none"`, "not https", "scope", "issuer", "audience"},
		},
		"a scope without an issuer": {[]string{"TOKENS_SECRET_ARN=" + secretARN, "JWT_SCOPE=write"}, []string{"issuer", "audience"}},
	} {
		t.Run(name, func(t *testing.T) {
			runtimetest.CheckRefused(t, tc.environment, tc.want)
		})
	}
}

// From the start of the process to its first poll of the Runtime API, which is the init that Lambda waits for and bills.
func BenchmarkInit(b *testing.B) {
	runtimetest.BenchmarkInit(b, environment("https://issuer.example/keys", "http://127.0.0.1:1")...)
}

// At WARN the line of a decision is left out, and its metrics are there: they are what the alarms are on.
func TestDecisionsAreLeftOutByLevel(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join(inputs, "jwt-records.json"))
	if err != nil {
		t.Fatal(err)
	}
	for level, want := range map[string]int{"INFO": 1, "WARN": 0} {
		t.Run(level, func(t *testing.T) {
			f := runtimetest.Start(t, append(environment(serveKeys(t), serveSecret(t)), "POWERTOOLS_LOG_LEVEL="+level)...)
			got := f.Invoke(t, payload)
			decisions, metrics := 0, 0
			for _, line := range printed(t, f, got) {
				if strings.Contains(line, `"verdict":`) {
					decisions++
				}
				if strings.Contains(line, `"Allowed":1`) {
					metrics++
				}
			}
			if got.Path != "response" || decisions != want || metrics != 1 {
				t.Errorf("%s, %d lines of the decision and %d of its metrics", got.Path, decisions, metrics)
			}
		})
	}
}
