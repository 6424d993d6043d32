package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"hydrant/pkg/event"
)

// release adds the new columns to the list of released ones. It fails, with a line for each, if a released one is gone or has another type:
// pkg/event's tests say what to do then.
func release(list []byte, columns []event.Column) ([]byte, error) {
	types := map[string]string{}
	for _, c := range columns {
		types[c.Name] = c.Type
	}
	var errs []error
	known := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		name, was, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		known[name] = true
		switch now := types[name]; {
		case now == "":
			errs = append(errs, fmt.Errorf("column %s (%s) is released and gone from the catalogue", name, was))
		case now != was:
			errs = append(errs, fmt.Errorf("column %s is released as %s and is %s in the catalogue", name, was, now))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("nothing was written: put the fields back, or, if a column was never deployed, delete its line in "+releasedPath))
		return nil, errors.Join(errs...)
	}
	out := bytes.NewBuffer(list)
	for _, c := range columns {
		if !known[c.Name] {
			fmt.Fprintf(out, "%s %s\n", c.Name, c.Type)
		}
	}
	return out.Bytes(), nil
}
