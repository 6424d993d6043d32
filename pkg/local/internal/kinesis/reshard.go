package kinesis

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// streamFile is what lasts of a stream beside its records.
type streamFile struct {
	Created time.Time   `json:"created"`
	Secret  []byte      `json:"secret"`
	Next    uint32      `json:"next"` // the number of the next shard
	Shards  []shardFile `json:"shards"`
}

type shardFile struct {
	Number uint32 `json:"number"`
	Start  string `json:"startingHashKey"`
	End    string `json:"endingHashKey"`
	shardLife
	Parents []string `json:"parents,omitempty"`
}

const streamFileName = "stream.json"

// openStream opens a stream's folder. Where the template's shard count differs from what is there, the old shards are
// closed and new ones opened in their stead, as resharding does: what the old ones hold is still read.
func (s *Service) openStream(c StreamConfig) (*Stream, error) {
	st := &Stream{service: s, config: c, dir: filepath.Join(s.config.Dir, c.Name), next: make(chan struct{})}
	now := time.Now()
	file, err := st.load(now)
	if err != nil {
		return nil, err
	}
	if err := st.openLogs(now); err != nil {
		return nil, errors.Join(err, st.close())
	}
	if err := st.reshard(file, now); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

// load reads the stream's file; a new stream has none.
func (st *Stream) load(now time.Time) (*streamFile, error) {
	path := filepath.Join(st.dir, streamFileName)
	file := &streamFile{Created: now.Truncate(time.Millisecond), Secret: []byte(rand.Text())}
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, file)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	st.created, st.secret = file.Created, file.Secret
	for _, f := range file.Shards {
		start, ok := parseHash(f.Start)
		end, ok2 := parseHash(f.End)
		if !ok || !ok2 {
			return nil, fmt.Errorf("%s: shard %d has no hash key range", path, f.Number)
		}
		st.shards = append(st.shards, &shard{
			id: shardID(f.Number), number: f.Number, hashes: hashRange{start, end}, shardLife: f.shardLife,
			parents: f.Parents, meter: newThroughput(st.service.limits),
		})
	}
	return file, nil
}

// openLogs opens the shards' logs, several at once, since each reads a file.
func (st *Stream) openLogs(now time.Time) error {
	errs := make([]error, len(st.shards))
	var group sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, sh := range st.shards {
		group.Go(func() {
			slots <- struct{}{}
			errs[i] = sh.open(st.dir, now)
			<-slots
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// reshard brings the shards to the configured number and drops closed ones that hold nothing any more.
func (st *Stream) reshard(file *streamFile, now time.Time) error {
	before := len(file.Shards)
	var open []*shard
	for _, sh := range st.shards {
		if !sh.closed() {
			open = append(open, sh)
		}
	}
	changed := before == 0 || len(open) != st.config.Shards
	if changed {
		replaced := open
		open = nil
		for _, r := range split(st.config.Shards) {
			sh := st.child(file.Next, r, replaced, now)
			file.Next++
			if err := sh.open(st.dir, now); err != nil {
				return err
			}
			st.shards, open = append(st.shards, sh), append(open, sh)
		}
		for _, sh := range replaced {
			sh.Closed, sh.End = now, sh.log.Tip().Index
		}
	}
	st.open = open
	if dropped, err := st.dropEmpty(); err != nil || !dropped && !changed {
		return err
	}
	return st.save(file)
}

// child makes a shard with the shards it replaces as parents. AWS reshards in steps of one split or merge and so never
// gives more than two; of more, the first two are given.
func (st *Stream) child(number uint32, r hashRange, replaced []*shard, now time.Time) *shard {
	sh := &shard{
		id: shardID(number), number: number, hashes: r, meter: newThroughput(st.service.limits),
		shardLife: shardLife{Created: now.Truncate(time.Millisecond), First: uint64(now.UnixMicro())},
	}
	for _, parent := range replaced {
		if parent.hashes.overlaps(r) && len(sh.parents) < 2 {
			sh.parents = append(sh.parents, parent.id)
		}
	}
	return sh
}

// dropEmpty forgets closed shards without records.
func (st *Stream) dropEmpty() (dropped bool, err error) {
	for _, sh := range slices.Clone(st.shards) {
		if !sh.closed() || sh.log.Bytes() > 0 {
			continue
		}
		if err := errors.Join(sh.log.Close(), os.RemoveAll(filepath.Join(st.dir, sh.id))); err != nil {
			return dropped, err
		}
		dropped = true
		st.shards = slices.DeleteFunc(st.shards, func(other *shard) bool { return other == sh })
	}
	return dropped, nil
}

// save writes the stream's file as a whole or not at all.
func (st *Stream) save(file *streamFile) error {
	file.Shards = nil
	for _, sh := range st.shards {
		file.Shards = append(file.Shards, shardFile{
			Number: sh.number, Start: sh.hashes.start.String(), End: sh.hashes.end.String(),
			shardLife: sh.shardLife, Parents: sh.parents,
		})
	}
	content, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return err
	}
	path := filepath.Join(st.dir, streamFileName)
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
