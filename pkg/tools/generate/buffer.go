package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/transform"
)

// What Firehose takes for BufferSizeInMBs ("Transform source data in Amazon Data Firehose"), in tenths of a MB.
const leastBuffer, mostBuffer = 2, 30

// longestProducer is how long a producer's name may be, in bytes, for a batch of its smallest events to fit. The ARN of a role has at most
// 110, that of a user without a path 102. A longer name stands in every row too, and with it fewer rows fit; a record that no longer fits
// fails as answer_full, which loses nothing.
const longestProducer = 128

// bufferSize is the largest batch in MB, to a tenth, of which the answer fits a Lambda function's, whatever valid events are in it. The smallest
// events grow most on their way: what a row has in any case, defaults and provenance, counts most there. An event may come alone in its
// record, which costs a verdict each, or with others, which costs an envelope's long provenance once and repeats it in every row.
//
// Firehose is taken to count data as it was before base64, and a MB to have 1,048,576 bytes. AWS does not say; should it count otherwise,
// a batch holds fewer events, not more.
func bufferSize(judge *event.Judge, smallest [][]byte) (string, error) {
	size := mostBuffer
	for _, e := range smallest {
		for name, shape := range shapes {
			most, err := mostBytes(judge, string(e), shape)
			if err != nil {
				return "", fmt.Errorf("%s, %s: %w", e, name, err)
			}
			size = min(size, most*10>>20)
		}
	}
	return fmt.Sprintf("%.1f", float64(max(size, leastBuffer))/10), nil
}

// shapes are the ways to put n copies of an event into records.
var shapes = map[string]func(e string, n int) []string{
	"one behind the other": func(e string, n int) []string { return []string{strings.Repeat(e, n)} },
	"in an envelope": func(e string, n int) []string {
		return []string{worst.wrap("[" + strings.Repeat(e+",", n-1) + e + "]")}
	},
	"one a record":    func(e string, n int) []string { return slices.Repeat([]string{e}, n) },
	"one an envelope": func(e string, n int) []string { return slices.Repeat([]string{worst.wrap(e)}, n) },
}

// worst is as long as provenance gets.
var worst = origin{version: 1, requestID: strings.Repeat("r", 32), producer: strings.Repeat("p", longestProducer), attempt: 6, receivedAt: arrival}

// mostBytes is how many bytes of events in this shape fill an answer. It asks the transform itself, with two batches: what the second has
// more than the first is what so many events cost.
func mostBytes(judge *event.Judge, e string, shape func(string, int) []string) (int, error) {
	const step = 30 // of 3, so that base64 has no remainder
	in1, out1, err := measure(judge, shape(e, step))
	if err != nil {
		return 0, err
	}
	in2, out2, err := measure(judge, shape(e, 2*step))
	if err != nil {
		return 0, err
	}
	in, out := in2-in1, out2-out1
	return (firehose.AnswerLimit - (out1 - out)) / out * in, nil
}

// measure is how many bytes a batch has, and how many its answer.
func measure(judge *event.Judge, records []string) (in, out int, err error) {
	var b batch
	for _, data := range records {
		in += len(data)
		b.add(data)
	}
	answer, err := transform.New(judge, silent{}).Invoke(context.Background(), b.request(1))
	if err == nil && bytes.Contains(answer, []byte(firehose.ProcessingFailed)) {
		err = errors.New("the transform refuses it")
	}
	return in, len(answer), err
}

// silent is a recorder for whom there is nothing to record.
type silent struct{}

func (silent) Batch(context.Context, transform.Batch) {}
func (silent) Panic(context.Context, string, []byte)  {}
