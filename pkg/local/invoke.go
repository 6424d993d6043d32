package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"hydrant/pkg/local/internal/lambda"
	"hydrant/pkg/local/internal/stack"
	"hydrant/pkg/local/internal/template"
)

// invokeCommand is the first argument of a run of one function.
const invokeCommand = "invoke"

const invokeUsage = `Runs one function of a SAM template with one event, as Lambda does, and ends.

  %s invoke [flags] FUNCTION FILE

FUNCTION is a logical id, FILE holds the event as JSON; - is standard input. What the function logs goes to standard error, its
answer to standard output. The exit status is 1 if the function fails. What it wants of AWS it finds in a running runner.

`

// invokeOptions are what the command line says.
type invokeOptions struct {
	options
	environment    parameters
	function, file string
}

func parseInvoke(args []string, stderr io.Writer) (*invokeOptions, error) {
	o := &invokeOptions{options: options{parameters: parameters{}}, environment: parameters{}}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	o.common(f)
	f.Var(o.environment, "env", "a variable of the function, as `Name=Value`; repeatable, and wins over the template's")
	// Never AWS itself, as long as nobody says so: a refused connection is better than events in somebody's account.
	f.StringVar(&o.aws, "aws", "127.0.0.1:4566", "the `address` or URL where the function finds AWS, unless AWS_ENDPOINT_URL names one")
	f.Usage = func() {
		fmt.Fprintf(stderr, invokeUsage, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[2:]); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" && !given["aws"] {
		o.aws = url
	}
	if !strings.Contains(o.aws, "://") {
		o.aws = "http://" + o.aws
	}
	if f.NArg() != 2 {
		return nil, fmt.Errorf("expected a function and a file with its event, behind the flags, not %q; such as: %s invoke TransformFunction event.json", f.Args(), f.Name())
	}
	o.function, o.file = f.Arg(0), f.Arg(1)
	return o, o.absolute()
}

// invoke runs a function once.
func invoke(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parseInvoke(args, stderr)
	if err != nil {
		return err
	}
	function, err := o.find()
	if err != nil {
		return err
	}
	event, err := o.event(stdin)
	if err != nil {
		return err
	}
	function.Dir = filepath.Join(o.build, function.LogicalID)
	built, err := lambda.Build(ctx, function.LogicalID, function.CodeURI, function.Dir)
	if err != nil {
		return err
	}
	if built {
		fmt.Fprintf(stderr, "built %s\n", function.LogicalID)
	}
	service := lambda.New(lambda.Config{
		Region: region(), EndpointURL: o.aws, Credentials: functionCredentials, Functions: []lambda.Function{function.Function},
		Log: func(_, _ string, _ time.Time, message string) { fmt.Fprintln(stderr, message) },
	})
	answer, functionError, err := service.Invoke(ctx, function.Name, event)
	service.Close() // all that it logged has been printed
	if err != nil {
		return fmt.Errorf("%s was not run: %w", function.LogicalID, err)
	}
	if _, err := stdout.Write(printable(answer, isTerminal(stdout))); err != nil {
		return err
	}
	if functionError != "" {
		return fmt.Errorf("%s failed", function.LogicalID)
	}
	return nil
}

// find answers the function, with the variables of the command line.
func (o *invokeOptions) find() (*stack.Function, error) {
	overrides, err := o.overrides()
	if err != nil {
		return nil, err
	}
	s, err := stack.Load(o.template, overrides, account(o.aws))
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range s.Functions {
		f := &s.Functions[i]
		if names = append(names, f.LogicalID); f.LogicalID != o.function {
			continue
		}
		f.Environment = maps.Clone(f.Environment)
		if f.Environment == nil {
			f.Environment = map[string]string{}
		}
		maps.Copy(f.Environment, o.environment)
		return f, nil
	}
	for _, left := range s.LeftOut {
		if left.LogicalID == o.function && left.Type == "AWS::Serverless::Function" {
			return nil, errors.New(o.template + leftOut(left, s.Parameters))
		}
	}
	slices.Sort(names)
	return nil, fmt.Errorf("%s has no function %q; with these parameters it has %s", o.template, o.function, strings.Join(names, ", "))
}

// leftOut says why a resource is not there with these values of the parameters, and what would make it.
func leftOut(r template.LeftOut, values map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, " has %s under the condition %s, which these parameters do not meet", r.LogicalID, r.Condition)
	for i, p := range r.Parameters {
		fmt.Fprintf(&b, "%s %s is %q", map[bool]string{true: ":", false: ","}[i == 0], p.Name, values[p.Name])
		if others := slices.DeleteFunc(slices.Clone(p.Allowed), func(v string) bool { return v == values[p.Name] }); len(others) > 0 {
			fmt.Fprintf(&b, ", and may be %s", strings.Join(others, " or "))
		}
	}
	name := "Name"
	if len(r.Parameters) == 1 {
		name = r.Parameters[0].Name
	}
	fmt.Fprintf(&b, `. Give another value with -parameter %s=VALUE (make invoke ARGS="-parameter %[1]s=VALUE")`, name)
	return b.String()
}

// event answers the event, which is JSON or an error as Lambda's Invoke has it.
func (o *invokeOptions) event(stdin io.Reader) (event []byte, err error) {
	switch o.file {
	case "": // make invoke, without EVENT
		return nil, errors.New("the event: no file is named")
	case "-":
		event, err = io.ReadAll(stdin)
	default:
		event, err = os.ReadFile(o.file)
	}
	if err != nil {
		return nil, fmt.Errorf("the event: %w", err)
	}
	var value json.RawMessage
	if err := json.Unmarshal(event, &value); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("the event: %s is not JSON, at byte %d: %w", o.file, syntax.Offset, err)
		}
		return nil, fmt.Errorf("the event: %s is not JSON: %w", o.file, err)
	}
	return event, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// printable is an answer with a newline behind it. People get JSON indented; programs get what the function answered.
func printable(answer []byte, forPeople bool) []byte {
	var b bytes.Buffer
	if !forPeople || json.Indent(&b, answer, "", "  ") != nil {
		b.Reset()
		b.Write(answer)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
