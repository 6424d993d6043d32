// Package notify tells queues of the objects that are written to buckets, as S3's event notifications do.
package notify

import (
	"slices"
	"strings"
)

// Rule is one of a bucket's QueueConfigurations.
type Rule struct {
	Bucket, QueueARN string
	Event            string // s3:ObjectCreated:* or one of its kinds
	Prefix, Suffix   string // of keys; "": any
}

// Events are the event types that are supported.
func Events() []string {
	return []string{"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload"}
}

// Supports says whether an event type is supported.
func Supports(event string) bool { return slices.Contains(Events(), event) }

// matches says whether the rule is about such an event (without s3:) and key.
func (r *Rule) matches(bucket, event, key string) bool {
	all, isAll := strings.CutSuffix(r.Event, "*")
	return r.Bucket == bucket && strings.HasPrefix(key, r.Prefix) && strings.HasSuffix(key, r.Suffix) &&
		(r.Event == "s3:"+event || isAll && strings.HasPrefix("s3:"+event, all))
}
