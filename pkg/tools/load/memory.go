package main

import (
	"context"
	"fmt"
	"time"
)

// sample is the memory of the process tree at a time of the load.
type sample struct {
	at       time.Duration
	resident int64
}

// sampleMemory looks at the process tree from before the load to its end, often enough for a figure and seldom enough not to be one.
func (b *bench) sampleMemory(ctx context.Context, child *runner, began time.Time) ([]sample, error) {
	const least, most = 250 * time.Millisecond, 10 * time.Second
	tick := time.NewTicker(min(max(b.duration/200, least), most))
	defer tick.Stop()
	var samples []sample
	for {
		u, err := child.usage()
		if err != nil {
			return nil, err
		}
		at := time.Since(began)
		samples = append(samples, sample{at, u.resident})
		if at >= b.duration {
			return samples, nil
		}
		b.progress.say("sending events: %s of %s", at.Round(time.Second), b.duration)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// memoryFigures are the memory at the start and the highest of each quarter of the load, since a single look falls anywhere between two
// garbage collections.
func memoryFigures(samples []sample, took time.Duration) []figure {
	const quarters = 4
	var highest [quarters]int64
	for _, s := range samples[1:] {
		q := min(int(quarters*s.at/max(took, 1)), quarters-1)
		highest[q] = max(highest[q], s.resident)
	}
	figures := []figure{{name: "memory at the start", value: megabytes(samples[0].resident)}}
	for q, h := range highest {
		figures = append(figures, figure{name: fmt.Sprintf("memory up to %d %% of the time, highest", 100*(q+1)/quarters), value: megabytes(h)})
	}
	last := &figures[quarters]
	last.goal, last.met = "flat", flat(highest[1], highest[3])
	return figures
}

// flat allows for the noise of garbage collection: a leak of any rate shows in a load that is long enough.
func flat(second, last int64) bool { return float64(last) <= 1.15*float64(second) }
