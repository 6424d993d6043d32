// Command generate writes whatever follows from the catalogue of events, pkg/event/catalogue.go, into the files that repeat it: the columns
// of the table, the dashboard's metrics by type and reason, and the size of the transform function's batches in template.yaml, the list of released columns, the sample events and
// Firehose batches under events/, and docs/events.md.
//
//	go run ./pkg/tools/generate          # make generate
//	go run ./pkg/tools/generate -check   # changes nothing, fails if something would
//
// Run it in the module's root. What it writes depends on the catalogue alone.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hydrant/pkg/event"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const releasedPath = "pkg/event/testdata/columns.golden"

var errStale = errors.New("not what follows from the catalogue: run make generate")

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	root := flags.String("root", ".", "the module's root `folder`")
	check := flags.Bool("check", false, "change nothing, but fail if something would change")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := files(*root)
	if err != nil {
		return err
	}
	var stale []error
	for _, f := range all {
		switch {
		case bytes.Equal(f.before, f.after):
		case *check:
			stale = append(stale, fmt.Errorf("%s: %w", f.path, errStale))
		default:
			if err := f.write(*root); err != nil {
				return err
			}
			fmt.Fprintln(stdout, "wrote", f.path)
		}
	}
	return errors.Join(stale...)
}

// file is a file as it is and as it should be.
type file struct {
	path          string // from the module's root, with slashes
	before, after []byte // before is nil if the file is not there
}

// files makes everything before anything is written: a mistake in the catalogue changes no file.
func files(root string) ([]file, error) {
	catalogue, err := event.Describe()
	if err != nil {
		return nil, err
	}
	judge, err := event.NewJudge()
	if err != nil {
		return nil, err
	}
	smallest, err := smallestEvents(judge, catalogue.Types)
	if err != nil {
		return nil, err
	}
	buffer, err := bufferSize(judge, smallest)
	if err != nil {
		return nil, err
	}
	g := generator{root: root}
	g.rewrite(releasedPath, func(list []byte) ([]byte, error) { return release(list, event.Columns()) })
	g.rewrite("template.yaml", func(template []byte) ([]byte, error) { return rewriteTemplate(template, buffer) })
	docs, err := page(catalogue)
	if err != nil {
		return nil, err
	}
	inputs, err := batches(catalogue.Types, smallest, buffer)
	if err != nil {
		return nil, err
	}
	for _, f := range slices.Concat(samples(catalogue.Types, smallest), inputs, []file{docs}) {
		g.write(f)
	}
	return g.files, errors.Join(g.errs...)
}

// generator gathers files and what is wrong with them.
type generator struct {
	root  string
	files []file
	errs  []error
}

// rewrite changes a file that must be there.
func (g *generator) rewrite(path string, change func([]byte) ([]byte, error)) {
	f := file{path: path}
	var err error
	if f.before, err = os.ReadFile(filepath.Join(g.root, path)); err == nil {
		f.after, err = change(bytes.Clone(f.before))
	}
	if err != nil {
		g.errs = append(g.errs, fmt.Errorf("%s: %w", path, err))
	}
	g.files = append(g.files, f)
}

// write makes the whole of a file.
func (g *generator) write(f file) {
	var err error
	if f.before, err = os.ReadFile(filepath.Join(g.root, f.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.errs = append(g.errs, err)
	}
	g.files = append(g.files, f)
}

func (f file) write(root string) error {
	path := filepath.Join(root, f.path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, f.after, 0o644) // an existing file keeps its permissions
}
