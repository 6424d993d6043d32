package main_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

const (
	inputs     = "../../events/authorizer"
	testIssuer = "https://issuer.example/"
	arn        = "arn:aws:execute-api:eu-west-1:000000000000:a1b2c3d4e5/v1/"
	wanted     = `{"principalId":"%s","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"%s",` +
		`"Resource":["` + arn + `POST/record","` + arn + `POST/records"]}]},"context":{"producer":"%[1]s","label":"%[3]s","kind":"%[4]s"}}`
	// The tokens of the inputs, and those that are expired, are nobody's secrets: no deployed service knows their hashes.
	goodToken    = "hydrant_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	expiredToken = "hydrant_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
	tokens       = `{"tokens":[
		{"sha256":"HASH-1","producer":"tap-firmware","label":"tap-2026","expires":"9999-01-01T00:00:00Z"},
		{"sha256":"HASH-2","producer":"tap-firmware","label":"tap-2025","expires":"2026-01-01T00:00:00Z"}]}`
)

var update = flag.Bool("update", false, "write the inputs")

// key signs the inputs' JSON Web Tokens. It is this test's alone.
var key = ed25519.NewKeyFromSeed([]byte("hydrant's test, of no other use."))

// input is an event, and what it gets: an answer, or unauthorized.
type input struct {
	route         string
	authorization []string
	headers       map[string]string // others than those of any request
	change        map[string]any
	answer        string
	reason        string
}

func answer(producer, effect, label, kind string) string {
	return fmt.Sprintf(wanted, producer, effect, label, kind)
}

var cases = map[string]input{
	"jwt":               {route: "/record", authorization: bearer(mint(nil, nil)), answer: answer("shop-web", "Allow", "key-1", "jwt"), reason: "genuine"},
	"jwt-records":       {route: "/records", authorization: bearer(mint(nil, nil)), answer: answer("shop-web", "Allow", "key-1", "jwt"), reason: "genuine"},
	"jwt-no-scope":      {route: "/record", authorization: bearer(mint(nil, jwt.MapClaims{"scope": "read"})), answer: answer("shop-web", "Deny", "key-1", "jwt"), reason: "no_scope"},
	"jwt-wildcards":     {route: "/record", authorization: bearer(mint(nil, jwt.MapClaims{"sub": "*/*"})), answer: answer("*/*", "Allow", "key-1", "jwt"), reason: "genuine"},
	"jwt-expired":       {route: "/record", authorization: bearer(mint(nil, jwt.MapClaims{"exp": 1767225600})), reason: "expired"},
	"jwt-other-issuer":  {route: "/record", authorization: bearer(mint(nil, jwt.MapClaims{"iss": "https://evil.example/"})), reason: "issuer"},
	"jwt-unknown-key":   {route: "/record", authorization: bearer(mint(map[string]any{"kid": "../key-1"}, nil)), reason: "unknown_key"},
	"jwt-none":          {route: "/record", authorization: bearer(mint(map[string]any{"alg": "none"}, nil)), reason: "algorithm"},
	"jwt-forged":        {route: "/record", authorization: bearer(forge(mint(nil, nil))), reason: "signature"},
	"token":             {route: "/record", authorization: bearer(goodToken), answer: answer("tap-firmware", "Allow", "tap-2026", "token"), reason: "genuine"},
	"token-lower-case":  {route: "/record", authorization: []string{"bearer " + goodToken}, answer: answer("tap-firmware", "Allow", "tap-2026", "token"), reason: "genuine"},
	"token-expired":     {route: "/record", authorization: bearer(expiredToken), reason: "expired"},
	"token-unknown":     {route: "/record", authorization: bearer("hydrant_CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA"), reason: "unknown_token"},
	"no-credential":     {route: "/record", reason: "no_credential"},
	"two-credentials":   {route: "/record", authorization: []string{"Bearer " + goodToken, "Bearer " + mint(nil, nil)}, reason: "several_credentials"},
	"basic":             {route: "/record", authorization: []string{"Basic aHlkcmFudDpoeWRyYW50"}, reason: "not_bearer"},
	"a-TOKEN-event":     {route: "/record", authorization: bearer(goodToken), change: map[string]any{"type": "TOKEN"}, reason: "not_an_event"},
	"any-stage":         {route: "/record", authorization: bearer(goodToken), change: map[string]any{"methodArn": strings.Replace(arn, "/v1/", "/*/", 1) + "POST/record"}, reason: "not_an_event"},
	"console-test":      {route: "/record", authorization: bearer(goodToken), change: map[string]any{"methodArn": strings.Replace(arn, "/v1/", "/test-invoke-stage/", 1) + "GET/"}, answer: strings.ReplaceAll(answer("tap-firmware", "Allow", "tap-2026", "token"), "/v1/", "/test-invoke-stage/"), reason: "genuine"},
	"producer-smuggled": {route: "/record", authorization: bearer(goodToken), change: map[string]any{"queryStringParameters": map[string]string{"producer": "shop-web"}}, answer: answer("tap-firmware", "Allow", "tap-2026", "token"), reason: "genuine"},

	// The largest that API Gateway lets through: all of it a token, a token with the longest name of a producer, and much else beside a small token.
	"jwt-largest":          {route: "/records", authorization: bearer(mint(nil, jwt.MapClaims{"groups": strings.Repeat("g", 7303)})), answer: answer("shop-web", "Allow", "key-1", "jwt"), reason: "genuine"},
	"jwt-longest-producer": {route: "/records", authorization: bearer(mint(nil, jwt.MapClaims{"sub": longest, "groups": strings.Repeat("g", 7055)})), answer: answer(longest, "Allow", "key-1", "jwt"), reason: "genuine"},
	"token-largest":        {route: "/records", authorization: bearer(goodToken), headers: map[string]string{"Cookie": strings.Repeat("c", 10_001)}, answer: answer("tap-firmware", "Allow", "tap-2026", "token"), reason: "genuine"},
}

// longest is as long as a producer's name gets.
var longest = strings.Repeat("p", 256)

// mostHead is how many bytes API Gateway takes of request line and headers ("Amazon API Gateway quotas").
const mostHead = 10_240

func bearer(token string) []string { return []string{"Bearer " + token} }

// mint makes a token of good claims and these.
func mint(header map[string]any, claims jwt.MapClaims) string {
	c := jwt.MapClaims{"iss": testIssuer, "aud": "hydrant", "sub": "shop-web", "iat": 1767225600, "exp": 253370764800, "scope": "read write"}
	for name, value := range claims {
		c[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	token.Header["kid"] = "key-1"
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

// forge changes a token's signature.
func forge(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	return token[:i] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, token[i:i+8]) + token[i+8:]
}

func keySet() string {
	public := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	return `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"key-1","x":"` + public + `"}]}`
}

// event is what API Gateway sends ("Input to an API Gateway Lambda authorizer").
func (i input) event() []byte {
	headers, multi := map[string]string{}, map[string][]string{}
	set := func(name string, values ...string) {
		headers[name], multi[name] = values[len(values)-1], values
	}
	set("Accept", "*/*")
	set("Content-Type", "application/json")
	set("Host", "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com")
	set("X-Forwarded-For", "192.0.2.1")
	for name, value := range i.headers {
		set(name, value)
	}
	if len(i.authorization) > 0 {
		set("Authorization", i.authorization...)
	}
	e := map[string]any{
		"type": "REQUEST", "methodArn": arn + "POST" + i.route, "resource": i.route, "path": i.route, "httpMethod": "POST",
		"headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": map[string]string{}, "multiValueQueryStringParameters": map[string]string{},
		"pathParameters": map[string]string{}, "stageVariables": map[string]string{},
		"requestContext": map[string]any{
			"resourceId": "test01", "resourcePath": i.route, "httpMethod": "POST", "extendedRequestId": "Bq0f7HXDDoEFcaA=", "requestTime": "01/Jan/2026:00:00:00 +0000",
			"path": "/v1" + i.route, "accountId": "000000000000", "protocol": "HTTP/1.1", "stage": "v1", "requestTimeEpoch": 1767225600000,
			"requestId": "3c2f6c5e-0000-4000-8000-000000000000", "apiId": "a1b2c3d4e5", "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
			"identity": map[string]any{"apiKey": nil, "sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0", "userArn": nil, "caller": nil},
		},
	}
	for name, value := range i.change {
		e[name] = value
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(e); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// head is how many bytes the request line and the headers of the event's request have.
func head(t *testing.T, event []byte) int {
	t.Helper()
	var e struct {
		HTTPMethod        string
		RequestContext    struct{ Path, Protocol string }
		MultiValueHeaders map[string][]string
	}
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	size := len(e.HTTPMethod + " " + e.RequestContext.Path + " " + e.RequestContext.Protocol + "\r\n")
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			size += len(name + ": " + value + "\r\n")
		}
	}
	return size
}

// The inputs are those that the cases say: each file is one, and each case has its file.
func TestInputs(t *testing.T) {
	for name, tc := range cases {
		path := filepath.Join(inputs, name+".json")
		if *update {
			if err := os.WriteFile(path, tc.event(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, tc.event()) {
			t.Errorf("%s is not what the test makes of it (go test ./functions/authorizer -update writes it): %v", path, err)
		}
		largest := strings.HasSuffix(name, "-largest") || strings.HasSuffix(name, "-longest-producer")
		if size := head(t, tc.event()); size > mostHead || largest && size < mostHead-2 {
			t.Errorf("%s: request line and headers have %d bytes, and %d at most", name, size, mostHead)
		}
	}
	files, err := filepath.Glob(filepath.Join(inputs, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := cases[strings.TrimSuffix(filepath.Base(file), ".json")]; !ok {
			t.Errorf("%s: nothing says what it gets", file)
		}
	}
}
