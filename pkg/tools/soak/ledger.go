package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// ledger has every event that was sent.
type ledger struct {
	mu       sync.Mutex
	events   map[string]*sent
	requests int
	again    int      // requests that were sent again
	faults   []string // answers that are not as docs/api.md has them
}

func (l *ledger) enter(q request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	for _, r := range q {
		for _, e := range r.events {
			l.events[e.id] = e
		}
	}
}

// accept notes which records were accepted, and answers the others.
func (l *ledger) accept(q request, a answer) request {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.fault != "" {
		l.fault("%s", a.fault)
	}
	var rest request
	for i, r := range q {
		if !a.accepted[i] {
			rest = append(rest, r)
			continue
		}
		for _, e := range r.events {
			e.accepted = true
		}
	}
	if len(rest) > 0 {
		l.again++
	}
	return rest
}

// mostFaults are as many as are kept: the first ones say enough.
const mostFaults = 20

func (l *ledger) fault(format string, args ...any) {
	if len(l.faults) < mostFaults {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// gate lets producers post, or not.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while it is open
	busy sync.WaitGroup
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) raise() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

// lower lets nobody in any more, and returns when all are out.
func (g *gate) lower() {
	g.mu.Lock()
	g.open = make(chan struct{})
	g.mu.Unlock()
	g.busy.Wait()
}

// enter returns when the gate is open; false: ctx ended before.
func (g *gate) enter(ctx context.Context) bool {
	for ctx.Err() == nil {
		g.mu.Lock()
		open := g.open
		select {
		case <-open:
			g.busy.Add(1)
			g.mu.Unlock()
			return true
		default:
		}
		g.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
		}
	}
	return false
}

// run posts one request after the other while the gate is open, each until all of it is accepted, until quit ends.
func (p *producer) run(ctx, quit context.Context, g *gate, c *client, l *ledger) {
	waits := rand.New(rand.NewPCG(p.random.Uint64(), 'w'))
	for g.enter(quit) {
		q := p.next()
		l.enter(q)
		for len(q) > 0 && ctx.Err() == nil {
			q = p.post(ctx, q, c, l, waits)
		}
		g.busy.Done()
		pause(ctx, between(waits, 20*time.Millisecond, 150*time.Millisecond))
	}
}

// post sends records once, and waits if some were refused, as docs/api.md says; those it answers.
func (p *producer) post(ctx context.Context, q request, c *client, l *ledger, waits *rand.Rand) request {
	a := c.send(ctx, q, p.direct)
	rest := l.accept(slices.Clone(q), a)
	if len(rest) > 0 {
		pause(ctx, a.wait+between(waits, 0, a.wait))
	}
	return rest
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
