package firehose

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"

	"hydrant/pkg/local/internal/kinesis"
)

// The most bytes that an invocation's request and its answer may have. The Lambda developer guide, "Lambda quotas", says 6 MB of both;
// Lambda's error messages give these numbers.
const (
	requestLimit = 6291456
	answerLimit  = 6291556
)

// subsequence is what a recordId has behind the sequence number: which user record of a stream record it is. Records are not
// de-aggregated here, so every one is the first.
const subsequence = "000000"

// A batch is the records of one request to the function, and what became of each. The original data exists once: as base64 in the request.
type batch struct {
	request []byte // JSON; the records' ids and data are parts of it
	records []record
	bytes   int               // of the records' data, as it was read
	oldest  int64             // arrival in ms
	last    map[string]string // shard → sequence number of its last record here

	done     chan struct{} // closed once every record has its outcome
	decoded  []byte        // the data that the function answered
	attempts int           // invocations made
	ended    int64         // when the last of them ended, in ms
	reusable bool          // the invocation with this very request has ended well, so nobody holds it any more
}

// record is one stream record in a batch.
type record struct {
	sequence string
	arrival  int64 // ms
	id, raw  span  // of batch.request: recordId, and the data as base64

	answered bool
	outcome  outcome
	data     span   // of batch.decoded, if delivered
	fault    *fault // if failed
}

type span struct{ start, end int }

func (s span) of(b []byte) []byte { return b[s.start:s.end] }

// outcome says what becomes of a record.
type outcome uint8

const (
	failed    outcome = iota // goes to processing-failed
	delivered                // goes on to conversion and delivery
	dropped                  // is done with
)

// requestHead is what all requests of a delivery stream begin with; invocationIDAt is where the invocation's id stands in it.
func requestHead(cfg *Config) (head []byte, invocationIDAt int) {
	head = append(head, `{"invocationId":"`...)
	invocationIDAt = len(head)
	head = append(head, `00000000-0000-0000-0000-000000000000"`...)
	for _, member := range [][2]string{{"deliveryStreamArn", cfg.ARN}, {"sourceKinesisStreamArn", cfg.StreamARN}, {"region", cfg.Region}} {
		head = append(head, `,"`+member[0]+`":`...)
		head = appendJSONString(head, member[1])
	}
	return append(head, `,"records":[`...), invocationIDAt
}

const requestTail = "]}"

// reset empties the batch for new records behind head; the buffers stay.
func (b *batch) reset(head []byte) {
	clear(b.last)
	*b = batch{
		request: append(b.request[:0], head...), records: b.records[:0], last: b.last, decoded: b.decoded[:0], done: make(chan struct{}),
	}
	if b.last == nil {
		b.last = map[string]string{}
	}
}

// requestOverhead is more than a record takes in a request beside its data, its partition key and thrice its sequence number and shard.
const requestOverhead = 320

// fits says whether r can be added without the request outgrowing what Lambda takes. An empty batch takes every record.
func (b *batch) fits(shard string, r *kinesis.Record) bool {
	// A byte of a partition key becomes at most six, as in \u001f.
	grown := len(b.request) + base64.StdEncoding.EncodedLen(len(r.Data)) + 6*len(r.PartitionKey) + 3*len(r.Sequence) + len(shard) + requestOverhead
	return len(b.records) == 0 || grown+len(requestTail) <= requestLimit
}

// add appends r to the request in the shape of the Lambda developer guide's "Using AWS Lambda with Amazon Data Firehose".
func (b *batch) add(shard string, r *kinesis.Record) {
	arrival := r.Arrival.UnixMilli()
	rec := record{sequence: r.Sequence, arrival: arrival}
	q := b.request
	if len(b.records) > 0 {
		q = append(q, ',')
	}
	q = append(q, `{"recordId":"`...)
	rec.id.start = len(q)
	q = append(append(q, r.Sequence...), subsequence...)
	rec.id.end = len(q)
	q = append(q, `","approximateArrivalTimestamp":`...)
	q = strconv.AppendInt(q, arrival, 10)
	q = append(q, `,"data":"`...)
	rec.raw.start = len(q)
	q = appendBase64(q, r.Data)
	rec.raw.end = len(q)
	q = append(q, `","kinesisRecordMetadata":{"shardId":"`...)
	q = append(q, shard...)
	q = append(q, `","partitionKey":`...)
	q = appendJSONString(q, r.PartitionKey)
	q = append(q, `,"approximateArrivalTimestamp":`...)
	q = strconv.AppendInt(q, arrival, 10)
	q = append(q, `,"sequenceNumber":"`...)
	q = append(q, r.Sequence...)
	b.request = append(q, `","subsequenceNumber":0}}`...)

	b.records = append(b.records, rec)
	b.bytes += len(r.Data)
	b.last[shard] = r.Sequence
	if b.oldest == 0 || arrival < b.oldest {
		b.oldest = arrival
	}
}

// seal ends the request.
func (b *batch) seal() { b.request = append(b.request, requestTail...) }

// failAll gives every record the same fault.
func (b *batch) failAll(f *fault) {
	for i := range b.records {
		b.records[i].fail(f)
	}
}

func (r *record) fail(f *fault) { r.answered, r.outcome, r.fault = true, failed, f }

// appendJSONString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD, which is all the error would tell.
func appendJSONString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// appendBase64 appends data as base64, growing dst at most once.
func appendBase64(dst, data []byte) []byte {
	start, n := len(dst), base64.StdEncoding.EncodedLen(len(data))
	if cap(dst)-start < n {
		grown := make([]byte, start, 2*cap(dst)+n)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:start+n]
	base64.StdEncoding.Encode(dst[start:], data)
	return dst
}

func nowMillis() int64 { return time.Now().UnixMilli() }
