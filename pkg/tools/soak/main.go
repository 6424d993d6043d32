// Command soak proves that nothing is lost. It starts the local runner on template.yaml with a clock that runs fast for delays, lets many
// producers post numbered events, and meanwhile has every link fail in every way that the runner knows (PUT /_hydrant/faults), kills
// functions, and kills the runner with -9 and starts it again on its data folder. When the faults are over and all is delivered, it draws up
// the account: every accepted event is in the events table or in the quarantine, everything that is there was sent, no record was sent round
// more often than it may be, and the quarantine holds only events that are truly not valid.
//
//	make soak
//	make soak ARGS="-seed 7 -seeds 1 -duration 2m"
//
// # What a seed decides
//
// The schedule of faults (which ones, when, how long, how often, which calls of a link they strike) and the n-th request of each producer,
// with all events in it, follow from the seed and the flags alone, and a failing run prints the command that repeats them. Not decided is what
// the machine decides: how far a producer gets in the time there is, which call of a link is whose, into which batches Firehose puts records,
// and at which instruction a process dies. A run that failed may therefore take more than one repetition to fail again.
//
// # Time
//
// With -time-scale 300 an outage of half an hour is one of six seconds. The schedule has outages no longer than that, which is what the
// attempts' delays promise to get over; between two of them everything that is on its way settles, so that no record meets with more than one.
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
	smallest                string
	seed                    uint64
	seeds                   int
	duration                time.Duration
	producers               int
	timeScale               float64
}

const synopsis = `Posts events to the local runner while everything fails, and accounts for each of them.

  %s [flags]

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.runner, "runner", ".cache/bin/hydrant-local", "the local runner, a `program`")
	f.StringVar(&o.template, "template", "template.yaml", "the SAM template to run, a `file`")
	f.StringVar(&o.build, "build", ".hydrant/build", "the `folder` of the functions' bootstraps; missing and stale ones are built first")
	f.StringVar(&o.smallest, "smallest", "events/samples/smallest.jsonl", "the `file` with the smallest legal event of each type")
	f.Uint64Var(&o.seed, "seed", 1, "of all that is random, a `number`")
	f.IntVar(&o.seeds, "seeds", 3, "how many seeds to run, from -seed on")
	f.DurationVar(&o.duration, "duration", time.Minute, "how long faults are injected, for each seed, 1s to 1h")
	f.IntVar(&o.producers, "producers", 12, "how many producers post at once, 2 to 1,000; one in six writes to the stream itself")
	f.Float64Var(&o.timeScale, "time-scale", 300, "how many `times` as fast delays pass, 60 to 1,000")
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
	return o, o.check()
}

func (o *options) check() error {
	switch {
	case o.seeds < 1 || o.seeds > 100_000:
		return fmt.Errorf("-seeds %d is not within 1 and 100,000", o.seeds)
	case o.duration < time.Second || o.duration > time.Hour:
		return fmt.Errorf("-duration %s is not within 1s and 1h", o.duration)
	case o.producers < 2 || o.producers > 1000:
		return fmt.Errorf("-producers %d is not within 2 and 1,000", o.producers)
	case o.timeScale < 60 || o.timeScale > 1000:
		return fmt.Errorf("-time-scale %v is not within 60 and 1,000", o.timeScale)
	}
	return nil
}

// again is the command that runs one seed as it was run.
func (o *options) again(seed uint64) string {
	return fmt.Sprintf("make soak ARGS=\"-seed %d -seeds 1 -duration %s -producers %d -time-scale %v\"", seed, o.duration, o.producers, o.timeScale)
}

// run runs the seeds one after the other. All of them are run, whatever comes of one.
func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	w, err := newWorld(o.smallest)
	if err != nil {
		return err
	}
	var failed []string
	for i := range o.seeds {
		seed := o.seed + uint64(i)
		result, err := soak(ctx, o, w, seed, stderr)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			fmt.Fprintf(stdout, "seed %d: FAILED: %v\n  run it again with %s\n", seed, err, o.again(seed))
			failed = append(failed, fmt.Sprint(seed))
			continue
		}
		result.print(stdout)
		if len(result.faults) > 0 {
			fmt.Fprintf(stdout, "  look at it with make run DATA=%s, and ask /_hydrant/where?id=...\n  run it again with %s\n", result.folder, o.again(seed))
			failed = append(failed, fmt.Sprint(seed))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d seeds failed: %s", len(failed), o.seeds, strings.Join(failed, ", "))
	}
	return nil
}
