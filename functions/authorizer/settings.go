package main

import (
	"context"
	"time"

	"github.com/caarlos0/env/v11"

	"hydrant/pkg/authorizer"
	"hydrant/pkg/telemetry"
)

// settings are the function's environment variables. What has no default here has one in authorizer.Config, or none.
type settings struct {
	Namespace telemetry.Namespace `env:"POWERTOOLS_METRICS_NAMESPACE" envDefault:"hydrant"`
	Service   telemetry.Service   `env:"POWERTOOLS_SERVICE_NAME" envDefault:"authorizer"`
	Trace     bool                `env:"POWERTOOLS_TRACE_ENABLED" envDefault:"false"`

	Issuer        string   `env:"JWT_ISSUER"`
	Audience      []string `env:"JWT_AUDIENCE"`
	AudienceClaim string   `env:"JWT_AUDIENCE_CLAIM"`
	KeySetURL     string   `env:"JWT_JWKS_URL"`
	Algorithms    []string `env:"JWT_ALGORITHMS"`
	Scope         string   `env:"JWT_SCOPE"`
	ProducerClaim string   `env:"JWT_PRODUCER_CLAIM"`

	SecretARN string `env:"TOKENS_SECRET_ARN"`

	Refresh time.Duration `env:"CREDENTIALS_REFRESH" envDefault:"5m"`
	Keep    time.Duration `env:"CREDENTIALS_KEEP" envDefault:"24h"`
}

// readSettings reads them all, whatever is wrong with some.
func readSettings() (settings, error) {
	var s settings
	err := env.Parse(&s)
	return s, err
}

// config is what they say together. Any variable of JWT's asks for JSON Web Tokens, so that one without an issuer is a mistake and not
// a service that takes none.
func (s *settings) config(ctx context.Context, recorder authorizer.Recorder) (authorizer.Config, error) {
	c := authorizer.Config{Recorder: recorder, Refresh: s.Refresh, Keep: s.Keep}
	if s.Issuer+s.AudienceClaim+s.KeySetURL+s.Scope+s.ProducerClaim != "" || len(s.Audience)+len(s.Algorithms) > 0 {
		c.JWT = &authorizer.JWT{
			Issuer: s.Issuer, Audience: s.Audience, AudienceClaim: s.AudienceClaim, KeySetURL: s.KeySetURL,
			Algorithms: s.Algorithms, Scope: s.Scope, ProducerClaim: s.ProducerClaim, Fetcher: newIssuer(),
		}
	}
	if s.SecretARN == "" {
		return c, nil
	}
	secret, err := newSecret(ctx, s.SecretARN)
	c.Tokens = &authorizer.Tokens{Secret: secret}
	return c, err
}
