package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"hydrant/pkg/authorizer"
)

// secret is a secret of Secrets Manager's.
type secret struct {
	client *secretsmanager.Client
	arn    string
}

var _ authorizer.Secret = (*secret)(nil)

func newSecret(ctx context.Context, arn string) (*secret, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &secret{secretsmanager.NewFromConfig(c), arn}, nil
}

// Read answers the text of the version AWSCURRENT, which is what the API gives if none is asked for (Secrets Manager API Reference,
// "GetSecretValue").
func (s *secret) Read(ctx context.Context) ([]byte, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.arn)})
	if err != nil {
		return nil, err
	}
	if out.SecretString == nil {
		return nil, errors.New("the secret has no text")
	}
	return []byte(*out.SecretString), nil
}
