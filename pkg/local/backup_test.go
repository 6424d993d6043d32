package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// backupKey is the name of an object of source records.
var backupKey = regexp.MustCompile(`^source/20\d\d/\d\d/\d\d/\d\d/hydrant-local-DeliveryStream-1-20\d\d-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.gz$`)

// TestSourceBackup reads the stream and the backup: what came from the one lies in the other byte for byte, valid or not, with nothing between
// records, over a crash too.
func TestSourceBackup(t *testing.T) {
	flags := []string{"-data", t.TempDir(), "-quiet", "-parameter", "SourceBackup=Enabled", "-parameter", "StreamMode=PROVISIONED"}
	p, err := launch(flags...)
	if err != nil {
		t.Fatal(err)
	}
	p.accepted(t, "/record", `{"Data":{"type":"page_view","event_id":"one","url":"https://www.example.com/","n":1.50}}`)
	put := `{"StreamName":"hydrant-local-Stream","PartitionKey":"k","Data":"AP8KIG5vIGV2ZW50Cg=="}` // no text, with line feeds
	if status, answer, err := callAWS(p.aws, "Kinesis_20131202.PutRecord", []byte(put)); err != nil || status != http.StatusOK {
		t.Fatal(status, answer, err)
	}
	if err := p.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p = running(t, flags...)
	p.accepted(t, "/records", `{"Records":[{"Data":[{"type":"page_view","event_id":"good","url":"https://www.example.com/"},{"type":"page_view"}]},{"Data":{"type":"page_view","event_id":"two","url":"https://www.example.com/"}}]}`)
	p.control(t, http.MethodPost, "flush?delays=now")

	records := streamRecords(t, p)
	if len(records) != 5 { // the good half of an array went round
		t.Fatalf("the stream has %d records: %q", len(records), records)
	}
	stream := bytes.Join(records, nil)
	total := 0
	for key, object := range objectsIn(t, filepath.Join(flags[1], "s3", "hydrant-local-bucket"), "source") {
		if !backupKey.MatchString(key) {
			t.Errorf("an object is called %s", key)
		}
		if !bytes.Contains(stream, object) {
			t.Errorf("%s holds %q, which is not what the stream has: %q", key, object, stream)
		}
		total += len(object)
	}
	if total != len(stream) {
		t.Errorf("the backup has %d bytes, the stream %d", total, len(stream))
	}
	if rows := p.rows(t); len(rows) != 3 {
		t.Errorf("the table has %v", rows)
	}
	if state := p.control(t, http.MethodGet, "state"); !strings.Contains(state, `"DeliveryStream.S3Backup": {`) {
		t.Errorf("the backup is not counted: %s", state)
	}
}

// streamRecords reads the data of the records of the stream's one shard.
func streamRecords(t *testing.T, p *program) [][]byte {
	t.Helper()
	var got struct {
		ShardIterator     string
		NextShardIterator string
		Records           []struct{ Data []byte }
	}
	call := func(action, body string) {
		status, answer, err := callAWS(p.aws, "Kinesis_20131202."+action, []byte(body))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%s answered %d %s", action, status, answer)
		}
		if err == nil {
			err = json.Unmarshal([]byte(answer), &got)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	call("GetShardIterator", `{"StreamName":"hydrant-local-Stream","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}`)
	call("GetRecords", `{"ShardIterator":"`+got.ShardIterator+`"}`)
	var records [][]byte
	for _, r := range got.Records {
		records = append(records, r.Data)
	}
	return records
}

// objectsIn reads the gzip objects under a folder of a bucket, by their keys.
func objectsIn(t *testing.T, bucket, folder string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(bucket, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(bucket, path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(key)], err = io.ReadAll(unzipped)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
