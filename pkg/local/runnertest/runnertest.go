// Package runnertest gives tests the local runner as a program. It and the functions lie in .cache/test, and are built when they are not up to
// date: the packages whose tests need them, which "go test ./..." runs side by side, have them built once.
package runnertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// Runner is the local runner.
type Runner struct {
	Program string // its path
	Build   string // the folder for its flag -build
}

// Get answers the runner as it is in this module.
func Get() (Runner, error) { return runner() }

var runner = sync.OnceValues(func() (Runner, error) {
	root, err := module()
	if err != nil {
		return Runner{}, err
	}
	path := filepath.Join(root, ".cache", "test")
	if err := os.MkdirAll(path, 0o755); err != nil {
		return Runner{}, err
	}
	folder, err := os.Open(path)
	if err != nil {
		return Runner{}, err
	}
	defer folder.Close() // and another process may build
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return Runner{}, fmt.Errorf("%s: %w", path, err)
	}
	r := Runner{Program: filepath.Join(path, "hydrant-local"), Build: filepath.Join(path, "build")}
	// The commit is not in it: it would be linked anew when nothing but that has changed.
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", r.Program, "./pkg/local")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return Runner{}, fmt.Errorf("building the runner: %w\n%s", err, out)
	}
	return r, nil
})

// module is the folder of go.mod: the working directory of a test is the folder of its package.
func module() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			err = errors.New("no go.mod is above the working directory")
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}
