package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// print writes the result as a paragraph.
func (r *result) print(w io.Writer) {
	verdict := "nothing lost"
	if len(r.faults) > 0 {
		verdict = "FAILED"
	}
	plural := "s"
	if r.outages == 1 {
		plural = ""
	}
	fmt.Fprintf(w, "seed %d: %s, after %d outage%s in %s\n", r.seed, verdict, r.outages, plural, r.took.Round(time.Second))
	fmt.Fprintf(w, "  %d events sent in %d requests, of which %d had to be sent again; %d accepted\n", r.sent, r.requests, r.again, r.accepted)
	fmt.Fprintf(w, "  %d in the events table, with %d copies; %d in the quarantine\n", r.stored, r.copies, r.kept)
	var attempts []string
	for _, n := range slices.Sorted(maps.Keys(r.attempts)) {
		attempts = append(attempts, fmt.Sprintf("%d %d", n, r.attempts[n]))
	}
	fmt.Fprintf(w, "  rows by attempt: %s; the bound is %d\n", strings.Join(attempts, ", "), r.maxAttempts)
	fmt.Fprintf(w, "  error lines: %s\n", counted(r.codes))
	hits := map[string]int{}
	for f, n := range r.struck {
		if n > 0 {
			hits[f[0]+" "+f[1]] += n
		}
	}
	fmt.Fprintf(w, "  faults: %s\n  done to it: %s\n", counted(hits), counted(r.actions))
	for _, f := range r.faults {
		fmt.Fprintf(w, "  ! %s\n", f)
	}
	if r.faultsNotSaid > 0 {
		fmt.Fprintf(w, "  ! and %d more\n", r.faultsNotSaid)
	}
}

// counted writes counts, the highest first.
func counted(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}
