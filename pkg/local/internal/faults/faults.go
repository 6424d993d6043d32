// Package faults makes the links between services fail on purpose: it wraps what the services already take, and decides call by call, from
// a seed, which of them go wrong and how. The services know nothing of it.
package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Fault is one way in which a link fails.
type Fault struct {
	Link string `json:"link"`
	Kind string `json:"kind"`
	// Of the link's calls the first Skip are left alone; of those behind them a Share (0: all) fails, until Count have (0: no end).
	Skip  int     `json:"skip,omitempty"`
	Count int     `json:"count,omitempty"`
	Share float64 `json:"share,omitempty"`
	// WithinMs bounds when a function that is killed is killed, in milliseconds after it was called; 0 is 100.
	WithinMs int `json:"withinMs,omitempty"`
	// DelaySeconds is how late what is late is; 0 is 60.
	DelaySeconds int `json:"delaySeconds,omitempty"`
}

// Plan is which faults are in force. The same plan makes the same decisions: the n-th call of a link is decided by the seed alone.
type Plan struct {
	Seed   uint64  `json:"seed"`
	Faults []Fault `json:"faults"`
}

// State is a plan, and what came of it.
type State struct {
	Seed   uint64              `json:"seed"`
	Faults []Count             `json:"faults"`
	Links  map[string][]string `json:"links"` // what there is: the kinds of each link
}

// Count is a fault, and how often it was drawn and struck.
type Count struct {
	Fault
	Calls int `json:"calls"`
	Hits  int `json:"hits"`
}

// The links but for those to functions, which are lambda.<LogicalId>.
const (
	KinesisPut      = "kinesis.put"
	FirehoseConvert = "firehose.convert"
	S3Put           = "s3.put"
	S3Get           = "s3.get"
	S3List          = "s3.list"
	SQSNotify       = "sqs.notify"
	lambdaPrefix    = "lambda."
)

// The kinds. docs/architecture.md says what each does.
const (
	Throttle     = "throttle"
	Partial      = "partial"
	Unavailable  = "unavailable"
	Lost         = "lost"
	Timeout      = "timeout"
	Error        = "error"
	Crash        = "crash"
	Kill         = "kill"
	Garbage      = "garbage"
	TooFew       = "too-few"
	TooMany      = "too-many"
	TooLarge     = "too-large"
	Refuse       = "refuse"
	TableMissing = "table-missing"
	SlowDown     = "slow-down"
	Denied       = "denied"
	Cut          = "cut"
	Double       = "double"
	Late         = "late"
	Reorder      = "reorder"
)

var lambdaKinds = []string{Throttle, Timeout, Error, Crash, Kill, Lost, Garbage, TooFew, TooMany, TooLarge}

// Set holds the faults in force. It is safe for concurrent use.
type Set struct {
	links map[string][]string

	mu     sync.Mutex
	seed   uint64
	active []*active
}

type active struct {
	Count
	random *rand.Rand
}

// New makes a set for a stack with these functions, by logical id. No fault is in force.
func New(functions []string) *Set {
	s := &Set{links: map[string][]string{
		KinesisPut:      {Throttle, Partial, Unavailable, Lost},
		FirehoseConvert: {Refuse, TableMissing},
		S3Put:           {SlowDown, Unavailable, Denied, Lost},
		S3Get:           {SlowDown, Unavailable, Denied, Cut},
		S3List:          {SlowDown, Unavailable, Denied},
		SQSNotify:       {Double, Late, Reorder},
	}}
	for _, f := range functions {
		s.links[lambdaPrefix+f] = lambdaKinds
	}
	return s
}

// Put replaces the faults in force by those of a plan in JSON. The error says what there is.
func (s *Set) Put(text []byte) error {
	var p Plan
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return fmt.Errorf(`a plan is {"seed": a number, "faults": [{"link", "kind", "skip", "count", "share", "withinMs", "delaySeconds"}]}: %w`, err)
	}
	all := make([]*active, len(p.Faults))
	for i, f := range p.Faults {
		if err := s.check(f); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
		if f.Share == 0 {
			f.Share = 1
		}
		all[i] = &active{Count: Count{Fault: f}, random: rand.New(rand.NewPCG(p.Seed, uint64(i)))}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seed, s.active = p.Seed, all
	return nil
}

func (s *Set) check(f Fault) error {
	kinds, known := s.links[f.Link]
	switch {
	case !known:
		return fmt.Errorf("there is no link %q; there are %s", f.Link, s.describe())
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("%s does not fail in the way %q; it does in these: %s", f.Link, f.Kind, strings.Join(kinds, ", "))
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share is a part of the calls, from 0 to 1, not %v", f.Share)
	case f.Skip < 0 || f.Count < 0:
		return fmt.Errorf("skip and count are numbers of calls, not %d and %d", f.Skip, f.Count)
	case f.WithinMs < 0 || f.DelaySeconds < 0 || f.DelaySeconds > 900:
		return fmt.Errorf("withinMs is not negative, and delaySeconds is from 0 to 900")
	}
	return nil
}

func (s *Set) describe() string {
	var out []string
	for link, kinds := range s.links {
		out = append(out, link+" ("+strings.Join(kinds, ", ")+")")
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// State answers what is in force.
func (s *Set) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := State{Seed: s.seed, Faults: []Count{}, Links: s.links}
	for _, a := range s.active {
		out.Faults = append(out.Faults, a.Count)
	}
	return out
}

// hit is a call that fails.
type hit struct {
	Fault
	random *rand.Rand // for what else there is to decide
}

// draw decides whether a call of a link fails; nil: it does not. The first fault that strikes is the call's.
func (s *Set) draw(link string) *hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.active {
		if a.Link != link || a.Fault.Count > 0 && a.Hits >= a.Fault.Count {
			continue
		}
		a.Calls++
		// Every call draws the same number of times, so that those behind it do not depend on what became of it.
		share, one, two := a.random.Float64(), a.random.Uint64(), a.random.Uint64()
		if a.Calls <= a.Skip || share >= a.Share {
			continue
		}
		a.Hits++
		return &hit{a.Fault, rand.New(rand.NewPCG(one, two))}
	}
	return nil
}
