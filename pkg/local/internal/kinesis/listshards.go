package kinesis

import (
	"encoding/json"
	"time"
)

// shardFilter is ListShards's ShardFilter.
type shardFilter struct {
	Kind    text
	ShardID text
	At      optional[time.Time]
}

func (f *shardFilter) read(d *decoder) error {
	return d.object(func(name string) error {
		switch name {
		case "Type":
			return d.text(&f.Kind)
		case "ShardId":
			return d.text(&f.ShardID)
		case "Timestamp":
			return d.timestamp(&f.At)
		}
		return d.skip()
	})
}

// listing is a ListShards request; it is also what its NextToken carries on.
type listing struct {
	ref     streamRef
	token   text
	max     optional[int64]
	created optional[time.Time]
	After   text
	Filter  optional[shardFilter]
	Made    time.Time // when the token was
}

func (l *listing) read(d *decoder) error {
	return d.whole(func(name string) error {
		if done, err := l.ref.member(d, name); done {
			return err
		}
		switch name {
		case "NextToken":
			return d.text(&l.token)
		case "MaxResults":
			return d.integer(&l.max)
		case "ExclusiveStartShardId":
			return d.text(&l.After)
		case "StreamCreationTimestamp":
			return d.timestamp(&l.created)
		case "ShardFilter":
			l.Filter.Set = true
			return l.Filter.Value.read(d)
		}
		return d.skip()
	})
}

func (l *listing) check() error {
	var p problems
	l.ref.check(&p)
	p.text("nextToken", l.token, tokenRule)
	p.text("exclusiveStartShardId", l.After, nameRule)
	p.number("maxResults", l.max, countRule)
	if l.Filter.Set {
		p.require("shardFilter.type", l.Filter.Value.Kind.Set)
		p.text("shardFilter.type", l.Filter.Value.Kind, filterRule)
		p.text("shardFilter.shardId", l.Filter.Value.ShardID, nameRule)
	}
	if err := p.err(); err != nil {
		return err
	}
	if !l.token.Set {
		return nil
	}
	for _, other := range []struct {
		name string
		set  bool
	}{
		{"StreamName", l.ref.name.Set},
		{"StreamARN", l.ref.arn.Set},
		{"ExclusiveStartShardId", l.After.Set},
		{"StreamCreationTimestamp", l.created.Set},
		{"ShardFilter", l.Filter.Set},
	} {
		if other.set {
			return invalidArgument("NextToken and %s cannot be provided together.", other.name)
		}
	}
	return nil
}

func (s *Service) listShards(d *decoder, now time.Time) ([]byte, error) {
	var l listing
	if err := l.read(d); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	st, err := s.listed(&l, now)
	if err != nil {
		return nil, err
	}
	shards, err := st.filter(l.Filter, now)
	if err != nil {
		return nil, err
	}
	page, more := pageOf(behind(shards, l.After.Value), l.max, s.limits.listShards)
	answer := struct {
		Shards    []shardJSON
		NextToken string `json:",omitempty"`
	}{Shards: shardsJSON(page)}
	if more {
		l.After, l.Made = text{page[len(page)-1].id, true}, now
		body, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		answer.NextToken = st.seal(kindToken, body)
	}
	return json.Marshal(answer)
}

// listed finds the stream, and with a token the rest of the request that made it.
func (s *Service) listed(l *listing, now time.Time) (*Stream, error) {
	if !l.token.Set {
		st, err := s.find(l.ref)
		// "Specify this input parameter to distinguish data streams that have the same name": another one has gone.
		if err == nil && l.created.Set && l.created.Value.Unix() != st.created.Unix() {
			return nil, notFound("Stream %s under account %s not found.", st.config.Name, s.config.AccountID)
		}
		return st, err
	}
	st, body := s.unseal(kindToken, l.token.Value)
	if st == nil || json.Unmarshal(body, l) != nil {
		return nil, invalidArgument("Invalid NextToken.")
	}
	if now.Sub(l.Made) > s.limits.tokenLife {
		return nil, &fault{Type: "ExpiredNextTokenException", Message: "The NextToken has expired: it is valid for 300 seconds."}
	}
	return st, nil
}

// filter selects shards as the API reference describes for ShardFilter.
func (st *Stream) filter(f optional[shardFilter], now time.Time) ([]*shard, error) {
	if !f.Set {
		return st.shards, nil
	}
	at := f.Value.At.Value
	switch kind := f.Value.Kind.Value; kind {
	case "FROM_TRIM_HORIZON":
		return st.shards, nil
	case "AFTER_SHARD_ID":
		if !f.Value.ShardID.Set {
			return nil, invalidArgument("ShardFilter %s needs a ShardId.", kind)
		}
		return behind(st.shards, f.Value.ShardID.Value), nil
	case "AT_LATEST":
		return st.shardsWhere(func(sh *shard) bool { return !sh.closed() }), nil
	case "AT_TRIM_HORIZON":
		at = now.Add(-st.config.Retention)
		if at.Before(st.created) {
			at = st.created
		}
	default:
		if !f.Value.At.Set {
			return nil, invalidArgument("ShardFilter %s needs a Timestamp.", kind)
		}
		if kind == "FROM_TIMESTAMP" {
			return st.shardsWhere(func(sh *shard) bool { return !sh.closed() || !sh.Closed.Before(at) }), nil
		}
	}
	return st.shardsWhere(func(sh *shard) bool {
		return !sh.Created.After(at) && (!sh.closed() || !sh.Closed.Before(at))
	}), nil
}

func (st *Stream) shardsWhere(keep func(*shard) bool) []*shard {
	var out []*shard
	for _, sh := range st.shards {
		if keep(sh) {
			out = append(out, sh)
		}
	}
	return out
}
