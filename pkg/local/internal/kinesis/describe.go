package kinesis

import (
	"encoding/json"
	"sort"
	"time"
)

// The answers' shapes, from the API reference. Times are seconds with a fraction.
type (
	hashRangeJSON struct{ StartingHashKey, EndingHashKey string }
	seconds       int64 // milliseconds in Go, seconds in JSON
	shardJSON     struct {
		ShardID               string `json:"ShardId"`
		ParentShardID         string `json:"ParentShardId,omitempty"`
		AdjacentParentShardID string `json:"AdjacentParentShardId,omitempty"`
		HashKeyRange          hashRangeJSON
		SequenceNumberRange   struct {
			StartingSequenceNumber string
			EndingSequenceNumber   string `json:",omitempty"`
		}
	}
	childShardJSON struct {
		ShardID      string `json:"ShardId"`
		ParentShards []string
		HashKeyRange hashRangeJSON
	}
	modeJSON       struct{ StreamMode string }
	monitoringJSON struct{ ShardLevelMetrics []string }
	streamJSON     struct {
		StreamName              string
		StreamARN               string
		StreamStatus            string
		StreamModeDetails       modeJSON
		StreamCreationTimestamp seconds
	}
	descriptionJSON struct {
		streamJSON
		Shards               []shardJSON
		HasMoreShards        bool
		RetentionPeriodHours int
		EnhancedMonitoring   []monitoringJSON
		EncryptionType       string
	}
	summaryJSON struct {
		streamJSON
		RetentionPeriodHours int
		EnhancedMonitoring   []monitoringJSON
		EncryptionType       string
		OpenShardCount       int
		ConsumerCount        int
		ChannelCount         int
		MaxRecordSizeInKiB   int
	}
)

func (s seconds) MarshalJSON() ([]byte, error) { return appendSeconds(nil, int64(s)), nil }

func (r hashRange) json() hashRangeJSON { return hashRangeJSON{r.start.String(), r.end.String()} }

func (sh *shard) json() shardJSON {
	j := shardJSON{ShardID: sh.id, HashKeyRange: sh.hashes.json()}
	if len(sh.parents) > 0 {
		j.ParentShardID = sh.parents[0]
	}
	if len(sh.parents) > 1 {
		j.AdjacentParentShardID = sh.parents[1]
	}
	j.SequenceNumberRange.StartingSequenceNumber = sh.sequence(sh.First, sh.Created.UnixMilli())
	if sh.closed() {
		j.SequenceNumberRange.EndingSequenceNumber = sh.sequence(sh.End, sh.Closed.UnixMilli())
	}
	return j
}

func (st *Stream) json() streamJSON {
	return streamJSON{
		StreamName: st.config.Name, StreamARN: st.ARN(), StreamStatus: "ACTIVE",
		StreamModeDetails: modeJSON{st.config.Mode}, StreamCreationTimestamp: seconds(st.created.UnixMilli()),
	}
}

func shardsJSON(shards []*shard) []shardJSON {
	out := make([]shardJSON, len(shards))
	for i, sh := range shards {
		out[i] = sh.json()
	}
	return out
}

var noMonitoring = []monitoringJSON{{ShardLevelMetrics: []string{}}}

func (s *Service) describeStreamSummary(d *decoder, _ time.Time) ([]byte, error) {
	var ref streamRef
	err := d.whole(func(name string) error {
		if done, err := ref.member(d, name); done {
			return err
		}
		return d.skip()
	})
	if err != nil {
		return nil, err
	}
	var p problems
	ref.check(&p)
	if err := p.err(); err != nil {
		return nil, err
	}
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"StreamDescriptionSummary": summaryJSON{
		streamJSON: st.json(), RetentionPeriodHours: int(st.config.Retention.Hours()), EnhancedMonitoring: noMonitoring,
		EncryptionType: "NONE", OpenShardCount: len(st.open), MaxRecordSizeInKiB: s.limits.recordBytes >> 10,
	}})
}

func (s *Service) describeStream(d *decoder, _ time.Time) ([]byte, error) {
	var ref streamRef
	var limit optional[int64]
	var after text
	err := d.whole(func(name string) error {
		if done, err := ref.member(d, name); done {
			return err
		}
		switch name {
		case "Limit":
			return d.integer(&limit)
		case "ExclusiveStartShardId":
			return d.text(&after)
		}
		return d.skip()
	})
	if err != nil {
		return nil, err
	}
	var p problems
	ref.check(&p)
	p.number("limit", limit, countRule)
	p.text("exclusiveStartShardId", after, nameRule)
	if err := p.err(); err != nil {
		return nil, err
	}
	st, err := s.find(ref)
	if err != nil {
		return nil, err
	}
	page, more := pageOf(behind(st.shards, after.Value), limit, s.limits.describeShards)
	return json.Marshal(map[string]any{"StreamDescription": descriptionJSON{
		streamJSON: st.json(), Shards: shardsJSON(page), HasMoreShards: more,
		RetentionPeriodHours: int(st.config.Retention.Hours()), EnhancedMonitoring: noMonitoring, EncryptionType: "NONE",
	}})
}

// behind is the shards whose ids follow the given one; ids are equally long, so they sort as text.
func behind(shards []*shard, id string) []*shard {
	return shards[sort.Search(len(shards), func(i int) bool { return shards[i].id > id }):]
}

// pageOf cuts a list. A limit over the largest page is no error: "at most 100 results are returned" (DescribeStream).
func pageOf[T any](all []T, limit optional[int64], largest int) (page []T, more bool) {
	n := largest
	if limit.Set {
		n = min(n, int(limit.Value))
	}
	if len(all) <= n {
		return all, false
	}
	return all[:n], true
}

func (s *Service) listStreams(d *decoder, _ time.Time) ([]byte, error) {
	var limit optional[int64]
	var after, token text
	err := d.whole(func(name string) error {
		switch name {
		case "Limit":
			return d.integer(&limit)
		case "ExclusiveStartStreamName":
			return d.text(&after)
		case "NextToken":
			return d.text(&token)
		}
		return d.skip()
	})
	if err != nil {
		return nil, err
	}
	var p problems
	p.number("limit", limit, countRule)
	p.text("exclusiveStartStreamName", after, nameRule)
	p.text("nextToken", token, tokenRule)
	if err := p.err(); err != nil {
		return nil, err
	}
	if token.Set {
		st, body := s.unseal(kindToken, token.Value)
		if st == nil || len(body) > 0 {
			return nil, invalidArgument("Invalid NextToken.")
		}
		after.Value = st.config.Name
	}
	rest := s.names[sort.Search(len(s.names), func(i int) bool { return s.names[i] > after.Value }):]
	page, more := pageOf(rest, limit, s.limits.listStreams)
	return s.streamList(page, more)
}

func (s *Service) streamList(page []string, more bool) ([]byte, error) {
	answer := struct {
		HasMoreStreams  bool
		NextToken       string `json:",omitempty"`
		StreamNames     []string
		StreamSummaries []streamJSON
	}{HasMoreStreams: more, StreamNames: append([]string{}, page...), StreamSummaries: []streamJSON{}}
	for _, name := range page {
		answer.StreamSummaries = append(answer.StreamSummaries, s.streams[name].json())
	}
	if more {
		answer.NextToken = s.streams[page[len(page)-1]].seal(kindToken, nil)
	}
	return json.Marshal(answer)
}

// describeLimits gives the account's quotas in the Regions with the largest ones.
func (s *Service) describeLimits(d *decoder, _ time.Time) ([]byte, error) {
	if err := d.whole(func(string) error { return d.skip() }); err != nil {
		return nil, err
	}
	provisioned, onDemand := 0, 0
	for _, st := range s.streams {
		if st.config.Mode == "ON_DEMAND" {
			onDemand++
		} else {
			provisioned += len(st.open)
		}
	}
	return json.Marshal(map[string]int{
		"ShardLimit": s.limits.accountShards, "OpenShardCount": provisioned,
		"OnDemandStreamCount": onDemand, "OnDemandStreamCountLimit": s.limits.accountOnDemand,
	})
}
