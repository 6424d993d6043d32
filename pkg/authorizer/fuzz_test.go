package authorizer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hydrant/pkg/authorizer"
)

// Whatever the event: an answer or "Unauthorized", and an allowing answer only for an event with a credential that the test itself can
// verify. In the seeds GOOD is a good token, and STATIC a good static one.
func FuzzEvents(f *testing.F) {
	static, sha := authorizer.NewToken()
	for _, tc := range events {
		f.Add([]byte(tc.event))
		f.Add([]byte(strings.ReplaceAll(tc.event, "GOOD", "STATIC")))
	}
	for _, tc := range tokens {
		if token := tc.token(); len(token) < 2000 {
			f.Add(event("Bearer " + token))
		}
	}
	s := start(f, func(c *authorizer.Config) { c.JWT.Scope = "write" })
	s.web.put(secretURL, document(entry(sha)))
	token := rs256("scope", `"write"`, "exp", after(24*time.Hour))
	f.Fuzz(func(t *testing.T, event []byte) {
		event = bytes.ReplaceAll(event, []byte("GOOD"), []byte(token))
		event = bytes.ReplaceAll(event, []byte("STATIC"), []byte(static))
		answer, err := s.Invoke(t.Context(), event)
		d := s.log.last()
		s.log.decisions = nil
		if err != nil {
			if !errors.Is(err, authorizer.ErrUnauthorized) || err.Error() != "Unauthorized" || answer != nil {
				t.Fatalf("%s, %v", answer, err)
			}
			return
		}
		var a struct {
			PrincipalID    string
			PolicyDocument struct {
				Statement []struct {
					Effect   string
					Resource []string
				}
			}
		}
		if err := json.Unmarshal(answer, &a); err != nil || a.PrincipalID == "" || len(a.PolicyDocument.Statement) != 1 {
			t.Fatalf("%s, %v", answer, err)
		}
		for i, resource := range a.PolicyDocument.Statement[0].Resource {
			if !strings.HasSuffix(resource, []string{"/POST/record", "/POST/records"}[i]) || strings.ContainsAny(resource, "*?$") {
				t.Fatalf("%s", answer)
			}
		}
		if a.PolicyDocument.Statement[0].Effect != "Allow" {
			return
		}
		if producer, ok := oracle(event, static); !ok || producer != a.PrincipalID || d.Verdict != authorizer.Allow {
			t.Fatalf("allowed %q: %s", a.PrincipalID, event)
		}
	})
}

// oracle finds the credential of an event by itself, with other code than the authorizer's, and says whose it is.
func oracle(event []byte, static string) (producer string, ok bool) {
	var e map[string]json.RawMessage // a struct would take HEADERS for headers
	var headers map[string]string
	if json.Unmarshal(event, &e) != nil || json.Unmarshal(e["headers"], &headers) != nil {
		return "", false
	}
	for name, value := range headers {
		credential := strings.TrimLeft(value[min(len(value), len("Bearer")):], " ")
		if !strings.EqualFold(name, "authorization") || !strings.EqualFold(value[:min(len(value), len("Bearer"))], "bearer") {
			continue
		}
		if credential == static {
			return "tap-firmware", true
		}
		parts := strings.Split(credential, ".")
		if len(parts) != 3 {
			continue
		}
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		text := parts[0] + "." + parts[1]
		for alg, key := range map[string]any{"RS256": &rsaKey().PublicKey, "ES256": &p256().PublicKey, "ES384": &p384().PublicKey, "EdDSA": edKey().Public()} {
			var c struct{ Sub, Scope string }
			claims, err2 := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil || err2 != nil || jwt.GetSigningMethod(alg).Verify(text, signature, key) != nil || json.Unmarshal(claims, &c) != nil {
				continue
			}
			return c.Sub, strings.Contains(c.Scope, "write")
		}
	}
	return "", false
}

// Any document in the place of the key set: no panic, and no token is good by a key that is not the issuer's.
func FuzzKeySet(f *testing.F) {
	for _, document := range []string{
		usual(), `{"keys":[]}`, keySet(jwk("rsa", "", &rsaShort().PublicKey)), keySet(jwk("rsa", "RS256", rsaOther())),
		`{"keys":[{"kty":"oct","kid":"rsa","k":"AAAA"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"rsa","x":"AA"}]}`,
		`{"keys":[{"kty":"RSA","kid":"rsa","n":"AQAB","e":"AQAB","x5c":["MIIB"]}]}`, `{"keys":[{"kty":"EC","kid":"rsa","crv":"P-256","x":"AA","y":"AA"}]}`,
	} {
		f.Add(document)
	}
	token := rs256("exp", after(24*time.Hour))
	f.Fuzz(func(t *testing.T, document string) {
		s := start(t, nil)
		s.web.put(keysURL, document)
		got := s.send(t, token)
		if got.Verdict == authorizer.Allow && !strings.Contains(document, base64.RawURLEncoding.EncodeToString(rsaKey().N.Bytes()[:30])) {
			t.Errorf("allowed by %s", document)
		}
		for _, r := range s.log.refreshes {
			if r.Err != nil && strings.Contains(r.Err.Error(), "panic") {
				t.Error(r.Err)
			}
		}
	})
}

// Any document in the place of the secret: no panic, and a token is good only if its hash is there.
func FuzzSecret(f *testing.F) {
	token, sha := authorizer.NewToken()
	for _, document := range []string{
		document(entry("HASH")), document(entry("HASH", "expires", `"2020-01-01T00:00:00Z"`)), document(entry(hash("1")), entry("HASH"), "null"),
		`{"tokens":null}`, `{"tokens":{}}`, `[]`, "",
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		document = strings.ReplaceAll(document, "HASH", sha)
		s := start(t, nil)
		s.web.put(secretURL, document)
		got := s.send(t, token)
		if there := strings.Contains(strings.ToLower(document), sha); got.Verdict == authorizer.Allow && (!there || got.Producer == "" || got.Label == "") {
			t.Errorf("allowed as %q by %s", got.Producer, document)
		}
		if r := s.log.refreshes[0]; r.Err != nil && (strings.Contains(r.Err.Error(), "panic") || strings.Contains(r.Err.Error(), sha)) {
			t.Error(r.Err)
		}
	})
}
