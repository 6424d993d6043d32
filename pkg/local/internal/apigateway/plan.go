package apigateway

import (
	"sync"
	"time"

	"hydrant/pkg/local/internal/template"
)

// APIKey is a key that callers send in x-api-key.
type APIKey struct {
	ID, Value string
	Enabled   bool
}

// UsagePlan says how much the callers with its keys may send to the stage. See "Usage plans and API keys for REST APIs".
type UsagePlan struct {
	ID       string
	Keys     []string            // ids; a key is in one plan of a stage
	Throttle *Throttle           // of each key; nil: none
	Methods  map[string]Throttle // instead of Throttle, by resource path and verb, as "/record/POST"
	Quota    *Quota              // of each key; nil: none
}

// Throttle is a token bucket: Rate tokens a second, Burst at most.
type Throttle struct {
	Rate  float64
	Burst int
}

// Quota is a number of requests in a period: DAY, WEEK or MONTH, of UTC. In the first period there are Offset less.
type Quota struct {
	Limit, Offset int
	Period        string
}

// MethodThrottle is the throttling of the methods of a stage, each by itself: of all with Path "/*" and Verb "*", else of one.
type MethodThrottle struct {
	Path, Verb string
	Throttle
	At *template.Value // where it stands
}

// client is a key within its plan.
type client struct {
	key     APIKey
	plan    *UsagePlan
	bucket  *bucket
	methods map[string]*bucket
	quota   *count
}

// bucket is a token bucket. Nil lets everything through.
type bucket struct {
	Throttle
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

func newBucket(t *Throttle) *bucket {
	if t == nil {
		return nil
	}
	return &bucket{Throttle: *t, tokens: float64(t.Burst), last: time.Now()}
}

func (b *bucket) take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(float64(b.Burst), b.tokens+now.Sub(b.last).Seconds()*b.Rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// count is what is used of a quota. Nil counts nothing.
type count struct {
	Quota
	mu     sync.Mutex
	period time.Time // its begin
	used   int
}

func newCount(q *Quota) *count {
	if q == nil {
		return nil
	}
	return &count{Quota: *q, period: q.begin(time.Now()), used: q.Offset}
}

// begin is when the period began that t is in. A week begins on Sunday.
func (q *Quota) begin(t time.Time) time.Time {
	t = t.UTC()
	day := t.Day()
	switch q.Period {
	case "WEEK":
		day -= int(t.Weekday())
	case "MONTH":
		day = 1
	}
	return time.Date(t.Year(), t.Month(), day, 0, 0, 0, 0, time.UTC)
}

func (c *count) take() bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if period := c.begin(time.Now()); period.After(c.period) {
		c.period, c.used = period, 0
	}
	if c.used >= c.Limit {
		return false
	}
	c.used++
	return true
}

// setClients makes the clients of the usage plans, with full buckets and nothing used.
func (a *API) setClients() {
	a.clients = map[string]*client{}
	for i := range a.cfg.UsagePlans {
		plan := &a.cfg.UsagePlans[i]
		for _, id := range plan.Keys {
			for _, key := range a.cfg.APIKeys {
				if key.ID != id {
					continue
				}
				c := &client{key: key, plan: plan, bucket: newBucket(plan.Throttle), methods: map[string]*bucket{}, quota: newCount(plan.Quota)}
				for name, t := range plan.Methods {
					c.methods[name] = newBucket(&t)
				}
				a.clients[key.Value] = c
			}
		}
	}
}

// setThrottles gives every method its bucket. A setting for a method that is not there is refused.
func (a *API) setThrottles() error {
	used := make([]bool, len(a.cfg.Throttles))
	for _, m := range a.methods {
		m.throttle = nil
		for i, t := range a.cfg.Throttles {
			switch {
			case t.Path == m.resourcePath && t.Verb == m.verb:
			case t.Path == "/*" && t.Verb == "*":
				if m.throttle != nil {
					continue // its own wins
				}
			default:
				continue
			}
			used[i], m.throttle = true, newBucket(&t.Throttle)
		}
	}
	for i, t := range a.cfg.Throttles {
		if !used[i] && t.Path != "/*" {
			return t.At.Errorf("the API has no method %s %s", t.Verb, t.Path)
		}
	}
	return nil
}

// meter checks the API key, then what its plan and the stage still let through. In this order: "Throttle requests to your REST APIs".
// What the throttle turns away does not count to the quota.
func (x *exchange) meter() *failure {
	a := x.api
	a.limits.RLock()
	defer a.limits.RUnlock()
	if x.method.access.key {
		c := a.clients[last(x.r.Header["X-Api-Key"])]
		if c == nil || !c.key.Enabled {
			return &failure{kind: invalidAPIKey, message: "Forbidden"}
		}
		x.client = c
		limit, special := c.methods[x.method.resourcePath+"/"+x.method.verb]
		if !special {
			limit = c.bucket
		}
		if !limit.take() {
			return tooMany()
		}
		if !c.quota.take() {
			return &failure{kind: quotaExceeded, message: "Limit Exceeded"}
		}
	}
	if !x.method.throttle.take() {
		return tooMany()
	}
	return nil
}

func tooMany() *failure { return &failure{kind: throttled, message: "Too Many Requests"} }
