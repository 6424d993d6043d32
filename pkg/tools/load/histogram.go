package main

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts latencies. Its memory does not grow with their number: up to 127 µs every microsecond has a bucket of its own, and above
// it each doubling has 64, so that a percentile is at most 1.6 % over the truth and never under it.
type histogram struct {
	buckets [lastBucket + 1]int64
	count   int64
	max     time.Duration
}

const (
	perDoubling = 64
	lastBucket  = 56*perDoubling + 127 // that of the largest int64
)

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(max(d.Microseconds(), 0))]++
	h.count++
	h.max = max(h.max, d)
}

// merge adds what another has counted.
func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.max = max(h.max, other.max)
}

// percentile answers the latency that a share of all, 0 to 1, did not exceed: the nearest-rank percentile. Of nothing it is 0.
func (h *histogram) percentile(share float64) time.Duration {
	rank := int64(math.Ceil(share * float64(h.count)))
	for i, n := range h.buckets {
		if rank -= n; rank <= 0 && n > 0 {
			return min(time.Duration(highest(i))*time.Microsecond, h.max)
		}
	}
	return h.max
}

// bucketOf keeps the seven leading bits of a number.
func bucketOf(n int64) int {
	shift := max(bits.Len64(uint64(n))-7, 0)
	return shift*perDoubling + int(n>>shift)
}

// highest is the largest number of a bucket.
func highest(bucket int) int64 {
	shift := max(bucket/perDoubling-1, 0)
	leading := int64(bucket - shift*perDoubling)
	return (leading+1)<<shift - 1
}
