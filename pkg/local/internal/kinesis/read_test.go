package kinesis

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// get reads once and returns the data, the next iterator ("" at the end of a closed shard) and MillisBehindLatest.
func get(t testing.TB, s *Service, it string, limit int) (data []string, next string, behind float64) {
	t.Helper()
	out := call(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q,"Limit":%d}`, it, limit))
	for _, r := range out["Records"].([]any) {
		data = append(data, r.(map[string]any)["Data"].(string))
	}
	next, _ = out["NextShardIterator"].(string)
	return data, next, out["MillisBehindLatest"].(float64)
}

func TestIteratorTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		defer s.Close()
		latest := iteratorOf(t, s, `"ShardIteratorType":"LATEST"`)
		var sequences []string
		start := time.Now()
		for _, d := range []string{"a", "b", "c", "d"} {
			_, sequence := putOne(t, s, "k", d)
			sequences = append(sequences, sequence)
			time.Sleep(time.Second)
		}
		seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", float64(start.Add(d).UnixMilli())/1000) }
		for name, tc := range map[string]struct{ how, want string }{
			"TRIM_HORIZON":            {`"ShardIteratorType":"TRIM_HORIZON"`, "abcd"},
			"LATEST":                  {`"ShardIteratorType":"LATEST"`, ""},
			"AT_SEQUENCE_NUMBER":      {`"ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"` + sequences[1] + `"`, "bcd"},
			"AFTER_SEQUENCE_NUMBER":   {`"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"` + sequences[1] + `"`, "cd"},
			"after the last one":      {`"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"` + sequences[3] + `"`, ""},
			"at 1970":                 {`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":0`, "abcd"},
			"at the first one's time": {`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":` + seconds(0), "abcd"},
			"just behind it":          {`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":` + seconds(time.Millisecond), "bcd"},
			"now":                     {`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":` + seconds(4*time.Second), ""},
		} {
			data, _, behind := get(t, s, iteratorOf(t, s, tc.how), 100)
			if got := decode(t, data); got != tc.want || behind != 0 {
				t.Errorf("%s: %q, %v ms behind; want %q", name, got, behind, tc.want)
			}
		}
		// It stands where the shard's end was when it was asked for, not where it is at the first GetRecords.
		if data, _, _ := get(t, s, latest, 100); decode(t, data) != "abcd" {
			t.Errorf("LATEST from before the puts: %q", data)
		}
		first := call(t, s, "ListShards", `{"StreamName":"events"}`)["Shards"].([]any)[0].(map[string]any)["SequenceNumberRange"].(map[string]any)["StartingSequenceNumber"]
		data, _, _ := get(t, s, iteratorOf(t, s, fmt.Sprintf(`"ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":%q`, first)), 100)
		if decode(t, data) != "abcd" {
			t.Errorf("at the shard's StartingSequenceNumber: %q", data)
		}
	})
}

func decode(t testing.TB, data []string) string {
	t.Helper()
	out := ""
	for _, d := range data {
		for _, c := range []string{"a", "b", "c", "d"} {
			if d == b64(c) {
				out += c
			}
		}
	}
	return out
}

func TestIteratorsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: 2})
		defer s.Close()
		shard, sequence := putOne(t, s, "k", "a")
		other := map[string]string{"shardId-000000000000": "shardId-000000000001", "shardId-000000000001": "shardId-000000000000"}[shard]
		both := "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified "
		now := time.Now()
		for name, tc := range map[string]struct{ how, want string }{
			"no sequence number":    {`"ShardIteratorType":"AT_SEQUENCE_NUMBER"`, both + "AT_SEQUENCE_NUMBER and no StartingSequenceNumber."},
			"one too many":          {`"ShardIteratorType":"LATEST","StartingSequenceNumber":"` + sequence + `"`, both + "LATEST and also a StartingSequenceNumber."},
			"another shard's":       {`"ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"` + sequence + `"`, "Invalid StartingSequenceNumber. It encodes " + shard + ", while it was used in a call to a shard with " + other},
			"nobody's":              {`"ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"7"`, "StartingSequenceNumber 7 used in GetShardIterator on shard " + other + " in stream events under account 000000000000 is invalid because it did not come from this stream."},
			"no timestamp":          {`"ShardIteratorType":"AT_TIMESTAMP"`, "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter."},
			"a time in the future":  {fmt.Sprintf(`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":%d.5`, now.Unix()), fmt.Sprintf("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", now.Unix()*1000+500, now.UnixMilli())},
			"a time in far futures": {`"ShardIteratorType":"AT_TIMESTAMP","Timestamp":1e300`, "A timestamp is out of range."},
		} {
			_, message := refused(t, s, "GetShardIterator", `{"StreamName":"events","ShardId":"`+other+`",`+tc.how+`}`)
			if message != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", name, message, tc.want)
			}
		}
	})
}

func TestIteratorExpiresAndCannotBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		defer s.Close()
		it := iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)
		for i := range len(it) {
			for _, c := range []byte{'A', 'b', '7', '+'} {
				changed := it[:i] + string(c) + it[i+1:]
				if changed == it {
					continue
				}
				if kind, message := refused(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, changed)); kind != "InvalidArgumentException" || message != "Invalid ShardIterator." {
					t.Fatalf("character %d: %s: %s", i, kind, message)
				}
			}
		}
		time.Sleep(5 * time.Minute)
		_, next, _ := get(t, s, it, 1)
		time.Sleep(time.Millisecond)
		kind, message := refused(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))
		if kind != "ExpiredIteratorException" || !strings.HasPrefix(message, "Iterator expired. The iterator was created at time Sat Jan 01 00:00:00 UTC 2000 while right now it is Sat Jan 01 00:05:00 UTC 2000 which is further") {
			t.Errorf("%s: %s", kind, message)
		}
		get(t, s, next, 1) // the next one counts from its own time
	})
}

func TestGetRecordsPagesAndSaysHowFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		defer s.Close()
		for _, d := range []string{"a", "b", "c"} {
			putOne(t, s, "k", d)
			time.Sleep(2 * time.Second)
		}
		it := iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)
		for _, want := range []struct {
			data   string
			behind float64
		}{{"ab", 4000}, {"c", 0}, {"", 0}} {
			data, next, behind := get(t, s, it, 2)
			if decode(t, data) != want.data || behind != want.behind {
				t.Errorf("got %q, %v ms; want %q, %v ms", decode(t, data), behind, want.data, want.behind)
			}
			it = next
		}
		records := call(t, s, "GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)))["Records"].([]any)
		// 2000-01-01 is where the test's clock begins: times are seconds with a fraction.
		if at := records[1].(map[string]any)["ApproximateArrivalTimestamp"]; at != 946684802.0 {
			t.Errorf("ApproximateArrivalTimestamp %v", at)
		}
	})
}

func TestGetRecordsAnswersAtMostTenMebibytes(t *testing.T) {
	s := newService(t)
	for range 12 {
		putOne(t, s, "k", strings.Repeat("x", 1<<20-1))
	}
	first, next, _ := get(t, s, iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`), 10_000)
	rest, _, _ := get(t, s, next, 10_000)
	if len(first) != 10 || len(rest) != 2 {
		t.Errorf("%d and %d records, want 10 and 2", len(first), len(rest))
	}
}

func TestReaderGoesOnAfterASequenceNumber(t *testing.T) {
	s := newService(t)
	st, _ := s.Stream("events")
	shard, sequence := putOne(t, s, "k", "a")
	putOne(t, s, "k2", "b")
	r, err := st.Reader(shard, sequence)
	if err != nil {
		t.Fatal(err)
	}
	records, err := r.Read(10, 1000)
	if err != nil || len(records) != 1 || string(records[0].Data) != "b" || records[0].PartitionKey != "k2" {
		t.Fatalf("%v, %v", records, err)
	}
	if age := time.Since(records[0].Arrival); age < 0 || age > time.Hour {
		t.Errorf("arrived %v ago", age)
	}
	for _, bad := range [][2]string{{"shardId-000000000001", ""}, {shard, "1"}, {shard, sequence[:55]}, {shard, strings.Repeat("9", 56)}} {
		if _, err := st.Reader(bad[0], bad[1]); err == nil {
			t.Errorf("Reader(%q, %q) has no error", bad[0], bad[1])
		}
	}
}

func TestPutsWakesAReader(t *testing.T) {
	s := newService(t)
	st, _ := s.Stream("events")
	r, err := st.Reader("shardId-000000000000", "")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string)
	go func() {
		defer close(seen)
		for n := 0; n < 50; {
			puts := st.Puts()
			records, err := r.Read(10, 1000)
			if err != nil {
				t.Error(err)
				return
			}
			for _, rec := range records {
				seen <- string(rec.Data)
				n++
			}
			if len(records) == 0 {
				<-puts
			}
		}
	}()
	for i := range 50 {
		putOne(t, s, "k", fmt.Sprint(i))
		if got := <-seen; got != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", got, i)
		}
	}
	<-seen
}

func TestResetEmptiesUnderReaders(t *testing.T) {
	s := newService(t)
	st, _ := s.Stream("events")
	shard, before := putOne(t, s, "k", "a")
	r, err := st.Reader(shard, "")
	if err != nil {
		t.Fatal(err)
	}
	it := iteratorOf(t, s, `"ShardIteratorType":"TRIM_HORIZON"`)
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if records, err := r.Read(10, 1000); err != nil || len(records) != 0 {
		t.Fatalf("%v, %v", records, err)
	}
	if stats := st.Stats(); stats.Records != 0 || stats.StoredBytes != 0 {
		t.Errorf("%+v", stats)
	}
	_, after := putOne(t, s, "k", "b")
	if after <= before {
		t.Errorf("sequence number %s after %s", after, before)
	}
	if records, err := r.Read(10, 1000); err != nil || len(records) != 1 || records[0].Sequence != after {
		t.Fatalf("%v, %v", records, err)
	}
	if data, _, _ := get(t, s, it, 10); decode(t, data) != "b" {
		t.Errorf("an iterator from before: %q", data)
	}
}
