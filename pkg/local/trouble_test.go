package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childOf finds the process that p started with this argument.
func childOf(p *program, argument string) (*os.Process, error) {
	parent := strconv.Itoa(p.cmd.Process.Pid)
	if runtime.GOOS != "linux" {
		out, err := exec.Command("ps", "-axo", "pid=,ppid=,args=").Output()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Fields(line); len(fields) > 3 && fields[1] == parent && strings.Contains(line, " "+argument+" ") {
				return processOf(fields[0])
			}
		}
		return nil, fmt.Errorf("no %s is running", argument)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		arguments, argumentsErr := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		if err != nil || argumentsErr != nil {
			continue // it has ended
		}
		// The name stands in brackets and may hold any; behind it stand the state and the parent. See proc_pid_stat(5).
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[1] == parent && strings.Contains(string(arguments), "\x00"+argument+"\x00") {
			return processOf(filepath.Base(filepath.Dir(stat)))
		}
	}
	return nil, fmt.Errorf("no %s is running", argument)
}

func processOf(id string) (*os.Process, error) {
	n, err := strconv.Atoi(id)
	if err != nil {
		return nil, err
	}
	return os.FindProcess(n)
}

// Without its S3 server the runner can deliver nothing. It ends at once and says so, and the next one has all that was accepted.
func TestTheS3ServerEndsUnasked(t *testing.T) {
	data := t.TempDir()
	p, err := launch("-data", data, "-quiet")
	if err != nil {
		t.Fatal(err)
	}
	p.accepted(t, "/record", `{"Data":{"type":"page_view","event_id":"kept","url":"https://www.example.com/"}}`)
	child, err := childOf(p, serveS3)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("the runner ended with %v", err)
	}
	want := "the S3 server ended unasked: what is not delivered stays in " + data + ", and the next start goes on with it\n"
	if got := p.stderr.String(); got != want {
		t.Errorf("it said %q, want %q", got, want)
	}
	if rows := running(t, "-data", data).rows(t); rows["kept"] == nil {
		t.Error("the event is lost")
	}
}

// Half a table must not look like a whole one.
func TestATableThatCannotBeReadToItsEnd(t *testing.T) {
	data := t.TempDir()
	p, err := launch("-data", data, "-quiet")
	if err != nil {
		t.Fatal(err)
	}
	event := `{"Data":{"type":"page_view","url":"https://www.example.com/"}},`
	p.accepted(t, "/records", `{"Records":[`+strings.TrimSuffix(strings.Repeat(event, 100), ",")+`]}`)
	p.control(t, http.MethodPost, "flush")
	folder := filepath.Join(data, "s3/hydrant-local-bucket/events/dt=9999-12-31/hour=23")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "no-parquet"), []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, body, err := send(http.MethodGet, p.aws+"/_hydrant/tables/events", "", nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d and %d bytes, error %v; want a broken connection", status, len(body), err)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if got := p.stderr.String(); !strings.Contains(got, "GET /_hydrant/tables/events: s3://hydrant-local-bucket/events/dt=9999-12-31/hour=23/no-parquet: ") {
		t.Errorf("it said %q", got)
	}
}
