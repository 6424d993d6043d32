package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// nervous is a judge that panics over events of one id, with the event in the panic's value. It is put between the dlq function and its judge.
const nervous = `package main

import (
	"bytes"

	"hydrant/pkg/dlq"
	"hydrant/pkg/event"
)

type nervous struct{ dlq.Judge }

func (n nervous) AppendRow(dst, data []byte, o event.Origin) ([]byte, event.Outcome) {
	if bytes.Contains(data, []byte("` + panics + `")) {
		panic(string(data))
	}
	return n.Judge.AppendRow(dst, data, o)
}
`

// panics is what an event has that the nervous judge panics over.
const panics = "boo-1"

// nervousDLQ answers a folder of built functions like the tests' own, but that the dlq function's judge is nervous. No event is known that makes
// the true one panic, and what is deployed has no place to put another in: the compiler is given another main.go, which differs in that one
// argument, and a file more (go help build, -overlay). The Makefile builds it as it builds the true one.
func nervousDLQ(t *testing.T) string {
	t.Helper()
	folder, build := t.TempDir(), t.TempDir()
	source := filepath.Join(root, "functions", "dlq")
	text, err := os.ReadFile(filepath.Join(source, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	const call = "dlq.New(s.dlq(), judge, "
	if strings.Count(string(text), call) != 1 {
		t.Fatalf("functions/dlq/main.go has not one %s", call)
	}
	replaced := map[string]string{}
	for name, text := range map[string]string{
		"main.go":    strings.Replace(string(text), call, "dlq.New(s.dlq(), nervous{judge}, ", 1),
		"nervous.go": nervous,
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replaced[filepath.Join(source, name)] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "--no-print-directory", "build-DlqFunction", "ARTIFACTS_DIR="+filepath.Join(build, "DlqFunction"), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Dir = root
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); name != "MAKEFLAGS" && name != "MFLAGS" && name != "MAKELEVEL" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, strings.TrimRight(fmt.Sprintf("GOFLAGS=-overlay=%s %s", overlay, os.Getenv("GOFLAGS")), " "))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return build
}
