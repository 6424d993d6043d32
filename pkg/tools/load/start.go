package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	starts     = 5
	readyGoal  = time.Second
	memoryGoal = 120e6 // bytes
)

// settle is how long the memory of a runner that has nothing to do is watched.
const settle = 500 * time.Millisecond

// startResult has one of each for every start.
type startResult struct {
	ready  []time.Duration
	memory []int64 // the highest of the process tree between the ready line and the first request
}

func (b *bench) measureStart(ctx context.Context) (result, error) {
	r := &startResult{}
	for i := range starts {
		b.progress.say("start %d of %d", i+1, starts)
		err := b.withRunner(ctx, nil, func(ctx context.Context, child *runner) error {
			highest, err := child.watch(ctx, settle)
			r.ready = append(r.ready, child.Ready)
			r.memory = append(r.memory, highest)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// watch answers the most memory that the process tree has within a while.
func (r *runner) watch(ctx context.Context, while time.Duration) (highest int64, err error) {
	tick := time.NewTicker(while / 10)
	defer tick.Stop()
	for range 10 {
		u, err := r.usage()
		if err != nil {
			return 0, err
		}
		highest = max(highest, u.resident)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return highest, nil
}

func (r *startResult) fault() error { return nil }

func (r *startResult) section() section {
	slices.Sort(r.ready)
	slices.Sort(r.memory)
	ready, memory := r.ready[len(r.ready)/2], r.memory[len(r.memory)/2]
	return section{
		title: fmt.Sprintf("Start: median of %d, functions built, an empty data folder", len(r.ready)),
		figures: []figure{
			{"ready after", fmt.Sprintf("%.2f s", ready.Seconds()), "under 1 s", ready < readyGoal},
			{"memory before the first request", megabytes(memory), "under 120 MB", memory < memoryGoal},
		},
		notes: []string{"Memory here and below is resident memory of the runner, its S3 server and its functions; what they share counts for each."},
	}
}
