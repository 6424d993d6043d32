package main

import "math"

// The chain that this design takes the place of: API Gateway → SQS → Lambda → Kinesis → Firehose → S3. Its consumer does the transform's
// work, so its Firehose calls no function; everything that both have costs the same, logs and traces too. A request is a message, and a message is a record.
const (
	consumerMemory = 128. / 1024
	// consumerMilliseconds are an invocation's: it waits for the stream to take its records.
	consumerMilliseconds = 100
	// sqsChunk is what counts as one request of SQS's.
	sqsChunk = 64 << 10
)

// fill is how many messages the consumer gets at a time, 1 to 10. Ten is what the event source takes by default, and only busy queues reach it.
type fill float64

// oldBill is what the chain of old costs with events of this shape. Fixed costs are left out, as is the envelope that it did not have.
func (m *model) oldBill(s shape, b fill) []line {
	requests := 1e6 / float64(s.events())
	bytes := s.dataBytes() * s.records
	chunks := func(bytes float64) float64 { return max(math.Ceil(bytes/sqsChunk), 1) }
	invocations := requests / float64(b)
	consumer := function{memory: consumerMemory, architecture: m.transform.architecture, platformLog: true}
	took := consumerMilliseconds + milliseconds(consumerMemory, float64(s.events())*float64(b), s.size)
	gathered := requests * roundUp(bytes, 5120)
	lines := append(m.edgeLines(requests), []line{
		{
			service: "SQS", what: "send, receive, delete", prices: []string{"sqs.request"},
			perMillion: m.of("sqs.request") * (requests*chunks(float64(bytes)) + invocations*(chunks(float64(bytes)*float64(b))+1)),
		},
		{service: "Lambda", what: "consumer", perMillion: invocations * m.lambda(consumer, took), prices: []string{"lambda.request", consumer.architecture}},
		{service: "CloudWatch Logs", what: "consumer's log", perMillion: invocations * m.functionLog(consumer), prices: logPrices},
	}...)
	for _, l := range m.streamLines(requests, float64(bytes), bytes) {
		if l.perMillion > 0 {
			lines = append(lines, l)
		}
	}
	for _, l := range m.traceLines(requests, [2]float64{invocations, 0}) {
		lines = append(lines, line{service: l.service, what: l.what, perMillion: l.perMillion, prices: l.prices})
	}
	return append(lines,
		line{service: "Firehose", what: "ingestion and conversion", perMillion: gathered * (m.of("firehose.ingestion") + m.of("firehose.conversion")), prices: []string{"firehose.ingestion", "firehose.conversion"}},
		line{service: "S3", what: "storage, for each month that they are kept", perMillion: 1e6 * float64(s.size) * parquetShare * m.of("s3.storage"), prices: []string{"s3.storage"}},
	)
}
