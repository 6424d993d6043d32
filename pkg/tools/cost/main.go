// Command cost says what a stack costs: from a file of prices, and from template.yaml with the parameters of an environment. Number of alarms,
// buffer sizes, memory, intervals, the form of the access log and the rest are the template's; what is assumed beside them stands in model.go.
//
//	cost                                   writes docs/cost.md, its chart, and the figures in README.md and docs/architecture.md
//	cost -check                            changes nothing, and fails if that would
//	cost -size 1024 -array 100             prints the bill of events of this shape, line by line
//	cost -env default -parameter TransformMemory=512 -region eu-west-2 -records 500
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	source
	root, env, region, priceFile string
	parameters                   parameters
	shape                        shape
	monthly, rate                float64
	check, bill                  bool
}

// parameters collects -parameter Name=Value.
type parameters map[string]string

func (p parameters) String() string { return "" }

func (p parameters) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return errors.New("expected Name=Value")
	}
	p[name] = value
	return nil
}

// The page's own choices.
const (
	pageEnv     = "prod"
	pageRegion  = "us-east-1"
	pageMonthly = 100e6
)

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{parameters: parameters{}}
	f := flag.NewFlagSet("cost", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.runner, "runner", ".cache/bin/hydrant-local", "the local runner, a `program`: it reads the template")
	f.StringVar(&o.root, "root", ".", "the `folder` of template.yaml, samconfig.toml and docs")
	f.BoolVar(&o.check, "check", false, "change nothing, but fail if docs/cost.md or what else is written would change")
	f.StringVar(&o.env, "env", pageEnv, "the `environment` of samconfig.toml whose parameters to take")
	f.Var(o.parameters, "parameter", "a parameter of the template, as `Name=Value`; repeatable, and wins over samconfig.toml")
	f.StringVar(&o.region, "region", pageRegion, "the `Region` whose prices to take")
	f.StringVar(&o.priceFile, "prices", "", "a price `file` of your own, in the place of the Region's")
	f.IntVar(&o.shape.size, "size", 1024, "`bytes` of an event")
	f.IntVar(&o.shape.array, "array", 1, "`events` in a record, as an array")
	f.IntVar(&o.shape.records, "records", 1, "`records` in a request; more than 1 is POST /records")
	f.Float64Var(&o.monthly, "events-per-month", pageMonthly, "`events` a month, for what is paid by time")
	f.Float64Var(&o.rate, "rate", 0, "the same as `events` a second")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: -help lists the flags", f.Arg(0))
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) {
		given[f.Name] = true
		switch f.Name {
		case "runner", "root", "check":
		default:
			o.bill = true
		}
	})
	if o.bill && o.check {
		return nil, errors.New("-check is for the page, which takes none of the other flags")
	}
	traffic := fmt.Sprintf("-events-per-month %v", o.monthly)
	if given["rate"] {
		traffic = fmt.Sprintf("-rate %v", o.rate)
		switch {
		case given["events-per-month"]:
			return nil, errors.New("one says what the other does: give -rate or -events-per-month, not both")
		case !(o.rate > 0): // nor is NaN
			return nil, fmt.Errorf("%s: events a second are a number over 0", traffic)
		}
		o.monthly = o.rate * secondsPerMonth
	}
	if !(o.monthly >= 1 && o.monthly <= 1e15) {
		return nil, fmt.Errorf("%s: %v events a month are not within 1 and 1e15", traffic, o.monthly)
	}
	o.template = filepath.Join(o.root, "template.yaml")
	return o, o.shape.check()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	p, err := o.prices()
	if err != nil {
		return err
	}
	at := site{ctx: ctx, source: o.source, env: o.env, base: o.parameters, prices: p, monthly: o.monthly}
	if o.bill {
		m, err := at.model(nil)
		if err != nil {
			return err
		}
		_, err = stdout.Write(report(m, o.shape, o.env))
		return err
	}
	return write(o, at, stdout)
}

func (o *options) prices() (*prices, error) {
	if o.priceFile == "" {
		return readPrices(o.region)
	}
	data, err := os.ReadFile(o.priceFile)
	if err != nil {
		return nil, err
	}
	p, err := pricesOf(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.priceFile, err)
	}
	return p, nil
}

// site is where and at what traffic stacks are priced.
type site struct {
	source
	ctx     context.Context // of one run
	env     string
	base    parameters
	prices  *prices
	monthly float64
}

// model prices the stack with more parameters.
func (s site) model(more parameters) (*model, error) {
	all := parameters{}
	maps.Copy(all, s.base)
	maps.Copy(all, more)
	template, err := s.resolve(s.ctx, s.env, all)
	if err != nil {
		return nil, err
	}
	stack, err := readStack(template)
	if err != nil {
		return nil, err
	}
	return &model{stack, s.prices, s.monthly}, nil
}

// write writes whatever follows from prices and template, or only looks whether it is there.
func write(o *options, at site, stdout io.Writer) error {
	p, err := newPage(at)
	if err != nil {
		return err
	}
	var stale []error
	written := 0
	for _, f := range []struct {
		path string
		make func(before []byte) ([]byte, error)
	}{
		{"docs/cost.md", func([]byte) ([]byte, error) { return p.render("cost.md.tmpl") }},
		{"docs/cost.svg", func([]byte) ([]byte, error) { return p.chart() }},
		{"README.md", func(before []byte) ([]byte, error) { return p.between(before, "readme.md.tmpl") }},
		{"docs/architecture.md", func(before []byte) ([]byte, error) { return p.between(before, "architecture.md.tmpl") }},
	} {
		path := filepath.Join(o.root, f.path)
		before, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		after, err := f.make(before)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", f.path, err)
		case bytes.Equal(before, after):
		case o.check:
			stale = append(stale, fmt.Errorf("%s: not what follows from template.yaml, samconfig.toml and the prices: run make cost", f.path))
		default:
			if err := os.WriteFile(path, after, 0o644); err != nil {
				return err
			}
			written++
			fmt.Fprintln(stdout, "wrote", f.path)
		}
	}
	if !o.check && written == 0 {
		fmt.Fprintln(stdout, "docs/cost.md and what else is written are up to date")
	}
	return errors.Join(stale...)
}
