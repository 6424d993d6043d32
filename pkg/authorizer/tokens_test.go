package authorizer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hydrant/pkg/authorizer"
)

// entry is an entry of the secret's, with changes.
func entry(sha string, changes ...string) string {
	return object(append([]string{
		"sha256", quote(sha), "producer", `"tap-firmware"`, "label", `"tap-2026"`, "expires", quote(time.Now().Add(time.Hour).UTC().Format(time.RFC3339)),
	}, changes...)...)
}

func document(entries ...string) string { return `{"tokens":[` + strings.Join(entries, ",") + `]}` }

func TestStaticTokens(t *testing.T) {
	token, sha := authorizer.NewToken()
	other, _ := authorizer.NewToken()
	short := "hydrant_letmein"
	for name, tc := range map[string]struct {
		token, secret string
		want          authorizer.Reason
		left          int
	}{
		"a token":                   {token, document(entry(sha)), authorizer.ReasonGenuine, 0},
		"among others":              {token, document(entry(hash("1")), entry(hash("2")), entry(sha), entry(hash("3"))), authorizer.ReasonGenuine, 0},
		"a hash in capitals":        {token, document(entry(strings.ToUpper(sha))), authorizer.ReasonGenuine, 0},
		"another":                   {other, document(entry(sha)), authorizer.ReasonUnknownToken, 0},
		"no tokens":                 {token, document(), authorizer.ReasonUnknownToken, 0},
		"the hash for a token":      {sha, document(entry(sha)), authorizer.ReasonMalformed, 0},
		"a short one":               {short, document(entry(hash(short))), authorizer.ReasonMalformed, 0},
		"one with something behind": {token + "A", document(entry(sha)), authorizer.ReasonMalformed, 0},
		"one in another case":       {strings.ToUpper(token[:8]) + token[8:], document(entry(sha)), authorizer.ReasonMalformed, 0},
		"without its prefix":        {token[8:], document(entry(sha)), authorizer.ReasonMalformed, 0},
		"a letter changed":          {token[:20] + flip(token[20:21]) + token[21:], document(entry(sha)), authorizer.ReasonUnknownToken, 0},
		"expired now":               {token, document(entry(sha, "expires", quote(time.Now().UTC().Format(time.RFC3339)))), authorizer.ReasonExpired, 0},
		"expired long ago":          {token, document(entry(sha, "expires", `"2020-01-01T00:00:00Z"`)), authorizer.ReasonExpired, 0},
		"an hour by another clock":  {token, document(entry(sha, "expires", quote(time.Now().Add(time.Hour).In(time.FixedZone("", 7200)).Format(time.RFC3339)))), authorizer.ReasonGenuine, 0},
		"the same twice":            {token, document(entry(sha), entry(sha, "producer", `"b"`)), authorizer.ReasonGenuine, 1},
		"beside wrong ones": {token, document("null", "1", "{}", entry("ab"), entry(hash("1"), "expires", ""), entry(hash("2"), "expires", `"tomorrow"`),
			entry(hash("3"), "producer", `"anonymous"`), entry(hash("4"), "label", `"a b"`), entry(hash("5"), "expire", `"x"`), entry(sha)), authorizer.ReasonGenuine, 9},
		"a producer of wildcards": {token, document(entry(sha, "producer", `"*"`), entry(hash("1"))), authorizer.ReasonGenuine, 0},
		"an entry with a token":   {token, document(entry(token)), authorizer.ReasonTokensMissing, 1},
		"a document of no JSON":   {token, "x", authorizer.ReasonTokensMissing, 0},
		"no document":             {token, "", authorizer.ReasonTokensMissing, 0},
		"another document":        {token, `{"password":"x"}`, authorizer.ReasonTokensMissing, 0},
		"tokens of null":          {token, `{"tokens":null}`, authorizer.ReasonTokensMissing, 0},
		"two lists":               {token, `{"tokens":[],"tokens":[` + entry(sha) + `]}`, authorizer.ReasonTokensMissing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.web.put(secretURL, tc.secret)
			got := s.send(t, tc.token)
			if got.Reason != tc.want {
				t.Fatalf("got %s, want %s", got.Reason, tc.want)
			}
			if named := tc.want == authorizer.ReasonGenuine || tc.want == authorizer.ReasonExpired; (got.Producer != "") != named || (got.Label == "tap-2026") != named {
				t.Errorf("named %q, %q", got.Producer, got.Label)
			}
			text := fmt.Sprintf("%+v %+v", got, s.log.refreshes)
			if strings.Contains(text, tc.token) || strings.Contains(text, sha) || strings.Contains(text, "password") {
				t.Errorf("it quotes: %s", text)
			}
			for _, r := range s.log.refreshes {
				if r.Kind != authorizer.KindToken && tc.want != authorizer.ReasonMalformed || r.Left != tc.left {
					t.Errorf("got %+v", r)
				}
			}
		})
	}
}

func TestNewToken(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token, sha := authorizer.NewToken()
		if seen[token] || len(token) != 8+43 || hash(token) != sha {
			t.Errorf("%s, %s", token, sha)
		}
		seen[token] = true
	}
	_, sha := authorizer.NewToken()
	text, err := json.Marshal(authorizer.Document{Tokens: []authorizer.Token{{SHA256: sha, Producer: "p", Label: "l", Expires: time.Unix(4e9, 0).UTC()}}})
	if want := `{"tokens":[{"sha256":"` + sha + `","producer":"p","label":"l","expires":"2096-10-02T07:06:40Z"}]}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

// A token is rotated in the secret alone: added, used, taken out.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, firstSHA := authorizer.NewToken()
		second, secondSHA := authorizer.NewToken()
		s := start(t, nil)
		expires := quote("2030-01-01T00:00:00Z")
		one, two := entry(firstSHA, "expires", expires), entry(secondSHA, "expires", expires, "label", `"tap-2027"`)
		s.web.put(secretURL, document(one))
		s.asks(t, first, authorizer.ReasonGenuine, 1)
		s.asks(t, second, authorizer.ReasonUnknownToken, 1)
		s.web.put(secretURL, document(one, two))
		time.Sleep(time.Minute)
		s.asks(t, first, authorizer.ReasonGenuine, 1)
		s.asks(t, second, authorizer.ReasonGenuine, 2)
		if got := s.log.last().Label; got != "tap-2027" {
			t.Errorf("got the label %s", got)
		}
		s.web.put(secretURL, document(two))
		s.asks(t, first, authorizer.ReasonGenuine, 2) // it goes with the next reading
		time.Sleep(5*time.Minute + time.Second)
		s.asks(t, first, authorizer.ReasonUnknownToken, 3)
		s.web.drop(secretURL)
		time.Sleep(23 * time.Hour)
		s.asks(t, second, authorizer.ReasonGenuine, 4)
		time.Sleep(time.Hour + time.Second)
		s.asks(t, second, authorizer.ReasonTokensMissing, 5)
		s.asks(t, second, authorizer.ReasonTokensMissing, 5)
		s.asks(t, long(), authorizer.ReasonGenuine, 6) // the other kind has its own keys
	})
}

func TestBogusTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		for range 1000 {
			bogus, _ := authorizer.NewToken()
			s.send(t, bogus)
			time.Sleep(100 * time.Millisecond)
		}
		if got := s.web.count(); got != 2 { // in 100 seconds
			t.Errorf("%d readings", got)
		}
	})
}

func TestKindsThatAreOff(t *testing.T) {
	token, sha := authorizer.NewToken()
	for name, tc := range map[string]struct {
		change      func(*authorizer.Config)
		static, jwt authorizer.Reason
	}{
		"both":          {nil, authorizer.ReasonGenuine, authorizer.ReasonGenuine},
		"static tokens": {func(c *authorizer.Config) { c.JWT = nil }, authorizer.ReasonGenuine, authorizer.ReasonMalformed},
		"JWT":           {func(c *authorizer.Config) { c.Tokens = nil }, authorizer.ReasonMalformed, authorizer.ReasonGenuine},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, tc.change)
			s.web.put(secretURL, document(entry(sha)))
			if got := s.send(t, token); got.Reason != tc.static {
				t.Errorf("a static token: %s, want %s", got.Reason, tc.static)
			}
			if got := s.send(t, rs256()); got.Reason != tc.jwt {
				t.Errorf("a JWT: %s, want %s", got.Reason, tc.jwt)
			}
		})
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func flip(letter string) string {
	if letter == "A" {
		return "B"
	}
	return "A"
}
