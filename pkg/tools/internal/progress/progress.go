// Package progress shows on a terminal what a program is waiting for.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// Line shows what is being waited for, and for how long. It writes to terminals only, one line, which it takes away again.
type Line struct {
	w    io.Writer
	quit chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	what  string
	since time.Time
}

// New returns a line on w, which says nothing if w is no terminal.
func New(w io.Writer) *Line {
	p := &Line{w: w}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return p
	}
	p.quit = make(chan struct{})
	p.done.Go(p.run)
	return p
}

// Say tells what is waited for from now on.
func (p *Line) Say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = what, time.Now()
}

func (p *Line) run() {
	const clear = "\r\033[K"
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			fmt.Fprint(p.w, clear)
			return
		case <-tick.C:
		}
		p.mu.Lock()
		fmt.Fprintf(p.w, "%s%s (%.0f s)", clear, p.what, time.Since(p.since).Seconds())
		p.mu.Unlock()
	}
}

// Stop takes the line away. It may be called again.
func (p *Line) Stop() {
	if p.quit == nil {
		return
	}
	close(p.quit)
	p.done.Wait()
	p.quit = nil
}
