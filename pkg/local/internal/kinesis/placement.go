package kinesis

import (
	"crypto/md5"
	"encoding/binary"
	"math/big"
	"sort"
)

// hashKey is a place in the 128-bit space that a stream's shards share out.
type hashKey struct{ hi, lo uint64 }

func (k hashKey) less(o hashKey) bool { return k.hi < o.hi || k.hi == o.hi && k.lo < o.lo }

func (k hashKey) String() string { return k.big().String() }

func (k hashKey) big() *big.Int {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	return new(big.Int).SetBytes(b[:])
}

// hashOf is where a record with that partition key goes: "An MD5 hash function is used to map partition keys to 128-bit
// integer values" (PutRecord).
func hashOf(partitionKey string) hashKey {
	sum := md5.Sum([]byte(partitionKey))
	return hashKey{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHash reads a decimal number; false if it is 2^128 or more.
func parseHash(decimal string) (hashKey, bool) {
	n, ok := new(big.Int).SetString(decimal, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 {
		return hashKey{}, false
	}
	var b [16]byte
	n.FillBytes(b[:])
	return hashKey{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}, true
}

// hashRange is what a shard takes, both ends included.
type hashRange struct{ start, end hashKey }

func (r hashRange) overlaps(o hashRange) bool { return !r.end.less(o.start) && !o.end.less(r.start) }

// split shares the space out evenly: range i starts at floor(i*2^128/n).
func split(n int) []hashRange {
	ranges := make([]hashRange, n)
	space := new(big.Int).Lsh(big.NewInt(1), 128)
	starts := func(i int) *big.Int {
		x := new(big.Int).Mul(big.NewInt(int64(i)), space)
		return x.Div(x, big.NewInt(int64(n)))
	}
	for i := range ranges {
		end := starts(i + 1)
		ranges[i] = hashRange{fromBig(starts(i)), fromBig(end.Sub(end, big.NewInt(1)))}
	}
	return ranges
}

func fromBig(n *big.Int) hashKey {
	var b [16]byte
	n.FillBytes(b[:])
	return hashKey{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

// place finds the shard for a hash key among open shards sorted by their ranges, which cover the space.
func place(open []*shard, k hashKey) *shard {
	return open[sort.Search(len(open), func(i int) bool { return !open[i].hashes.end.less(k) })]
}
