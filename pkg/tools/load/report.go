package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// section is a measurement on paper.
type section struct {
	title   string
	figures []figure
	notes   []string
}

// figure is one line: what, how much, and what it should be, if there is a goal.
type figure struct {
	name, value, goal string
	met               bool
}

func (s section) print(w io.Writer) error {
	name, value := 0, 0
	for _, f := range s.figures {
		name, value = max(name, columns(f.name)), max(value, columns(f.value))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", s.title)
	for _, f := range s.figures {
		line := "  " + pad(f.name, name) + "  " + pad(f.value, value)
		if f.goal != "" {
			verdict := "met"
			if !f.met {
				verdict = "missed"
			}
			line += "  goal " + f.goal + ": " + verdict
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, n := range s.notes {
		b.WriteString("  " + n + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func columns(s string) int { return len([]rune(s)) }

func pad(s string, to int) string { return s + strings.Repeat(" ", to-columns(s)) }

func heading(o *options) string {
	return fmt.Sprintf("hydrant's local runner on %s/%s, %s, %s; events of %s bytes", runtime.GOOS, runtime.GOARCH,
		plural(runtime.NumCPU(), "CPU"), runtime.Version(), thousands(int64(o.size)))
}

// perEvent says what CPU time so many events took. Unlike a rate it is the same whatever else the machine does.
func (u usage) perEvent(events int64) []figure {
	if events == 0 {
		return nil
	}
	return []figure{
		{name: "CPU time for a million events", value: perMillion(u.runner+u.store+u.functions, events)},
		{name: "  runner", value: perMillion(u.runner, events)},
		{name: "  transform function", value: perMillion(u.functions, events)},
		{name: "  S3 server", value: perMillion(u.store, events)},
	}
}

// others says how much of the machine other programs took: figures that were measured beside much else say little.
func (u usage) others(took time.Duration) []figure {
	if u.machine == 0 || took == 0 {
		return nil
	}
	rest := max(u.machine-u.runner-u.store-u.functions-u.own, 0)
	share := rest.Seconds() / took.Seconds() / float64(runtime.NumCPU())
	return []figure{{name: "other programs' share of the CPUs", value: fmt.Sprintf("%.0f %%", 100*share)}}
}

// beside says what CPU time this program took for so many events: it had it from the same machine.
func (u usage) beside(events int64) []figure {
	if events == 0 {
		return nil
	}
	return []figure{{name: "  this generator, on top", value: perMillion(u.own, events)}}
}

func perMillion(d time.Duration, events int64) string {
	return fmt.Sprintf("%.0f s", d.Seconds()*1e6/float64(events))
}

func rate(n int64, within time.Duration) float64 { return float64(n) / max(within.Seconds(), 1e-9) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}

// thousands writes a number with commas, as in 14,169.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
