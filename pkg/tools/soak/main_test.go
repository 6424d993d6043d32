package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hydrant/pkg/local/runnertest"
)

func defaults(t *testing.T, args ...string) *options {
	t.Helper()
	o, err := parse(append([]string{"soak"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args  []string
		fault string
	}{
		"needs no flags":             {nil, ""},
		"refuses arguments":          {[]string{"long"}, `unexpected argument "long": -help lists the flags`},
		"refuses too short a time":   {[]string{"-duration", "1ms"}, "-duration 1ms is not within 1s and 1h"},
		"refuses no seeds":           {[]string{"-seeds", "0"}, "-seeds 0 is not within 1 and 100,000"},
		"refuses too few producers":  {[]string{"-producers", "1"}, "-producers 1 is not within 2 and 1,000"},
		"refuses what is too fast":   {[]string{"-time-scale", "5000"}, "-time-scale 5000 is not within 60 and 1,000"},
		"refuses a seed that is not": {[]string{"-seed", "-1"}, `invalid value "-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(append([]string{"soak"}, tc.args...), io.Discard)
			if tc.fault == "" && err != nil || tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)) {
				t.Errorf("%v: the error is %v, want %q", tc.args, err, tc.fault)
			}
		})
	}
}

// A seed decides the schedule and the requests, and nothing else does.
func TestASeedDecidesEverything(t *testing.T) {
	o := defaults(t)
	if a, b := newPlan(7, o), newPlan(7, o); !reflect.DeepEqual(a, b) {
		t.Errorf("two schedules of one seed:\n%+v\n%+v", a, b)
	}
	if reflect.DeepEqual(newPlan(7, o), newPlan(8, o)) {
		t.Error("two seeds have one schedule")
	}
	w, err := newWorld("../../../events/samples/smallest.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	text := func(seed uint64, number int) string {
		var all []string
		p := newProducer(w, seed, number)
		for range 50 {
			all = append(all, string(posts(p.next())))
		}
		return strings.Join(all, "\n")
	}
	if first, second := text(7, 3), text(7, 3); first != second {
		t.Error("one seed makes two sequences of requests")
	}
	if text(7, 3) == text(8, 3) || text(7, 3) == text(7, 4) {
		t.Error("two seeds, or two producers, make one sequence of requests")
	}
}

// No outage is longer than what the attempts' delays promise to get over, and a minute of a seed goes through nearly all the ways.
func TestPlansKeepToTheirLimits(t *testing.T) {
	o := defaults(t)
	all := 0
	for _, w := range ways {
		all += len(strings.Fields(w.kinds))
	}
	for seed := range uint64(200) {
		seen := map[fault]bool{}
		for _, out := range newPlan(seed, o).outages {
			if scaled := time.Duration(float64(out.lasts) * o.timeScale); scaled > longest || len(out.faults) != perOutage {
				t.Errorf("seed %d: an outage of %s with %d faults", seed, scaled, len(out.faults))
			}
			for _, f := range out.faults {
				seen[fault{Link: f.Link, Kind: f.Kind}] = true
			}
			last := time.Duration(0)
			for _, a := range out.actions {
				if a.at < last || a.at > out.lasts {
					t.Errorf("seed %d: an action at %s, after one at %s, in an outage of %s", seed, a.at, last, out.lasts)
				}
				last = a.at
			}
		}
		if len(seen) < all*2/3 {
			t.Errorf("seed %d goes through %d of %d ways", seed, len(seen), all)
		}
	}
}

// The world's events are what it says they are, and all of them are told apart by their ids.
func TestWorld(t *testing.T) {
	w, err := newWorld("../../../events/samples/smallest.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen, valid, notes := map[string]bool{}, 0, 0
	for number := range 6 {
		p := newProducer(w, 1, number)
		for range 100 {
			for _, r := range p.next() {
				for _, e := range r.events {
					if seen[e.id] {
						t.Errorf("%s is there twice", e.id)
					}
					seen[e.id] = true
					if e.valid {
						valid++
					}
					if e.note {
						notes++
						if got := noteID(r.data); got != e.id {
							t.Errorf("the note %s is read as %q", e.id, got)
						}
					}
				}
			}
		}
	}
	if share := float64(valid) / float64(len(seen)); share < 0.9 || share > 0.99 || notes == 0 {
		t.Errorf("of %d events %d are valid, %d are notes", len(seen), valid, notes)
	}
}

func TestARunnerThatIsNotThere(t *testing.T) {
	o := defaults(t, "-runner", filepath.Join(t.TempDir(), "none"), "-smallest", "../../../events/samples/smallest.jsonl")
	var out bytes.Buffer
	err := run(t.Context(), o, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "3 of 3 seeds failed: 1, 2, 3") {
		t.Errorf("the error is %v", err)
	}
	for _, want := range []string{"or use `make soak`", `run it again with make soak ARGS="-seed 1 -seeds 1 `} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
}

// A gate that is open lets nobody in whose time is over.
func TestGate(t *testing.T) {
	g := newGate()
	over, end := context.WithCancel(t.Context())
	end()
	if g.enter(over) {
		t.Error("a closed gate lets somebody in")
	}
	g.raise()
	if g.enter(over) {
		t.Error("an open gate lets somebody in whose time is over")
	}
	if !g.enter(t.Context()) {
		t.Error("an open gate lets nobody in")
	}
	g.busy.Done()
	g.lower()
	entered := make(chan bool)
	go func() { entered <- g.enter(t.Context()) }()
	g.raise()
	if !<-entered {
		t.Error("who waits at the gate is not let in")
	}
	g.busy.Done()
}

// TestSoak is the soak in short: one seed, a few seconds of faults, the real runner.
func TestSoak(t *testing.T) {
	runner, err := runnertest.Get()
	if err != nil {
		t.Fatal(err)
	}
	o := defaults(t,
		"-runner", runner.Program, "-template", "../../../template.yaml", "-build", runner.Build,
		"-smallest", "../../../events/samples/smallest.jsonl", "-seeds", "1", "-seed", "4", "-duration", "3s", "-producers", "6", "-time-scale", "600",
	)
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	if err := run(t.Context(), o, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "seed 4: nothing lost, after ") {
		t.Errorf("%v\n%s", err, &out)
	}
	t.Log(out.String())
	t.Run("interrupted", func(t *testing.T) { interrupt(t, o) })
}

// interrupt ends a run when its runner has stored something. It has to end at once, and to leave nothing.
func interrupt(t *testing.T, o *options) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	stored := filepath.Join(os.Getenv("TMPDIR"), "hydrant-soak-*", "runner", "s3", "*", "events")
	go func() {
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(stored); len(found) > 0 { // the pattern is a good one
				end()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if err := run(ctx, o, io.Discard, io.Discard); err == nil || err.Error() != "interrupted" {
		t.Errorf("the error is %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "hydrant-soak-*")); len(left) > 0 || err != nil {
		t.Errorf("it leaves %q, %v", left, err)
	}
}
