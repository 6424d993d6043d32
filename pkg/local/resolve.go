package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"hydrant/pkg/local/internal/stack"
)

// resolveCommand is the first argument of a run that prints what is left of a template.
const resolveCommand = "resolve"

const resolveUsage = `Prints what is left of a SAM template with its parameters: one JSON object with "parameters", by name, and "resources", by logical id, each
with "type" and "properties". Conditions and functions are evaluated, SAM's Globals are merged in, and nothing is started.

  %s resolve [flags]

`

// resolvedResource is a resource as resolve prints it.
type resolvedResource struct {
	Type       string          `json:"type"`
	Properties json.RawMessage `json:"properties"`
}

// resolve prints a template's parameters and resources.
func resolve(args []string, stdout, stderr io.Writer) error {
	o := &options{parameters: parameters{}}
	f := flag.NewFlagSet(filepath.Base(args[0]), flag.ContinueOnError)
	f.SetOutput(stderr)
	o.source(f)
	f.Usage = func() {
		fmt.Fprintf(stderr, resolveUsage, f.Name())
		f.PrintDefaults()
	}
	if err := f.Parse(args[2:]); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: resolve -help lists the flags", f.Arg(0))
	}
	overrides, err := o.overrides()
	if err != nil {
		return err
	}
	resolved, err := stack.Resolve(o.template, overrides, account("http://127.0.0.1:4566"))
	if err != nil {
		return err
	}
	out := struct {
		Parameters map[string]string           `json:"parameters"`
		Resources  map[string]resolvedResource `json:"resources"`
	}{resolved.Parameters, map[string]resolvedResource{}}
	for _, r := range resolved.Resources {
		out.Resources[r.LogicalID] = resolvedResource{r.Type, r.Properties.JSON()}
	}
	return json.NewEncoder(stdout).Encode(out)
}
