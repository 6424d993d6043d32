package kinesis

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// Stream is one stream of the template. It is safe for concurrent use.
type Stream struct {
	service *Service
	config  StreamConfig
	dir     string
	created time.Time
	secret  []byte   // signs iterators and tokens
	shards  []*shard // by number
	open    []*shard // by range

	mu      sync.Mutex
	next    chan struct{} // closed at the next put
	watched atomic.Bool   // somebody has taken next

	counts counts
}

type counts struct {
	records, bytes, throttled, failed, gets, getRecords, getBytes, getsThrottled atomic.Int64
}

// Stats counts since the start or the last Reset, apart from what is stored now.
type Stats struct {
	Records       int64 `json:"records"`       // stored
	Bytes         int64 `json:"bytes"`         // of data and partition keys, stored
	Throttled     int64 `json:"throttled"`     // records refused with ProvisionedThroughputExceededException
	Failed        int64 `json:"failed"`        // records refused with InternalFailure
	Gets          int64 `json:"gets"`          // GetRecords calls answered
	GetRecords    int64 `json:"getRecords"`    // records that they returned
	GetBytes      int64 `json:"getBytes"`      // of data and partition keys that they returned
	GetsThrottled int64 `json:"getsThrottled"` // GetRecords and GetShardIterator calls refused for the shard's limits
	StoredBytes   int64 `json:"storedBytes"`   // in the shards' files now
	TornBytes     int64 `json:"tornBytes"`     // half-written by a process that was killed, cut off at the start
	OpenShards    int   `json:"openShards"`
	ClosedShards  int   `json:"closedShards"` // of an earlier shard count, which still have records
}

// Record is a record as a Reader returns it. Data shares its memory with other records of the same Read.
type Record struct {
	Sequence     string
	Arrival      time.Time
	PartitionKey string
	Data         []byte
}

// ARN returns the stream's ARN.
func (st *Stream) ARN() string {
	c := st.service.config
	return "arn:aws:kinesis:" + c.Region + ":" + c.AccountID + ":stream/" + st.config.Name
}

// Shards returns the ids of all shards that may have records, those of an earlier shard count first.
func (st *Stream) Shards() []string {
	ids := make([]string, len(st.shards))
	for i, sh := range st.shards {
		ids[i] = sh.id
	}
	return ids
}

func (st *Stream) shard(id string) *shard {
	for _, sh := range st.shards {
		if sh.id == id {
			return sh
		}
	}
	return nil
}

// Reader reads a shard in process, without the limits of GetRecords: from the oldest record that is kept if after is "",
// else from the first one behind that sequence number. It is an error if the sequence number is none of the shard's.
func (st *Stream) Reader(shard, after string) (*Reader, error) {
	sh := st.shard(shard)
	if sh == nil {
		return nil, fmt.Errorf("stream %s has no shard %q", st.config.Name, shard)
	}
	if after == "" {
		return &Reader{sh, sh.log.Oldest()}, nil
	}
	s, ok := parseSequence(after)
	if !ok || !sh.owns(s) {
		return nil, fmt.Errorf("sequence number %q is not of %s of stream %s", after, shard, st.config.Name)
	}
	return &Reader{sh, sh.position(s, true)}, nil
}

// Reader is a place in a shard. It holds no file open and needs no closing. It is not safe for concurrent use.
type Reader struct {
	shard    *shard
	position recordlog.Position
}

// Read returns the next records: at most maxRecords with at most maxBytes of data and partition keys, but one at least if
// there is one. It does not block: none means that the reader has seen all there is.
func (r *Reader) Read(maxRecords, maxBytes int) ([]Record, error) {
	stored, err := r.shard.log.Read(&r.position, maxRecords, maxBytes)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(stored))
	for i, s := range stored {
		records[i] = Record{
			Sequence:     r.shard.sequence(s.Index, s.Arrival),
			Arrival:      time.UnixMilli(s.Arrival),
			PartitionKey: s.Key,
			Data:         s.Data,
		}
	}
	return records, nil
}

// Unread counts the records that Read has yet to return, of those that are stored now.
func (r *Reader) Unread() int { return r.shard.log.Behind(r.position) }

// Puts returns a channel that is closed when the next record has been stored. Take it before Read and wait on it after a
// Read that returned nothing; then no record is missed.
func (st *Stream) Puts() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.watched.Store(true)
	return st.next
}

// wake tells the readers of a put. Records must be stored before.
func (st *Stream) wake() {
	if !st.watched.Load() {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.watched.Swap(false) {
		close(st.next)
		st.next = make(chan struct{})
	}
}

// Stats returns the stream's counts.
func (st *Stream) Stats() Stats {
	c := &st.counts
	s := Stats{
		Records: c.records.Load(), Bytes: c.bytes.Load(), Throttled: c.throttled.Load(), Failed: c.failed.Load(),
		Gets: c.gets.Load(), GetRecords: c.getRecords.Load(), GetBytes: c.getBytes.Load(),
		GetsThrottled: c.getsThrottled.Load(),
		OpenShards:    len(st.open), ClosedShards: len(st.shards) - len(st.open),
	}
	for _, sh := range st.shards {
		s.StoredBytes += sh.log.Bytes()
		s.TornBytes += sh.log.Torn()
	}
	return s
}

func (st *Stream) reset() error {
	var errs []error
	for _, sh := range st.shards {
		errs = append(errs, sh.log.Reset())
	}
	c := &st.counts
	for _, n := range []*atomic.Int64{&c.records, &c.bytes, &c.throttled, &c.failed, &c.gets, &c.getRecords, &c.getBytes, &c.getsThrottled} {
		n.Store(0)
	}
	return errors.Join(errs...)
}

// expire removes the segments that are older than the retention as a whole.
func (st *Stream) expire(now time.Time) error {
	var errs []error
	for _, sh := range st.shards {
		errs = append(errs, sh.log.Expire(now.Add(-st.config.Retention)))
	}
	return errors.Join(errs...)
}

func (st *Stream) close() error {
	var errs []error
	for _, sh := range st.shards {
		if sh.log != nil {
			errs = append(errs, sh.log.Close())
		}
	}
	return errors.Join(errs...)
}
