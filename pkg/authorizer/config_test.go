package authorizer_test

import (
	"strings"
	"testing"
	"time"

	"hydrant/pkg/authorizer"
)

func TestConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*authorizer.Config)
		want   []string // parts of the error
	}{
		"good":                  {func(*authorizer.Config) {}, nil},
		"an issuer by name":     {func(c *authorizer.Config) { c.JWT.Issuer = "our issuer" }, nil},
		"discovery":             {func(c *authorizer.Config) { c.JWT.KeySetURL = "" }, nil},
		"loopback":              {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://127.0.0.1:8080/keys" }, nil},
		"localhost":             {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://localhost:8080/keys" }, nil},
		"loopback by version 6": {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://[::1]:8080/keys" }, nil},
		"refreshed in an hour":  {func(c *authorizer.Config) { c.Refresh = 48 * time.Hour }, nil},
		"no kind":               {func(c *authorizer.Config) { c.JWT, c.Tokens = nil, nil }, []string{"neither an issuer"}},
		"all at once": {func(c *authorizer.Config) {
			*c.JWT = authorizer.JWT{Algorithms: []string{"none", "HS256"}, Scope: "a b"}
			c.Refresh, c.Keep = time.Second, time.Millisecond
		}, []string{"issuer of JSON Web Tokens", "audience", `"none"`, `"HS256"`, "scope", "absolute URL", "more often", "less long"}},
		"an empty audience":            {func(c *authorizer.Config) { c.JWT.Audience = []string{"a", ""} }, []string{"audience"}},
		"http":                         {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://issuer.example/keys" }, []string{"not https"}},
		"http to a name that resolves": {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://localhost.example/keys" }, []string{"not https"}},
		"http to 127.0.0.1.evil":       {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://127.0.0.1.evil.example/keys" }, []string{"not https"}},
		"http to the metadata":         {func(c *authorizer.Config) { c.JWT.KeySetURL = "http://169.254.169.254/keys" }, []string{"not https"}},
		"a user":                       {func(c *authorizer.Config) { c.JWT.KeySetURL = "https://127.0.0.1@evil.example/keys" }, []string{"a user"}},
		"a fragment":                   {func(c *authorizer.Config) { c.JWT.KeySetURL = "https://issuer.example/keys#x" }, []string{"a fragment"}},
		"a file":                       {func(c *authorizer.Config) { c.JWT.KeySetURL = "file:///etc/passwd" }, []string{"absolute URL"}},
		"a path":                       {func(c *authorizer.Config) { c.JWT.KeySetURL = "/keys" }, []string{"absolute URL"}},
		"discovery without a URL":      {func(c *authorizer.Config) { c.JWT.KeySetURL, c.JWT.Issuer = "", "our issuer" }, []string{"to be discovered", "absolute URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := authorizer.Config{
				JWT:      &authorizer.JWT{Issuer: issuer, Audience: []string{audience}, KeySetURL: keysURL, Fetcher: &web{}},
				Tokens:   &authorizer.Tokens{Secret: secret{&web{}}},
				Recorder: &log{},
			}
			tc.change(&c)
			_, err := authorizer.New(c)
			if (err == nil) != (tc.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: says nothing of %s", err, part)
				}
			}
		})
	}
}
