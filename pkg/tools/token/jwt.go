package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

const (
	keyFile    = "key.pem"
	keySetFile = "jwks.json"
)

// makeJWT makes a token that is signed with the folder's key, and serves the key set if that is wanted.
func makeJWT(ctx context.Context, o options, out, notes io.Writer) error {
	key, kid, err := openKey(o.dir)
	if err != nil {
		return err
	}
	var listener net.Listener
	if o.serve {
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.address); err != nil {
			return err
		}
		o.address = listener.Addr().String()
	}
	if o.issuer == "" {
		o.issuer = "http://" + o.address
	}
	token, err := mint(o, key, kid)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, token)
	fmt.Fprintf(notes, `good for %[1]s, for an authorizer with
  JWT_ISSUER=%[2]s JWT_AUDIENCE=%[3]s JWT_JWKS_URL=http://%[4]s/%[5]s
as the local runner has it with
  make run ARGS="-parameter Authorization=LAMBDA -parameter JwtIssuer=%[2]s -parameter JwtAudience=%[3]s -parameter JwtJwksUrl=http://%[4]s/%[5]s"
`, o.producer, o.issuer, o.audience, o.address, keySetFile)
	if !o.serve {
		fmt.Fprintf(notes, "the key set is %s; -serve serves it\n", filepath.Join(o.dir, keySetFile))
		return nil
	}
	fmt.Fprintln(notes, "serving the key set; Ctrl-C ends it")
	return serve(ctx, listener, o)
}

func mint(o options, key *rsa.PrivateKey, kid string) (string, error) {
	if o.ttl == 0 {
		o.ttl = time.Hour
	}
	now := time.Now()
	claims := jwt.MapClaims{"iss": o.issuer, "aud": o.audience, "sub": o.producer, "iat": now.Unix(), "exp": now.Add(o.ttl).Unix()}
	if o.scope != "" {
		claims["scope"] = o.scope
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = kid
	return token.SignedString(key)
}

// openKey reads the folder's key, which is made before if there is none, and writes its key set.
func openKey(dir string) (key *rsa.PrivateKey, kid string, err error) {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	} else if err == nil {
		key, err = readKey(path, text)
	}
	if err != nil {
		return nil, "", err
	}
	k := jose.JSONWebKey{Key: &key.PublicKey, Algorithm: "RS256", Use: "sig"}
	sum, err := k.Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return nil, "", err
	}
	k.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	set, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}}, "", "  ")
	if err != nil {
		return nil, "", err
	}
	return key, k.KeyID, writeFile(filepath.Join(dir, keySetFile), append(set, '\n'))
}

func makeKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func readKey(path string, text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an RSA key", path)
	}
	return key, nil
}

// serve is the issuer, with its discovery document, until ctx ends.
func serve(ctx context.Context, listener net.Listener, o options) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+keySetFile, func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(o.dir, keySetFile))
	})
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": o.issuer, "jwks_uri": "http://" + o.address + "/" + keySetFile}) // the client has gone
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
