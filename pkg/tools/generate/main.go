// Command generate writes what follows from the catalogue of events into the files that repeat it: the columns of the Glue table in
// template.yaml. It changes nothing outside the marked lines.
//
//	go run ./pkg/tools/generate          # make generate
//	go run ./pkg/tools/generate -check   # changes nothing, fails if something would
//
// Run it in the module's root.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"

	"hydrant/pkg/event"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errStale = errors.New("the columns are not those of the catalogue: run make generate")

func run(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	path := flags.String("template", "template.yaml", "the template that holds the table")
	check := flags.Bool("check", false, "change nothing, but fail if something would change")
	if err := flags.Parse(args); err != nil {
		return err
	}

	before, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	after, err := rewrite(before, event.Columns())
	if err != nil {
		return fmt.Errorf("%s: %w", *path, err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	if *check {
		return fmt.Errorf("%s: %w", *path, errStale)
	}
	info, err := os.Stat(*path)
	if err != nil {
		return err
	}
	return os.WriteFile(*path, after, info.Mode().Perm())
}
