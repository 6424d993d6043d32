package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// arrival is when the sample batches' first record came to the stream. Those behind it came a second after the other.
var arrival = time.Date(2025, 11, 22, 9, 31, 0, 0, time.UTC)

// origin is what an envelope says beside the events.
type origin struct {
	version    int
	requestID  string
	index      int
	producer   string
	attempt    int
	receivedAt time.Time
}

// wrap puts data, JSON, into an envelope as the API's mapping template writes it. More members may follow.
func (o origin) wrap(data string, more ...string) string {
	return o.envelope(append([]string{`"data":` + data}, more...)...)
}

func (o origin) envelope(more ...string) string {
	return fmt.Sprintf(`{"hydrant":%d,"request_id":%q,"index":%d,"received_at":%d,"producer":%q,"attempt":%d,%s}`,
		o.version, o.requestID, o.index, o.receivedAt.UnixMilli(), o.producer, o.attempt, strings.Join(more, ","))
}

// batch is what Firehose sends to the transform function.
type batch struct {
	InvocationID string   `json:"invocationId"`
	Delivery     string   `json:"deliveryStreamArn"`
	Source       string   `json:"sourceKinesisStreamArn"`
	Region       string   `json:"region"`
	Records      []record `json:"records"`
}

type record struct {
	ID        string   `json:"recordId"`
	ArrivedAt int64    `json:"approximateArrivalTimestamp"`
	Data      string   `json:"data"`
	Metadata  metadata `json:"kinesisRecordMetadata"`
}

type metadata struct {
	Shard        string `json:"shardId"`
	PartitionKey string `json:"partitionKey"`
	ArrivedAt    int64  `json:"approximateArrivalTimestamp"`
	Sequence     string `json:"sequenceNumber"`
	Subsequence  int    `json:"subsequenceNumber"`
}

// origin is that of a record of the API which comes next in the batch.
func (b *batch) origin() origin {
	n := len(b.Records)
	return origin{version: 1, requestID: requestID(n), producer: "shop-web", receivedAt: arrivalOf(n).Add(-77 * time.Millisecond)}
}

func arrivalOf(n int) time.Time { return arrival.Add(time.Duration(n) * time.Second) }

// add puts a record with this data at the batch's end.
func (b *batch) add(data string) { b.addEncoded(base64.StdEncoding.EncodeToString([]byte(data))) }

// addEncoded is add for what should be base64.
func (b *batch) addEncoded(data string) {
	n := len(b.Records)
	at := arrivalOf(n).UnixMilli()
	sequence := fmt.Sprintf("4965791582468319530814512000%05d28430184857345186578434", n)
	b.Records = append(b.Records, record{
		ID: sequence + "00000000", ArrivedAt: at, Data: data,
		Metadata: metadata{Shard: fmt.Sprintf("shardId-%012d", n%2), PartitionKey: requestID(n), ArrivedAt: at, Sequence: sequence},
	})
}

// request is the n-th batch's JSON text.
func (b *batch) request(n int) []byte {
	b.InvocationID = fmt.Sprintf("6d1e1f60-0d3c-4f7e-9f0e-%012d", n)
	b.Delivery = "arn:aws:firehose:eu-west-1:000000000000:deliverystream/hydrant-events"
	b.Source = "arn:aws:kinesis:eu-west-1:000000000000:stream/hydrant-events"
	b.Region = "eu-west-1"
	if b.Records == nil {
		b.Records = []record{}
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		panic(err) // it has nothing but text and numbers
	}
	return append(text, '\n')
}

// requestID looks as API Gateway's extended request ids do.
func requestID(n int) string { return fmt.Sprintf("WkF2oHVyjoEFt%02d=", n) }
