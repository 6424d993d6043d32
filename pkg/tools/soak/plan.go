package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is one of the runner's, as PUT /_hydrant/faults takes it.
type fault struct {
	Link         string  `json:"link"`
	Kind         string  `json:"kind"`
	Share        float64 `json:"share,omitempty"`
	WithinMs     int     `json:"withinMs,omitempty"`
	DelaySeconds int     `json:"delaySeconds,omitempty"`
}

// The functions, by the names that template.yaml has for them.
const (
	transformFunction = "TransformFunction"
	dlqFunction       = "DlqFunction"
)

// ways are all the ways in which links fail that mean something here. The dlq function's answers have no records that could be too few.
var ways = []struct{ link, kinds string }{
	{"kinesis.put", "throttle partial unavailable lost"},
	{"lambda." + transformFunction, "throttle timeout error crash kill lost garbage too-few too-many too-large"},
	{"firehose.convert", "refuse table-missing"},
	{"s3.put", "slow-down unavailable denied lost"},
	{"s3.get", "slow-down unavailable denied cut"},
	{"s3.list", "slow-down unavailable denied"},
	{"sqs.notify", "double late reorder"},
	{"lambda." + dlqFunction, "throttle timeout error crash kill lost garbage too-large"},
}

// outage is a while in which things fail.
type outage struct {
	lasts   time.Duration
	seed    uint64 // of the faults
	faults  []fault
	actions []action // in the order of their times
	calm    time.Duration
}

// action is something that is done to the runner in an outage, or that an operator does.
type action struct {
	at   time.Duration
	kind string
	pick uint64 // which of several
}

const (
	killRunner   = "kill -9 of the runner"
	killFunction = "kill -9 of a function's process"
	redrive      = "redrive of the quarantine"
)

// plan is a schedule.
type plan struct {
	outages    []outage
	parameters []string // of the template
	// killDelivering is when the runner is killed while it delivers what is left at the end; 0: it is not.
	killDelivering time.Duration
}

const (
	// longest is the outage that must pass without a valid event in quarantine.
	longest = 30 * time.Minute
	// calm is more than the longest wait between two attempts, so that what met with one outage is through before the next.
	calm = 20 * time.Minute
	// perOutage is how many of the ways an outage has.
	perOutage = 8
)

// newPlan makes the schedule of a seed. Over its outages it goes through all the ways as evenly as it can.
func newPlan(seed uint64, o *options) *plan {
	r := rand.New(rand.NewPCG(seed, 'p'))
	p := &plan{parameters: []string{
		"StreamMode=PROVISIONED", fmt.Sprintf("ShardCount=%d", 4+r.IntN(5)), fmt.Sprintf("TransformRetries=%d", r.IntN(2)), "TransformBufferSeconds=0",
		fmt.Sprintf("DlqConcurrency=%d", 2+r.IntN(3)),
		"RedriveRecordsPerSecond=100000", // it is the one pace that does not run faster
	}}
	if r.IntN(2) == 0 {
		p.killDelivering = between(r, 50*time.Millisecond, 2*time.Second)
	}
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) / o.timeScale) }
	var deck []fault
	for left := o.duration; left > 0; {
		out := outage{lasts: between(r, scaled(longest)/3, scaled(longest)), seed: r.Uint64(), calm: scaled(calm)}
		out.lasts = min(out.lasts, left)
		for range perOutage {
			if len(deck) == 0 {
				deck = allWays(r)
			}
			out.faults, deck = append(out.faults, deck[0]), deck[1:]
		}
		out.actions = actions(r, out.lasts)
		p.outages = append(p.outages, out)
		left -= out.lasts + out.calm
	}
	return p
}

// allWays are all the ways in an order of chance, each with how often it strikes.
func allWays(r *rand.Rand) []fault {
	var all []fault
	for _, w := range ways {
		for kind := range strings.FieldsSeq(w.kinds) {
			f := fault{Link: w.link, Kind: kind, Share: []float64{0.1, 0.3, 0.6}[r.IntN(3)]}
			if r.IntN(4) == 0 && w.link != "kinesis.put" { // producers are to get through now and then
				f.Share = 1
			}
			switch {
			case kind == "kill":
				f.WithinMs = 1 + r.IntN(100)
			case w.link == "sqs.notify":
				f.DelaySeconds = 1 + r.IntN(600)
			}
			all = append(all, f)
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func actions(r *rand.Rand, within time.Duration) []action {
	var all []action
	add := func(kind string, most int) {
		for range r.IntN(most + 1) {
			all = append(all, action{between(r, 0, within), kind, r.Uint64()})
		}
	}
	add(killRunner, 1)
	add(killFunction, 3)
	add(redrive, 1)
	slices.SortStableFunc(all, func(a, b action) int { return int(a.at - b.at) })
	return all
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)+1))
}
