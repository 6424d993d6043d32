package authorizer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// JWT says which JSON Web Tokens are good.
type JWT struct {
	Issuer     string   // the claim iss, to the letter
	Audience   []string // one of these is in the claim aud
	KeySetURL  string   // of the issuer's JSON Web Key Set; "": its OpenID Connect discovery document says where
	Algorithms []string // those that are taken, whatever a token says; none: RS256
	Scope      string   // the scope that a caller needs, in the claim scope or scp; "": none
	// AudienceClaim is the claim that has the audience; "": aud. The access tokens of Amazon Cognito have theirs in client_id.
	AudienceClaim string
	ProducerClaim string // the claim that names the producer; "": sub
	Fetcher       Fetcher
}

// Fetcher gets a document from the issuer.
type Fetcher interface {
	// Fetch answers the body of a 200. It follows no redirection, and gives up when the answer is too large or ctx ends.
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// leeway is how far the issuer's clock may be from ours.
const leeway = 30 * time.Second

// Only signatures of which we hold no more than the public key: with HS256 the key set would be the secret.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (j *JWT) check() error {
	var mistakes []error
	if j.Issuer == "" {
		mistakes = append(mistakes, errors.New("the issuer of JSON Web Tokens is not named"))
	}
	if len(j.Audience) == 0 || slices.Contains(j.Audience, "") {
		mistakes = append(mistakes, errors.New("the audience of JSON Web Tokens is not named"))
	}
	for _, a := range j.Algorithms {
		if !slices.Contains(algorithms, a) {
			mistakes = append(mistakes, fmt.Errorf("%q is not an algorithm that is taken: %s", a, strings.Join(algorithms, ", ")))
		}
	}
	if strings.ContainsAny(j.Scope, " \t\r\n") {
		mistakes = append(mistakes, errors.New("the required scope is one, without blanks"))
	}
	where, what := j.KeySetURL, "the key set's URL"
	if where == "" {
		where, what = j.Issuer, "the issuer, where its key set is to be discovered,"
	}
	if err := CheckURL(where); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%s %w", what, err))
	}
	return errors.Join(mistakes...)
}

type jwtVerifier struct {
	JWT
	parser *jwt.Parser
	keys   cache[keySet]
}

func newJWTVerifier(j JWT, c Config) *jwtVerifier {
	if len(j.Algorithms) == 0 {
		j.Algorithms = []string{"RS256"}
	}
	if j.AudienceClaim == "" {
		j.AudienceClaim = "aud"
	}
	if j.ProducerClaim == "" {
		j.ProducerClaim = "sub"
	}
	v := &jwtVerifier{JWT: j}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods(j.Algorithms),
		jwt.WithIssuer(j.Issuer),
		jwt.WithAudience(j.Audience...),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
	)
	v.keys = cache[keySet]{fetch: j.fetchKeys, refresh: c.Refresh, keep: c.Keep, refreshed: func(ctx context.Context, r Refresh) {
		r.Kind = KindJWT
		c.Recorder.Refreshed(ctx, r)
	}}
	return v
}

func (v *jwtVerifier) judge(ctx context.Context, token string) (caller, Reason) {
	who := caller{kind: KindJWT}
	h, reason := readHeader(token)
	who.label = quoteKid(h.kid)
	if reason != "" {
		return who, reason
	}
	if !slices.Contains(v.Algorithms, h.alg) {
		return who, ReasonAlgorithm
	}
	c := &claims{audience: v.AudienceClaim}
	_, err := v.parser.ParseWithClaims(token, c, func(*jwt.Token) (any, error) {
		set, err := v.keys.get(ctx, func(s keySet) bool { return len(s.find(h)) > 0 })
		if err != nil {
			return nil, ReasonKeysMissing
		}
		found := set.find(h)
		if len(found) == 0 {
			return nil, ReasonUnknownKey
		}
		return jwt.VerificationKeySet{Keys: found}, nil
	})
	if err != nil {
		return who, reasonOf(err)
	}
	producer, ok := c.text(v.ProducerClaim)
	if !ok || !isProducer(producer) {
		return who, ReasonProducer
	}
	who.producer = producer
	if v.Scope != "" && !c.grants(v.Scope) {
		return who, ReasonScope
	}
	return who, ReasonGenuine
}

// reasonOf tells the library's errors apart. A claim of the wrong type is found before the signature is looked at, any other mistake after.
func reasonOf(err error) Reason {
	var reason Reason
	if errors.As(err, &reason) {
		return reason
	}
	for _, known := range []struct {
		err    error
		reason Reason
	}{
		{jwt.ErrTokenMalformed, ReasonMalformed},
		{jwt.ErrTokenSignatureInvalid, ReasonSignature},
		{jwt.ErrTokenRequiredClaimMissing, ReasonClaim},
		{jwt.ErrTokenInvalidIssuer, ReasonIssuer},
		{jwt.ErrTokenInvalidAudience, ReasonAudience},
		{jwt.ErrTokenExpired, ReasonExpired},
		{jwt.ErrTokenNotValidYet, ReasonNotYet},
		{jwt.ErrTokenUsedBeforeIssued, ReasonNotYet},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return ReasonMalformed
}

// header is what a token's JOSE header says (RFC 7515, section 4) that may matter. Where it says to look for the key (jku, x5u, jwk, x5c) is
// not among it.
type header struct {
	alg, kid string
	hasKid   bool
}

const maxKid = 256

func readHeader(token string) (header, Reason) {
	first, rest, ok := strings.Cut(token, ".")
	if !ok || strings.Count(rest, ".") != 1 || strings.IndexFunc(token, notBase64URL) >= 0 {
		return header{}, ReasonMalformed // in particular the newlines that Go's base64 overlooks
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return header{}, ReasonMalformed
	}
	all, err := members(text)
	if err != nil {
		return header{}, ReasonMalformed
	}
	var h header
	if h.alg, ok = textOf(all["alg"]); !ok {
		return h, ReasonHeader
	}
	if kid, there := all["kid"]; there {
		h.hasKid = true
		if h.kid, ok = textOf(kid); !ok || h.kid == "" || len(h.kid) > maxKid {
			return header{alg: h.alg}, ReasonHeader
		}
	}
	// A crit asks for what we do not know, b64 among it; a cty says that the claims are another token.
	if all["crit"] != nil || all["cty"] != nil || all["b64"] != nil || all["zip"] != nil {
		return h, ReasonHeader
	}
	if value, there := all["typ"]; there {
		typ, ok := textOf(value)
		typ = strings.TrimPrefix(strings.ToLower(typ), "application/") // RFC 7515, section 4.1.9
		if !ok || typ != "jwt" && typ != "at+jwt" {
			return h, ReasonHeader
		}
	}
	return h, ""
}

func notBase64URL(r rune) bool {
	return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}

// quoteKid is a kid as a log may have it: it is the text of whoever made the token.
func quoteKid(kid string) string {
	const most = 64
	kid = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, kid)
	return kid[:min(len(kid), most)]
}

// CheckURL says what is wrong with a URL from which to take keys. Who can answer in the issuer's place can send as anybody: it is https, or
// http to this machine.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is not an absolute URL")
	case u.User != nil || u.Fragment != "":
		return errors.New("has a user or a fragment")
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("is not https")
}
