package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hydrant/pkg/local/runnertest"
	"hydrant/pkg/tools/internal/child"
)

// The programs that the tests run.
var (
	smokeBinary, tokenBinary string
	runner                   runnertest.Runner
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "hydrant-smoke-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		smokeBinary, tokenBinary = filepath.Join(folder, "smoke"), filepath.Join(folder, "token")
		return m.Run()
	}())
}

// built builds the programs, once, and not for a fuzzing process, which needs none.
var built = sync.OnceValue(func() (err error) {
	for path, what := range map[string]string{smokeBinary: ".", tokenBinary: "../token"} {
		if out, err := exec.Command("go", "build", "-trimpath", "-o", path, what).CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", what, err, out)
		}
	}
	runner, err = runnertest.Get()
	return err
})

func build(t *testing.T) {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
}

const root = "../../.."

// smoked is a run of the real program: what it printed and its exit status.
type smoked struct {
	stdout, stderr string
	status         int
}

func runSmoke(t *testing.T, environment []string, args ...string) smoked {
	t.Helper()
	build(t)
	cmd := exec.CommandContext(t.Context(), smokeBinary, args...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "TMPDIR="+t.TempDir()), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return smoked{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// report reads what -json wrote.
func (s smoked) report(t *testing.T) *report {
	t.Helper()
	r := &report{}
	decoder := json.NewDecoder(strings.NewReader(s.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil {
		t.Fatalf("status %d, %v:\n%s%s", s.status, err, s.stdout, s.stderr)
	}
	return r
}

// startRunner starts a runner of the template with parameters.
func startRunner(t *testing.T, data string, parameters ...string) *child.Runner {
	t.Helper()
	build(t)
	absolute, err := filepath.Abs(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-template", absolute, "-data", data, "-build", runner.Build}
	for _, p := range parameters {
		args = append(args, "-parameter", p)
	}
	r, err := child.Start(t.Context(), child.Options{
		Program: runner.Program, Target: "smoke", Log: filepath.Join(t.TempDir(), "log"), StopWithin: time.Minute, Arguments: args,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		fault string
	}{
		"needs no flags":            {nil, ""},
		"refuses arguments":         {[]string{"hydrant"}, `unexpected argument "hydrant": -help lists the flags`},
		"refuses two stacks":        {[]string{"-stack", "a", "-endpoint", "http://b"}, "give one of them"},
		"refuses a time that is no": {[]string{"-within", "-1s"}, "-within -1s is less than nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(append([]string{"smoke"}, tc.args...), io.Discard)
			if tc.fault == "" && err != nil || tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)) {
				t.Errorf("%v: the error is %v, want %q", tc.args, err, tc.fault)
			}
		})
	}
}

// Every line of docs/unproven.md has its probe here, in the same words, and every probe its line.
func TestEveryLineHasItsProbe(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/unproven.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	last := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), " |"), " | ")
		if id, found := strings.CutPrefix(cells[0], "| U"); found && len(cells) == 4 {
			lines["U"+id] = cells[3]
			if n, err := strconv.Atoi(id); err != nil || n <= last {
				t.Errorf("docs/unproven.md: U%s stands behind U%d: the lines are in the order of their numbers", id, last)
			} else {
				last = n
			}
		} else if found {
			t.Errorf("docs/unproven.md: U%s has %d cells and ought to have 4", id, len(cells))
		}
	}
	for _, p := range probes {
		want := "`make smoke`: " + p.how
		if p.run == nil {
			want = "By hand: " + p.how
		}
		if got, found := lines[p.line]; !found {
			t.Errorf("%s is not in docs/unproven.md: if it has been settled, take it out of probes.go too", p.line)
		} else if got != want {
			t.Errorf("docs/unproven.md: the probe of %s reads\n%s\nand in probes.go\n%s", p.line, got, want)
		}
		delete(lines, p.line)
	}
	for line := range lines {
		t.Errorf("%s of docs/unproven.md has no probe: add it to probes.go, with run = nil if it is done by hand", line)
	}
}

// As make smoke does it: a runner of its own, which leaves nothing behind.
func TestARunnerOfItsOwn(t *testing.T) {
	temporary := t.TempDir()
	got := runSmoke(t, []string{"TMPDIR=" + temporary}, "-runner", runner.Program, "-build", runner.Build, "-parameter", "Authorization=AWS_IAM")
	if got.status != 0 || !strings.Contains(got.stdout, "\nAll is well: 0 of 16 checks failed; of ") || got.stderr != "" {
		t.Errorf("exit status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	for _, want := range []string{"U12  settled       arn:aws:sts::000000000000:assumed-role/hydrant-role\n", " + not seen       0\n"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, got.stdout)
		}
	}
	if left, err := os.ReadDir(temporary); len(left) > 0 || err != nil {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

func TestEveryProbeOfTheLocalRunner(t *testing.T) {
	folder := t.TempDir()
	token := staticToken(t, filepath.Join(folder, "secrets", "hydrant-local-TokensSecret"))
	lambda := startRunner(t, folder, "Authorization=LAMBDA", "StaticTokens=true", "TextBodies=true", "ApiKeyRequired=true")
	key := apiKey(t, lambda.AWS)
	open := startRunner(t, t.TempDir(), "Authorization=AWS_IAM")
	seen := map[string]result{}
	for _, try := range []struct {
		endpoint    string
		environment []string
	}{{lambda.AWS, []string{"TOKEN=" + token, "API_KEY=" + key}}, {open.AWS, nil}} {
		got := runSmoke(t, try.environment, "-endpoint", try.endpoint, "-json")
		r := got.report(t)
		if got.status != 0 || !r.OK || r.Account.NotSeen+r.Account.InFlight > 0 || r.Account.Accepted != r.Account.Events+r.Account.Quarantined {
			t.Errorf("exit status %d\n%s%s", got.status, got.stdout, got.stderr)
		}
		for _, p := range r.Probes {
			if seen[p.Line] != Settled {
				seen[p.Line] = p.Result
			}
		}
		if strings.Contains(got.stdout+got.stderr, token) || strings.Contains(got.stdout+got.stderr, key) {
			t.Error("the report has the token or the key")
		}
	}
	onlyAWS := map[string]bool{"U1": true, "U9": true, "U17": true, "U28": true, "U35": true, "U37": true, "U38": true}
	for _, p := range probes {
		want := Settled
		if p.run == nil || onlyAWS[p.line] {
			want = NotRun
		}
		if seen[p.line] != want {
			t.Errorf("%s is %q, want %q", p.line, seen[p.line], want)
		}
	}
	for want, environment := range map[string][]string{"set TOKEN": {"TOKEN="}, "set API_KEY": {"TOKEN=" + token, "API_KEY="}} {
		if got := runSmoke(t, environment, "-endpoint", lambda.AWS); got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit status %d\n%s%s, want %q", got.status, got.stdout, got.stderr, want)
		}
	}
}

// staticToken makes a token and puts its hash in a secret's file.
func staticToken(t *testing.T, secret string) string {
	t.Helper()
	build(t)
	dir := t.TempDir()
	token, err := exec.Command(tokenBinary, "-dir", dir, "-static", "-producer", "smoke").Output()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(secret), 0o700)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, "tokens.json"), secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

func TestWhatIsNotThere(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no runner at the endpoint": {[]string{"-endpoint", "http://127.0.0.1:1"}, "no local runner (make run starts one; STACK=name tries a deployed stack)"},
		"no runner to start":        {[]string{"-runner", "none"}, "or use `make smoke`"},
		"a word too many":           {[]string{"hydrant"}, "unexpected argument"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := runSmoke(t, nil, tc.args...); got.status != 2 || !strings.Contains(got.stderr, tc.want) || got.stdout != "" {
				t.Errorf("exit status %d, want 2 and %q\n%s%s", got.status, tc.want, got.stdout, got.stderr)
			}
		})
	}
}

// apiKey is the value that the runner makes up for the stack's API key, the same from start to start.
func apiKey(t *testing.T, endpoint string) string {
	t.Helper()
	f, err := newLocal(endpoint, "").facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("API key " + f.resources["ApiKey"]))
	return hex.EncodeToString(sum[:20])
}
