package authorizer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"hydrant/pkg/authorizer"
)

const (
	issuer   = "https://issuer.example/"
	audience = "https://hydrant.example"
	keysURL  = "https://issuer.example/keys"
	stage    = "arn:aws:execute-api:eu-west-1:000000000000:abcdef1234/v1/"
)

// Keys take a while to make: all tests have the same.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return made(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaOther = sync.OnceValue(func() *rsa.PrivateKey { return made(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaShort = sync.OnceValue(func() *rsa.PrivateKey { return made(rsa.GenerateKey(rand.Reader, 1024)) })
	p256     = sync.OnceValue(func() *ecdsa.PrivateKey { return made(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384     = sync.OnceValue(func() *ecdsa.PrivateKey { return made(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) })
)

func made[T any](key T, err error) T {
	if err != nil {
		panic(err)
	}
	return key
}

func jwk(kid, alg string, key any) jose.JSONWebKey {
	return jose.JSONWebKey{KeyID: kid, Algorithm: alg, Use: "sig", Key: key}
}

func keySet(keys ...jose.JSONWebKey) string {
	return string(made(json.Marshal(jose.JSONWebKeySet{Keys: keys})))
}

// usual is the key set of most tests.
var usual = sync.OnceValue(func() string {
	return keySet(
		jwk("rsa", "RS256", &rsaKey().PublicKey), jwk("rsa-2", "RS256", &rsaOther().PublicKey),
		jwk("p256", "ES256", &p256().PublicKey), jwk("p384", "ES384", &p384().PublicKey),
		jwk("ed", "", edKey().Public()),
	)
})

// web is what the issuer serves.
type web struct {
	mu    sync.Mutex
	pages map[string]string // by URL; one that is not there is an error
	asked []string
	wait  func(ctx context.Context) error
}

func (w *web) Fetch(ctx context.Context, url string) ([]byte, error) {
	w.mu.Lock()
	w.asked = append(w.asked, url)
	page, ok := w.pages[url]
	wait := w.wait
	w.mu.Unlock()
	if wait != nil {
		if err := wait(ctx); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, errors.New("no answer")
	}
	return []byte(page), nil
}

func (w *web) put(url, page string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[url] = page
}

func (w *web) drop(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pages, url)
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// secret is the secret with the static tokens, which web serves under its name.
type secret struct{ *web }

const secretURL = "secret"

func (s secret) Read(ctx context.Context) ([]byte, error) { return s.Fetch(ctx, secretURL) }

// log keeps what a recorder is told.
type log struct {
	mu        sync.Mutex
	decisions []authorizer.Decision
	refreshes []authorizer.Refresh
}

func (l *log) Decided(_ context.Context, d authorizer.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions = append(l.decisions, d)
}

func (l *log) Refreshed(_ context.Context, r authorizer.Refresh) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refreshes = append(l.refreshes, r)
}

func (l *log) last() authorizer.Decision { return l.decisions[len(l.decisions)-1] }

// system is an authorizer and what is around it.
type system struct {
	*authorizer.Authorizer
	web *web
	log *log
}

func start(t testing.TB, change func(*authorizer.Config)) system {
	t.Helper()
	s := system{web: &web{pages: map[string]string{keysURL: usual(), secretURL: `{"tokens":[]}`}}, log: &log{}}
	c := authorizer.Config{
		JWT: &authorizer.JWT{
			Issuer: issuer, Audience: []string{audience, "second"}, KeySetURL: keysURL,
			Algorithms: []string{"RS256", "ES256", "ES384", "EdDSA"}, Fetcher: s.web,
		},
		Tokens:   &authorizer.Tokens{Secret: secret{s.web}},
		Recorder: s.log,
	}
	if change != nil {
		change(&c)
	}
	a, err := authorizer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Authorizer = a
	return s
}

// event is what API Gateway sends for a request with these values of the Authorization header.
func event(values ...string) []byte {
	headers, multi := map[string]string{"Host": "x"}, map[string][]string{"Host": {"x"}}
	if len(values) > 0 {
		headers["Authorization"], multi["Authorization"] = values[len(values)-1], values
	}
	return made(json.Marshal(map[string]any{
		"type": "REQUEST", "methodArn": stage + "POST/record", "resource": "/record", "path": "/record", "httpMethod": "POST",
		"headers": headers, "multiValueHeaders": multi, "queryStringParameters": map[string]string{}, "pathParameters": map[string]string{},
		"requestContext": map[string]any{"stage": "v1", "identity": map[string]any{"sourceIp": "192.0.2.1"}},
	}))
}

// send is what comes of a bearer token.
func (s system) send(t testing.TB, token string) authorizer.Decision {
	t.Helper()
	answer, err := s.Invoke(t.Context(), event("Bearer "+token))
	s.check(t, answer, err)
	return s.log.last()
}

// check compares an answer with what was recorded of it.
func (s system) check(t testing.TB, answer []byte, err error) {
	t.Helper()
	d := s.log.last()
	if d.Verdict != d.Reason.Verdict() {
		t.Errorf("%s for the reason %s", d.Verdict, d.Reason)
	}
	var fault *authorizer.Fault
	switch d.Verdict {
	case authorizer.Unauthorized:
		if err == nil || err.Error() != "Unauthorized" || answer != nil {
			t.Errorf("unauthorized is %s, %v", answer, err)
		}
	case authorizer.Fail:
		if !errors.As(err, &fault) || fault.Reason != d.Reason || answer != nil || err.Error() == "Unauthorized" {
			t.Errorf("a fault is %s, %v", answer, err)
		}
	default:
		if err != nil {
			t.Fatal(err)
		}
		effect := map[authorizer.Verdict]string{authorizer.Allow: "Allow", authorizer.Deny: "Deny"}[d.Verdict]
		want := fmt.Sprintf(`{"principalId":%s,"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"%s",`+
			`"Resource":["%sPOST/record","%sPOST/records"]}]},"context":{"producer":%s,"label":%s,"kind":"%s"}}`,
			quote(d.Producer), effect, stage, stage, quote(d.Producer), quote(d.Label), d.Kind)
		if string(answer) != want {
			t.Errorf("got  %s\nwant %s", answer, want)
		}
	}
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign makes a token of any header and any claims.
func sign(alg string, key crypto.PrivateKey, header, claims string) string {
	text := encode(header) + "." + encode(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(made(jwt.GetSigningMethod(alg).Sign(text, key)))
}

// object is a JSON object of names and values, which are JSON themselves. A later one of the same name takes the place of the one before;
// with the value "" there is none.
func object(pairs ...string) string {
	var names []string
	values := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		if !slices.Contains(names, pair[0]) {
			names = append(names, pair[0])
		}
		values[pair[0]] = pair[1]
	}
	var members []string
	for _, name := range names {
		if values[name] != "" {
			members = append(members, quote(name)+":"+values[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// claims are good ones, with some of them changed.
func claims(changes ...string) string {
	now := time.Now().Unix()
	return object(append([]string{
		"iss", quote(issuer), "aud", quote(audience), "sub", `"shop-web"`, "iat", fmt.Sprint(now - 60), "exp", fmt.Sprint(now + 600),
	}, changes...)...)
}

// header is a good one for the key "rsa", with some of it changed.
func header(changes ...string) string {
	return object(append([]string{"alg", `"RS256"`, "kid", `"rsa"`, "typ", `"JWT"`}, changes...)...)
}

// rs256 makes a token that is good but for the changes of its claims.
func rs256(changes ...string) string { return sign("RS256", rsaKey(), header(), claims(changes...)) }

// after is a time as claims have it.
func after(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
