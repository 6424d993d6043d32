// Package awscli reaches a deployed stack through the AWS CLI, versions 1 and 2: it knows the profiles, Regions and ways to log in that people
// have, and nothing here has to.
package awscli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs "aws" with JSON as output, and decodes that into out, which may be nil. The error has what the CLI said.
func Run(ctx context.Context, out any, arguments ...string) error {
	path, err := exec.LookPath("aws")
	if err != nil {
		return errors.New("a stack is reached through the AWS CLI, and there is no aws on the PATH: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html")
	}
	cmd := exec.CommandContext(ctx, path, append(arguments, "--output", "json")...)
	// The CLI opens a pager in a terminal. It tries again what took too long, and a redrive is not to be begun a second time beside the first.
	cmd.Env = append(os.Environ(), "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("aws %s: %w: %s", strings.Join(arguments[:min(2, len(arguments))], " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		return fmt.Errorf("aws %s: its output is not what was expected: %w", strings.Join(arguments[:min(2, len(arguments))], " "), err)
	}
	return nil
}

// Resource is the physical id of a stack's resource.
func Resource(ctx context.Context, stack, logicalID string) (string, error) {
	var answer struct {
		StackResourceDetail struct{ PhysicalResourceID string }
	}
	err := Run(ctx, &answer, "cloudformation", "describe-stack-resource", "--stack-name", stack, "--logical-resource-id", logicalID)
	if err == nil && answer.StackResourceDetail.PhysicalResourceID == "" {
		err = fmt.Errorf("the stack %s has no %s yet", stack, logicalID)
	}
	return answer.StackResourceDetail.PhysicalResourceID, err
}

// Invoke invokes a function and waits for its answer. functionError is "" if the function did not fail.
func Invoke(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error) {
	folder, err := os.MkdirTemp("", "hydrant-")
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	in, out := filepath.Join(folder, "in"), filepath.Join(folder, "out")
	if err := os.WriteFile(in, payload, 0o600); err != nil {
		return nil, "", err
	}
	var status struct{ FunctionError string }
	// fileb: version 2 takes a payload on the command line for base64. The longest that a function may take is a quarter of an hour.
	if err := Run(ctx, &status, "lambda", "invoke", "--function-name", function, "--payload", "fileb://"+in, "--cli-read-timeout", "900", out); err != nil {
		return nil, "", err
	}
	answer, err = os.ReadFile(out)
	return answer, status.FunctionError, err
}
