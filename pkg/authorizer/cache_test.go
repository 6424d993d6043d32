package authorizer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/authorizer"
)

// asks sends a token and compares what comes of it, and how often the issuer was asked so far.
func (s system) asks(t *testing.T, token string, want authorizer.Reason, fetches int) {
	t.Helper()
	if got := s.send(t, token); got.Reason != want {
		t.Errorf("got %s, want %s", got.Reason, want)
	}
	if got := s.web.count(); got != fetches {
		t.Errorf("%d fetches, want %d", got, fetches)
	}
}

// long is a token that outlives the test.
func long() string { return rs256("exp", "100000000000") }

func kid(name string) string {
	return sign("RS256", rsaKey(), header("kid", quote(name)), claims("exp", "100000000000"))
}

func TestKeysAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		token := long()
		for range 100 {
			s.asks(t, token, authorizer.ReasonGenuine, 1)
		}
		time.Sleep(5 * time.Minute)
		s.asks(t, token, authorizer.ReasonGenuine, 1)
		time.Sleep(time.Second)
		s.asks(t, token, authorizer.ReasonGenuine, 2)
		s.asks(t, token, authorizer.ReasonGenuine, 2)
	})
}

func TestBogusKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		var bogus []string
		for i := range 50 {
			bogus = append(bogus, kid(fmt.Sprint("bogus-", i)))
		}
		for range 10 * 60 {
			for _, token := range bogus {
				s.send(t, token)
			}
			time.Sleep(time.Second)
		}
		if got := s.web.count(); got > 11 {
			t.Errorf("%d fetches in ten minutes", got)
		}
		s.asks(t, long(), authorizer.ReasonGenuine, s.web.count())
	})
}

func TestNewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.asks(t, long(), authorizer.ReasonGenuine, 1)
		s.web.put(keysURL, keySet(jwk("new", "RS256", &rsaKey().PublicKey)))
		s.asks(t, kid("new"), authorizer.ReasonUnknownKey, 1) // it was asked a moment ago
		time.Sleep(time.Minute - time.Second)
		s.asks(t, kid("new"), authorizer.ReasonUnknownKey, 1)
		time.Sleep(time.Second)
		s.asks(t, kid("new"), authorizer.ReasonGenuine, 2)
		s.asks(t, long(), authorizer.ReasonUnknownKey, 2) // the old key is withdrawn
	})
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(c *authorizer.Config) { c.Keep = time.Hour })
		token := long()
		s.asks(t, token, authorizer.ReasonGenuine, 1)
		s.web.drop(keysURL)
		for range 60 {
			time.Sleep(time.Minute)
			if got := s.send(t, token); got.Reason != authorizer.ReasonGenuine {
				t.Fatalf("got %s", got.Reason)
			}
		}
		if got := s.web.count(); got > 61 {
			t.Errorf("%d fetches", got)
		}
		if got := s.send(t, kid("bogus")); got.Reason != authorizer.ReasonUnknownKey { // a scan is no fault while there are keys
			t.Errorf("got %s", got.Reason)
		}
		time.Sleep(time.Second)                                       // more than an hour: no longer
		s.asks(t, token, authorizer.ReasonKeysMissing, s.web.count()) // it was asked a second ago
		s.asks(t, kid("bogus"), authorizer.ReasonKeysMissing, s.web.count())
		time.Sleep(5 * time.Second)
		s.web.put(keysURL, usual())
		s.asks(t, token, authorizer.ReasonGenuine, s.web.count()+1)
		failed := slices.DeleteFunc(s.log.refreshes, func(r authorizer.Refresh) bool { return r.Err == nil })
		if len(failed) < 50 || failed[0].Kind != authorizer.KindJWT || failed[0].Err.Error() != "key set: no answer" {
			t.Errorf("%d failed refreshes: %+v", len(failed), failed[0])
		}
	})
}

func TestNoKeysFromTheStart(t *testing.T) {
	for name, page := range map[string]string{
		"no answer":               "",
		"no JSON":                 "<html>",
		"JSON of something else":  `{"error":"x"}`,
		"null":                    "null",
		"an empty set":            `{"keys":[]}`,
		"keys of null":            `{"keys":[null,null]}`,
		"two sets in one":         `{"keys":[],"keys":[]}`,
		"a set and something":     usual() + "x",
		"keys for encryption":     strings.ReplaceAll(usual(), `"sig"`, `"enc"`),
		"symmetric keys":          `{"keys":[{"kty":"oct","kid":"rsa","alg":"HS256","k":"AAAA"},{"kty":"oct","kid":"rsa","k":"AAAA"}]}`,
		"private keys":            keySet(jwk("rsa", "RS256", rsaKey())),
		"short keys":              keySet(jwk("rsa", "RS256", &rsaShort().PublicKey)),
		"keys for another":        keySet(jwk("rsa", "RS512", &rsaKey().PublicKey)),
		"a point not on a curve":  `{"keys":[{"kty":"EC","kid":"p256","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`,
		"keys to wrap others":     strings.Replace(keySet(jwk("rsa", "RS256", &rsaKey().PublicKey)), `"kid"`, `"key_ops":["wrapKey"],"kid"`, 1),
		"a hundred keys too many": `{"keys":[` + strings.Repeat(`{},`, 200) + `{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, nil)
				s.web.put(keysURL, page)
				if page == "" {
					s.web.drop(keysURL)
				}
				token := long()
				s.asks(t, token, authorizer.ReasonKeysMissing, 1)
				for range 50 {
					s.asks(t, token, authorizer.ReasonKeysMissing, 1)
				}
				time.Sleep(5*time.Second - 1)
				s.asks(t, token, authorizer.ReasonKeysMissing, 1)
				time.Sleep(time.Nanosecond)
				s.web.put(keysURL, usual())
				s.asks(t, token, authorizer.ReasonGenuine, 2)
			})
		})
	}
}

// Some keys of a set may be of no use: the others are.
func TestMixedKeys(t *testing.T) {
	s := start(t, nil)
	s.web.put(keysURL, strings.Replace(usual(), `{"keys":[`, `{"keys":[null,1,{},{"kty":"XY","kid":"rsa"},{"kty":"oct","kid":"rsa","k":"AAAA"},`, 1))
	s.asks(t, rs256(), authorizer.ReasonGenuine, 1)
	if got := s.log.refreshes[0]; got.Err != nil || got.Left != 5 {
		t.Errorf("got %+v", got)
	}
}

// Two keys of one name are both the issuer's.
func TestOneNameForTwoKeys(t *testing.T) {
	s := start(t, nil)
	s.web.put(keysURL, keySet(jwk("rsa", "RS256", &rsaOther().PublicKey), jwk("rsa", "RS256", &rsaKey().PublicKey)))
	s.asks(t, rs256(), authorizer.ReasonGenuine, 1)
	s.asks(t, sign("RS256", rsaOther(), header(), claims()), authorizer.ReasonGenuine, 1)
	s.asks(t, sign("RS256", rsaShort(), header(), claims()), authorizer.ReasonSignature, 1)
}

func TestOneFetchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.web.wait = func(context.Context) error { time.Sleep(time.Second); return nil }
		var group sync.WaitGroup
		token := long()
		for range 50 {
			group.Go(func() {
				if _, err := s.Invoke(t.Context(), event("Bearer "+token)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := s.web.count(); got != 1 {
			t.Errorf("%d fetches", got)
		}
		// While the keys are read again, those who can go on do, and only the one who began to waits.
		time.Sleep(6 * time.Minute)
		began := time.Now()
		var waited sync.Map
		for i := range 50 {
			group.Go(func() {
				if _, err := s.Invoke(t.Context(), event("Bearer "+token)); err != nil {
					t.Error(err)
				}
				if time.Since(began) > 0 {
					waited.Store(i, true)
				}
			})
		}
		group.Wait()
		n := 0
		waited.Range(func(any, any) bool { n++; return true })
		if n != 1 || s.web.count() != 2 {
			t.Errorf("%d waited for %d fetches", n, s.web.count()-1)
		}
	})
}

func TestSlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.web.wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		s.asks(t, long(), authorizer.ReasonKeysMissing, 1)
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("waited for %v", got)
		}
		if err := s.log.refreshes[0].Err; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Who gives up waiting gets a fault, and the fetch goes on for the others.
func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.web.wait = func(context.Context) error { time.Sleep(2 * time.Second); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answer, err := s.Invoke(ctx, event("Bearer "+long()))
		s.check(t, answer, err)
		if got := s.log.last(); got.Reason != authorizer.ReasonKeysMissing {
			t.Errorf("got %s", got.Reason)
		}
		s.asks(t, long(), authorizer.ReasonGenuine, 1)
	})
}

func TestDiscovery(t *testing.T) {
	const document = issuer + ".well-known/openid-configuration"
	for name, tc := range map[string]struct {
		page string
		want authorizer.Reason
	}{
		"the issuer's":        {`{"issuer":"` + issuer + `","jwks_uri":"` + keysURL + `","more":{}}`, authorizer.ReasonGenuine},
		"another issuer's":    {`{"issuer":"https://evil.example/","jwks_uri":"` + keysURL + `"}`, authorizer.ReasonKeysMissing},
		"nobody's":            {`{"jwks_uri":"` + keysURL + `"}`, authorizer.ReasonKeysMissing},
		"no key set":          {`{"issuer":"` + issuer + `"}`, authorizer.ReasonKeysMissing},
		"a key set by http":   {`{"issuer":"` + issuer + `","jwks_uri":"http://issuer.example/keys"}`, authorizer.ReasonKeysMissing},
		"a key set in a file": {`{"issuer":"` + issuer + `","jwks_uri":"file:///etc/passwd"}`, authorizer.ReasonKeysMissing},
		"no JSON":             {`<html>`, authorizer.ReasonKeysMissing},
		"two issuers":         {`{"issuer":"x","issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`, authorizer.ReasonKeysMissing},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *authorizer.Config) { c.JWT.KeySetURL = "" })
			s.web.put(document, tc.page)
			if got := s.send(t, rs256()); got.Reason != tc.want {
				t.Errorf("got %s, want %s", got.Reason, tc.want)
			}
			want := []string{document, keysURL}
			if tc.want != authorizer.ReasonGenuine {
				want = want[:1]
			}
			if !slices.Equal(s.web.asked, want) {
				t.Errorf("asked %q, want %q", s.web.asked, want)
			}
		})
	}
}

// A panic is a fault of our own, whoever caused it, and quotes nothing.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.web.wait = func(context.Context) error { panic("secret") }
		s.asks(t, long(), authorizer.ReasonKeysMissing, 1)
		if err := s.log.refreshes[0].Err; err == nil || !strings.Contains(err.Error(), "cache.go") || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		s.web.wait = nil
		answer, err := s.Invoke(rotten{t.Context()}, event("Bearer "+long()))
		s.check(t, answer, err)
		if d := s.log.last(); d.Reason != authorizer.ReasonPanic || !strings.Contains(string(d.Stack), "cache.go") || strings.Contains(string(d.Stack), "secret") {
			t.Errorf("got %+v", d)
		}
		synctest.Wait()
		s.asks(t, long(), authorizer.ReasonGenuine, 2)
	})
}

type rotten struct{ context.Context }

func (rotten) Done() <-chan struct{} { panic("secret") }
