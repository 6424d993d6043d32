package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// marker is a file that says whose the folder is: only what a demo made is removed by the next.
const marker = "made-by-demo"

// takeFolder makes an empty folder of what an earlier demo left at path, or of nothing. The file it returns holds the folder against
// another demo until it is closed.
func takeFolder(path string) (_ *os.File, err error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("-data %s: %w", path, err)
	}
	folder, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-data %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			folder.Close()
		}
	}()
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another demo is at work in %s: wait until it ends, or give -data another folder", path)
	} else if err != nil {
		return nil, fmt.Errorf("-data %s: %w", path, err)
	}
	if err := empty(path); err != nil {
		return nil, fmt.Errorf("-data %s: %w", path, err)
	}
	return folder, os.WriteFile(filepath.Join(path, marker), []byte("The next demo empties this folder.\n"), 0o644)
}

func empty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, marker)); err != nil {
		return errors.New("it holds what no demo made: give -data an empty folder, or one that does not exist")
	}
	for _, e := range entries {
		if e.Name() == marker {
			continue // last: a demo that is interrupted here can go on
		}
		if err := os.RemoveAll(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
