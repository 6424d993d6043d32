package kinesis

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// Iterators and tokens are opaque to callers: base64 of 8 bytes of a kind, a body, and 16 bytes of HMAC-SHA-256 under the
// stream's secret, so that what was changed or made up is refused. They stay good across a restart.
const (
	kindIterator = 1 // the first bytes of AWS's iterators are this number too
	kindToken    = 2
	macBytes     = 16
)

func (st *Stream) mac(signed []byte) []byte {
	h := hmac.New(sha256.New, st.secret)
	h.Write(signed) // a hash never returns an error
	return h.Sum(nil)[:macBytes]
}

func (st *Stream) seal(kind uint64, body []byte) string {
	out := binary.BigEndian.AppendUint64(nil, kind)
	out = append(out, byte(len(st.config.Name)))
	out = append(out, st.config.Name...)
	out = append(out, body...)
	return base64.StdEncoding.EncodeToString(append(out, st.mac(out)...))
}

// unseal returns the stream and body of what seal made; nil if it is anything else.
func (s *Service) unseal(kind uint64, sealed string) (*Stream, []byte) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) < 9+macBytes || binary.BigEndian.Uint64(raw) != kind {
		return nil, nil
	}
	signed, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	name, body := signed[9:], []byte(nil)
	if len(name) < int(signed[8]) {
		return nil, nil
	}
	name, body = name[:signed[8]], name[signed[8]:]
	st := s.streams[string(name)]
	if st == nil || !hmac.Equal(mac, st.mac(signed)) {
		return nil, nil
	}
	return st, body
}

// iterator is a shard iterator: a place in a shard, and when it was given out.
type iterator struct {
	shard    *shard
	position recordlog.Position
	created  time.Time
}

const iteratorBytes = 36

func (st *Stream) sealIterator(it iterator) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(it.created.UnixMilli()))
	body = binary.BigEndian.AppendUint32(body, it.shard.number)
	body = binary.BigEndian.AppendUint64(body, it.position.Index)
	body = binary.BigEndian.AppendUint64(body, it.position.Segment)
	body = binary.BigEndian.AppendUint64(body, uint64(it.position.Offset))
	return st.seal(kindIterator, body)
}

// iteratorTime is the form of times in ExpiredIteratorException's message.
const iteratorTime = "Mon Jan 02 15:04:05 UTC 2006"

func (s *Service) parseIterator(sealed string, now time.Time) (*Stream, iterator, error) {
	st, body := s.unseal(kindIterator, sealed)
	if st == nil || len(body) != iteratorBytes {
		return nil, iterator{}, invalidArgument("Invalid ShardIterator.")
	}
	it := iterator{
		created: time.UnixMilli(int64(binary.BigEndian.Uint64(body))),
		shard:   st.shard(shardID(binary.BigEndian.Uint32(body[8:]))),
		position: recordlog.Position{
			Index:   binary.BigEndian.Uint64(body[12:]),
			Segment: binary.BigEndian.Uint64(body[20:]),
			Offset:  int64(binary.BigEndian.Uint64(body[28:])),
		},
	}
	if age := now.Sub(it.created); age > s.limits.iteratorLife {
		return nil, iterator{}, &fault{
			Type: "ExpiredIteratorException",
			Message: "Iterator expired. The iterator was created at time " + it.created.UTC().Format(iteratorTime) +
				" while right now it is " + now.UTC().Format(iteratorTime) +
				" which is further in the future than the tolerated delay of 300000 milliseconds.",
		}
	}
	if it.shard == nil {
		return nil, iterator{}, notFound("Shard %s in stream %s under account %s does not exist", shardID(binary.BigEndian.Uint32(body[8:])), st.config.Name, s.config.AccountID)
	}
	if it.created.Before(s.started.Truncate(time.Millisecond)) {
		// The offset is of an earlier run, whose last records may not have reached the disk: find the place again.
		it.position = it.shard.log.At(it.position.Index)
	}
	return st, it, nil
}
