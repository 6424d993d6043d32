package main

import (
	"runtime"
	"testing"
	"time"

	"hydrant/pkg/tools/internal/process"
)

func TestParseMachine(t *testing.T) {
	for name, tc := range map[string]struct {
		stat string
		want time.Duration
		ok   bool
	}{
		"leaves out idle and iowait": {"cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n", 1710 * time.Millisecond, true},
		"refuses another file":       {"intr 1 2 3 4 5 6 7 8 9\n", 0, false},
		"refuses what is no number":  {"cpu  x 20 30 4000 500 6 7 8 9 10\n", 0, false},
		"refuses an empty file":      {"", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMachine([]byte(tc.stat))
			if got != tc.want || (err == nil) != tc.ok {
				t.Errorf("%q is %s, %v, want %s, ok %v", tc.stat, got, err, tc.want, tc.ok)
			}
		})
	}
}

func TestOthersIsWhatNobodyHereUsed(t *testing.T) {
	cpus := time.Duration(runtime.NumCPU())
	u := usage{runner: 2 * time.Second, store: time.Second, functions: time.Second, own: time.Second, machine: 5*time.Second + 3*cpus*time.Second}
	if got := u.others(10 * time.Second); len(got) != 1 || got[0].value != "30 %" {
		t.Errorf("got %v, want 30 %%", got)
	}
	if got := (usage{runner: time.Second}).others(time.Second); got != nil {
		t.Errorf("got %v where the machine's CPU time is not known", got)
	}
}

func TestUseSumsUpATree(t *testing.T) {
	all := []process.Process{
		{ID: 1, Parent: 0, Name: "init", Resident: 1, CPU: time.Hour},
		{ID: 20, Parent: 10, Name: "bootstrap", Resident: 100, CPU: 3 * time.Second}, // before its parent
		{ID: 10, Parent: 1, Name: "runner", Resident: 1000, CPU: 5 * time.Second},
		{ID: 11, Parent: 10, Name: "runner", Resident: 10, CPU: 2 * time.Second},
		{ID: 12, Parent: 11, Name: "helper", Resident: 20, CPU: time.Second},
		{ID: 30, Parent: 1, Name: "bootstrap", Resident: 7, CPU: time.Hour}, // another runner's
	}
	want := usage{resident: 1130, runner: 5 * time.Second, store: 3 * time.Second, functions: 3 * time.Second}
	if got := use(all, 10); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
