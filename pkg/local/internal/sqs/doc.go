// Package sqs keeps standard queues as Amazon SQS does, and answers its JSON protocol: delays, visibility timeouts, receive counts,
// retention, redrive policies, long polling, batches.
//
// What was accepted is in a segment file before the answer, and so is every receive and every delete: a process that is killed at any
// moment loses none of them. Memory holds a few words for each message that a queue has, and no bodies.
//
// Delivery is at least once and the order is that in which messages become due, which a client must not rely on.
package sqs
