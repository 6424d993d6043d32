// Command check-events judges a file of events with the code that judges them in the stream, for a producer's CI.
//
//	make check-events FILE=events.jsonl
//	check-events [flags] [FILE]        without FILE, or with -, it reads standard input
//
// Each line is one event, an array of events, or several events one behind the other, as a producer would put it into the stream. If the
// first line is not whole, the file is read as JSON text over many lines: an event, an array of events, or several of either. Each mistake
// is printed with its line, field, rule and reason (docs/events.md has the list), and a summary follows. Memory does not grow with the file.
//
// It exits with 0 if every event is valid, with 1 if any is not or there is none, and with 2 if it cannot do its work.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"hydrant/pkg/event"
)

func main() {
	o, err := parse(os.Args, os.Stderr)
	var ok bool
	if err == nil {
		ok, err = run(o, os.Stdin, os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	file string // "-" is standard input
	json bool
	at   time.Time // when the events are received
}

const usage = `Judges the events in a file, or on standard input, as they would be judged in the stream.

  %s [flags] [FILE]

A line is one event, an array of events, or several events; a file may also be JSON text over many lines. Events stand there as
they do in a request's Data, without the request around them.

Exits with 1 if an event is refused or there is none, and with 2 if the file cannot be read.

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{file: "-"}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.json, "json", false, "print JSON lines: one for each event that is refused, and the summary last")
	at := f.String("at", "", "judge as if the events were received at this `time`, as in 2025-11-22T09:30:00Z (now)")
	f.Usage = func() {
		fmt.Fprintf(stderr, usage, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[1:]); err != nil {
		return nil, err
	}
	switch f.NArg() {
	case 0:
	case 1:
		o.file = f.Arg(0)
	default:
		return nil, fmt.Errorf("one file at a time: unexpected argument %q", f.Arg(1))
	}
	o.at = time.Now()
	if *at != "" {
		var err error
		if o.at, err = time.Parse(time.RFC3339, *at); err != nil {
			return nil, fmt.Errorf("-at %q is no time such as 2025-11-22T09:30:00Z", *at)
		}
	}
	return o, nil
}

// run judges everything and says whether all of it is valid.
func run(o *options, stdin io.Reader, stdout, stderr io.Writer) (ok bool, err error) {
	judge, err := event.NewJudge()
	if err != nil {
		return false, fmt.Errorf("the catalogue of events: %w", err)
	}
	name := "standard input"
	if o.file != "-" {
		file, err := os.Open(o.file)
		if err != nil {
			return false, err
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return false, fmt.Errorf("%s is a folder: name one file", o.file)
		}
		stdin, name = file, o.file
	} else if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(stderr, "reading standard input; Ctrl-D ends it")
	}
	var r report = newText(stdout, name)
	if o.json {
		r = newLines(stdout)
	}
	c := newChecker(judge, o.at)
	in := newInput(stdin)
	for {
		part, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			if c.summary.Events+c.summary.Unreadable > 0 { // else it would say that there are none
				err = errors.Join(err, r.end(&c.summary))
			}
			return false, err
		}
		c.check(part, r.finding)
	}
	c.summary.Lines = in.lines()
	return c.summary.good(), r.end(&c.summary)
}
