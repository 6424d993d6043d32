package lambda

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Build makes sure that dir holds the bootstrap of the function called logicalID, and that it is no older than the Go sources under
// codeURI. It builds with the makefile target build-<LogicalId>, as sam build does, but for this machine. It answers whether it built;
// the error says what make said. Another process that builds to dir is waited for.
func Build(ctx context.Context, logicalID, codeURI, dir string) (built bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer folder.Close() // and the lock is free
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return false, fmt.Errorf("%s: %w", dir, err)
	}
	bootstrap := filepath.Join(dir, "bootstrap")
	fresh, err := isFresh(bootstrap, codeURI)
	if fresh || err != nil {
		return false, err
	}
	if _, err := exec.LookPath("make"); err != nil {
		return false, fmt.Errorf("make is needed to build %s: install it, or put a built bootstrap into %s", logicalID, dir)
	}
	target := "build-" + logicalID
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", target, "ARTIFACTS_DIR="+dir, "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Dir = codeURI
	cmd.Env = withoutMakeFlags(os.Environ())
	output, err := cmd.CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("building %s (make %s): %w\n%s", logicalID, target, err, strings.TrimSpace(string(output)))
	}
	if info, err := os.Stat(bootstrap); err != nil || info.Mode()&0o111 == 0 {
		return false, fmt.Errorf("make %s ended well but left no executable %s: the target must build to $(ARTIFACTS_DIR)/bootstrap", target, bootstrap)
	}
	now := time.Now()
	return true, os.Chtimes(bootstrap, now, now) // go build keeps a file that would not change, and its old time
}

// isFresh says whether the bootstrap is newer than everything that it could be built from.
func isFresh(bootstrap, codeURI string) (bool, error) {
	info, err := os.Stat(bootstrap)
	if err != nil || info.Mode()&0o111 == 0 {
		return false, nil
	}
	fresh := true
	err = filepath.WalkDir(codeURI, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != codeURI && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !isSource(name) {
			return nil
		}
		source, err := d.Info()
		if err == nil && source.ModTime().After(info.ModTime()) {
			fresh = false
			return filepath.SkipAll
		}
		return err
	})
	return fresh, err
}

func isSource(name string) bool {
	return (strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")) || name == "go.mod" || name == "go.sum" || name == "Makefile"
}

// withoutMakeFlags drops what a make that started the runner would tell the make that the runner starts.
func withoutMakeFlags(environment []string) []string {
	var out []string
	for _, v := range environment {
		if name, _, _ := strings.Cut(v, "="); name != "MAKEFLAGS" && name != "MFLAGS" && name != "MAKELEVEL" {
			out = append(out, v)
		}
	}
	return out
}
