package main

import "fmt"

// shape is how producers send: so many bytes an event, so many events a record (in an array), so many records a request.
type shape struct{ size, array, records int }

// envelope is what the mapping template puts around the data of a record, with values of the usual length. TestArrayFromPostToParquet compares it with what
// the runner writes to the stream.
const envelope = `{"hydrant":1,"request_id":"DKLr9HzXoAMEsHQ=","received_at":1732269600123,"producer":"arn:aws:sts::123456789012:assumed-role/shop-web-producer","attempt":0,"index":0,"data":}`

// partitionKey is the request's id, where a producer gives none. It is taken to count as data: AWS does not say otherwise.
const partitionKey = "DKLr9HzXoAMEsHQ="

// What the services take.
const (
	// maxRecord is Firehose's ("Amazon Data Firehose Quota"). Kinesis takes 24 KiB more; whether Firehose reads such a record from it is
	// documented nowhere.
	maxRecord = 1000 << 10
	// maxRequest and maxRecords are Kinesis's ("PutRecords").
	maxRequest = 10 << 20
	maxRecords = 500
	// maxBody is API Gateway's ("Amazon API Gateway quotas and important notes"). It is taken to hold for what goes on to Kinesis, too, where
	// records are in base64; nothing says that it does not.
	maxBody = 10_000_000
)

// recordBytes is a record's data as the stream has it; base64 is the API's, not the record's.
func (s shape) recordBytes() int { return len(envelope) + s.dataBytes() }

// dataBytes is the text of a record's event or array.
func (s shape) dataBytes() int {
	if s.array == 1 {
		return s.size
	}
	return s.size*s.array + s.array + 1 // brackets and commas
}

// putBytes is what Kinesis counts of a record.
func (s shape) putBytes() int { return s.recordBytes() + len(partitionKey) }

// events is how many events a request has.
func (s shape) events() int { return s.array * s.records }

// check is an error for what no request can be.
func (s shape) check() error {
	switch {
	case s.size < 1 || s.array < 1 || s.records < 1:
		return fmt.Errorf("an event has at least 1 byte, an array and a request at least 1 of what is in them")
	case s.records > maxRecords:
		return fmt.Errorf("a request has at most %d records", maxRecords)
	case s.putBytes() > maxRecord:
		return fmt.Errorf("a record of %d events of %d bytes has %d bytes: at most %d get through", s.array, s.size, s.putBytes(), maxRecord)
	case s.records*s.putBytes() > maxRequest || s.records*s.putBytes()/3*4 > maxBody:
		return fmt.Errorf("a request of %d records of %d bytes is larger than 10 MB in base64", s.records, s.putBytes())
	}
	return nil
}

func (s shape) String() string {
	text := fmt.Sprintf("%d bytes an event, %d events a request", s.size, s.events())
	switch {
	case s.events() == 1:
		return fmt.Sprintf("%d bytes an event, 1 event a request", s.size)
	case s.records == 1:
		return text + ", as an array in one record"
	case s.array == 1:
		return text + ", one a record"
	}
	return fmt.Sprintf("%s, in %d records with an array of %d each", text, s.records, s.array)
}
