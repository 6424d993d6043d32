package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bounds of what is read of error objects: one, and all that a run looks through.
const (
	maxErrorObject   = 256 << 20
	mostErrorObjects = 200
)

func (f *facts) s3() *s3.Client {
	return s3.NewFromConfig(f.config, func(o *s3.Options) { o.UsePathStyle = f.pathStyle })
}

func (f *facts) object(ctx context.Context, key string) ([]byte, error) {
	got, err := f.s3().GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(f.resources["Bucket"]), Key: aws.String(key)})
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	return io.ReadAll(io.LimitReader(got.Body, maxErrorObject))
}

// errorLine answers a line, from 1, of an error object: s3://bucket/key.
func (f *facts) errorLine(ctx context.Context, object string, line int) ([]byte, error) {
	bucket, key, found := strings.Cut(strings.TrimPrefix(object, "s3://"), "/")
	if !found || bucket != f.resources["Bucket"] {
		return nil, fmt.Errorf("%q is no object of the stack's bucket", object)
	}
	text, err := f.object(ctx, key)
	if err != nil {
		return nil, err
	}
	for l := range bytes.Lines(text) {
		if line--; line == 0 {
			return bytes.TrimSpace(l), nil
		}
	}
	return nil, fmt.Errorf("%s has no such line", object)
}

// failure is what Firehose says of a record that it could not deliver, last.
type failure struct{ code, object string }

// failures are those of the requests since a time, by request id.
func (f *facts) failures(ctx context.Context, requestIDs []string, since time.Time) (map[string]failure, error) {
	out := map[string]failure{}
	days, hours := hours(since, time.Now())
	read := 0
	for _, kind := range []string{"processing-failed", "format-conversion-failed"} {
		for _, day := range days {
			for _, hour := range hours {
				pages := s3.NewListObjectsV2Paginator(f.s3(), &s3.ListObjectsV2Input{
					Bucket: aws.String(f.resources["Bucket"]), Prefix: aws.String("errors/" + kind + "/dt=" + day + "/hour=" + hour + "/"),
				})
				for pages.HasMorePages() && read < mostErrorObjects {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return out, err
					}
					for _, o := range page.Contents {
						// S3's times are in whole seconds.
						if aws.ToTime(o.LastModified).Before(since.Truncate(time.Second)) || aws.ToInt64(o.Size) > maxErrorObject || read == mostErrorObjects {
							continue
						}
						read++
						text, err := f.object(ctx, aws.ToString(o.Key))
						if err != nil {
							return out, err
						}
						findFailures(text, requestIDs, aws.ToString(o.Key), out)
					}
				}
			}
		}
	}
	return out, nil
}

// findFailures enters the lines of an error object that hold a record, or the rows, of one of the requests.
func findFailures(text []byte, requestIDs []string, key string, into map[string]failure) {
	for line := range bytes.Lines(text) {
		var failed struct {
			RawData                  []byte
			ErrorCode, LastErrorCode string
		}
		if json.Unmarshal(line, &failed) != nil {
			continue
		}
		for _, id := range requestIDs {
			if bytes.Contains(failed.RawData, []byte(`"request_id":"`+id+`"`)) {
				into[id] = failure{cmp.Or(failed.ErrorCode, failed.LastErrorCode), key}
			}
		}
	}
}
