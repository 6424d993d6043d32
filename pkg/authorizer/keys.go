package authorizer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// keySet has the keys of the issuer's that can verify tokens.
type keySet []key

type key struct {
	id, algorithm string // "" if the key does not say
	public        crypto.PublicKey
}

// find returns the keys that may have signed a token with this header. One that names no key may be anybody's of several: it is good only
// while there is no choice.
func (s keySet) find(h header) []jwt.VerificationKey {
	var found []jwt.VerificationKey
	for _, k := range s {
		if k.fits(h.alg) && (!h.hasKid || k.id == h.kid) {
			found = append(found, k.public)
		}
	}
	if !h.hasKid && len(found) != 1 {
		return nil
	}
	return found
}

// fits says whether the key is for the algorithm: by its own word, where it has one, and by what it is.
func (k key) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
	case *ecdsa.PublicKey:
		switch public.Curve.Params().BitSize {
		case 256:
			return algorithm == "ES256"
		case 384:
			return algorithm == "ES384"
		case 521:
			return algorithm == "ES512"
		}
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

const (
	maxKeys    = 100
	minRSABits = 2048 // RFC 7518, section 3.3
	maxRSABits = 8192 // of more the verification takes too long
)

// fetchKeys gets the key set, and before it, where no URL is given, the document that says where it is.
func (j *JWT) fetchKeys(ctx context.Context) (keySet, int, error) {
	where := j.KeySetURL
	if where == "" {
		var err error
		if where, err = j.discover(ctx); err != nil {
			return nil, 0, fmt.Errorf("discovery: %w", err)
		}
	}
	document, err := j.Fetcher.Fetch(ctx, where)
	if err != nil {
		return nil, 0, fmt.Errorf("key set: %w", err)
	}
	return readKeys(document, j.Algorithms)
}

// discover asks the issuer's configuration for the key set's URL (OpenID Connect Discovery 1.0, section 4).
func (j *JWT) discover(ctx context.Context) (string, error) {
	document, err := j.Fetcher.Fetch(ctx, strings.TrimSuffix(j.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var configuration struct {
		Issuer string `json:"issuer"`
		KeySet string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(document, &configuration); err != nil {
		return "", errors.New("the document is not the JSON of a configuration")
	}
	if configuration.Issuer != j.Issuer {
		return "", errors.New("the document is another issuer's") // section 4.3
	}
	if err := CheckURL(configuration.KeySet); err != nil {
		return "", fmt.Errorf("jwks_uri %w", err)
	}
	return configuration.KeySet, nil
}

// readKeys reads a JSON Web Key Set (RFC 7517, section 5). What in it cannot verify a token is left out, and counted. A set without any key
// is an error: it says nothing about any token.
func readKeys(document []byte, algorithms []string) (keys keySet, left int, err error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, 0, errors.New("key set: the document is not the JSON of a key set")
	}
	if len(set.Keys) > maxKeys {
		return nil, 0, fmt.Errorf("key set: more than %d keys", maxKeys)
	}
	for _, text := range set.Keys {
		if k, ok := readKey(text); ok && slices.ContainsFunc(algorithms, k.fits) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, len(set.Keys), errors.New("key set: no key in it is for an algorithm that is taken")
	}
	return keys, len(set.Keys) - len(keys), nil
}

func readKey(text jsontext.Value) (key, bool) {
	var k jose.JSONWebKey
	var more struct {
		Operations *[]string `json:"key_ops"`
	}
	if k.UnmarshalJSON(text) != nil || json.Unmarshal(text, &more) != nil {
		return key{}, false
	}
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return key{}, false
	}
	if more.Operations != nil && !slices.Contains(*more.Operations, "verify") {
		return key{}, false
	}
	if public, ok := k.Key.(*rsa.PublicKey); ok && (public.N.BitLen() < minRSABits || public.N.BitLen() > maxRSABits) {
		return key{}, false
	}
	return key{k.KeyID, k.Algorithm, k.Key}, true
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}
