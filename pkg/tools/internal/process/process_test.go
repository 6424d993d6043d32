package process

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	page := int64(os.Getpagesize())
	const rest = " S 7 1 1 0 -1 4194560 10 20 0 0 150 50 25 5 20 0 9 0 100 5000000 300 18446744073709551615 1 1 0"
	for name, tc := range map[string]struct {
		stat string
		want Process
		ok   bool
	}{
		"reads the numbers":                    {"42 (bootstrap)" + rest, Process{42, 7, "bootstrap", 300 * page, 2300 * time.Millisecond}, true},
		"takes any name":                       {"42 (a) (b 1)" + rest, Process{42, 7, "a) (b 1", 300 * page, 2300 * time.Millisecond}, true},
		"refuses a line without a name":        {"42 bootstrap" + rest, Process{}, false},
		"refuses a line that is too short":     {"42 (bootstrap) S 7", Process{}, false},
		"refuses what should be and is no sum": {"42 (bootstrap) S x 1 1 0 -1 4194560 10 20 0 0 150 50 25 5 20 0 9 0 100 5000000 300", Process{}, false},
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
	want := []Process{
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

func TestListHasThisOne(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.ID == os.Getpid() {
			if p.Parent != os.Getppid() || p.Resident < 1<<20 {
				t.Errorf("this process is %+v, want parent %d and some memory", p, os.Getppid())
			}
			return
		}
	}
	t.Errorf("none of %d processes is this one", len(all))
}
