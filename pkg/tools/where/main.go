// Command where prints every place that a request or an event is in, and what they come to.
//
//	make where ID=3f0c...                on the local runner, or on AWS_ENDPOINT_URL
//	make where ID=3f0c... STACK=hydrant  on a stack, by its saved query where_is, through the AWS CLI
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "where:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, notes io.Writer) error {
	f := flag.NewFlagSet("where", flag.ContinueOnError)
	f.SetOutput(notes)
	id := f.String("id", "", "the `id`: of a request, or of an event (needed)")
	stack := f.String("stack", "", "`name` of a deployed stack; without it the local runner is asked")
	endpoint := f.String("endpoint", cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566"), "`URL` of the local runner's AWS")
	results := f.String("results", "", "`s3://bucket/prefix/` for Athena's answer (athena/ in the stack's bucket)")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *id == "" || f.NArg() > 0 {
		return errors.New("-id is needed, and nothing but flags: make where ID=<request id or event id>")
	}
	ask := func() ([]place, error) { return askRunner(ctx, *endpoint, *id) }
	if *stack != "" {
		ask = func() ([]place, error) { return askStack(ctx, *stack, *results, *id) }
	}
	places, err := ask()
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return errors.New("nowhere: neither a request nor an event that was sent has this id, or it is still on its way")
	}
	for _, p := range places {
		if _, err := fmt.Fprintln(out, p); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, "So it is "+verdict(places)+".")
	return err
}
