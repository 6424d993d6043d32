package awscli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install puts a program named aws alone on the PATH. It is a shell script.
func install(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "aws"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
}

func TestInvokeGivesThePayloadAndTheAnswerAsTheyAre(t *testing.T) {
	// Its arguments: lambda invoke --function-name NAME --payload fileb://IN --cli-read-timeout 900 OUT --output json
	install(t, `[ "$4" = dlq ] && [ "$AWS_MAX_ATTEMPTS" = 1 ] && cp "${6#fileb://}" "$9" && echo '{"StatusCode":200,"FunctionError":"Unhandled"}'`)
	payload := `{"redrive":{"producer":"it's ü"}}`
	answer, failed, err := Invoke(t.Context(), "dlq", []byte(payload))
	if string(answer) != payload || failed != "Unhandled" || err != nil {
		t.Errorf("got %q, %q, %v", answer, failed, err)
	}
}

func TestResource(t *testing.T) {
	for name, tc := range map[string]struct{ script, want, fault string }{
		"is there":           {`echo '{"StackResourceDetail":{"PhysicalResourceId":"'$4-$6'"}}'`, "hydrant-Bucket", ""},
		"is not there yet":   {`echo '{"StackResourceDetail":{}}'`, "", "the stack hydrant has no Bucket yet"},
		"the CLI fails":      {`echo "no such stack" >&2; exit 254`, "", "aws cloudformation describe-stack-resource: exit status 254: no such stack"},
		"the CLI is another": {`echo hello`, "", "its output is not what was expected"},
	} {
		t.Run(name, func(t *testing.T) {
			install(t, tc.script)
			got, err := Resource(t.Context(), "hydrant", "Bucket")
			if got != tc.want || (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tc.want, tc.fault)
			}
		})
	}
}

func TestWithoutTheCLI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Run(t.Context(), nil, "sts", "get-caller-identity"); err == nil || !strings.Contains(err.Error(), "no aws on the PATH") {
		t.Errorf("got %v", err)
	}
}
