package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress shows what is being done, in one line of a terminal that it takes away again. Elsewhere it says nothing.
type progress struct{ w io.Writer }

func newProgress(w io.Writer) progress {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return progress{w}
	}
	return progress{io.Discard}
}

func (p progress) say(format string, args ...any) {
	fmt.Fprintf(p.w, "\r\033[K"+format, args...)
}

func (p progress) clear() { fmt.Fprint(p.w, "\r\033[K") }
