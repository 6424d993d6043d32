package apigateway

import (
	"strconv"
	"sync/atomic"
)

// Stats is what the API has done since it was made or reset.
type Stats struct {
	Requests  int64            `json:"requests"`
	Statuses  map[string]int64 `json:"statuses"` // by status code
	Classes   map[string]int64 `json:"classes"`  // 2xx, 4xx, 5xx
	Errors    map[string]int64 `json:"errors"`   // API Gateway's own answers, by gateway response type
	BytesIn   int64            `json:"bytesIn"`  // bodies only
	BytesOut  int64            `json:"bytesOut"`
	LatencyMS LatencyMS        `json:"latencyMs"`

	Authorizers map[string]AuthorizerStats `json:"authorizers,omitempty"` // by the security scheme's name
}

// AuthorizerStats is what became of requests at a Lambda authorizer.
type AuthorizerStats struct {
	Invocations int64 `json:"invocations"`
	CacheHits   int64 `json:"cacheHits"`
	NoIdentity  int64 `json:"noIdentity"` // answered 401 without asking the function
	Failures    int64 `json:"failures"`   // of the function, or of its answer
	Denied      int64 `json:"denied"`
	Cached      int   `json:"cached"` // decisions, those that are over among them
}

// LatencyMS is how long requests took inside the API, in milliseconds.
type LatencyMS struct {
	Mean            float64 `json:"mean"`
	Max             float64 `json:"max"`
	IntegrationMean float64 `json:"integrationMean"` // of requests that reached an AWS service
}

type counters struct {
	statuses                  [600]atomic.Int64
	kinds                     [len(gatewayKinds)]atomic.Int64
	in, out                   atomic.Int64
	latency, latencyMax       atomic.Int64 // nanoseconds
	integration, integrations atomic.Int64
}

// count adds a request that has its answer.
func (c *counters) count(x *exchange) {
	took := int64(x.latency)
	c.statuses[x.status].Add(1)
	c.in.Add(int64(len(x.body)))
	c.out.Add(int64(x.responseLength))
	c.latency.Add(took)
	for old := c.latencyMax.Load(); took > old && !c.latencyMax.CompareAndSwap(old, took); {
		old = c.latencyMax.Load()
	}
	if x.called {
		c.integrations.Add(1)
		c.integration.Add(int64(x.integrationLatency))
	}
	if x.failed != nil {
		c.kinds[x.failed.kind].Add(1)
	}
}

// Stats reads the counters. Requests that end meanwhile may be in some of them only.
func (a *API) Stats() Stats {
	s := Stats{Statuses: map[string]int64{}, Classes: map[string]int64{}, Errors: map[string]int64{}}
	for status := range a.stats.statuses {
		n := a.stats.statuses[status].Load()
		if n == 0 {
			continue
		}
		s.Requests += n
		s.Statuses[strconv.Itoa(status)] = n
		s.Classes[strconv.Itoa(status/100)+"xx"] += n
	}
	for kind := range a.stats.kinds {
		if n := a.stats.kinds[kind].Load(); n > 0 {
			s.Errors[gatewayKinds[kind].name] = n
		}
	}
	for name, au := range a.authorizers {
		au.mu.Lock()
		cached := len(au.cache)
		au.mu.Unlock()
		if s.Authorizers == nil {
			s.Authorizers = map[string]AuthorizerStats{}
		}
		s.Authorizers[name] = AuthorizerStats{au.invocations.Load(), au.hits.Load(), au.missing.Load(), au.failures.Load(), au.denials.Load(), cached}
	}
	s.BytesIn, s.BytesOut = a.stats.in.Load(), a.stats.out.Load()
	s.LatencyMS = LatencyMS{
		Mean:            meanMS(a.stats.latency.Load(), s.Requests),
		Max:             meanMS(a.stats.latencyMax.Load(), 1),
		IntegrationMean: meanMS(a.stats.integration.Load(), a.stats.integrations.Load()),
	}
	return s
}

func meanMS(nanoseconds, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(nanoseconds/n/1000) / 1000
}

// Reset sets all counts to 0, empties the authorizers' caches, and begins with full buckets and unused quotas.
func (a *API) Reset() {
	for _, au := range a.authorizers {
		au.forget()
	}
	a.limits.Lock()
	a.setClients()
	err := a.setThrottles()
	a.limits.Unlock()
	if err != nil { // New has seen to it
		panic(err)
	}
	for i := range a.stats.statuses {
		a.stats.statuses[i].Store(0)
	}
	for i := range a.stats.kinds {
		a.stats.kinds[i].Store(0)
	}
	for _, n := range []*atomic.Int64{
		&a.stats.in, &a.stats.out, &a.stats.latency, &a.stats.latencyMax, &a.stats.integration, &a.stats.integrations,
	} {
		n.Store(0)
	}
}
