package kinesis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// iteratorRequest is GetShardIterator's.
type iteratorRequest struct {
	ref                   streamRef
	shard, kind, starting text
	at                    optional[time.Time]
}

func (r *iteratorRequest) read(d *decoder) error {
	return d.whole(func(name string) error {
		if done, err := r.ref.member(d, name); done {
			return err
		}
		switch name {
		case "ShardId":
			return d.text(&r.shard)
		case "ShardIteratorType":
			return d.text(&r.kind)
		case "StartingSequenceNumber":
			return d.text(&r.starting)
		case "Timestamp":
			return d.timestamp(&r.at)
		}
		return d.skip()
	})
}

func (r *iteratorRequest) check() error {
	var p problems
	r.ref.check(&p)
	p.require("shardId", r.shard.Set)
	p.text("shardId", r.shard, nameRule)
	p.require("shardIteratorType", r.kind.Set)
	p.text("shardIteratorType", r.kind, typeRule)
	p.text("startingSequenceNumber", r.starting, sequenceRule)
	return p.err()
}

func (s *Service) getShardIterator(d *decoder, now time.Time) ([]byte, error) {
	var r iteratorRequest
	if err := r.read(d); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	st, err := s.find(r.ref)
	if err != nil {
		return nil, err
	}
	sh := st.shard(r.shard.Value)
	if sh == nil {
		return nil, notFound("Shard %s in stream %s under account %s does not exist", r.shard.Value, st.config.Name, s.config.AccountID)
	}
	// Asked before the search, so that a throttled call reads no file.
	if !sh.meter.iterator(now) {
		st.counts.getsThrottled.Add(1)
		return nil, &fault{Type: throughputExceeded, Message: st.rateText(sh)}
	}
	position, err := st.start(sh, r.kind.Value, r.starting, r.at, now)
	if err != nil {
		return nil, err
	}
	return []byte(`{"ShardIterator":"` + st.sealIterator(iterator{sh, position, now}) + `"}`), nil
}

// start finds where an iterator of the given type stands. The texts are AWS's.
func (st *Stream) start(sh *shard, kind string, starting text, at optional[time.Time], now time.Time) (recordlog.Position, error) {
	bySequence := kind == "AT_SEQUENCE_NUMBER" || kind == "AFTER_SEQUENCE_NUMBER"
	if bySequence != starting.Set {
		has := "no"
		if starting.Set {
			has = "also a"
		}
		return recordlog.Position{}, invalidArgument("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s StartingSequenceNumber.", kind, has)
	}
	switch kind {
	case "TRIM_HORIZON":
		return sh.log.Oldest(), nil
	case "LATEST":
		return sh.log.Tip(), nil
	case "AT_TIMESTAMP":
		return st.since(sh, at, now)
	}
	s, ok := parseSequence(starting.Value)
	switch {
	case !ok || s.created != uint64(sh.Created.Unix()) && s.shard == sh.number:
		return recordlog.Position{}, invalidArgument("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid because it did not come from this stream.", starting.Value, sh.id, st.config.Name, st.service.config.AccountID)
	case s.shard != sh.number:
		return recordlog.Position{}, invalidArgument("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(s.shard), sh.id)
	}
	return sh.position(s, kind == "AFTER_SEQUENCE_NUMBER"), nil
}

func (st *Stream) since(sh *shard, at optional[time.Time], now time.Time) (recordlog.Position, error) {
	if !at.Set {
		return recordlog.Position{}, invalidArgument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
	}
	if at.Value.UnixMilli() > now.UnixMilli() {
		return recordlog.Position{}, invalidArgument("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", at.Value.UnixMilli(), now.UnixMilli())
	}
	return sh.log.After(at.Value.UnixMilli())
}

func (s *Service) getRecords(d *decoder, now time.Time) ([]byte, error) {
	var ref streamRef
	var sealed text
	var limit optional[int64]
	err := d.whole(func(name string) error {
		if done, err := ref.member(d, name); done {
			return err
		}
		switch name {
		case "ShardIterator":
			return d.text(&sealed)
		case "Limit":
			return d.integer(&limit)
		}
		return d.skip()
	})
	if err != nil {
		return nil, err
	}
	var p problems
	p.require("shardIterator", sealed.Set)
	p.text("shardIterator", sealed, iteratorRule)
	p.number("limit", limit, countRule)
	p.text("streamARN", ref.arn, arnRule)
	if err := p.err(); err != nil {
		return nil, err
	}
	st, it, err := s.parseIterator(sealed.Value, now)
	if err != nil {
		return nil, err
	}
	if ref.arn.Set && ref.arn.Value != st.ARN() {
		return nil, invalidArgument("StreamARN %s is not the stream of the ShardIterator.", ref.arn.Value)
	}
	if !limit.Set {
		limit.Value = int64(s.limits.getRecords)
	}
	return st.get(it, int(limit.Value), now)
}

func (st *Stream) get(it iterator, limit int, now time.Time) ([]byte, error) {
	sh := it.shard
	if !sh.meter.get(now) {
		st.counts.getsThrottled.Add(1)
		return nil, &fault{Type: throughputExceeded, Message: st.rateText(sh)}
	}
	records, err := sh.log.Read(&it.position, limit, st.service.limits.getBytes)
	if err != nil {
		return nil, fmt.Errorf("%s of stream %s: %w", sh.id, st.config.Name, err)
	}
	size := 0
	for _, r := range records {
		size += len(r.Key) + len(r.Data)
	}
	sh.meter.got(size)
	st.counts.gets.Add(1)
	st.counts.getRecords.Add(int64(len(records)))
	st.counts.getBytes.Add(int64(size))

	dst := make([]byte, 0, 1024+size*4/3+200*len(records))
	if dst, err = appendRecords(dst, sh, records); err != nil {
		return nil, err
	}
	atTip := sh.log.AtTip(it.position)
	dst = append(dst, `,"MillisBehindLatest":`...)
	dst = strconv.AppendInt(dst, millisBehind(records, atTip, now), 10)
	if sh.closed() && atTip {
		// "If the shard has been closed, the shard iterator can't return more data and GetRecords returns null".
		children, err := json.Marshal(st.children(sh))
		return append(append(append(dst, `,"ChildShards":`...), children...), '}'), err
	}
	it.created = now
	return append(dst, `,"NextShardIterator":"`+st.sealIterator(it)+`"}`...), nil
}

// millisBehind is how old the last record of the answer is if others wait behind it, else 0.
func millisBehind(records []recordlog.Record, atTip bool, now time.Time) int64 {
	if atTip || len(records) == 0 {
		return 0
	}
	return max(0, now.UnixMilli()-records[len(records)-1].Arrival)
}

func appendRecords(dst []byte, sh *shard, records []recordlog.Record) (_ []byte, err error) {
	dst = append(dst, `{"Records":[`...)
	for i, r := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"SequenceNumber":"`...)
		dst = append(dst, sh.sequence(r.Index, r.Arrival)...)
		dst = append(dst, `","ApproximateArrivalTimestamp":`...)
		dst = appendSeconds(dst, r.Arrival)
		dst = append(dst, `,"Data":"`...)
		at := len(dst)
		dst = append(dst, make([]byte, base64.StdEncoding.EncodedLen(len(r.Data)))...)
		base64.StdEncoding.Encode(dst[at:], r.Data)
		dst = append(dst, `","PartitionKey":`...)
		if dst, err = jsontext.AppendQuote(dst, r.Key); err != nil {
			return nil, err
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

// appendSeconds appends milliseconds as AWS's JSON gives times: seconds with a fraction.
func appendSeconds(dst []byte, ms int64) []byte {
	dst = strconv.AppendInt(dst, ms/1000, 10)
	return append(dst, fmt.Sprintf(".%03d", ms%1000)...)
}

// children are the shards that took over from a closed one.
func (st *Stream) children(sh *shard) []childShardJSON {
	out := []childShardJSON{}
	for _, child := range st.shards {
		if slices.Contains(child.parents, sh.id) {
			out = append(out, childShardJSON{ShardID: child.id, ParentShards: child.parents, HashKeyRange: child.hashes.json()})
		}
	}
	return out
}
