package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"hydrant/pkg/local/internal/async"
	"hydrant/pkg/local/internal/eventsource"
	"hydrant/pkg/local/internal/faults"
	"hydrant/pkg/local/internal/notify"
	"hydrant/pkg/local/internal/s3"
	"hydrant/pkg/local/internal/sqs"
	"hydrant/pkg/local/internal/subscription"
)

// messaging is what leads from objects and log lines to functions.
type messaging struct {
	queues   *sqs.Service // the template's
	private  *sqs.Service // the runner's own: what waits for functions
	notifier *notify.Notifier
	clients  s3.Access  // the buckets as AWS's clients reach them
	writer   *s3.Client // the buckets as the runner's services reach them

	faults  *faults.Set
	puts    faults.Kinesis // the streams as all but Firehose reach them
	invoker faults.Invoker // the functions as services invoke them

	events        *async.Service
	subscriptions *subscription.Service
	mappings      map[string]*eventsource.Mapping // by id
}

// The runner's own queues.
const (
	asyncQueue = "asynchronous-invocations"
	logQueue   = "log-events"
)

func (r *runner) openQueues() (err error) {
	cfg := sqs.Config{Dir: filepath.Join(r.options.data, "sqs"), URL: r.awsURL, AccountID: accountID, Region: region(), TimeScale: r.options.timeScale}
	for _, q := range r.stack.Queues {
		cfg.Queues = append(cfg.Queues, q.QueueConfig)
	}
	if r.queues, err = sqs.Open(cfg); err != nil {
		return err
	}
	r.later(r.queues.Close)
	cfg.Dir, cfg.Queues = filepath.Join(r.options.data, "waiting"), nil
	for _, name := range []string{asyncQueue, logQueue} {
		// What is received comes again only at the next start: nobody else could have it.
		cfg.Queues = append(cfg.Queues, sqs.QueueConfig{Name: name, Visibility: sqs.MaxVisibility, Retention: sqs.MaxRetention, MaxMessageBytes: sqs.MaxMessageBytes, Private: true})
	}
	cfg.TimeScale = 1
	if r.private, err = sqs.Open(cfg); err != nil {
		return err
	}
	r.later(r.private.Close)
	return nil
}

// openNotifier readies the ways to the buckets. Whatever writes to them, but for the runner's own look, passes the notifier.
func (r *runner) openNotifier() (err error) {
	cfg := notify.Config{Dir: filepath.Join(r.options.data, "notify"), Region: region(), AccountID: accountID, Stat: r.objects.Stat}
	for _, n := range r.stack.Notifications {
		cfg.Rules = append(cfg.Rules, n.Rule)
	}
	if r.notifier, err = notify.Open(cfg, r.faults.Publisher(queuePublisher{r.queues}.send)); err != nil {
		return err
	}
	r.later(r.notifier.Close)
	r.clients = r.s3.Through(r.faults.WrapS3(r.notifier.Wrap(r.s3.Transport())))
	r.writer, err = r.clients.Client()
	return err
}

// queuePublisher sends what services tell queues.
type queuePublisher struct{ queues *sqs.Service }

func (p queuePublisher) Publish(arn, body string) error { return p.send(arn, body, 0) }

func (p queuePublisher) send(arn, body string, delay time.Duration) error {
	q := p.queues.ByARN(arn)
	if q == nil {
		return fmt.Errorf("there is no queue %s", arn)
	}
	s := sqs.Sending{Body: body}
	if delay > 0 { // else the queue's own
		s.Delay = &delay
	}
	_, err := q.Send(s)
	return err
}

// makeFaults readies the links that can fail. None does yet.
func (r *runner) makeFaults() {
	var functions []string
	for _, f := range r.stack.Functions {
		functions = append(functions, f.LogicalID)
	}
	r.faults = faults.New(functions)
}

// functionID answers a function's logical id by its name or ARN, either with or without a qualifier; "" if there is none.
func (r *runner) functionID(function string) string {
	for _, f := range r.stack.Functions {
		for _, name := range []string{f.Name, f.ARN} {
			if rest, ok := strings.CutPrefix(function, name); ok && (rest == "" || rest[0] == ':') {
				return f.LogicalID
			}
		}
	}
	return ""
}

// subscribedLogs keeps log events and hands them to the groups' subscription filters.
type subscribedLogs struct{ r *runner }

func (l subscribedLogs) Put(group, stream string, at time.Time, message string) error {
	err := l.r.logs.Put(group, stream, at, message)
	if err == nil {
		err = l.r.subscriptions.Put(group, stream, at, message)
	}
	return err
}

// acceptEvent takes an asynchronous invocation.
func (r *runner) acceptEvent(function string, payload []byte) (string, error) {
	return r.events.Invoke(function, payload)
}

// makeMessaging makes what invokes functions. Nothing works yet.
func (r *runner) makeMessaging() {
	r.invoker = r.faults.WrapInvoker(r.lambda, r.functionID)
	var configs []async.Config
	for _, a := range r.stack.Asyncs {
		configs = append(configs, a.Config)
	}
	r.events = async.New(configs, r.private.Queue(asyncQueue), r.invoker, queuePublisher{r.queues}, r.options.timeScale, r.fail)
	var filters []subscription.Config
	for _, s := range r.stack.Subscriptions {
		filters = append(filters, s.Config)
	}
	r.subscriptions = subscription.New(filters, accountID, r.private.Queue(logQueue), r.events.Invoke, r.fail)
	place := eventsource.Place{Region: region(), AccountID: accountID, TimeScale: r.options.timeScale}
	r.mappings = map[string]*eventsource.Mapping{}
	for _, m := range r.stack.Mappings {
		r.mappings[m.ID] = eventsource.New(m.Config, place, r.queues.ByARN(m.QueueARN), r.invoker, r.fail)
	}
}

// startMessaging lets it work.
func (r *runner) startMessaging() error {
	if err := r.notifier.Start(); err != nil {
		return err
	}
	r.later(func() error { r.stopConsumers(); return nil })
	return r.startConsumers()
}

func (r *runner) startConsumers() error {
	err := errors.Join(r.events.Start(), r.subscriptions.Start())
	for _, m := range r.mappings {
		m.Start()
	}
	return err
}

// consumerGrace is how long an invocation may go on when the runner is told to end. Its messages come again.
const consumerGrace = 10 * time.Second

func (r *runner) stopConsumers() {
	ctx, cancel := context.WithTimeout(context.Background(), consumerGrace)
	defer cancel()
	for _, m := range r.mappings {
		m.Stop(ctx)
	}
	r.subscriptions.Stop(ctx)
	r.events.Stop(ctx)
}
