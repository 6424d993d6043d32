// Command redrive has quarantined events sent round again. It prints what would go, by reason; with -go it sends them.
//
//	make redrive ARGS="-reason attempts_exhausted -from 2026-11-22"                    on the local runner, or on AWS_ENDPOINT_URL
//	make redrive STACK=hydrant ARGS="-reason attempts_exhausted -limit 100 -go"  on a stack, through the AWS CLI
//
// Rows stay in the quarantine, and those that went are marked: the same command again sends what is left.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "redrive:", err)
		os.Exit(1)
	}
}

// request is what the dlq function takes under "redrive".
type request struct {
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Code     string     `json:"code,omitempty"`
	Producer string     `json:"producer,omitempty"`
	Type     string     `json:"type,omitempty"`
	Limit    int        `json:"limit,omitempty"`
	DryRun   bool       `json:"dry_run"`
}

type options struct {
	stack, endpoint, function string
	request                   request
}

func parse(args []string, notes io.Writer) (*options, error) {
	o := &options{}
	var send bool
	f := flag.NewFlagSet("redrive", flag.ContinueOnError)
	f.SetOutput(notes)
	f.StringVar(&o.stack, "stack", "", "`name` of a deployed stack; without it the local runner is asked")
	f.StringVar(&o.endpoint, "endpoint", cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566"), "`URL` of the local runner's AWS")
	f.StringVar(&o.function, "function", "", "`name` or ARN of the dlq function (the alias of the stack's DlqFunction, or of the runner's)")
	f.Func("from", "first `time` of quarantined_at, as in 2026-11-22 or 2026-11-22T09:30:00Z", moment(&o.request.From))
	f.Func("to", "first `time` behind the last", moment(&o.request.To))
	f.StringVar(&o.request.Reason, "reason", "", "only events that have this reason, such as attempts_exhausted")
	f.StringVar(&o.request.Code, "code", "", "only events that failed with this error code")
	f.StringVar(&o.request.Producer, "producer", "", "only events of this producer")
	f.StringVar(&o.request.Type, "type", "", "only events of this type")
	f.IntVar(&o.request.Limit, "limit", 0, "send so many events at most; 0 is no limit")
	f.BoolVar(&send, "go", false, "send them; without it nothing is sent")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.request.DryRun = !send
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("nothing but flags is expected, not %q", f.Args())
	case o.request.Limit < 0:
		return nil, errors.New("-limit is 0 (none) or more")
	case o.request.From != nil && o.request.To != nil && !o.request.From.Before(*o.request.To):
		return nil, errors.New("-from has to be before -to")
	}
	return o, nil
}

// moment reads a date, which is midnight in UTC, or a time.
func moment(into **time.Time) func(string) error {
	return func(text string) error {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			if t, err = time.Parse(time.RFC3339, text); err != nil {
				return errors.New("a date (2026-11-22) or an RFC 3339 time (2026-11-22T09:30:00Z) is expected")
			}
		}
		*into = &t
		return nil
	}
}

// run redrives. One invocation sends as much as it has time for; the next goes on where it stopped.
func run(ctx context.Context, args []string, out, notes io.Writer) error {
	o, err := parse(args, notes)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s:\n", o.whom()); err != nil {
		return err
	}
	invoke, err := o.invoker(ctx)
	if err != nil {
		return err
	}
	total := answer{ByReason: map[string]int{}}
	for r := o.request; ; {
		payload, err := json.Marshal(map[string]request{"redrive": r})
		if err != nil {
			return err
		}
		var a answer
		text, err := invoke(ctx, payload)
		if err == nil {
			err = json.Unmarshal(text, &a)
		}
		if err != nil {
			if total.Sent > 0 {
				err = fmt.Errorf("%w; %d events went before, and are marked", err, total.Sent)
			}
			return err
		}
		total.add(a)
		switch {
		// What has no limit and is not done had no more time. If it did not get on at all, another try would not either.
		case r.DryRun, !a.More, a.Sent == 0, r.Limit > 0 && a.Sent >= r.Limit:
			return total.print(out, r.DryRun)
		case r.Limit > 0:
			r.Limit -= a.Sent
		}
		fmt.Fprintf(notes, "%d sent; going on\n", total.Sent)
	}
}
