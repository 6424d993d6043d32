package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// The runner prints a command that sends an event. Pasted into a shell it does, also where the API takes signed requests only.
func TestTheCommandThatIsPrinted(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err == nil {
		_, err = exec.LookPath("curl")
	}
	if err != nil {
		t.Skip(err)
	}
	for _, authorization := range []string{"NONE", "AWS_IAM"} {
		t.Run(authorization, func(t *testing.T) {
			cmd := exec.Command(runnerBinary, "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-build", buildFolder, "-data", t.TempDir(), "-parameter", "Authorization="+authorization)
			cmd.Dir = root
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
			answer, err := exec.Command(shell, "-c", command).Output()
			if err != nil || !strings.Contains(string(answer), `"SequenceNumber":"`) {
				t.Errorf("%s\nanswered %s (%v)", command, answer, err)
			}
			if strings.Contains(command, "--aws-sigv4") != (authorization == "AWS_IAM") {
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
