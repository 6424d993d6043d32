package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// report is what -json writes.
type report struct {
	OK            bool     `json:"ok"`
	Stack         string   `json:"stack,omitempty"` // none: the local runner
	Name          string   `json:"-"`
	API           string   `json:"api"`
	Authorization string   `json:"authorization"`
	Run           string   `json:"run"` // the session_id of its events
	Seconds       float64  `json:"seconds"`
	Waited        float64  `json:"waited"` // of them, in seconds, for rows
	Checks        []check  `json:"checks"`
	Account       account  `json:"account"`
	Hint          string   `json:"hint,omitempty"` // where what is in no table may be
	Probes        []probed `json:"probes,omitempty"`
}

// check is of one request, or of what all of them come to.
type check struct {
	Name      string   `json:"name"`
	OK        bool     `json:"ok"`
	Saw       string   `json:"saw"`
	RequestID string   `json:"request_id,omitempty"`
	Faults    []string `json:"faults,omitempty"`
}

func (c *check) fail(format string, args ...any) {
	c.OK = false
	c.Faults = append(c.Faults, fmt.Sprintf(format, args...))
}

// probed is a line of docs/unproven.md, and what came of its probe.
type probed struct {
	Line   string `json:"line"`
	Result result `json:"result"`
	Saw    string `json:"saw"`
	ByHand bool   `json:"by_hand,omitempty"`
}

func (r *report) add(c check) {
	r.Checks = append(r.Checks, c)
	r.OK = r.OK && c.OK
}

func (r *report) addProbe(p probed) {
	r.Probes = append(r.Probes, p)
	r.OK = r.OK && p.Result != Contradicted
}

func (r *report) print(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s at %s (Authorization=%s), run %s\n\nCHECKS\n", r.Name, r.API, r.Authorization, r.Run)
	wrong := 0
	for _, c := range r.Checks {
		word := "ok"
		if !c.OK {
			word = "FAILED"
			wrong++
		}
		fmt.Fprintf(&b, "  %-7s %-58s %s\n", word, c.Name, printable(c.Saw))
		for _, fault := range c.Faults {
			fmt.Fprintf(&b, "          %s\n", printable(fault))
		}
	}
	a := r.Account
	fmt.Fprintf(&b, "\nACCOUNT of events, after %.0f s\n   accepted     %3d  by %s\n = in events    %3d%s\n + quarantined  %3d\n + in flight    %3d\n + not seen     %3d\n",
		r.Waited, a.Accepted, plural(a.Requests, "request"), a.Events, map[bool]string{true: fmt.Sprintf("  and %d rows that are copies", a.Copies)}[a.Copies > 0], a.Quarantined, a.InFlight, a.NotSeen)
	if r.Hint != "" {
		fmt.Fprintf(&b, "   %s\n", printable(r.Hint))
	}
	counts := r.printProbes(&b)
	fmt.Fprintf(&b, "\nLeft there: %d rows, with test = true, the user_id %s and the session_id %s, and %d quarantined events, whose data has that name.\n\n",
		a.Events+a.Copies, smokeUser, r.Run, a.Quarantined)
	verdict := "All is well"
	if !r.OK {
		verdict = "NOT all is well"
	}
	fmt.Fprintf(&b, "%s: %d of %s failed%s.\n", verdict, wrong, plural(len(r.Checks), "check"), counts)
	_, err := w.Write(b.Bytes())
	return err
}

// printProbes answers how many came out how, in words.
func (r *report) printProbes(b *bytes.Buffer) string {
	if len(r.Probes) == 0 {
		return ""
	}
	b.WriteString("\nPROBES of docs/unproven.md")
	if r.Stack == "" {
		b.WriteString(", which only a deployed stack can settle: here they show what the runner does")
	}
	b.WriteString("\n")
	counts := map[result]int{}
	var byHand []string
	for _, p := range r.Probes {
		if p.ByHand {
			byHand = append(byHand, p.Line)
			continue
		}
		counts[p.Result]++
		word := string(p.Result)
		if p.Result == Contradicted {
			word = "CONTRADICTED"
		}
		fmt.Fprintf(b, "  %-4s %-13s %s\n", p.Line, word, printable(p.Saw))
	}
	if len(byHand) > 0 {
		fmt.Fprintf(b, "  by hand: %s: docs/unproven.md says how\n", strings.Join(byHand, ", "))
	}
	return fmt.Sprintf("; of %d probes %d settled, %d contradicted, %d not run", len(r.Probes)-len(byHand), counts[Settled], counts[Contradicted], counts[NotRun])
}

// printable has no control characters: what services answer is printed on terminals.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
