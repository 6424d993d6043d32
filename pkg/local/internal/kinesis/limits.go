package kinesis

import (
	"sync"
	"time"
)

// limits are AWS's quotas for a stream, from the pages "Quotas and limits" of the developer guide, PutRecord, PutRecords,
// GetRecords, GetShardIterator and ListShards of the API reference.
type limits struct {
	recordBytes  int // data before base64, and the partition key
	batchRecords int
	batchBytes   int

	shardRecords float64 // written to a shard per second
	shardBytes   float64

	getRecords      int
	getBytes        int
	shardReads      float64 // GetRecords calls per second
	shardReadBytes  float64 // read per second; an answer may be larger, and is then paid off before the next
	shardIterators  float64 // GetShardIterator calls per second
	iteratorLife    time.Duration
	tokenLife       time.Duration
	calls           map[string]float64 // per second and account (ListShards: and stream)
	describeShards  int                // in an answer
	listShards      int
	listStreams     int
	minRetention    time.Duration
	maxRetention    time.Duration
	onDemandShards  int // of a new on-demand stream
	accountShards   int // in us-east-1, us-west-2 and eu-west-1
	accountOnDemand int
}

var awsLimits = limits{
	recordBytes:  1 << 20,
	batchRecords: 500,
	batchBytes:   10 << 20,

	shardRecords: 1000,
	shardBytes:   1 << 20,

	getRecords:     10_000,
	getBytes:       10 << 20,
	shardReads:     5,
	shardReadBytes: 2 << 20,
	shardIterators: 5,
	iteratorLife:   5 * time.Minute,
	tokenLife:      300 * time.Second,
	calls: map[string]float64{
		"DescribeLimits": 1, "DescribeStream": 10, "DescribeStreamSummary": 20, "ListShards": 1000, "ListStreams": 5,
	},
	describeShards:  100,
	listShards:      1000,
	listStreams:     100,
	minRetention:    24 * time.Hour,
	maxRetention:    8760 * time.Hour,
	onDemandShards:  4,
	accountShards:   20_000,
	accountOnDemand: 50,
}

// bucket is a token bucket that holds one second's worth. What cannot be taken whole is not taken.
type bucket struct {
	rate  float64 // per second; the bucket begins full
	spent float64
	at    time.Time
}

// has lets time pass and reports whether n can be taken.
func (b *bucket) has(now time.Time, n float64) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.spent = max(0, b.spent-passed.Seconds()*b.rate)
		b.at = now
	}
	return b.spent+n <= b.rate
}

// throughput meters a shard.
type throughput struct {
	mu        sync.Mutex
	records   bucket
	bytes     bucket
	reads     bucket
	readBytes bucket
	overdrawn bool // readBytes' second is used up, and must be paid off before the next read
	iterators bucket
}

func newThroughput(l limits) *throughput {
	return &throughput{
		records:   bucket{rate: l.shardRecords},
		bytes:     bucket{rate: l.shardBytes},
		reads:     bucket{rate: l.shardReads},
		readBytes: bucket{rate: l.shardReadBytes},
		iterators: bucket{rate: l.shardIterators},
	}
}

// put reports whether one record of that size may be written now, and counts it if so.
func (t *throughput) put(now time.Time, size int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Both are asked, so that both see the time pass.
	records, bytes := t.records.has(now, 1), t.bytes.has(now, float64(size))
	if !records || !bytes {
		return false
	}
	t.records.spent++
	t.bytes.spent += float64(size)
	return true
}

// get reports whether a GetRecords call may read now. Its answer's size is known only later: see got.
func (t *throughput) get(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	reads := t.reads.has(now, 1)
	// "If a call returns this amount of data [10 MiB], subsequent calls made within the next 5 seconds throw
	// ProvisionedThroughputExceededException": at 2 MiB per second, five seconds pay for the whole of it.
	t.readBytes.has(now, 0)
	if t.readBytes.spent == 0 {
		t.overdrawn = false
	}
	if !reads || t.overdrawn {
		return false
	}
	t.reads.spent++
	return true
}

// got counts what a GetRecords call answered.
func (t *throughput) got(size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readBytes.spent += float64(size)
	t.overdrawn = t.overdrawn || t.readBytes.spent >= t.readBytes.rate
}

// iterator reports whether a GetShardIterator call may be answered now.
func (t *throughput) iterator(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	ok := t.iterators.has(now, 1)
	if ok {
		t.iterators.spent++
	}
	return ok
}

// callLimits meters operations that are limited for the account.
type callLimits struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

func newCallLimits(rates map[string]float64) *callLimits {
	c := &callLimits{buckets: map[string]*bucket{}}
	for action, rate := range rates {
		c.buckets[action] = &bucket{rate: rate}
	}
	return c
}

func (c *callLimits) take(action string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, limited := c.buckets[action]
	if !limited {
		return true
	}
	ok := b.has(now, 1)
	if ok {
		b.spent++
	}
	return ok
}
