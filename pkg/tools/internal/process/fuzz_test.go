package process

import (
	"strings"
	"testing"
)

// FuzzProcesses: whatever the system says is read or refused, and an id that is read stands in the text.
func FuzzProcesses(f *testing.F) {
	f.Add("42 (boot) strap) S 7 1 1 0 -1 4194560 10 20 0 0 150 50 25 5 20 0 9 0 100 5000000 300 1")
	f.Add("   77     1 20480  1-01:02:03 /tmp/a b/bootstrap\n")
	f.Add("42 )(")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parseStat([]byte(text)); err == nil && !strings.Contains(text, "("+p.Name+")") {
			t.Errorf("%q is read as a process called %q", text, p.Name)
		}
		all, err := parsePS(text)
		if err == nil && len(all) > strings.Count(text, "\n")+1 {
			t.Errorf("%q is read as %d processes", text, len(all))
		}
	})
}
