package kinesis

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Config says what streams there are and where their records are kept.
type Config struct {
	Dir       string // of this service alone; made if it is not there
	AccountID string // 12 digits
	Region    string
	Streams   []StreamConfig
	Log       *slog.Logger // what goes wrong inside; nil is slog.Default()
}

// StreamConfig is an AWS::Kinesis::Stream.
type StreamConfig struct {
	Name      string
	Mode      string        // ON_DEMAND or PROVISIONED
	Shards    int           // of a provisioned stream; an on-demand one has four, as a new one on AWS
	Retention time.Duration // 24 h to 8,760 h; 0 is 24 h
}

// Service is safe for concurrent use.
type Service struct {
	config  Config
	limits  limits
	calls   *callLimits
	streams map[string]*Stream
	names   []string // sorted
	version *os.File // locked while the service is open
	stop    chan struct{}
	swept   sync.WaitGroup
	started time.Time
}

// versionFile says in what form the folder's files are. A form that changes gets another number.
const (
	versionFile    = "version"
	versionContent = "hydrant kinesis 1\n"
)

// sweepInterval is how often what is older than the retention is looked for.
const sweepInterval = time.Minute

// Open opens the streams, those of an earlier run with the records they hold.
func Open(cfg Config) (*Service, error) { return open(cfg, awsLimits) }

func open(cfg Config, l limits) (_ *Service, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Service{
		config: cfg, limits: l, calls: newCallLimits(l.calls), streams: map[string]*Stream{}, stop: make(chan struct{}),
		started: time.Now(),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeFiles())
		}
	}()
	if err := s.lockDir(); err != nil {
		return nil, err
	}
	for _, c := range cfg.Streams {
		if err := s.check(&c); err != nil {
			return nil, err
		}
		st, err := s.openStream(c)
		if err != nil {
			return nil, err
		}
		s.streams[c.Name] = st
		s.names = append(s.names, c.Name)
		if torn := st.Stats().TornBytes; torn > 0 {
			cfg.Log.Warn("a record was half-written when the last run ended: it was never acknowledged, and is cut off",
				"stream", c.Name, "bytes", torn)
		}
	}
	slices.Sort(s.names)
	s.swept.Go(s.sweep)
	return s, nil
}

// check fills in defaults and refuses what CreateStream refuses.
func (s *Service) check(c *StreamConfig) error {
	if !isName(c.Name) || len(c.Name) > nameRule.max {
		return fmt.Errorf("stream name %q: 1 to 128 letters, digits, '_', '.' or '-'", c.Name)
	}
	if s.streams[c.Name] != nil {
		return fmt.Errorf("stream name %q is taken twice", c.Name)
	}
	switch c.Mode {
	case "ON_DEMAND":
		c.Shards = s.limits.onDemandShards
	case "PROVISIONED":
		if c.Shards < 1 || c.Shards > s.limits.accountShards {
			return fmt.Errorf("stream %s: ShardCount %d is not in 1 to %d", c.Name, c.Shards, s.limits.accountShards)
		}
	default:
		return fmt.Errorf("stream %s: StreamMode %q is neither ON_DEMAND nor PROVISIONED", c.Name, c.Mode)
	}
	if c.Retention == 0 {
		c.Retention = s.limits.minRetention
	}
	if c.Retention < s.limits.minRetention || c.Retention > s.limits.maxRetention || c.Retention%time.Hour != 0 {
		return fmt.Errorf("stream %s: a retention of %v is not in 24 to 8,760 hours", c.Name, c.Retention)
	}
	return os.MkdirAll(filepath.Join(s.config.Dir, c.Name), 0o755)
}

// lockDir makes sure that the folder is ours, in our form, and used by nobody else.
func (s *Service) lockDir() error {
	dir := s.config.Dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, versionFile)
	if len(entries) == 0 {
		if err := os.WriteFile(path, []byte(versionContent), 0o644); err != nil {
			return err
		}
	}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if string(content) != versionContent {
		return fmt.Errorf("%s: made by another version of hydrant: remove it or use another data folder", dir)
	}
	if s.version, err = os.Open(path); err != nil {
		return err
	}
	if err := syscall.Flock(int(s.version.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s: in use by another process: stop it or use another data folder", dir)
	}
	return nil
}

func (s *Service) sweep() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		for _, name := range s.names {
			if err := s.streams[name].expire(time.Now()); err != nil {
				s.config.Log.Error("cannot remove what is older than the retention", "stream", name, "err", err)
			}
		}
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
	}
}

// Stream returns a stream of the template.
func (s *Service) Stream(name string) (*Stream, bool) {
	st, ok := s.streams[name]
	return st, ok
}

// Reset empties the streams. Readers and iterators stay good and stand at the tip; sequence numbers go on.
func (s *Service) Reset() error {
	var errs []error
	for _, name := range s.names {
		errs = append(errs, s.streams[name].reset())
	}
	return errors.Join(errs...)
}

// Close waits for writes that were begun. Calls are answered with InternalFailureException from then on.
func (s *Service) Close() error {
	select {
	case <-s.stop:
		return nil
	default:
	}
	close(s.stop)
	s.swept.Wait()
	return s.closeFiles()
}

func (s *Service) closeFiles() error {
	var errs []error
	for _, st := range s.streams {
		errs = append(errs, st.close())
	}
	if s.version != nil {
		errs = append(errs, s.version.Close()) // which unlocks it
	}
	return errors.Join(errs...)
}
