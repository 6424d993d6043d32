package main

import (
	"context"
	"time"
)

// pause is a wait between two looks, each half as long again as the one before.
type pause struct{ next, most time.Duration }

func newPause(first, most time.Duration) *pause { return &pause{first, most} }

func (p *pause) wait(ctx context.Context) error {
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(p.next+p.next/2, p.most)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
