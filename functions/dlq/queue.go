package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// queue is the function's own queue.
type queue struct {
	client *sqs.Client
	url    string
}

func newQueue(cfg aws.Config, url string) *queue { return &queue{sqs.NewFromConfig(cfg), url} }

func (q *queue) Send(ctx context.Context, body string, delay time.Duration) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: &body, DelaySeconds: int32(delay / time.Second),
	})
	return err
}
