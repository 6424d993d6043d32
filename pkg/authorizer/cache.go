package authorizer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	pause   = time.Minute     // between two fetches, while there is something to go on with
	retry   = 5 * time.Second // between two fetches while there is nothing
	timeout = 3 * time.Second // of a fetch; API Gateway waits for the function for about 30 s
)

// cache keeps what was last fetched. It fetches when somebody asks, and never by itself: between two invocations Lambda freezes the process.
type cache[T any] struct {
	fetch         func(context.Context) (value T, left int, err error)
	refreshed     func(context.Context, Refresh)
	refresh, keep time.Duration

	mu      sync.Mutex
	value   T
	fetched time.Time // when value was; zero: never
	tried   time.Time // when the last fetch ended, well or not
	flight  chan struct{}
}

var errNothing = errors.New("nothing was fetched, or too long ago")

// get returns the value. It is fetched before if it is not fresh, or not enough for what is asked; but only one fetch is under way at a
// time, and between two there is a pause: then it is the last good one, enough or not. The error says that there is none.
func (c *cache[T]) get(ctx context.Context, enough func(T) bool) (T, error) {
	c.mu.Lock()
	good := c.age(c.fetched) <= c.keep && enough(c.value)
	fresh := good && c.age(c.fetched) <= c.refresh
	flight := c.flight
	if flight == nil && !fresh && c.age(c.tried) >= c.interval() {
		flight = c.start(ctx)
		good = false // whoever starts it waits for it: once the answer is out, the process may be frozen
	}
	c.mu.Unlock()
	if flight != nil && !good {
		select {
		case <-flight:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age(c.fetched) > c.keep {
		var none T
		return none, errNothing
	}
	return c.value, nil
}

func (c *cache[T]) interval() time.Duration {
	if c.age(c.fetched) > c.keep {
		return retry
	}
	return pause
}

// start fetches, for all who wait. The time is the fetch's own, so that no caller's end is the others' too.
func (c *cache[T]) start(ctx context.Context) chan struct{} {
	done := make(chan struct{})
	c.flight = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	go func() {
		defer cancel()
		began := time.Now()
		value, left, err := c.try(ctx)
		c.refreshed(ctx, Refresh{Err: err, Left: left, Elapsed: time.Since(began)})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tried = time.Now()
		if err == nil {
			c.value, c.fetched = value, c.tried
		}
		c.flight = nil
		close(done)
	}()
	return done
}

// try fetches. What others wrote is read in it: a panic is an answer that cannot be read, and not the end of the process.
func (c *cache[T]) try(ctx context.Context) (value T, left int, err error) {
	defer func() {
		if p := recover(); p != nil { // its value may quote what was read
			err = fmt.Errorf("a panic: %s", debug.Stack())
		}
	}()
	return c.fetch(ctx)
}

// age is how long ago t was: by the wall clock, since the other one stands still while the process is frozen. What is in the future is as
// old as what never was.
func (c *cache[T]) age(t time.Time) time.Duration {
	const forever = 1<<63 - 1
	if age := time.Now().Round(0).Sub(t.Round(0)); age >= 0 {
		return age
	}
	return forever
}
