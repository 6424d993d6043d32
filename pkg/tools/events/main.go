// Command events writes random valid events of every type in the catalogue, and for each the row that has to come of it: what is allowed at
// its limits, hostile text, whatever JSON lets one write in several ways, unknown fields in all places.
//
//	go run ./pkg/tools/events -n 3000 -seed 7 | less
//
// A line is a JSON object: event is the event's JSON text, row what it becomes, by column. The columns that say where an event came
// from are not in a row; nor is event_id or occurred_at where the event leaves it to hydrant. extra is there as JSON, not as text. A seed
// always gives the same events, as long as the catalogue is the same.
//
// What is valid the program learns by asking the judge of events. What a value becomes it works out for itself, by docs/events.md.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	n := flag.Int("n", 3000, "how many `events`")
	seed := flag.Uint64("seed", 1, "of what is random, a `number`")
	flag.Parse()
	if err := run(os.Stdout, *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(w io.Writer, n int, seed uint64) error {
	kinds, err := readCatalogue()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	g := newGenerator(kinds, seed)
	for range n {
		sent, row := g.event()
		if _, err := fmt.Fprintf(out, "{\"event\":%s,\"row\":%s}\n", quoted(sent), row); err != nil {
			return err
		}
	}
	return out.Flush()
}
