// Package runtimetest runs a function's program as Lambda runs it, for the tests of functions: built as the Makefile builds it, asked over a
// Runtime API, and with no variables but those that it is given.
//
// The tests of a package that calls [Main] take a flag -bootstrap, which names another program to test.
package runtimetest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program is the path of the program to test.
var program string

// Main runs the tests of a package with its program, built for this machine. It is for TestMain, and does not return.
func Main(m *testing.M) {
	flag.StringVar(&program, "bootstrap", "", "the `program` to test, rather than one that is built here")
	flag.Parse()
	dir, err := os.MkdirTemp("", "bootstrap")
	if err == nil && program == "" {
		program, err = Build(dir, runtime.GOARCH)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary one
	os.Exit(code)
}

// Build builds the package in the working directory into a folder, as the Makefile does, for an architecture (GOARCH).
func Build(dir, architecture string) (bootstrap string, err error) {
	bootstrap = filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", bootstrap, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+architecture)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bootstrap, nil
}

// Command is the program, not started, with a Runtime API at the URL api, the variables that Lambda sets, and these. Its credentials are good
// for nothing.
func Command(api string, environment ...string) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api, "http://"), "AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=not-a-key", "AWS_SESSION_TOKEN=x",
	}, environment...)
	return cmd
}
