// Command load measures how fast and how big the local runner is, with the real transform function, and prints each figure beside its goal.
//
//	make bench
//
// It starts the runner on template.yaml several times, each time in a folder of its own: to see how soon it is ready and how much memory
// it then has; to send it single events as fast as it takes them while Firehose delivers them, and the same with a token for an authorizer;
// and to have a filled stream delivered. Every event has an id of its own, and all rows are read back from the Parquet objects. Slowness is
// no error, but it exits with 1 if an event is lost or stored twice, or if an answer is wrong. Run it in the module's root, with -help for
// its flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args, os.Stderr)
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	runner, template, build string
	duration                time.Duration
	connections             int
	events                  int
	size                    int
	only                    []string
}

const synopsis = `Measures the local runner: how soon it is ready, how much memory it has, how many events it takes and delivers.

  %s [flags]

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.runner, "runner", ".cache/bin/hydrant-local", "the local runner, a `program`")
	f.StringVar(&o.template, "template", "template.yaml", "the SAM template to run, a `file`")
	f.StringVar(&o.build, "build", ".hydrant/build", "the `folder` of the functions' bootstraps; missing and stale ones are built first")
	f.DurationVar(&o.duration, "duration", time.Minute, "how long to send single events, 1s to 1h; a minute of it may take 2 GB of disk")
	f.IntVar(&o.connections, "connections", 16, "on how many connections at once, 1 to 1,000")
	f.IntVar(&o.events, "events", 80_000, "with how many events to fill a stream that is then delivered, 1 to 10,000,000")
	f.IntVar(&o.size, "size", 1024, fmt.Sprintf("`bytes` of an event, %d to %d", minEventBytes, maxEventBytes))
	only := f.String("only", strings.Join(measurementNames(), ","), "the `measurements` to make, with commas between")
	f.Usage = func() {
		fmt.Fprintf(stderr, synopsis, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[1:]); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: -help lists the flags", f.Arg(0))
	}
	o.only = strings.Split(*only, ",")
	return o, o.check()
}

func (o *options) check() error {
	for _, name := range o.only {
		if !slices.Contains(measurementNames(), name) {
			return fmt.Errorf("-only %s: there are %s", name, strings.Join(measurementNames(), ", "))
		}
	}
	switch {
	case o.duration < time.Second || o.duration > time.Hour:
		return fmt.Errorf("-duration %s is not within 1s and 1h", o.duration)
	case o.connections < 1 || o.connections > 1000:
		return fmt.Errorf("-connections %d is not within 1 and 1,000", o.connections)
	case o.events < 1 || o.events > 10_000_000:
		return fmt.Errorf("-events %d is not within 1 and 10,000,000", o.events)
	case o.size < minEventBytes || o.size > maxEventBytes:
		return fmt.Errorf("-size %d is not within %d and %d", o.size, minEventBytes, maxEventBytes)
	}
	return nil
}

// result is what a measurement found.
type result interface {
	section() section
	fault() error // of events or answers; slowness is none
}

// bench is one run of the command.
type bench struct {
	*options
	progress progress
}

// measurements in the order in which they are made.
var measurements = []struct {
	name    string
	measure func(*bench, context.Context) (result, error)
}{
	{"start", (*bench).measureStart},
	{"post", (*bench).measurePost},
	{"token", (*bench).measureToken},
	{"parquet", (*bench).measureParquet},
}

func measurementNames() []string {
	var names []string
	for _, m := range measurements {
		names = append(names, m.name)
	}
	return names
}

func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	b := &bench{options: o, progress: newProgress(stderr)}
	if err := b.buildFunctions(ctx); err != nil {
		return err
	}
	fmt.Fprintln(stdout, heading(o))
	var faults []error
	for _, m := range measurements {
		if !slices.Contains(o.only, m.name) {
			continue
		}
		r, err := m.measure(b, ctx)
		b.progress.clear()
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := r.section().print(stdout); err != nil {
			return err
		}
		if err := r.fault(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(faults...)
}

// buildFunctions starts a runner for its builds alone: none of the figures shall have a compiler in it.
func (b *bench) buildFunctions(ctx context.Context) error {
	b.progress.say("building the functions")
	return b.withRunner(ctx, nil, func(context.Context, *runner) error { return nil })
}

// withRunner starts a runner in a temporary folder and stops it when use returns.
func (b *bench) withRunner(ctx context.Context, parameters []string, use func(context.Context, *runner) error) error {
	return withFolder(func(data string) error {
		return b.withRunnerIn(ctx, data, parameters, use)
	})
}

func withFolder(use func(data string) error) error {
	data, err := os.MkdirTemp("", "hydrant-load-*")
	if err != nil {
		return err
	}
	return errors.Join(use(data), os.RemoveAll(data))
}

// withRunnerIn starts a runner on what is in data. Should the runner end by itself, use's context ends.
func (b *bench) withRunnerIn(ctx context.Context, data string, parameters []string, use func(context.Context, *runner) error) error {
	r, err := startRunner(ctx, b.options, data, parameters)
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-r.Exited
		cancel()
	}()
	return r.Finish(ctx, use(within, r))
}
