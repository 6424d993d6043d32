package stack

import (
	"slices"
	"strings"
	"time"

	"hydrant/pkg/local/internal/async"
	"hydrant/pkg/local/internal/eventsource"
	"hydrant/pkg/local/internal/notify"
	"hydrant/pkg/local/internal/sqs"
	"hydrant/pkg/local/internal/subscription"
	"hydrant/pkg/local/internal/template"
)

// Queue is a queue and its place in the template.
type Queue struct {
	LogicalID string
	sqs.QueueConfig
	at template.Value
}

// Mapping is an event source mapping and its place in the template.
type Mapping struct {
	eventsource.Config
	at template.Value
}

// Subscription is a subscription filter and its place in the template.
type Subscription struct {
	subscription.Config
	at template.Value
}

// Notification is a bucket's notification to a queue and its place in the template.
type Notification struct {
	notify.Rule
	at template.Value
}

// Async is how a function is invoked asynchronously, and the function's place in the template.
type Async struct {
	async.Config
	at template.Value
}

func (b *builder) queue(r template.Resource) error {
	p := struct {
		QueueName  string `cfn:"QueueName"`
		Delay      int    `cfn:"DelaySeconds"`
		Visibility int    `cfn:"VisibilityTimeout"`
		Retention  int    `cfn:"MessageRetentionPeriod"`
		Wait       int    `cfn:"ReceiveMessageWaitTimeSeconds"`
		MaxBytes   int    `cfn:"MaximumMessageSize"`
		Redrive    *struct {
			Target string `cfn:"deadLetterTargetArn,required"`
			Max    int    `cfn:"maxReceiveCount,required"`
		} `cfn:"RedrivePolicy"`
	}{Visibility: seconds(sqs.DefaultVisibility), Retention: seconds(sqs.DefaultRetention), MaxBytes: sqs.MaxMessageBytes}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	q := sqs.QueueConfig{
		Name: lastPart(b.id(r).ID, "/"), ARN: b.id(r).ARN, MaxMessageBytes: p.MaxBytes,
		Delay: duration(p.Delay), Visibility: duration(p.Visibility), Retention: duration(p.Retention), Wait: duration(p.Wait),
	}
	if p.Redrive != nil {
		q.DeadLetterARN, q.MaxReceiveCount = p.Redrive.Target, p.Redrive.Max
	}
	if err := q.Validate(); err != nil {
		return r.Properties.Errorf("%v", err)
	}
	b.out.Queues = append(b.out.Queues, Queue{r.LogicalID, q, *r.Properties})
	return nil
}

func seconds(d time.Duration) int    { return int(d / time.Second) }
func duration(n int) time.Duration   { return time.Duration(n) * time.Second }
func isEmpty(text *string) bool      { return text != nil && *text == "" }
func within(n, least, most int) bool { return n >= least && n <= most }

// notifications reads a bucket's NotificationConfiguration.
func (b *builder) notifications(bucket string, v *template.Value) error {
	var p struct {
		Queues []*template.Value `cfn:"QueueConfigurations"`
	}
	if err := v.Decode(&p); err != nil {
		return err
	}
	for _, v := range p.Queues {
		rule, err := notification(v)
		if err != nil {
			return err
		}
		rule.Bucket = bucket
		b.out.Notifications = append(b.out.Notifications, Notification{rule, *v})
	}
	return nil
}

// notification reads one of a bucket's QueueConfigurations.
func notification(v *template.Value) (rule notify.Rule, err error) {
	var c struct {
		Event  string `cfn:"Event,required"`
		Queue  string `cfn:"Queue,required"`
		Filter struct {
			Key struct {
				Rules []struct {
					Name  string `cfn:"Name,required"`
					Value string `cfn:"Value,required"`
				} `cfn:"Rules,required"`
			} `cfn:"S3Key,required"`
		} `cfn:"Filter"`
	}
	if err := v.Decode(&c); err != nil {
		return rule, err
	}
	rule.QueueARN, rule.Event = c.Queue, c.Event
	if !notify.Supports(c.Event) {
		return rule, v.Get("Event").Errorf("the local runner notifies of %s, not of %s", strings.Join(notify.Events(), ", "), c.Event)
	}
	for _, r := range c.Filter.Key.Rules {
		switch strings.ToLower(r.Name) {
		case "prefix":
			rule.Prefix = r.Value
		case "suffix":
			rule.Suffix = r.Value
		default:
			return rule, v.Get("Filter").Errorf("a rule's Name is prefix or suffix, not %q", r.Name)
		}
	}
	return rule, nil
}

// events reads a function's Events, which SAM makes resources of.
func (b *builder) events(r template.Resource, events *template.Value) error {
	if events == nil {
		return nil
	}
	for _, m := range events.Members {
		var e struct {
			Type       string          `cfn:"Type,required"`
			Properties *template.Value `cfn:"Properties,required"`
		}
		if err := m.Value.Decode(&e); err != nil {
			return err
		}
		var err error
		switch e.Type {
		case "SQS":
			err = b.mapping(r, m.Name, e.Properties)
		case "CloudWatchLogs":
			err = b.logEvent(r, m.Name, e.Properties)
		default:
			err = m.Value.Get("Type").Errorf("the local runner supports events of the types SQS and CloudWatchLogs, not %s", e.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) mapping(r template.Resource, event string, v *template.Value) error {
	p := struct {
		Queue     string   `cfn:"Queue,required"`
		BatchSize int      `cfn:"BatchSize"`
		Window    int      `cfn:"MaximumBatchingWindowInSeconds"`
		Enabled   *bool    `cfn:"Enabled"`
		Responses []string `cfn:"FunctionResponseTypes"`
		Scaling   *struct {
			Max int `cfn:"MaximumConcurrency,required"`
		} `cfn:"ScalingConfig"`
	}{BatchSize: eventsource.DefaultBatchSize}
	if err := v.Decode(&p); err != nil {
		return err
	}
	c := eventsource.Config{ID: r.LogicalID + event, QueueARN: p.Queue, FunctionARN: b.calledARN(r), BatchSize: p.BatchSize, Window: duration(p.Window)}
	for _, response := range p.Responses {
		if response != "ReportBatchItemFailures" {
			return v.Get("FunctionResponseTypes").Errorf("the one response type is ReportBatchItemFailures, not %s", response)
		}
		c.PartialFailures = true
	}
	if p.Scaling != nil {
		// "Configuring maximum concurrency for Amazon SQS event sources": 2 to 1,000.
		if c.Concurrency = p.Scaling.Max; !within(c.Concurrency, 2, 1000) {
			return v.Get("ScalingConfig").Errorf("MaximumConcurrency must be between 2 and 1000, not %d", c.Concurrency)
		}
	}
	switch {
	case !within(c.BatchSize, 1, 10_000):
		return v.Errorf("BatchSize must be between 1 and 10000, not %d", c.BatchSize)
	case !within(p.Window, 0, 300):
		return v.Errorf("MaximumBatchingWindowInSeconds must be between 0 and 300, not %d", p.Window)
	case c.BatchSize > 10 && p.Window < 1:
		return v.Errorf("a BatchSize of more than 10 needs a MaximumBatchingWindowInSeconds of at least 1")
	}
	if p.Enabled == nil || *p.Enabled {
		b.out.Mappings = append(b.out.Mappings, Mapping{c, *v})
	}
	return nil
}

func (b *builder) logEvent(r template.Resource, event string, v *template.Value) error {
	var p struct {
		Group   string  `cfn:"LogGroupName,required"`
		Pattern *string `cfn:"FilterPattern,required"`
	}
	if err := v.Decode(&p); err != nil {
		return err
	}
	return b.subscribe(subscription.Config{Name: r.LogicalID + event, LogGroup: p.Group, FunctionARN: b.calledARN(r)}, p.Pattern, v)
}

func (b *builder) subscriptionFilter(r template.Resource) error {
	var p struct {
		Name        string  `cfn:"FilterName"`
		Group       string  `cfn:"LogGroupName,required"`
		Pattern     *string `cfn:"FilterPattern,required"`
		Destination string  `cfn:"DestinationArn,required"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if !strings.Contains(p.Destination, ":function:") {
		return r.Properties.Get("DestinationArn").Errorf("the local runner sends log events to functions, not to %s", p.Destination)
	}
	return b.subscribe(subscription.Config{Name: b.id(r).ID, LogGroup: p.Group, FunctionARN: p.Destination}, p.Pattern, r.Properties)
}

// subscribe adds a filter. A log group may have two ("CloudWatch Logs quotas").
func (b *builder) subscribe(c subscription.Config, pattern *string, at *template.Value) error {
	if !isEmpty(pattern) {
		return at.Get("FilterPattern").Errorf(`the local runner supports the empty FilterPattern alone, which lets every event through`)
	}
	same := 0
	for _, s := range b.out.Subscriptions {
		if s.LogGroup == c.LogGroup {
			same++
		}
	}
	if same == 2 {
		return at.Errorf("a log group may have two subscription filters; %s is the third of %s", c.Name, c.LogGroup)
	}
	b.out.Subscriptions = append(b.out.Subscriptions, Subscription{c, *at})
	return nil
}

// invokeConfig reads a function's EventInvokeConfig; v may be nil.
func (b *builder) invokeConfig(r template.Resource, v *template.Value) error {
	p := struct {
		Retries      int `cfn:"MaximumRetryAttempts"`
		Age          int `cfn:"MaximumEventAgeInSeconds"`
		Destinations struct {
			OnFailure *struct {
				Type        string `cfn:"Type"`
				Destination string `cfn:"Destination,required"`
			} `cfn:"OnFailure"`
		} `cfn:"DestinationConfig"`
	}{Retries: async.DefaultRetries, Age: seconds(async.DefaultMaxAge)}
	at := r.Properties
	if v != nil {
		at = v
		if err := v.Decode(&p); err != nil {
			return err
		}
	}
	switch {
	case !within(p.Retries, 0, 2):
		return at.Errorf("MaximumRetryAttempts must be between 0 and 2, not %d", p.Retries)
	case !within(p.Age, 60, 21_600):
		return at.Errorf("MaximumEventAgeInSeconds must be between 60 and 21600, not %d", p.Age)
	}
	c := async.Config{FunctionARN: b.calledARN(r), Retries: p.Retries, MaxAge: duration(p.Age)}
	if f := p.Destinations.OnFailure; f != nil {
		if f.Type != "SQS" && !strings.Contains(f.Destination, ":sqs:") {
			return at.Get("DestinationConfig").Errorf("the local runner supports a destination of the type SQS, not %s", f.Type)
		}
		c.OnFailureARN = f.Destination
	}
	b.out.Asyncs = append(b.out.Asyncs, Async{c, *at})
	if function := b.id(r).ARN; c.FunctionARN != function {
		// SAM gives the configuration to the alias alone: without it the function has Lambda's defaults.
		b.out.Asyncs = append(b.out.Asyncs, Async{async.Config{FunctionARN: function, Retries: async.DefaultRetries, MaxAge: async.DefaultMaxAge}, *at})
	}
	return nil
}

// calledARN is the ARN by which what SAM makes of a function's events calls it: its alias's, if it has one.
func (b *builder) calledARN(r template.Resource) string {
	if alias, ok := functionAttributes(b.account, b.id(r).ID, ".Alias", r.Properties); ok {
		return alias
	}
	return b.id(r).ARN
}

// checkMessaging looks at what holds between queues, buckets, log groups and functions.
func (b *builder) checkMessaging() error {
	for _, q := range b.out.Queues {
		if q.DeadLetterARN != "" && b.queueAt(q.DeadLetterARN) == nil {
			return q.at.Errorf("its dead-letter queue %q is not in the template", q.DeadLetterARN)
		}
	}
	for _, n := range b.out.Notifications {
		if b.queueAt(n.QueueARN) == nil {
			return n.at.Errorf("it notifies the queue %q, which is not in the template", n.QueueARN)
		}
	}
	for _, a := range b.out.Asyncs {
		if a.OnFailureARN != "" && b.queueAt(a.OnFailureARN) == nil {
			return a.at.Errorf("failures go to the queue %q, which is not in the template", a.OnFailureARN)
		}
	}
	for _, s := range b.out.Subscriptions {
		if b.functionAt(s.FunctionARN) == nil {
			return s.at.Errorf("it sends log events to %q, which is not in the template", s.FunctionARN)
		}
	}
	return b.checkMappings()
}

func (b *builder) checkMappings() error {
	for _, m := range b.out.Mappings {
		q := b.queueAt(m.QueueARN)
		if q == nil {
			return m.at.Errorf("it reads the queue %q, which is not in the template", m.QueueARN)
		}
		// Lambda refuses such a mapping when it is made.
		if f := b.functionAt(m.FunctionARN); q.Visibility < f.Timeout {
			return m.at.Errorf("the queue's VisibilityTimeout of %v is less than the function's Timeout of %v: Lambda refuses that, and advises six times the Timeout", q.Visibility, f.Timeout)
		}
	}
	return nil
}

func (b *builder) queueAt(arn string) *Queue {
	i := slices.IndexFunc(b.out.Queues, func(q Queue) bool { return q.ARN == arn })
	if i < 0 {
		return nil
	}
	return &b.out.Queues[i]
}

func (b *builder) functionAt(arn string) *Function {
	i := slices.IndexFunc(b.out.Functions, func(f Function) bool {
		qualifier, ok := strings.CutPrefix(arn, f.ARN)
		return ok && (qualifier == "" || qualifier == ":$LATEST" || f.Alias != "" && qualifier == ":"+f.Alias)
	})
	if i < 0 {
		return nil
	}
	return &b.out.Functions[i]
}
