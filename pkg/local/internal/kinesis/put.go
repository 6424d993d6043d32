package kinesis

import (
	"fmt"
	"strconv"
	"time"

	"hydrant/pkg/local/internal/kinesis/recordlog"
)

// streamRef is how a request names its stream.
type streamRef struct{ name, arn text }

// member reads the members that name a stream; false if name is none of them.
func (r *streamRef) member(d *decoder, name string) (bool, error) {
	switch name {
	case "StreamName":
		return true, d.text(&r.name)
	case "StreamARN":
		return true, d.text(&r.arn)
	case "StreamId", "DryRun":
		return true, d.unsupported(name)
	}
	return false, nil
}

func (r *streamRef) check(p *problems) {
	p.text("streamName", r.name, nameRule)
	p.text("streamARN", r.arn, arnRule)
}

// find returns the stream. "You must use either the StreamARN or the StreamName parameter, or both."
func (s *Service) find(r streamRef) (*Stream, error) {
	account, name := s.config.AccountID, r.name.Value
	if r.arn.Set {
		arn, err := parseARN(r.arn.Value)
		if err != nil {
			return nil, err
		}
		if r.name.Set && r.name.Value != arn.name {
			return nil, invalidArgument("StreamName %s and StreamARN %s do not name the same stream.", r.name.Value, r.arn.Value)
		}
		account, name = arn.account, arn.name
		if arn.region != s.config.Region {
			return nil, notFound("Stream %s under account %s not found.", name, account)
		}
	} else if !r.name.Set {
		return nil, invalidArgument("Either StreamName or StreamARN must be provided.")
	}
	st := s.streams[name]
	if st == nil || account != s.config.AccountID {
		return nil, notFound("Stream %s under account %s not found.", name, account)
	}
	return st, nil
}

// entry is a record to be put.
type entry struct {
	data      optional[[]byte]
	key, hash text
}

func (e *entry) member(d *decoder, name string) (bool, error) {
	switch name {
	case "Data":
		return true, d.blob(&e.data)
	case "PartitionKey":
		return true, d.text(&e.key)
	case "ExplicitHashKey":
		return true, d.text(&e.hash)
	}
	return false, nil
}

// check adds what is wrong with the entry; prefix is "" or that of a batch's member.
func (e *entry) check(p *problems, prefix string, recordBytes int) {
	p.require(prefix+"data", e.data.Set)
	p.size(prefix+"data", len(e.data.Value), len(e.key.Value), recordBytes)
	// A stream places records by partition key unless UpdateStreamRecordDistributionStrategy said otherwise.
	p.require(prefix+"partitionKey", e.key.Set)
	p.text(prefix+"partitionKey", e.key, keyRule)
	p.text(prefix+"explicitHashKey", e.hash, hashRule)
}

// place finds the entry's shard.
func (e *entry) place(st *Stream) (*shard, error) {
	if !e.hash.Set {
		return place(st.open, hashOf(e.key.Value)), nil
	}
	k, ok := parseHash(e.hash.Value)
	if !ok {
		return nil, invalidArgument("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", e.hash.Value)
	}
	return place(st.open, k), nil
}

func (e *entry) size() int { return len(e.data.Value) + len(e.key.Value) }

func (s *Service) putRecord(d *decoder, now time.Time) ([]byte, error) {
	var ref streamRef
	var e entry
	var ordering text
	err := d.whole(func(name string) error {
		if done, err := ref.member(d, name); done {
			return err
		}
		if done, err := e.member(d, name); done {
			return err
		}
		if name == "SequenceNumberForOrdering" {
			// It asks for numbers that rise with each put of a client; here they always do.
			return d.text(&ordering)
		}
		return d.skip()
	})
	if err != nil {
		return nil, err
	}
	var p problems
	ref.check(&p)
	e.check(&p, "", s.limits.recordBytes)
	p.text("sequenceNumberForOrdering", ordering, sequenceRule)
	if err := p.err(); err != nil {
		return nil, err
	}
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	sh, err := e.place(st)
	if err != nil {
		return nil, err
	}
	return st.put(sh, &e, now)
}

func (st *Stream) put(sh *shard, e *entry, now time.Time) ([]byte, error) {
	if !sh.meter.put(now, e.size()) {
		st.counts.throttled.Add(1)
		return nil, &fault{Type: throughputExceeded, Message: st.rateText(sh)}
	}
	arrival := now.UnixMilli()
	index, err := sh.log.Append(arrival, recordlog.Entry{Key: e.key.Value, Data: e.data.Value})
	if err != nil {
		st.counts.failed.Add(1)
		return nil, fmt.Errorf("%s of stream %s: %w", sh.id, st.config.Name, err)
	}
	st.counts.records.Add(1)
	st.counts.bytes.Add(int64(e.size()))
	st.wake()
	return append(appendStored(nil, sh, index, arrival), '}'), nil
}

// appendStored appends {"SequenceNumber":…,"ShardId":… without the closing brace.
func appendStored(dst []byte, sh *shard, index uint64, arrival int64) []byte {
	dst = append(dst, `{"SequenceNumber":"`...)
	dst = append(dst, sh.sequence(index, arrival)...)
	dst = append(dst, `","ShardId":"`...)
	dst = append(dst, sh.id...)
	return append(dst, '"')
}

func (s *Service) putRecords(d *decoder, now time.Time) ([]byte, error) {
	var ref streamRef
	var batch []entry
	var set bool
	err := d.whole(func(name string) (err error) {
		if done, err := ref.member(d, name); done {
			return err
		}
		if name != "Records" {
			return d.skip()
		}
		set, err = d.list(func() error {
			batch = append(batch, entry{})
			return d.object(func(name string) error {
				if done, err := batch[len(batch)-1].member(d, name); done {
					return err
				}
				return d.skip()
			})
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.checkBatch(&ref, batch, set); err != nil {
		return nil, err
	}
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	return st.putBatch(batch, now)
}

// checkBatch refuses the whole request for one bad entry, as AWS does. Members are counted from 1.
func (s *Service) checkBatch(ref *streamRef, batch []entry, set bool) error {
	var p problems
	ref.check(&p)
	p.require("records", set)
	if set && len(batch) == 0 {
		p.add("'[]' ", "records", "Member must have length greater than or equal to 1")
	}
	if len(batch) > s.limits.batchRecords {
		p.add("", "records", "Member must have length less than or equal to "+strconv.Itoa(s.limits.batchRecords))
	}
	sum := 0
	for i := range batch {
		if len(p) < maxProblems {
			batch[i].check(&p, "records."+strconv.Itoa(i+1)+".member.", s.limits.recordBytes)
		}
		sum += batch[i].size()
	}
	if err := p.err(); err != nil {
		return err
	}
	if sum > s.limits.batchBytes {
		return invalidArgument("Records size exceeds %d MB limit", s.limits.batchBytes>>20)
	}
	return nil
}

// putBatch stores what the shards take now. Each shard's entries are one write, in the order of the request.
func (st *Stream) putBatch(batch []entry, now time.Time) ([]byte, error) {
	results := make([]result, len(batch))
	byShard := map[*shard][]int{}
	for i := range batch {
		sh, err := batch[i].place(st)
		if err != nil {
			return nil, err
		}
		results[i].shard = sh
	}
	for i := range batch {
		sh := results[i].shard
		if sh.meter.put(now, batch[i].size()) {
			byShard[sh] = append(byShard[sh], i)
			continue
		}
		results[i].code, results[i].message = throughputExceeded, st.rateText(sh)
		st.counts.throttled.Add(1)
	}
	arrival := now.UnixMilli()
	for sh, members := range byShard {
		st.putGroup(sh, batch, members, results, arrival)
	}
	if len(byShard) > 0 {
		st.wake()
	}
	return appendResults(results, arrival), nil
}

// result is what became of an entry of PutRecords.
type result struct {
	shard         *shard
	index         uint64
	code, message string
}

func (st *Stream) putGroup(sh *shard, batch []entry, members []int, results []result, arrival int64) {
	entries := make([]recordlog.Entry, len(members))
	size := 0
	for i, m := range members {
		entries[i] = recordlog.Entry{Key: batch[m].key.Value, Data: batch[m].data.Value}
		size += batch[m].size()
	}
	first, err := sh.log.Append(arrival, entries...)
	if err != nil {
		st.service.config.Log.Error("kinesis", "action", "PutRecords", "stream", st.config.Name, "shard", sh.id, "err", err)
		st.counts.failed.Add(int64(len(members)))
		for _, m := range members {
			results[m].code, results[m].message = "InternalFailure", "Internal service failure."
		}
		return
	}
	st.counts.records.Add(int64(len(members)))
	st.counts.bytes.Add(int64(size))
	for i, m := range members {
		results[m].index = first + uint64(i)
	}
}

func appendResults(results []result, arrival int64) []byte {
	failed := 0
	for _, r := range results {
		if r.code != "" {
			failed++
		}
	}
	dst := make([]byte, 0, 64+128*len(results))
	dst = append(dst, `{"FailedRecordCount":`...)
	dst = strconv.AppendInt(dst, int64(failed), 10)
	dst = append(dst, `,"Records":[`...)
	for i, r := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r.code == "" {
			dst = append(appendStored(dst, r.shard, r.index, arrival), '}')
			continue
		}
		// Neither text needs escaping: codes are constants, messages hold a stream's and a shard's name.
		dst = append(dst, `{"ErrorCode":"`+r.code+`","ErrorMessage":"`+r.message+`"}`...)
	}
	return append(dst, `]}`...)
}
