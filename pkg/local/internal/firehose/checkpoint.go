package firehose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// A checkpoint says, for every shard, up to which sequence number everything is stored. It is a file that is replaced as a whole, so a
// process that is killed leaves the old one or the new one.
type checkpoint struct {
	path   string
	shards map[string]string
}

type checkpointFile struct {
	Shards map[string]string `json:"shards"` // shard → sequence number
}

func openCheckpoint(dir string) (*checkpoint, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c := &checkpoint{path: filepath.Join(dir, "checkpoint.json"), shards: map[string]string{}}
	data, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	var file checkpointFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w; remove it to deliver the stream from its oldest record", c.path, err)
	}
	maps.Copy(c.shards, file.Shards)
	return c, nil
}

// advance moves on the shards that it is given.
func (c *checkpoint) advance(positions map[string]string) error {
	next := maps.Clone(c.shards)
	maps.Copy(next, positions)
	data, err := json.Marshal(checkpointFile{Shards: next})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := os.WriteFile(c.path+".new", data, 0o644); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := os.Rename(c.path+".new", c.path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	c.shards = next
	return nil
}

// clear goes back to the oldest record of every shard.
func (c *checkpoint) clear() error {
	if err := os.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checkpoint: %w", err)
	}
	c.shards = map[string]string{}
	return nil
}
