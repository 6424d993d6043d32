package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// tokenBinary builds what make token runs, once.
var tokenBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(runnerBinary), "token")
	output, err := exec.Command("go", "build", "-trimpath", "-o", path, "hydrant/pkg/tools/token").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building the token tool: %w\n%s", err, output)
	}
	return path, err
})

// scriptIssuer starts "token -serve", and sets ISSUER to its address, or ends it: "issuer stop".
func scriptIssuer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) > 0 {
		running, _ := issuers.LoadAndDelete(ts)
		p, ok := running.(*os.Process)
		if !ok {
			ts.Fatalf("no issuer is running")
		}
		ts.Check(errors.Join(p.Kill(), wait(p)))
		return
	}
	binary, err := tokenBinary()
	ts.Check(err)
	address := ts.Getenv("ISSUER_ADDRESS")
	if address == "" {
		address = "127.0.0.1:0"
	}
	cmd := exec.Command(binary, "-dir", ts.MkAbs("token"), "-serve", "-address", address, "-producer", "nobody")
	notes, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	issuers.Store(ts, cmd.Process)
	ts.Defer(func() {
		if running, ok := issuers.LoadAndDelete(ts); ok {
			_ = running.(*os.Process).Kill() // the script failed before it ended the issuer
		}
	})
	for lines := bufio.NewScanner(notes); lines.Scan(); {
		if _, rest, found := strings.Cut(lines.Text(), "JWT_ISSUER="); found {
			issuer, _, _ := strings.Cut(rest, " ")
			ts.Setenv("ISSUER", issuer)
			ts.Setenv("ISSUER_ADDRESS", strings.TrimPrefix(issuer, "http://"))
			return
		}
	}
	ts.Fatalf("the issuer did not start")
}

var issuers sync.Map // *testscript.TestScript to *os.Process

func wait(p *os.Process) error {
	_, err := p.Wait()
	return err
}

// scriptToken makes a token and sets a variable to it.
func scriptToken(ts *testscript.TestScript, _ bool, args []string) {
	binary, err := tokenBinary()
	ts.Check(err)
	flags := append([]string{"-dir", ts.MkAbs("token"), "-issuer", ts.Getenv("ISSUER")}, args[1:]...)
	var out, notes bytes.Buffer
	cmd := exec.Command(binary, flags...)
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Run(); err != nil {
		ts.Fatalf("%v: %s", err, &notes)
	}
	ts.Setenv(args[0], strings.TrimSpace(out.String()))
}

// scriptBearer sends a file to a route with a token, "" for none, and further headers; prints status, WWW-Authenticate and body.
func scriptBearer(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequest(http.MethodPost, ts.Getenv("API")+args[1], strings.NewReader(ts.ReadFile(args[2])))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	if args[0] != "" {
		request.Header.Set("Authorization", "Bearer "+args[0])
	}
	for _, header := range args[3:] {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s %s\n", response.StatusCode, response.Header.Get("WWW-Authenticate"), &body)
	ts.Check(err)
}

func scriptHealth(ts *testscript.TestScript, _ bool, _ []string) {
	status, body, err := send(http.MethodGet, ts.Getenv("API")+"/health", "", nil)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s\n", status, body)
	ts.Check(err)
}
