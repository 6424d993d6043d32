// Command local runs what template.yaml describes on this machine, with no account and no Docker: the API, the Kinesis stream, Firehose
// with the real functions, S3, and SQS. AWS's own clients can talk to it.
//
// It knows AWS and never hydrant: everything it does it reads from the template. What of a template it cannot honour it refuses, with
// the line. Run it with -help for its flags.
package main

import (
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

	"hydrant/pkg/local/internal/s3"
	"hydrant/pkg/local/internal/template"
)

// serveS3 is the first argument of the process that runs the S3 server; the data folder and the socket follow.
const serveS3 = "serve-s3"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, stop, os.Args, os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	template, configEnv string
	parameters          parameters
	api, aws            string
	data, build         string
	quiet               bool
	timeScale           float64
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

// maxTimeScale makes a day of 86 milliseconds.
const maxTimeScale = 1_000_000

const usage = `Runs what a SAM template describes on this machine, until Ctrl-C or SIGTERM.

  %[1]s [flags]

"%[1]s invoke -help" says how to run one function with one event, "%[1]s resolve -help" how to see what is left of a template.

`

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{parameters: parameters{}}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	o.common(f)
	f.StringVar(&o.api, "api", "127.0.0.1:3000", "the `address` of API Gateway; port 0 picks a free one")
	f.StringVar(&o.aws, "aws", "127.0.0.1:4566", "the `address` of every AWS service, for AWS_ENDPOINT_URL, and of /_hydrant/; port 0 picks a free one")
	f.Float64Var(&o.timeScale, "time-scale", 1, "how many `times` as fast as told queues' delays and visibility timeouts, and event sources' waits, pass")
	f.BoolVar(&o.quiet, "quiet", false, "print no status, only what goes wrong")
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
	if o.timeScale < 1 || o.timeScale > maxTimeScale {
		return nil, fmt.Errorf("-time-scale %v is not within 1 and %d", o.timeScale, maxTimeScale)
	}
	return o, o.absolute()
}

// source are the flags of the runner and of its commands.
func (o *options) source(f *flag.FlagSet) {
	f.StringVar(&o.template, "template", "template.yaml", "the SAM template to run, a `file`")
	f.StringVar(&o.configEnv, "config-env", "local", "the `environment` of samconfig.toml, beside the template, whose parameter_overrides to take")
	f.Var(o.parameters, "parameter", "a parameter of the template, as `Name=Value`; repeatable, and wins over samconfig.toml")
}

// common are the flags of the runner and of invoke.
func (o *options) common(f *flag.FlagSet) {
	o.source(f)
	f.StringVar(&o.data, "data", ".hydrant", "the `folder` of what lasts; a second start goes on with it")
	f.StringVar(&o.build, "build", "", "the `folder` of the functions' bootstraps; missing and stale ones are built (default <data>/build)")
}

// absolute completes the folders: functions are built and started in others.
func (o *options) absolute() error {
	if o.build == "" {
		o.build = filepath.Join(o.data, "build")
	}
	for _, path := range []*string{&o.data, &o.build} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return nil
}

// overrides are samconfig's parameters with those of the command line over them. A template without a samconfig.toml beside it has its
// defaults alone.
func (o *options) overrides() (map[string]string, error) {
	path := filepath.Join(filepath.Dir(o.template), "samconfig.toml")
	out, err := template.Overrides(path, o.configEnv)
	if errors.Is(err, os.ErrNotExist) && o.configEnv == "local" {
		out, err = map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(out, o.parameters)
	return out, nil
}

// run serves until ctx ends. stop makes a second Ctrl-C end the process at once.
func run(ctx context.Context, stop func(), args []string, stdout, stderr io.Writer) error {
	if len(args) == 4 && args[1] == serveS3 {
		signal.Ignore(os.Interrupt, syscall.SIGTERM) // a terminal sends Ctrl-C to both: the runner says when to end
		return s3.Serve(s3Config(args[2]), args[3], os.Stdin)
	}
	if len(args) > 1 && args[1] == invokeCommand {
		return invoke(ctx, args, os.Stdin, stdout, stderr)
	}
	if len(args) > 1 && args[1] == resolveCommand {
		return resolve(args, stdout, stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	r, err := start(ctx, o, stderr)
	if err != nil {
		return err
	}
	if err := r.announce(stdout, stderr); err != nil {
		return errors.Join(err, r.close())
	}
	err = r.wait(ctx)
	stop()
	if err != nil { // delivering would fail, or take for ever
		r.status.stop()
		return errors.Join(r.kept(err), r.close())
	}
	return r.shutdown()
}
