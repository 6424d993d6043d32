package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	page := int64(os.Getpagesize())
	const rest = " S 7 1 1 0 -1 4194560 10 20 0 0 150 50 25 5 20 0 9 0 100 5000000 300 18446744073709551615 1 1 0"
	for name, tc := range map[string]struct {
		stat string
		want process
		ok   bool
	}{
		"reads the numbers":                    {"42 (bootstrap)" + rest, process{42, 7, "bootstrap", 300 * page, 2300 * time.Millisecond}, true},
		"takes any name":                       {"42 (a) (b 1)" + rest, process{42, 7, "a) (b 1", 300 * page, 2300 * time.Millisecond}, true},
		"refuses a line without a name":        {"42 bootstrap" + rest, process{}, false},
		"refuses a line that is too short":     {"42 (bootstrap) S 7", process{}, false},
		"refuses what should be and is no sum": {"42 (bootstrap) S x 1 1 0 -1 4194560 10 20 0 0 150 50 25 5 20 0 9 0 100 5000000 300", process{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(tc.stat))
			if (err == nil) != tc.ok || got != tc.want {
				t.Errorf("%q is %+v, %v, want %+v", tc.stat, got, err, tc.want)
			}
		})
	}
}

func TestParsePS(t *testing.T) {
	got, err := parsePS("    1     0  1024   0:01.50 /sbin/launchd\n   77     1 20480  01:02:03 /tmp/a b/bootstrap\n   78     1     0   0:00.00\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []process{
		{1, 0, "launchd", 1 << 20, 1500 * time.Millisecond},
		{77, 1, "bootstrap", 20 << 20, time.Hour + 2*time.Minute + 3*time.Second},
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := parsePS("x 0 1024 0:01.50 a\n"); err == nil {
		t.Error("a line without a process id is taken")
	}
}

func TestParseCPU(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0:00.25":    250 * time.Millisecond,
		"61:01.00":   61*time.Minute + time.Second,
		"00:00:07":   7 * time.Second,
		"2-03:00:00": 51 * time.Hour,
	} {
		if got, err := parseCPU(text); got != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1:2:3:4", "a-1:00"} {
		if got, err := parseCPU(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

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
	all := []process{
		{1, 0, "init", 1, time.Hour},
		{20, 10, "bootstrap", 100, 3 * time.Second}, // before its parent
		{10, 1, "runner", 1000, 5 * time.Second},
		{11, 10, "runner", 10, 2 * time.Second},
		{12, 11, "helper", 20, time.Second},
		{30, 1, "bootstrap", 7, time.Hour}, // another runner's
	}
	want := usage{resident: 1130, runner: 5 * time.Second, store: 3 * time.Second, functions: 3 * time.Second}
	if got := use(all, 10); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProcessesHasThisOne(t *testing.T) {
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.id == os.Getpid() {
			if p.parent != os.Getppid() || p.resident < 1<<20 {
				t.Errorf("this process is %+v, want parent %d and some memory", p, os.Getppid())
			}
			return
		}
	}
	t.Errorf("none of %d processes is this one", len(all))
}
