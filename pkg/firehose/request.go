// Package firehose holds the shapes in which Amazon Data Firehose asks a Lambda function to transform records, and in
// which it is answered.
//
// They are described in "Transform source data in Amazon Data Firehose" (docs.aws.amazon.com/firehose/latest/dev/data-transformation.html).
// The types of aws-lambda-go are not used: they refuse a whole batch for the sake of one record (a subsequenceNumber of
// "", as in the sample of the Lambda guide, or data that is no base64), and spend 130 bytes of the answer's 6 MB on each.
package firehose

import (
	"fmt"

	"hydrant/pkg/jsonscan"
)

// Request is what Firehose sends to the function. The batch's own members (invocationId, deliveryStreamArn,
// sourceKinesisStreamArn, region) are not kept: what becomes of a record must not depend on them.
type Request struct {
	Records []Record
}

// Record is one record of a [Request].
type Record struct {
	// ID is Firehose's name for the record as a JSON string, quotes included. It is given back as it came: what it
	// looks like is Firehose's affair. It is "" (two quotes) for a record that brings none.
	ID []byte

	Encoded []byte // what should be the data in base64; nil if it is missing or no text

	ArrivedAt       int64  // Unix milliseconds; 0 if the request does not say
	Shard, Sequence string // where the record stands in the Kinesis stream; "" without one
	Subsequence     int64
}

// Data decodes the record's data. It takes the memory of buf, whatever is in it, if that is enough: the data of a batch need
// not all be in memory twice. ok is false if the data is missing or no base64.
func (r *Record) Data(buf []byte) (data []byte, ok bool) { return decode(buf, r.Encoded) }

// ParseRequest reads a request. The records share memory with the payload, which must stay as it is for as long as they are
// in use. The error says what was expected and holds nothing of the payload.
func ParseRequest(payload []byte) (Request, error) {
	p := parser{Scanner: jsonscan.New(payload)}
	request, err := p.request()
	if err != nil {
		return Request{}, fmt.Errorf("not a Firehose transformation request, which is a JSON object with an array of records: %w", err)
	}
	return request, nil
}
