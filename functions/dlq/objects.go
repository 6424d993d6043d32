package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"hydrant/pkg/dlq"
)

// objects is S3.
type objects struct{ client *s3.Client }

func newObjects(cfg aws.Config) *objects {
	return &objects{s3.NewFromConfig(cfg, func(o *s3.Options) {
		// An object that somebody wrote without a checksum is nothing to print a line about, least of all one that is no JSON.
		o.DisableLogOutputChecksumValidationSkipped = true
	})}
}

func (o *objects) Open(ctx context.Context, bucket, key string, offset int64) (dlq.Object, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := o.client.GetObject(ctx, in)
	switch code(err) {
	case "":
	case "NoSuchKey":
		return dlq.Object{}, fmt.Errorf("%w: %w", dlq.ErrNotFound, err)
	case "InvalidRange": // the object ends there
		return dlq.Object{Body: http.NoBody}, nil
	default:
		return dlq.Object{}, err
	}
	return dlq.Object{Body: out.Body, Modified: aws.ToTime(out.LastModified)}, nil
}

// conflicts bounds how often a write is tried that meets with another one of the same key ("Conditional writes", Amazon S3 User Guide: 409
// ConditionalRequestConflict, which is to be tried again).
const conflicts = 5

func (o *objects) Create(ctx context.Context, bucket, key string, n dlq.NewObject) error {
	for try := 1; ; try++ {
		in := &s3.PutObjectInput{
			Bucket: &bucket, Key: &key, Body: bytes.NewReader(n.Body), ContentType: &n.Type, IfNoneMatch: aws.String("*"),
		}
		if n.Encoding != "" {
			in.ContentEncoding = &n.Encoding
		}
		_, err := o.client.PutObject(ctx, in)
		switch c := code(err); {
		case c == "PreconditionFailed":
			return fmt.Errorf("%w: %w", dlq.ErrExists, err)
		case c == "ConditionalRequestConflict" && try < conflicts:
		default:
			return err
		}
	}
}

func (o *objects) List(ctx context.Context, bucket, prefix, after string) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := o.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(out.Contents))
	for i := range out.Contents {
		keys[i] = aws.ToString(out.Contents[i].Key)
	}
	return keys, nil
}

// code is the error code of AWS's that err has: "" if there is no error, "-" if it has none.
func code(err error) string {
	if err == nil {
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return "-"
}
