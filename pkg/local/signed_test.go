package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The runner prints a command that sends an event. Pasted into a shell it does, whatever the API asks for.
func TestTheCommandThatIsPrinted(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err == nil {
		_, err = exec.LookPath("curl")
	}
	if err != nil {
		t.Skip(err)
	}
	for _, authorization := range []string{"NONE", "AWS_IAM", "LAMBDA"} {
		t.Run(authorization, func(t *testing.T) {
			data := t.TempDir()
			cmd := exec.Command(runnerBinary, "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-build", buildFolder, "-data", data,
				"-parameter", "Authorization="+authorization, "-parameter", "StaticTokens=true", "-parameter", "ApiKeyRequired=true")
			cmd.Dir = root
			token := staticToken(t, filepath.Join(data, "secrets", "hydrant-local-TokensSecret"))
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stderr)
			command, found := "", false
			for !found && lines.Scan() {
				command, found = strings.CutPrefix(lines.Text(), "  send    ")
			}
			send := exec.Command(shell, "-c", command)
			send.Env = append(os.Environ(), "TOKEN="+token)
			answer, err := send.Output()
			if err != nil || !strings.Contains(string(answer), `"SequenceNumber":"`) {
				t.Errorf("%s\nanswered %s (%v)", command, answer, err)
			}
			if strings.Contains(command, "--aws-sigv4") != (authorization == "AWS_IAM") || strings.Contains(command, "Bearer") != (authorization == "LAMBDA") {
				t.Errorf("got %s", command)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			for lines.Scan() { // until it has ended
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// staticToken makes a token and puts its hash in a secret's file.
func staticToken(t *testing.T, secret string) string {
	t.Helper()
	binary, err := tokenBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	token, err := exec.Command(binary, "-dir", dir, "-static", "-producer", "tap").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(secret), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "tokens.json"), secret); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}
