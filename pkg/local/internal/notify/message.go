package notify

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// message is a notification ("Event message structure" of the S3 user guide), version 2.1.
func (n *Notifier) message(w write, etag string, size int64) (string, error) {
	owner := map[string]string{"principalId": n.cfg.AccountID}
	record := map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": n.cfg.Region, "eventName": w.Event,
		"eventTime":         time.UnixMilli(w.At).UTC().Format("2006-01-02T15:04:05.000Z"),
		"userIdentity":      map[string]string{"principalId": "AWS:" + n.cfg.AccountID},
		"requestParameters": map[string]string{"sourceIPAddress": "127.0.0.1"},
		"responseElements":  map[string]string{"x-amz-request-id": rand.Text()[:16], "x-amz-id-2": rand.Text()},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": "hydrant-local",
			"bucket": map[string]any{"name": w.Bucket, "ownerIdentity": owner, "arn": "arn:aws:s3:::" + w.Bucket},
			"object": map[string]any{"key": encodeKey(w.Key), "size": size, "eTag": etag, "sequencer": fmt.Sprintf("%018X", n.sequence.Add(1))},
		},
	}
	text, err := json.Marshal(map[string]any{"Records": []any{record}})
	return string(text), err
}

// encodeKey writes a key as notifications have it: URL-encoded, with + for a space, and slashes as they are.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// testEvent is what S3 sends when a notification is configured.
func testEvent(bucket string) string {
	text, err := json.Marshal(map[string]string{
		"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"Bucket": bucket, "RequestId": rand.Text()[:16], "HostId": rand.Text(),
	})
	if err != nil {
		panic(err) // a map of strings
	}
	return string(text)
}
