package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"
)

// report is a bill as text, the dearest line first.
func report(m *model, s shape, env string) []byte {
	lines := m.bill(s)
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.perMillion, a.perMillion), cmp.Compare(b.fixed, a.fixed))
	})
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n%s, environment %s, %s, %.6g million events a month\n\n", s, m.prices.Name, env, m.mode(), m.millions())
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight|tabwriter.TabIndent)
	fmt.Fprintln(w, "USD a million\tUSD a month\t")
	total := sum(lines)
	for _, l := range lines {
		mark := ""
		if m.prices.unverified(l) {
			mark = " (unverified)"
		}
		fmt.Fprintf(w, "%s\t%s\t  %s: %s%s\n", usd(l.perMillion), usd(l.fixed), l.service, l.what, mark)
	}
	mark := ""
	if share := m.prices.unverifiedShare(lines); share > 0 {
		mark = fmt.Sprintf(" (unverified: %.0f %% of a million's price leans on prices that nobody has looked up)", 100*share)
	}
	fmt.Fprintf(w, "%s\t%s\t  in all%s\n", usd(total.perMillion), usd(total.fixed), mark)
	if err := w.Flush(); err != nil {
		panic(err) // a buffer takes everything
	}
	fmt.Fprintf(&out, "\na month of %.6g million events: USD %.2f\n", m.millions(), m.month(total))
	if need := m.shardsNeeded(s, 1); !m.onDemand && need > m.shards {
		fmt.Fprintf(&out, "the stream has %s and needs %d for that, if events came evenly\n", shards(m.shards), need)
	}
	return out.Bytes()
}

func (m *model) mode() string {
	if m.onDemand {
		return "stream on demand"
	}
	return "stream provisioned with " + shards(m.shards)
}

func shards(n int) string {
	if n == 1 {
		return "1 shard"
	}
	return fmt.Sprintf("%d shards", n)
}

// usd is an amount with as many places as it takes to tell amounts apart.
func usd(amount float64) string {
	switch {
	case amount == 0:
		return "0"
	case amount >= 100:
		return thousands(amount)
	case amount >= 1:
		return fmt.Sprintf("%.2f", amount)
	case amount >= 0.01:
		return fmt.Sprintf("%.3f", amount)
	case amount < 0.00005:
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", amount)
}
