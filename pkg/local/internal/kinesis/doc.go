// Package kinesis is Kinesis Data Streams on one machine: the operations that write to a stream, read it and describe
// it, with the service's limits, error codes and texts, over the AWS JSON 1.1 protocol or called in process.
//
// Streams come from the template, so operations that would change one are refused. Signatures are not checked here.
// Records lie in segment files (package recordlog): an acknowledged record survives the end of the process at any moment,
// and a restart goes on with the same streams, sequence numbers and records.
//
// The protocol lies in http.go, request.go and the operations; the limits, as data, in limits.go and rules.go; what a
// stream is in stream.go, reshard.go and shard.go.
package kinesis
