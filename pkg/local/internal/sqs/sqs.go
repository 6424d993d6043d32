package sqs

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// Limits of a queue and of a message ("Amazon SQS message quotas" and SetQueueAttributes). A message had at most 256 KiB until August 2025,
// and has had 1 MiB since ("Amazon SQS increases maximum message payload size to 1 MiB").
const (
	MaxMessageBytes   = 1 << 20
	MaxDelay          = 900 * time.Second
	MaxVisibility     = 12 * time.Hour
	MaxWait           = 20 * time.Second
	DefaultVisibility = 30 * time.Second
	DefaultRetention  = 4 * 24 * time.Hour
	MinRetention      = time.Minute
	MaxRetention      = 14 * 24 * time.Hour
)

// QueueConfig is an AWS::SQS::Queue.
type QueueConfig struct {
	Name, ARN       string
	Delay           time.Duration
	Visibility      time.Duration
	Retention       time.Duration
	Wait            time.Duration // ReceiveMessageWaitTimeSeconds
	MaxMessageBytes int
	DeadLetterARN   string // "": no redrive policy
	MaxReceiveCount int
	Private         bool // of the runner's own: it takes messages of any size and with any text
}

// Config says what queues there are and where their messages are kept.
type Config struct {
	Dir       string // of this service alone
	URL       string // of the service; a queue's URL is <URL>/<account>/<name>
	AccountID string // 12 digits
	Region    string
	Queues    []QueueConfig
	// TimeScale says how many times as fast as told delays and visibility timeouts pass; 0 is 1. Retention and long polling keep to the
	// clock.
	TimeScale float64
	Log       *slog.Logger // what goes wrong inside; nil is slog.Default()
}

// Service is safe for concurrent use.
type Service struct {
	config Config
	queues map[string]*Queue // by name
	names  []string          // sorted
	stop   chan struct{}
	swept  sync.WaitGroup
}

// sweepInterval is how often what is older than the retention is looked for.
const sweepInterval = time.Minute

// Open opens the queues, those of an earlier run with the messages they hold.
func Open(cfg Config) (_ *Service, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	s := &Service{config: cfg, queues: map[string]*Queue{}, stop: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeLogs())
		}
	}()
	for _, c := range cfg.Queues {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("queue %s: %w", c.Name, err)
		}
		if s.queues[c.Name] != nil {
			return nil, fmt.Errorf("queue %s: the name is taken twice", c.Name)
		}
		q, err := openQueue(s, c)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", c.Name, err)
		}
		s.queues[c.Name] = q
		s.names = append(s.names, c.Name)
	}
	for _, q := range s.queues {
		if q.config.DeadLetterARN != "" && s.ByARN(q.config.DeadLetterARN) == nil {
			return nil, fmt.Errorf("queue %s: its dead-letter queue %s is not there", q.config.Name, q.config.DeadLetterARN)
		}
	}
	slices.Sort(s.names)
	s.swept.Go(s.sweep)
	return s, nil
}

// Validate refuses what CreateQueue refuses, naming the property of AWS::SQS::Queue.
func (c *QueueConfig) Validate() error {
	within := func(name string, d, least, most time.Duration) error {
		if d < least || d > most {
			return fmt.Errorf("%s: %v is not within %v and %v", name, d, least, most)
		}
		return nil
	}
	err := errors.Join(
		within("DelaySeconds", c.Delay, 0, MaxDelay), within("VisibilityTimeout", c.Visibility, 0, MaxVisibility),
		within("MessageRetentionPeriod", c.Retention, MinRetention, MaxRetention), within("ReceiveMessageWaitTimeSeconds", c.Wait, 0, MaxWait))
	if c.MaxMessageBytes < 1024 || c.MaxMessageBytes > MaxMessageBytes {
		err = errors.Join(err, fmt.Errorf("MaximumMessageSize: %d is not within 1024 and %d", c.MaxMessageBytes, MaxMessageBytes))
	}
	if c.DeadLetterARN != "" && (c.MaxReceiveCount < 1 || c.MaxReceiveCount > 1000) {
		err = errors.Join(err, fmt.Errorf("maxReceiveCount: %d is not within 1 and 1000", c.MaxReceiveCount))
	}
	return err
}

// Queue answers a queue by its name, or nil.
func (s *Service) Queue(name string) *Queue { return s.queues[name] }

// ByARN answers a queue by its ARN, or nil.
func (s *Service) ByARN(arn string) *Queue {
	for _, q := range s.queues {
		if q.config.ARN == arn {
			return q
		}
	}
	return nil
}

// byURL answers a queue by its URL. The name alone counts: clients reach the service under more than one host name.
func (s *Service) byURL(url string) *Queue {
	return s.queues[url[strings.LastIndex(url, "/")+1:]]
}

// URL answers a queue's URL.
func (s *Service) URL(name string) string {
	return s.config.URL + "/" + s.config.AccountID + "/" + name
}

func (s *Service) sweep() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		for _, name := range s.names {
			if err := s.queues[name].expire(time.Now()); err != nil {
				s.config.Log.Error("cannot remove what is older than the retention", "queue", name, "err", err)
			}
		}
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
	}
}

// Reset empties the queues.
func (s *Service) Reset() error {
	var errs []error
	for _, name := range s.names {
		errs = append(errs, s.queues[name].Purge())
	}
	for _, q := range s.queues {
		q.mu.Lock()
		q.counts = counts{}
		q.mu.Unlock()
	}
	return errors.Join(errs...)
}

// Close closes the files. Calls fail from then on.
func (s *Service) Close() error {
	close(s.stop)
	s.swept.Wait()
	return s.closeLogs()
}

func (s *Service) closeLogs() error {
	var errs []error
	for _, q := range s.queues {
		errs = append(errs, q.log.Close())
	}
	return errors.Join(errs...)
}

// segmentBytes is the size of a queue's files.
const segmentBytes = 4 << 20

func openQueue(s *Service, c QueueConfig) (*Queue, error) {
	log, err := recordlog.Open(filepath.Join(s.config.Dir, c.Name), recordlog.Options{SegmentBytes: segmentBytes})
	if err != nil {
		return nil, err
	}
	q := &Queue{service: s, config: c, log: log, messages: map[string]*entry{}, changed: make(chan struct{}), tidyAt: tidyBytes}
	if err := q.recover(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return q, nil
}
