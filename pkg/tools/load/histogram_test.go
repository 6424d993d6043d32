package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	last := -1
	for _, n := range []int64{0, 1, 63, 64, 126, 127, 128, 129, 130, 255, 256, 257, 511, 512, 1 << 20, 1<<20 + 1<<14, math.MaxInt64} {
		bucket := bucketOf(n)
		if bucket < last {
			t.Errorf("%d is in bucket %d, below that of a smaller number", n, bucket)
		}
		last = bucket
		top := highest(bucket)
		if bucketOf(top) != bucket || top < math.MaxInt64 && bucketOf(top+1) != bucket+1 {
			t.Errorf("%d is not the highest number of bucket %d", top, bucket)
		}
		if top < n || float64(top) > float64(n)*1.016 && n > 127 || top != n && n <= 127 {
			t.Errorf("the bucket of %d goes to %d", n, top)
		}
	}
	if got := bucketOf(math.MaxInt64); got != lastBucket {
		t.Errorf("the largest number is in bucket %d, not the last, %d", got, lastBucket)
	}
}

func TestPercentile(t *testing.T) {
	micro := time.Microsecond
	for name, tc := range map[string]struct {
		values []time.Duration
		share  float64
		want   time.Duration
	}{
		"of nothing is 0":                          {nil, 0.99, 0},
		"of one value is that":                     {[]time.Duration{7 * micro}, 0.5, 7 * micro},
		"the median of two is the lower":           {[]time.Duration{1 * micro, 9 * micro}, 0.5, 1 * micro},
		"the median of three is the one between":   {[]time.Duration{9 * micro, 1 * micro, 5 * micro}, 0.5, 5 * micro},
		"the highest share is the highest value":   {[]time.Duration{3 * micro, 100 * micro, 2 * micro}, 1, 100 * micro},
		"is never more than the highest value":     {[]time.Duration{10001 * micro, 10001 * micro}, 0.99, 10001 * micro},
		"a clock that goes back counts as nothing": {[]time.Duration{-5 * micro}, 0.5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var h histogram
			for _, v := range tc.values {
				h.add(v)
			}
			if got := h.percentile(tc.share); got != tc.want {
				t.Errorf("percentile %v of %v is %s, want %s", tc.share, tc.values, got, tc.want)
			}
		})
	}
}

func TestPercentileIsNearTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var parts [3]histogram
	var whole histogram
	var values []time.Duration
	for i := range 10_000 {
		v := time.Duration(math.Exp(random.Float64()*12)) * time.Microsecond
		values = append(values, v)
		parts[i%len(parts)].add(v)
	}
	for i := range parts {
		whole.merge(&parts[i])
	}
	slices.Sort(values)
	for _, share := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		truth := values[int(math.Ceil(share*float64(len(values))))-1]
		if got := whole.percentile(share); got < truth || float64(got) > 1.016*float64(truth) {
			t.Errorf("percentile %v is %s, the values' own is %s", share, got, truth)
		}
	}
}
