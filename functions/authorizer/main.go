// Command authorizer is the Lambda function that API Gateway asks who a caller is, and whether they may send.
//
// Its environment variables, where an empty one is as good as none:
//
//	JWT_ISSUER           the claim iss of good JSON Web Tokens, to the letter; without it no JSON Web Token is good
//	JWT_AUDIENCE         their claim aud: one of these, with commas between
//	JWT_AUDIENCE_CLAIM   the claim that has the audience, if it is not aud (client_id for access tokens of Amazon Cognito)
//	JWT_JWKS_URL         the issuer's key set; without it the issuer's /.well-known/openid-configuration says where it is
//	JWT_ALGORITHMS       RS256 if not given; any of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA, with commas between
//	JWT_SCOPE            the scope that a caller needs, in the claim scope or scp
//	JWT_PRODUCER_CLAIM   the claim that names the producer, if it is not sub
//	TOKENS_SECRET_ARN    the secret with the static tokens; without it no static token is good
//	CREDENTIALS_REFRESH  the age at which keys and tokens are read again (5m)
//	CREDENTIALS_KEEP     how long they are used if they cannot be (24h)
//
// and those that every function of the stack has: POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_SERVICE_NAME, POWERTOOLS_TRACE_ENABLED.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"hydrant/pkg/authorizer"
	"hydrant/pkg/telemetry"
)

func main() {
	log := telemetry.NewLogger()
	// aws-lambda-go prints each error of an invocation. Here that is every caller without a credential; those of our own have a line of ours.
	slog.SetLogLoggerLevel(slog.LevelInfo)
	if err := run(context.Background(), log); err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
}

// run answers API Gateway until Lambda ends the process.
func run(ctx context.Context, log *slog.Logger) error {
	s, settingsErr := readSettings()
	report := &report{log, telemetry.NewMetrics(os.Stdout, s.Namespace, s.Service, log)}
	config, configErr := s.config(ctx, report)
	a, err := authorizer.New(config)
	if err := errors.Join(settingsErr, configErr, err); err != nil {
		return fmt.Errorf("the environment variables: %w", err)
	}
	lambda.StartWithOptions(&function{a, telemetry.NewTracer(s.Trace, log)})
	return nil
}
