// Package eventsource has functions handle the messages of queues, as Lambda's event source mappings for Amazon SQS do.
package eventsource

import "time"

// DefaultBatchSize is a mapping's BatchSize where the template has none.
const DefaultBatchSize = 10

// Config is an event source mapping of a queue.
type Config struct {
	ID                    string // SAM's logical id
	QueueARN, FunctionARN string
	BatchSize             int
	Window                time.Duration // MaximumBatchingWindowInSeconds
	Concurrency           int           // MaximumConcurrency; 0: not said
	PartialFailures       bool          // ReportBatchItemFailures
}
