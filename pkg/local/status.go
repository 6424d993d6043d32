package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// ready is the first line on standard output.
type ready struct {
	Ready bool   `json:"ready"`
	API   string `json:"api"` // with the stage
	AWS   string `json:"aws"`
}

const banner = `
  send     %s
  deliver  curl -so /dev/null -X POST %s/_hydrant/flush
           (or wait until Firehose's buffers are full)
%s  errors   curl %s/_hydrant/errors
  aws      AWS_ENDPOINT_URL=%s AWS_DEFAULT_REGION=%s \
           AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s
  files    %s (logs, too)

`

// announce says that the runner is ready, to programs on stdout and to people on stderr, and starts the status line.
func (r *runner) announce(stdout, stderr io.Writer) error {
	line, err := json.Marshal(ready{true, r.apiURL, r.awsURL})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return err
	}
	r.status = &status{done: make(chan struct{})}
	if r.options.quiet {
		return nil
	}
	tables := ""
	for i, t := range r.stack.Tables {
		label := ""
		if i == 0 {
			label = "tables"
		}
		tables += fmt.Sprintf("  %-8s curl %s/_hydrant/tables/%s\n", label, r.awsURL, t.Name)
	}
	fmt.Fprintf(stderr, banner, r.curl(), r.awsURL, tables, r.awsURL, r.awsURL, region(), accessKey, secretKey, r.options.data)
	width := 0
	if file, ok := stderr.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			width = columns
		}
	}
	r.status.run(r.summary, stderr, width)
	return nil
}

// summary is what the status line says: how much is where, from the API to the table.
func (r *runner) summary() string {
	var requests, refused, rows, failed, waiting int64
	if r.api != nil {
		stats := r.api.Stats()
		requests, refused = stats.Requests, stats.Classes["4xx"]+stats.Classes["5xx"]
	}
	var records int64
	for _, s := range r.stack.Streams {
		if stream, ok := r.kinesis.Stream(s.Name); ok {
			records += stream.Stats().Records
		}
	}
	for _, d := range r.stack.Deliveries {
		stats := r.deliveries[d.LogicalID].Stats()
		rows += stats.Rows
		failed += stats.ProcessingFailed + stats.ConversionFailed
		waiting += stats.Buffered + stats.InFlight
	}
	return fmt.Sprintf("since the start: requests %d (refused %d) · records %d · waiting %d · rows %d · failed records %d", requests, refused, records, waiting, rows, failed)
}

// status prints how things stand: on a terminal one line that changes, elsewhere a line whenever something has changed.
type status struct {
	done chan struct{}
	wg   sync.WaitGroup
	once sync.Once
}

// run starts printing. width is the terminal's in columns, 0 if w is none.
func (s *status) run(summary func() string, w io.Writer, width int) {
	terminal := width > 0
	interval := 10 * time.Second
	if terminal {
		interval = 500 * time.Millisecond
	}
	s.wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		last := ""
		for {
			select {
			case <-s.done:
				if terminal {
					fmt.Fprintln(w)
				}
				return
			case <-tick.C:
			}
			switch line := summary(); {
			case line == last:
			case terminal:
				// A line that wraps could not be written over.
				fmt.Fprintf(w, "\r\033[K%s", string([]rune(line)[:min(len([]rune(line)), width-1)]))
				last = line
			default:
				fmt.Fprintln(w, line)
				last = line
			}
		}
	})
}

func (s *status) stop() {
	s.once.Do(func() { close(s.done) })
	s.wg.Wait()
}
