package authorizer_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"hydrant/pkg/authorizer"
)

// discard records nothing.
type discard struct{}

func (discard) Decided(context.Context, authorizer.Decision)  {}
func (discard) Refreshed(context.Context, authorizer.Refresh) {}

// BenchmarkAuthorize is the work for a decoded event, with the keys at hand, up to the answer's JSON.
func BenchmarkAuthorize(b *testing.B) {
	static, sha := authorizer.NewToken()
	day := after(24 * time.Hour)
	for _, tc := range []struct{ name, token string }{
		{"RS256", rs256("exp", day, "scope", `"read write"`)},
		{"ES256", sign("ES256", p256(), header("alg", `"ES256"`, "kid", `"p256"`), claims("exp", day, "scope", `"read write"`))},
		{"EdDSA", sign("EdDSA", edKey(), header("alg", `"EdDSA"`, "kid", `"ed"`), claims("exp", day, "scope", `"read write"`))},
		{"token", static},
	} {
		b.Run(tc.name, func(b *testing.B) {
			s := start(b, func(c *authorizer.Config) { c.JWT.Scope, c.Recorder = "write", discard{} })
			var entries []string
			for i := range 300 { // about as many as a secret holds
				entries = append(entries, entry(hash(fmt.Sprint(i))))
			}
			s.web.put(secretURL, document(append(entries, entry(sha))...))
			r, err := authorizer.ReadRequest(event("Bearer " + tc.token))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			began := processorTime(b)
			for b.Loop() {
				answer, err := s.Authorize(b.Context(), r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := answer.JSON(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("event", func(b *testing.B) {
		e := event("Bearer " + rs256())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := authorizer.ReadRequest(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// processorTime is what the process has worked so far, which does not depend on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestConcurrentCallers(t *testing.T) {
	static, sha := authorizer.NewToken()
	s := start(t, nil)
	s.web.put(secretURL, document(entry(sha)))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("p-%d-%d", i, j)
				for token, want := range map[string]string{rs256("sub", quote(name)): name, static: "tap-firmware", kid(name): ""} {
					r, err := authorizer.ReadRequest(event("Bearer " + token))
					if err != nil {
						t.Error(err)
					}
					if answer, err := s.Authorize(t.Context(), r); answer.PrincipalID != want || (err == nil) != (want != "") {
						t.Errorf("got %q, want %q: %v", answer.PrincipalID, want, err)
					}
				}
			}
		})
	}
	group.Wait()
	if got := s.web.count(); got != 2 {
		t.Errorf("%d fetches", got)
	}
}
