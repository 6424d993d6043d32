// Command smoke tries a stack from outside, as producers and analysts use it: it sends a few dozen events to the endpoint, waits for
// their rows in Athena, and holds what it finds against the catalogue. Then it runs the probes of docs/unproven.md.
//
//	make smoke STACK=hydrant   a deployed stack, with AWS's credentials and Region as its other clients take them
//	make smoke                 the local runner, which it starts on template.yaml in a folder that goes again
//
// It changes nothing but for the events that it leaves, all marked (see the end of its report). It exits with 0 if all is well, with 1 if
// a check failed or a probe was contradicted, and with 2 if it was called wrongly or could not reach what it was to try.
//
// Where a stack and the runner differ is one interface, stack; all else is the same code for both. The probes are a table, probes; a new
// line of docs/unproven.md needs an entry there, with the same words (a test compares them).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/tools/internal/child"
	"hydrant/pkg/tools/internal/progress"
)

// The exit statuses.
const (
	failed      = 1
	unreachable = 2
)

var errFailed = errors.New("not all is well")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args, os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFailed): // the report has said it
		os.Exit(failed)
	default:
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(unreachable)
	}
}

// options are what the command line says.
type options struct {
	stack, endpoint              string
	runner, template, build      string
	parameters                   []string
	results, workgroup           string
	within                       time.Duration
	json, withoutProbes, queries bool
}

const usage = `Sends marked events to a stack, waits for their rows, checks them, and runs the probes of docs/unproven.md.

  %[1]s -stack NAME    a deployed stack; credentials and Region are those of AWS's other clients
  %[1]s -endpoint URL  a local runner that is running, by the address of its AWS
  %[1]s                a local runner of its own

With Authorization=AWS_IAM requests are signed with the same credentials; with LAMBDA the token is taken from TOKEN; with ApiKeyRequired
the key from API_KEY. Exit status: 0 all is well, 1 a check failed or a probe was contradicted, 2 called wrongly or not reachable.

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.stack, "stack", "", "`name` of a deployed stack")
	f.StringVar(&o.endpoint, "endpoint", "", "`URL` of a running runner's AWS, as in http://127.0.0.1:4566")
	f.StringVar(&o.runner, "runner", ".cache/bin/hydrant-local", "the local runner to start, a `program`")
	f.StringVar(&o.template, "template", "template.yaml", "the SAM template that it runs, a `file`")
	f.StringVar(&o.build, "build", ".hydrant/build", "the `folder` of the functions' bootstraps for it; missing and stale ones are built")
	f.Func("parameter", "a parameter of the template for it, as `Name=Value`; repeatable", func(text string) error {
		o.parameters = append(o.parameters, text)
		return nil
	})
	f.StringVar(&o.results, "results", "", "`s3://bucket/prefix/` for Athena's answers (athena/ in the stack's bucket)")
	f.StringVar(&o.workgroup, "workgroup", "", "Athena's `workgroup` (primary)")
	f.DurationVar(&o.within, "within", 0, "how long to wait for the rows (twice DeliverySeconds and TransformBufferSeconds, and two minutes: what is invalid goes round)")
	f.BoolVar(&o.json, "json", false, "write the report as JSON")
	f.BoolVar(&o.withoutProbes, "no-probes", false, "run the checks only, not the probes")
	f.BoolVar(&o.queries, "queries", false, "print what Athena is asked, with a request id for example, a line each, and do nothing else")
	f.Usage = func() {
		fmt.Fprintf(stderr, usage, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[1:]); err != nil {
		return nil, err
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q: -help lists the flags", f.Arg(0))
	case o.stack != "" && o.endpoint != "":
		return nil, errors.New("-stack names a deployed stack and -endpoint a local runner: give one of them")
	case o.within < 0:
		return nil, fmt.Errorf("-within %s is less than nothing", o.within)
	}
	return o, nil
}

// run tries a stack and reports. errFailed means that the report says what is wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.queries {
		now := time.Now()
		_, err := fmt.Fprintf(stdout, "%s\n%s\n", eventsTable().query([]string{"o'id="}, now, now), quarantineTable.query([]string{"o'id="}, now, now))
		return err
	}
	judge, err := event.NewJudge()
	if err != nil {
		return err
	}
	waiting := progress.New(stderr)
	defer waiting.Stop()
	var r *report
	try := func(s stack) (err error) {
		r, err = (&smoke{options: o, stack: s, judge: judge, progress: waiting}).play(ctx)
		return err
	}
	switch {
	case o.stack != "":
		var s stack
		if s, err = deployedStack(ctx, o); err == nil {
			err = try(s)
		}
	case o.endpoint != "":
		err = try(newLocal(o.endpoint, ""))
	default:
		err = ownRunner(ctx, o, waiting, try)
	}
	waiting.Stop()
	if err != nil {
		return err
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		err = r.print(stdout)
	}
	if err == nil && !r.OK {
		err = errFailed
	}
	return err
}

// stopWithin is between SIGTERM and SIGKILL.
const stopWithin = 30 * time.Second

// ownRunner has the local runner be tried in a folder that goes again.
func ownRunner(ctx context.Context, o *options, waiting *progress.Line, try func(stack) error) (err error) {
	folder, err := os.MkdirTemp("", "hydrant-smoke-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	waiting.Say("starting the runner")
	arguments := []string{"-template", o.template, "-data", filepath.Join(folder, "runner"), "-build", o.build}
	for _, p := range o.parameters {
		arguments = append(arguments, "-parameter", p)
	}
	runner, err := child.Start(ctx, child.Options{
		Program: o.runner, Target: "smoke", Log: filepath.Join(folder, "runner.log"), StopWithin: stopWithin, Arguments: arguments,
	})
	if err != nil {
		return err
	}
	return runner.Finish(ctx, try(newLocal(runner.AWS, runner.API)))
}
