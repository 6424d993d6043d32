package kinesis

import (
	"math/bits"
)

// sequence is what a sequence number says: 56 decimal digits of
//
//	2<<184 | second the shard was created<<148 | index in the shard<<84 | arrival in ms<<36 | shard<<4 | 2
//
// AWS does not document its numbers but for their order: they rise within a shard. The leading 2 and the second give them
// AWS's length and first digits (496... from 2019 to 2028), the index their order.
type sequence struct {
	created uint64 // Unix seconds, 36 bits
	index   uint64
	arrival int64  // Unix milliseconds, 48 bits
	shard   uint32 // number of the shard
}

const (
	sequenceDigits = 56
	chunkDigits    = 19
	chunk          = 10_000_000_000_000_000_000 // 10^19
)

func (s sequence) String() string {
	ms := uint64(s.arrival) & (1<<48 - 1)
	n := [3]uint64{ // least significant first
		ms<<36 | uint64(s.shard)<<4 | 2,
		s.index<<20 | ms>>28,
		2<<56 | s.created&(1<<36-1)<<20 | s.index>>44,
	}
	var digits [sequenceDigits]byte
	for end := sequenceDigits; end > 0; end -= chunkDigits {
		var rest uint64
		for i := 2; i >= 0; i-- {
			n[i], rest = bits.Div64(rest, n[i], chunk)
		}
		for i := end - 1; i >= max(0, end-chunkDigits); i-- {
			digits[i] = byte('0' + rest%10)
			rest /= 10
		}
	}
	return string(digits[:])
}

// parseSequence reads a sequence number; false if it is none of ours.
func parseSequence(decimal string) (sequence, bool) {
	if len(decimal) != sequenceDigits {
		return sequence{}, false
	}
	var n [3]uint64
	for i := range len(decimal) {
		digit := uint64(decimal[i] - '0')
		if digit > 9 {
			return sequence{}, false
		}
		for j := range n {
			hi, lo := bits.Mul64(n[j], 10)
			lo, carry := bits.Add64(lo, digit, 0)
			n[j], digit = lo, hi+carry
		}
		if digit > 0 {
			return sequence{}, false
		}
	}
	if n[2]>>56 != 2 || n[0]&15 != 2 {
		return sequence{}, false
	}
	return sequence{
		created: n[2] >> 20 & (1<<36 - 1),
		index:   n[2]<<44 | n[1]>>20,
		arrival: int64(n[1]<<28&(1<<48-1) | n[0]>>36),
		shard:   uint32(n[0] >> 4),
	}, true
}
