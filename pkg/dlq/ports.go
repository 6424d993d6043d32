package dlq

import (
	"context"
	"errors"
	"io"
	"time"
)

// Objects are what S3 keeps.
type Objects interface {
	// Open reads an object from a byte on. The error wraps ErrNotFound if there is no such object.
	Open(ctx context.Context, bucket, key string, offset int64) (Object, error)
	// Create writes an object if there is none of that key; the error wraps ErrExists if there is.
	Create(ctx context.Context, bucket, key string, o NewObject) error
	// List returns keys with the prefix that sort behind after, in order: all of them, or as many as fit an answer. None: there are no more.
	List(ctx context.Context, bucket, prefix, after string) ([]string, error)
}

// Object is one that is read.
type Object struct {
	Body     io.ReadCloser
	Modified time.Time // when it was written; an object of ours, or Firehose's, is never written a second time
}

// NewObject is one that is written.
type NewObject struct {
	Body     []byte
	Type     string // Content-Type
	Encoding string // Content-Encoding, "" for none
}

// The errors that [Objects] tell apart.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("the object is there already")
)

// Entry is one record for the stream.
type Entry struct {
	Key  string // the partition key
	Data []byte
}

// Stream is the stream that everything goes through.
type Stream interface {
	// Put sends at most PutLimit records of at most PutBytes together, and returns the places of those that were refused. With an error
	// none is known to be accepted.
	Put(ctx context.Context, entries []Entry) (refused []int, err error)
}

// The limits of PutRecords (Amazon Kinesis Data Streams API Reference): 500 records, and 5 MiB with the partition keys, which older SDKs and
// newer quotas agree to be safe.
const (
	PutLimit = 500
	PutBytes = 5 << 20
)

// Queue is the function's own queue.
type Queue interface {
	// Send puts a message on the queue that becomes visible after the delay: 0 to 15 minutes, in whole seconds.
	Send(ctx context.Context, body string, delay time.Duration) error
}

// maxBody is the longest message that is sent. SQS took 256 KiB before it took 1 MiB (Amazon SQS Developer Guide, "Amazon SQS message quotas"),
// and a queue may be set to less than it can.
const maxBody = 256 << 10
