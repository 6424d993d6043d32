package dlq

import (
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxRecord is the largest record that is sent, in bytes: 1,000 KiB. Kinesis takes 1 MiB with the partition key; whether Firehose reads a
	// record from it that is larger than the 1,000 KiB that it takes itself ("Amazon Data Firehose Quota") is documented nowhere.
	maxRecord = 1000<<10 - maxKey
	maxKey    = 256
	// maxRows bounds the rows that a record of several events comes to: in base64 they are 256 KiB, so that a batch of such records always
	// fits the transform function's answer in the end.
	maxRows = 256 << 10 / 4 * 3
)

// overhead is at least the size of an envelope without events.
func (p *provenance) overhead() int {
	const members = `{"hydrant":1,"request_id":"","index":-9223372036854775808,"received_at":-9223372036854775808,"producer":"","attempt":-9223372036854775808,"event_ids":[],"data":[]}`
	return len(members) + 6*len(p.requestID) + 6*len(p.producer) // each byte may need an escape
}

// envelope is the record that these events travel in.
func (p *provenance) envelope(events []one) []byte {
	size := p.overhead()
	for _, e := range events {
		size += e.size()
	}
	b := p.begin(make([]byte, 0, size))
	b = append(b, `,"event_ids":[`...)
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, e.id)
	}
	b = append(b, `],"data":`...)
	// What stands in an array is an event whatever it is; alone, an array would be several.
	alone := len(events) == 1 && events[0].data[0] != '['
	if !alone {
		b = append(b, '[')
	}
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.data...)
	}
	if !alone {
		b = append(b, ']')
	}
	return append(b, '}')
}

// rawEnvelope is the record that bytes travel in which are no JSON.
func (p *provenance) rawEnvelope(raw []byte, id string) []byte {
	b := p.begin(make([]byte, 0, p.overhead()+len(id)+base64.StdEncoding.EncodedLen(len(raw))))
	b = append(b, `,"event_ids":[`...)
	b = appendText(b, id)
	b = append(b, `],"raw":"`...)
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, `"}`...)
}

func (p *provenance) begin(b []byte) []byte {
	b = append(b, `{"hydrant":1`...)
	if p.requestID != "" {
		b = appendText(append(b, `,"request_id":`...), p.requestID)
	}
	if p.index >= 0 {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(p.index), 10)
	}
	b = strconv.AppendInt(append(b, `,"received_at":`...), p.receivedAt, 10)
	if p.producer != "" {
		b = appendText(append(b, `,"producer":`...), p.producer)
	}
	return strconv.AppendInt(append(b, `,"attempt":`...), int64(p.attempt), 10)
}

// appendText appends s as a JSON string; ill-formed UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
