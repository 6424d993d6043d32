package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// answer is the dlq function's.
type answer struct {
	Matched  int            `json:"matched"`
	Sent     int            `json:"sent"`
	ByReason map[string]int `json:"by_reason"`
	ValidNow int            `json:"valid_now"`
	Before   int            `json:"sent_before"`
	Unfit    int            `json:"unfit"`
	More     bool           `json:"more"`

	There map[string]map[string]int `json:"there"` // what a filter that let nothing pass could have been, by the filter's name
}

// add adds a further answer. What was sent before, or is unfit, each invocation counts anew: with the rows that this redrive has sent.
func (a *answer) add(next answer) {
	if a.Sent == 0 {
		a.Before = next.Before
	}
	a.Unfit = max(a.Unfit, next.Unfit)
	a.Matched += next.Matched
	a.Sent += next.Sent
	a.ValidNow += next.ValidNow
	a.More = next.More
	a.There = next.There
	for reason, n := range next.ByReason {
		a.ByReason[reason] += n
	}
}

// counted are the names of counts, the most frequent first.
func counted(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y))
	})
}

func (a *answer) print(w io.Writer, dryRun bool) error {
	var b strings.Builder
	for _, reason := range counted(a.ByReason) {
		fmt.Fprintf(&b, "%8d  %s\n", a.ByReason[reason], cmp.Or(reason, "(no reason)"))
	}
	at := ""
	if dryRun && a.More {
		at = "at least "
	}
	fmt.Fprintf(&b, "%8d  in all%s, %s%d of them valid by the deployed catalogue; the others would come back\n", a.Matched, map[bool]string{true: " at least"}[at != ""], at, a.ValidNow)
	if a.Before > 0 {
		fmt.Fprintf(&b, "%8d  were sent by an earlier redrive, and stay\n", a.Before)
	}
	if a.Unfit > 0 {
		fmt.Fprintf(&b, "%8d  cannot go round: they are no records, or too large\n", a.Unfit)
	}
	switch {
	case dryRun && a.Matched > 0:
		b.WriteString("Nothing was sent. -go sends them.\n")
	case dryRun:
		b.WriteString("There is nothing to send.\n")
	case a.More:
		fmt.Fprintf(&b, "%d sent. There are more: the same command goes on.\n", a.Sent)
	default:
		fmt.Fprintf(&b, "%d sent.\n", a.Sent)
	}
	if a.Matched+a.Before+a.Unfit == 0 {
		for _, filter := range slices.Sorted(maps.Keys(a.There)) {
			var all []string
			for _, value := range counted(a.There[filter]) {
				all = append(all, fmt.Sprintf("%s (%d)", printable(value), a.There[filter][value]))
			}
			fmt.Fprintf(&b, "In this time -%s could be one of: %s\n", filter, strings.Join(all, ", "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable is a text that may go to a terminal: producers and types are named by those who send.
func printable(text string) string {
	if quoted := strconv.Quote(text); text == "" || quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
