// Command demo shows the whole way of an event on this machine. It starts the local runner on template.yaml, sends it every request
// under events/api, waits until all is delivered, and prints what became of it: the answers, the rows as read back from the Parquet
// objects, what failed and was sent round again, what is in the quarantine and for which reasons, where the files lie, and an account of
// events that has to add up.
//
//	make demo
//
// It exits with 1 if the account does not add up, or if anything is not as it should be. Run it in the module's root, with -help for its
// flags.
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
	"syscall"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/tools/internal/child"
	"hydrant/pkg/tools/internal/progress"
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
	runner, template string
	events           string
	data, build      string
	rows             string
	quiet            bool
}

const usage = `Starts the local runner, sends it every request of a folder, and shows where the events went.

  %s [flags]

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.runner, "runner", ".cache/bin/hydrant-local", "the local runner, a `program`")
	f.StringVar(&o.template, "template", "template.yaml", "the SAM template to run, a `file`")
	f.StringVar(&o.events, "events", "events/api", "the `folder` of requests, each a file TITLE.ROUTE.json; they are sent in the order of their names")
	f.StringVar(&o.data, "data", ".hydrant/demo", "the `folder` for what the runner keeps; what an earlier demo left in it is removed first")
	f.StringVar(&o.build, "build", ".hydrant/build", "the `folder` of the functions' bootstraps; missing and stale ones are built")
	f.StringVar(&o.rows, "rows", "", "write each row and the event it came from to this `file`, as JSON lines")
	f.BoolVar(&o.quiet, "quiet", false, "print nothing but the account")
	f.Usage = func() {
		fmt.Fprintf(stderr, usage, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[1:]); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: -help lists the flags", f.Arg(0))
	}
	return o, nil
}

// stopWithin is between SIGTERM and SIGKILL.
const stopWithin = 30 * time.Second

// run is the whole demo. The runner is stopped, and waited for, however it ends.
func run(ctx context.Context, o *options, stdout, stderr io.Writer) (err error) {
	started := time.Now()
	judge, err := event.NewJudge()
	if err != nil {
		return err
	}
	requests, err := readRequests(o.events)
	if err != nil {
		return err
	}
	folder, err := takeFolder(o.data)
	if err != nil {
		return err
	}
	defer folder.Close()
	waiting := progress.New(stderr)
	defer waiting.Stop()

	waiting.Say("starting the runner")
	runner, err := child.Start(ctx, child.Options{
		Program: o.runner, Target: "demo", Log: filepath.Join(o.data, "runner.log"), StopWithin: stopWithin,
		Arguments: []string{"-template", o.template, "-data", o.data, "-build", o.build},
	})
	if err != nil {
		return err
	}
	p := newPage(stdout)
	d := &demo{client: &client{api: runner.API, aws: runner.AWS}, judge: judge, options: o, page: p, progress: waiting}
	if o.quiet {
		d.page = &page{w: io.Discard, width: p.width}
	}
	account, err := d.play(ctx, requests)
	if err := runner.Finish(ctx, err); err != nil {
		return err
	}
	waiting.Stop()
	if o.quiet {
		fmt.Fprintln(stdout, account.sentence())
	} else {
		d.next(runner.API, time.Since(started))
	}
	return account.err()
}

// demo is one run against a runner that is ready.
type demo struct {
	client   *client
	judge    *event.Judge
	options  *options
	page     *page
	progress *progress.Line
}

// play sends the requests, has everything delivered and reports. An account that does not add up is not an error of play's.
func (d *demo) play(ctx context.Context, requests []*request) (*account, error) {
	exchanges, err := d.send(ctx, requests)
	if err != nil {
		return nil, err
	}
	d.progress.Say("delivering")
	found, err := d.client.collect(ctx)
	if err != nil {
		return nil, err
	}
	d.progress.Stop()
	ledger := newLedger(d.judge, exchanges)
	account := ledger.balance(found)
	if d.options.rows != "" {
		if err := ledger.writeRows(d.options.rows); err != nil {
			return nil, err
		}
	}
	files, err := listFiles(found.state)
	if err != nil {
		return nil, err
	}
	d.opening(found.state, len(requests))
	d.requests(exchanges)
	d.rows(ledger)
	d.failures(ledger)
	d.quarantine(ledger)
	d.files(found.state, files)
	d.links(found.state)
	d.account(account)
	return account, nil
}

// send sends the requests one after the other.
func (d *demo) send(ctx context.Context, requests []*request) ([]*exchange, error) {
	var exchanges []*exchange
	for i, r := range requests {
		d.progress.Say(fmt.Sprintf("sending request %d of %d", i+1, len(requests)))
		e, err := d.client.send(ctx, r)
		if err != nil {
			return nil, err
		}
		exchanges = append(exchanges, e)
	}
	return exchanges, nil
}
