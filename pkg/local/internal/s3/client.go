package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Client puts and reads objects, for the runner's own services.
type Client struct{ minio *minio.Client }

// Object is an entry of a bucket's listing.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Size   int64  `json:"size"`
}

// Client makes a client of the server.
func (a Access) Client() (*Client, error) {
	client, err := minio.New("s3", &minio.Options{
		Creds:     credentials.NewStaticV4(a.config.AccessKey, a.config.SecretKey, ""),
		Region:    a.config.Region,
		Transport: a.transport, BucketLookup: minio.BucketLookupPath,
		MaxRetries: 1, // those who use it try again in their own ways
	})
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// EnsureBucket makes a bucket unless it is there.
func (c *Client) EnsureBucket(ctx context.Context, bucket string) error {
	exists, err := c.minio.BucketExists(ctx, bucket)
	if err == nil && !exists {
		err = c.minio.MakeBucket(ctx, bucket, minio.MakeBucketOptions{})
	}
	if err != nil {
		return fault(err, "making the bucket %s", bucket)
	}
	return nil
}

// Error is what S3 answered to a request that it refused.
type Error struct {
	Doing string // and to what, as "putting s3://bucket/key"
	minio.ErrorResponse
}

func (e *Error) Error() string { return e.Doing + ": " + e.ErrorResponse.Error() }

// ErrorCode answers S3's code, as NoSuchBucket.
func (e *Error) ErrorCode() string { return e.Code }

// fault says what the client was doing when err came.
func fault(err error, format string, args ...any) error {
	doing := fmt.Sprintf(format, args...)
	if response := minio.ToErrorResponse(err); response.Code != "" && response.Code != "InternalError" {
		return &Error{doing, response}
	}
	var request *url.Error // which repeats the address of doing
	if errors.As(err, &request) {
		err = request.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Put stores an object.
func (c *Client) Put(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64, contentType, contentEncoding string) error {
	_, err := c.minio.PutObject(ctx, bucket, key, body, size, minio.PutObjectOptions{
		ContentType: contentType, ContentEncoding: contentEncoding, DisableMultipart: true,
	})
	if err != nil {
		return fault(err, "putting s3://%s/%s", bucket, key)
	}
	return nil
}

// List answers the objects of a bucket whose keys begin with prefix, in the order of their keys.
func (c *Client) List(ctx context.Context, bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing's goroutine if yield wants no more
		for o := range c.minio.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			err := o.Err
			if err != nil {
				err = fault(err, "listing s3://%s/%s", bucket, prefix)
			}
			if !yield(Object{bucket, o.Key, o.Size}, err) || err != nil {
				return
			}
		}
	}
}

// Open answers an object's bytes, to be closed by the caller, and their number.
func (c *Client) Open(ctx context.Context, bucket, key string) (interface {
	io.ReadCloser
	io.ReaderAt
}, int64, error,
) {
	object, err := c.minio.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, fault(err, "reading s3://%s/%s", bucket, key)
	}
	info, err := object.Stat()
	if err != nil {
		_ = object.Close()
		return nil, 0, fault(err, "reading s3://%s/%s", bucket, key)
	}
	return object, info.Size, nil
}

// Stat answers an object's ETag, without quotes, and its size. The *Error of one that is not there has the code NoSuchKey.
func (c *Client) Stat(ctx context.Context, bucket, key string) (etag string, size int64, err error) {
	info, err := c.minio.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return "", 0, fault(err, "looking at s3://%s/%s", bucket, key)
	}
	return info.ETag, info.Size, nil
}

// Empty removes every object of a bucket. It goes on behind one that cannot be removed.
func (c *Client) Empty(ctx context.Context, bucket string) error {
	var listing error
	objects := func(yield func(minio.ObjectInfo) bool) {
		for o, err := range c.List(ctx, bucket, "") {
			if listing = err; err != nil || !yield(minio.ObjectInfo{Key: o.Key}) {
				return
			}
		}
	}
	results, err := c.minio.RemoveObjectsWithIter(ctx, bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return fault(err, "emptying s3://%s", bucket)
	}
	for r := range results {
		if r.Err != nil {
			err = errors.Join(err, fault(r.Err, "removing s3://%s/%s", bucket, r.ObjectName))
		}
	}
	return errors.Join(err, listing)
}
