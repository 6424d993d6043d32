package kinesis

import (
	"fmt"
	"path/filepath"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// segmentBytes is the size of a shard's files: what is read at most when a shard is opened or a position in it is looked for,
// and what is removed at once when it is older than the retention.
const segmentBytes = 4 << 20

// shard is one shard of a stream, open or closed.
type shard struct {
	id     string
	number uint32
	hashes hashRange
	shardLife
	parents []string // at most two
	log     *recordlog.Log
	meter   *throughput
}

// shardLife is when a shard was opened and, if it is, closed, in time and in indexes of its records.
type shardLife struct {
	Created time.Time `json:"created"`
	First   uint64    `json:"first"` // no record has a lower index
	Closed  time.Time `json:"closed,omitzero"`
	End     uint64    `json:"end,omitempty"` // every record has a lower index, once closed
}

func shardID(number uint32) string { return fmt.Sprintf("shardId-%012d", number) }

func (sh *shard) closed() bool { return !sh.Closed.IsZero() }

func (sh *shard) sequence(index uint64, arrival int64) string {
	return sequence{created: uint64(sh.Created.Unix()), index: index, arrival: arrival, shard: sh.number}.String()
}

// open opens the shard's log. Indexes begin at the microsecond of now, if no record has a higher one: a shard takes far
// fewer than a million records per second, so no index that was ever given is given again, not even when the machine
// stopped before the last records reached its disk.
func (sh *shard) open(streamDir string, now time.Time) (err error) {
	sh.log, err = recordlog.Open(filepath.Join(streamDir, sh.id), recordlog.Options{
		SegmentBytes: segmentBytes,
		FirstIndex:   max(sh.First, uint64(now.UnixMicro())),
	})
	return err
}

// position finds where a reader of the shard goes on after a sequence number, or at it.
func (sh *shard) position(s sequence, after bool) recordlog.Position {
	if after {
		s.index++
	}
	return sh.log.At(s.index)
}

// owns reports whether the sequence number was given by this shard.
func (sh *shard) owns(s sequence) bool {
	return s.shard == sh.number && s.created == uint64(sh.Created.Unix())
}
