package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// LogLines runs the real functions and the real API through good and bad, and answers what they have logged, by the ends of the log groups' names.
// It is called by the test of the saved queries, which is of another package.
func LogLines(t *testing.T) map[string][]string {
	t.Helper()
	data := t.TempDir()
	secret := filepath.Join(data, "secrets", "hydrant-local-TokensSecret")
	token := staticToken(t, secret)
	p, err := launch("-data", data, "-quiet", "-parameter", "Authorization=LAMBDA", "-parameter", "StaticTokens=true", "-parameter", "MaxAttempts=0")
	if err != nil {
		t.Fatal(err)
	}
	p.bearer(t, token, `{"Data":{"type":"page_view","url":"https://www.example.com/s3cret"}}`, http.StatusOK)
	p.bearer(t, "s3cret-token", `{"Data":{"type":"page_view","url":"https://www.example.com/"}}`, http.StatusUnauthorized)
	p.bearer(t, token, `{"Data":{"type":"page_view","url":"s3cret"}}`, http.StatusOK)
	p.bearer(t, token, `{"Data":`, http.StatusBadRequest)
	p.control(t, http.MethodPost, "flush")
	p.put(t, `{"faults":[{"link":"s3.get","kind":"denied","count":1},{"link":"lambda.TransformFunction","kind":"error","count":4},{"link":"kinesis.put","kind":"unavailable","count":1}]}`)
	p.bearer(t, token, `{"Data":{"type":"page_view","url":"https://www.example.com/s3cret"}}`, http.StatusServiceUnavailable)
	p.bearer(t, token, `{"Data":{"type":"page_view","url":"https://www.example.com/s3cret"}}`, http.StatusOK)
	gone, err := json.Marshal(map[string]string{
		"QueueUrl":    p.aws + "/000000000000/hydrant-local-DlqQueue",
		"MessageBody": `{"hydrant_dlq":1,"lines":{"bucket":"hydrant-local-bucket","key":"errors/gone"}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer, err := callAWS(p.aws, "AmazonSQS.SendMessage", gone); err != nil || status != http.StatusOK {
		t.Fatalf("SendMessage: %d %s (%v)", status, answer, err)
	}
	p.flush(t)
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	err = filepath.WalkDir(filepath.Join(data, "logs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
			var e struct{ LogGroup, Message string }
			err = errors.Join(err, json.Unmarshal(lines.Bytes(), &e))
			group := e.LogGroup[strings.LastIndex(e.LogGroup, "/")+1:]
			found[group] = append(found[group], e.Message)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
