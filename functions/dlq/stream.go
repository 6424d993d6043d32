package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"hydrant/pkg/dlq"
)

// stream is the Kinesis stream.
type stream struct {
	client *kinesis.Client
	name   string
}

func newStream(cfg aws.Config, name string) *stream {
	return &stream{kinesis.NewFromConfig(cfg), name}
}

// Put takes a record to be accepted only if it has a sequence number, whatever the count of failures says.
func (s *stream) Put(ctx context.Context, entries []dlq.Entry) (refused []int, err error) {
	in := &kinesis.PutRecordsInput{StreamName: &s.name, Records: make([]types.PutRecordsRequestEntry, len(entries))}
	for i := range entries {
		in.Records[i] = types.PutRecordsRequestEntry{Data: entries[i].Data, PartitionKey: &entries[i].Key}
	}
	out, err := s.client.PutRecords(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(out.Records) != len(entries) {
		return nil, fmt.Errorf("PutRecords answered %d of %d records", len(out.Records), len(entries))
	}
	for i := range out.Records {
		if aws.ToString(out.Records[i].SequenceNumber) == "" {
			refused = append(refused, i)
		}
	}
	return refused, nil
}
