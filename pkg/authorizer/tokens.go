package authorizer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Tokens says which static tokens are good.
type Tokens struct{ Secret Secret }

// Secret is where the document with the tokens' hashes is.
type Secret interface {
	Read(ctx context.Context) ([]byte, error)
}

// Document is the secret's text, as JSON. Tokens are rotated in it: one is added before it is used, and taken out after.
type Document struct {
	Tokens []Token `json:"tokens"`
}

// Token is one static token, of which nobody can tell the token.
type Token struct {
	SHA256   string    `json:"sha256"`   // of the token, prefix and all, in 64 hexadecimal digits
	Producer string    `json:"producer"` // as whom the token's holder sends; not anonymous, nor direct
	Label    string    `json:"label"`    // which of the producer's tokens it is, for logs: 1 to 64 letters, digits and ._-
	Expires  time.Time `json:"expires"`  // RFC 3339
}

// A token is the prefix and 256 random bits, as base64url. The prefix is for those who search for leaked secrets.
const (
	tokenPrefix = "hydrant_"
	tokenBytes  = 32
)

// NewToken makes a token, which is to be kept secret, and its hash, which is not.
func NewToken() (token, sha string) {
	bits := make([]byte, tokenBytes)
	_, _ = rand.Read(bits) // it never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(bits)
	sum := sha256.Sum256([]byte(token))
	return token, hex.EncodeToString(sum[:])
}

// isToken says whether a credential has a static token's form: whether it is one, the hash says.
func isToken(credential string) bool { return strings.HasPrefix(credential, tokenPrefix) }

var tokenLength = len(tokenPrefix) + base64.RawURLEncoding.EncodedLen(tokenBytes)

type tokenVerifier struct{ known cache[[]knownToken] }

type knownToken struct {
	digest   digest
	producer string
	label    string
	expires  time.Time
}

func newTokenVerifier(t Tokens, c Config) *tokenVerifier {
	return &tokenVerifier{cache[[]knownToken]{
		refresh: c.Refresh, keep: c.Keep,
		fetch: func(ctx context.Context) ([]knownToken, int, error) {
			document, err := t.Secret.Read(ctx)
			if err != nil {
				return nil, 0, fmt.Errorf("static tokens: %w", err)
			}
			return readTokens(document)
		},
		refreshed: func(ctx context.Context, r Refresh) {
			r.Kind = KindToken
			c.Recorder.Refreshed(ctx, r)
		},
	}}
}

func (v *tokenVerifier) judge(ctx context.Context, credential string) (caller, Reason) {
	who := caller{kind: KindToken}
	if len(credential) != tokenLength {
		return who, ReasonMalformed
	}
	d := digest(sha256.Sum256([]byte(credential)))
	known, err := v.known.get(ctx, func(known []knownToken) bool { return find(known, d) >= 0 })
	if err != nil {
		return who, ReasonTokensMissing
	}
	i := find(known, d)
	if i < 0 {
		return who, ReasonUnknownToken
	}
	who.label, who.producer = known[i].label, known[i].producer
	if !time.Now().Before(known[i].expires) {
		return who, ReasonExpired
	}
	return who, ReasonGenuine
}

type digest [sha256.Size]byte

// find returns the place of a token, or -1. How long it takes depends on how many there are, and on nothing else.
func find(known []knownToken, d digest) int {
	place := -1
	for i := range known {
		same := known[i].digest.same(&d)
		place = place&(same-1) | i&-same
	}
	return place
}

// same is 1 if two digests are the same, otherwise 0. It is crypto/subtle's comparison by words of 8 bytes.
func (d *digest) same(other *digest) int {
	var difference uint64
	for i := 0; i < len(d); i += 8 {
		difference |= binary.LittleEndian.Uint64(d[i:]) ^ binary.LittleEndian.Uint64(other[i:])
	}
	return int(1 ^ (difference|-difference)>>63)
}

// readTokens reads the secret's text. An entry that is wrong is left out, and counted: it should not cost the other producers theirs. The
// error quotes nothing. A document without any token is good: all were revoked, or none is made yet.
func readTokens(document []byte) (known []knownToken, left int, err error) {
	var d struct {
		Tokens *[]jsontext.Value `json:"tokens"`
	}
	if err := json.Unmarshal(document, &d); err != nil || d.Tokens == nil {
		return nil, 0, errors.New(`static tokens: the secret is not a JSON object with an array "tokens"`)
	}
	for _, text := range *d.Tokens {
		token, ok := readToken(text)
		if ok && find(known, token.digest) < 0 {
			known = append(known, token)
		}
	}
	left = len(*d.Tokens) - len(known)
	if left > 0 && len(known) == 0 {
		return nil, left, errors.New("static tokens: no entry of the secret is a token")
	}
	return known, left, nil
}

func readToken(text jsontext.Value) (knownToken, bool) {
	var t Token
	if err := json.Unmarshal(text, &t, json.RejectUnknownMembers(true)); err != nil {
		return knownToken{}, false
	}
	if t.Check() != nil {
		return knownToken{}, false
	}
	sum, _ := hex.DecodeString(t.SHA256)
	return knownToken{digest(sum), t.Producer, t.Label, t.Expires}, true
}

// Check says what is wrong with an entry, which the authorizer would leave out. The error quotes nothing.
func (t Token) Check() error {
	sum, err := hex.DecodeString(t.SHA256)
	switch {
	case err != nil || len(sum) != sha256.Size:
		return errors.New("sha256 is not 64 hexadecimal digits")
	case !isProducer(t.Producer):
		return fmt.Errorf("the producer is not 1 to %d bytes of printable text, or it is a name that is reserved: %s", maxProducer, strings.Join(reserved, ", "))
	case !isLabel(t.Label):
		return errors.New("the label is not 1 to 64 letters, digits and ._-")
	case t.Expires.IsZero():
		return errors.New("expires is missing")
	}
	return nil
}

func isLabel(s string) bool {
	const most = 64
	return s != "" && len(s) <= most && strings.IndexFunc(s, notBase64URL) < 0
}
