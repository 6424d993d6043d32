package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// stack is what is tried: a deployed one, which AWS's services are asked about, or the local runner, whose control paths stand in for those
// that it has not. A method that has no answer there returns a notHere.
type stack interface {
	// facts answers what there is.
	facts(ctx context.Context) (*facts, error)
	// hasten has what is buffered delivered, where that can be done.
	hasten(ctx context.Context) error
	// rows answers the rows of a table that have one of the request ids and arrived since.
	rows(ctx context.Context, t table, requestIDs []string, since time.Time) ([]row, error)
	// accessLog answers a request's line of the access log, nil as long as there is none.
	accessLog(ctx context.Context, requestID string, since time.Time) ([]byte, error)
	// caller answers the ARN of whoever signs.
	caller(ctx context.Context) (string, error)
	// status answers CloudFormation's status of the stack.
	status() (string, error)
	// processor answers the parameters of the delivery stream's transform, by name.
	processor(ctx context.Context) (map[string]string, error)
	// authorizerTTL answers how many seconds API Gateway keeps an answer of each of its authorizers.
	authorizerTTL(ctx context.Context) ([]int32, error)
	// version answers what the alias of a function is at, by its physical id.
	version(ctx context.Context, function string) (*version, error)
	// filled answers FILL(m, 0) of a metric that there is not.
	filled(ctx context.Context) ([]float64, error)
	// saved answers the stack's saved queries.
	saved(ctx context.Context) ([]insight, error)
	// insights answers the rows of a query over what was logged since. A query that is refused, or fails, is a badInsight.
	insights(ctx context.Context, q insight, since time.Time) ([]map[string]string, error)
	// sampled answers how many requests a sampling rule has counted, and how many of them were traced.
	sampled(ctx context.Context, rule string) (requests, traced int, err error)
	// where is the command that asks where an id is.
	where(id string) string
}

// notHere is what the local runner has not.
type notHere string

func (n notHere) Error() string { return "the local runner has no " + string(n) }

// facts are what a stack says of itself.
type facts struct {
	name       string // how the report calls it
	api        string // with the stage
	parameters map[string]string
	resources  map[string]string // physical ids by logical id

	config      aws.Config // for the clients of what both worlds have
	credentials aws.CredentialsProvider
	pathStyle   bool
}

// seconds is a parameter that is a number of them.
func (f *facts) seconds(parameter string) (time.Duration, error) {
	n, err := strconv.Atoi(f.parameters[parameter])
	if err != nil {
		return 0, fmt.Errorf("the stack's parameter %s is %q, and no number: is it one of hydrant's?", parameter, f.parameters[parameter])
	}
	return time.Duration(n) * time.Second, nil
}

// margin is how long a query and the dlq function may take beside Firehose's buffers.
const margin = 2 * time.Minute

// deadline is when the last event ought to have been seen. One that stands beside an invalid one in a record goes round: Firehose's buffers
// hold it twice.
func (f *facts) deadline() (time.Duration, error) {
	delivery, err := f.seconds("DeliverySeconds")
	if err != nil {
		return 0, err
	}
	transform, err := f.seconds("TransformBufferSeconds")
	return 2*(delivery+transform) + margin, err
}

// queue is what SQS says of one: how many messages can be received, are being handled, and wait for a delay.
type queue struct{ visible, handled, delayed int }

func (q queue) all() int { return q.visible + q.handled + q.delayed }

func (f *facts) queue(ctx context.Context, logicalID string) (queue, error) {
	url := f.resources[logicalID]
	if url == "" {
		return queue{}, fmt.Errorf("the stack has no %s", logicalID)
	}
	answer, err := sqs.NewFromConfig(f.config).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return queue{}, err
	}
	var q queue
	for name, into := range map[types.QueueAttributeName]*int{
		types.QueueAttributeNameApproximateNumberOfMessages:           &q.visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &q.handled,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &q.delayed,
	} {
		if *into, err = strconv.Atoi(answer.Attributes[string(name)]); err != nil {
			return queue{}, fmt.Errorf("%s of %s: %w", name, logicalID, err)
		}
	}
	return q, nil
}
