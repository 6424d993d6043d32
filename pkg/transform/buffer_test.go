package transform_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/transform"
)

// leastBuffer is the smallest batch that Firehose makes, in MB. A catalogue with a type that asks for next to nothing may be given no larger
// one, and then not every batch fits.
const leastBuffer = 0.2

// buffer is the size of a batch that template.yaml asks Firehose for.
func buffer(t testing.TB) (megabytes float64) {
	t.Helper()
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^  TransformBufferMB:\n(?:    .*\n)*?    Default: ([0-9.]+)`).FindSubmatch(template)
	if found == nil {
		t.Fatal("template.yaml has no default for TransformBufferMB")
	}
	if megabytes, err = strconv.ParseFloat(string(found[1]), 64); err != nil || megabytes < leastBuffer {
		t.Fatalf("TransformBufferMB is %s, %v", found[1], err)
	}
	return megabytes
}

// smallest are the smallest events of all types.
func smallest(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("../../events/samples/smallest.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// The longest provenance that is reckoned with: a producer's name of 128 bytes is longer than any role's ARN.
var (
	longOrigin = event.Origin{
		ReceivedAt: arrived, Producer: strings.Repeat("p", 128), RequestID: strings.Repeat("r", 32), Attempt: 6, EventID: strings.Repeat("i", 26),
	}
	longEnvelope = fmt.Sprintf(`{"hydrant":1,"request_id":"%s","index":499,"received_at":%d,"producer":"%s","attempt":6,`,
		longOrigin.RequestID, arrived, longOrigin.Producer)
	longID = strings.Repeat("9", 64)
)

// shapes put as many copies of an event as they can into data of at most so many bytes.
var shapes = map[string]func(e string, limit int) []string{
	"one behind the other": func(e string, limit int) []string { return []string{strings.Repeat(e, limit/len(e))} },
	"lines":                func(e string, limit int) []string { return []string{strings.Repeat(e+"\n", limit/(len(e)+1))} },
	"an array":             func(e string, limit int) []string { return []string{arrayOf(e, limit)} },
	"an array in an envelope": func(e string, limit int) []string {
		const data, end = `"data":`, `}`
		return []string{longEnvelope + data + arrayOf(e, limit-len(longEnvelope+data+end)) + end}
	},
	"raw in an envelope": func(e string, limit int) []string {
		const raw, end = `"raw":"`, `"}`
		n := (limit - len(longEnvelope+raw+end)) / 4 * 3 / len(e)
		return []string{longEnvelope + raw + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(e, n))) + end}
	},
	"one a record": func(e string, limit int) []string { return slices.Repeat([]string{e}, limit/len(e)) },
	"one an envelope": func(e string, limit int) []string {
		e = longEnvelope + `"data":` + e + `}`
		return slices.Repeat([]string{e}, limit/len(e))
	},
	"two a record": func(e string, limit int) []string { return slices.Repeat([]string{e + e}, limit/len(e+e)) },
}

func arrayOf(e string, limit int) string {
	n := (limit - len("[]")) / (len(e) + len(","))
	return "[" + strings.TrimSuffix(strings.Repeat(e+",", n), ",") + "]"
}

// A batch of nothing but the smallest events grows most. It is as large as template.yaml lets it become, and its answer still fits.
func TestABatchOfTheSmallestEventsFits(t *testing.T) {
	megabytes := buffer(t)
	limit := int(megabytes * (1 << 20))
	for _, e := range smallest(t) {
		for name, e := range map[string]string{
			"as it is":              e,
			"with an unknown field": with(e, `"":0`),
			"with its own id":       with(e, `"event_id":"`+strings.Repeat("e", 64)+`"`),
			"with broken text":      with(e, `"user_id":"`+strings.Repeat("\xff", 128)+`"`),
			"with broken extra":     with(e, `"":"`+strings.Repeat("\xff", 128)+`"`),
			"with escaped extra":    with(e, `"":"`+strings.Repeat(`\"`, 64)+`"`),
		} {
			for shape, fill := range shapes {
				data := fill(e, limit)
				if size := sum(data); size > limit || size < limit-limit/50 {
					t.Fatalf("%s: the batch has %d bytes of %d", shape, size, limit)
				}
				s := &spy{}
				answer, err := transform.New(judge(t), s).Invoke(t.Context(), longRequest(data))
				if err != nil || len(answer) > firehose.AnswerLimit {
					t.Fatalf("%s, %s: an answer of %d bytes, %v", name, shape, len(answer), err)
				}
				if b := s.batches[0]; b.Failed > 0 && (megabytes > leastBuffer || b.Reasons[event.AnswerFull] != b.Failed) {
					t.Errorf("%.60s %s, %s: %d of %d records fail: %v", e, name, shape, b.Failed, b.Records, b.Reasons)
				}
			}
		}
	}
}

// The size is not too careful either: half as much again would not fit.
func TestALargerBatchOfTheSmallestEventsDoesNotFit(t *testing.T) {
	const mostBuffer = 3 // MB: Firehose takes no more, however little the catalogue's events grow
	megabytes := buffer(t)
	limit := int(megabytes * 1.5 * (1 << 20))
	for _, e := range smallest(t) {
		for _, fill := range shapes {
			s := &spy{}
			if _, err := transform.New(judge(t), s).Invoke(t.Context(), longRequest(fill(e, limit))); err != nil {
				t.Fatal(err)
			}
			if s.batches[0].Reasons[event.AnswerFull] > 0 {
				return
			}
		}
	}
	if megabytes < mostBuffer {
		t.Errorf("batches of %d bytes fit too: run make generate", limit)
	}
}

// No event grows more than the smallest ones do, so what holds for them holds for every batch.
func FuzzNoEventGrowsTooMuch(f *testing.F) {
	megabytes := buffer(f)
	growth := float64(firehose.AnswerLimit) / (megabytes * (1 << 20))
	j := judge(f)
	for _, e := range append(smallest(f), view, view2, kilobyte(1), with(view, `"":0`), with(view, `"x":"`+strings.Repeat("\xff", 99)+`"`), with(view, `"load_ms":6e5`)) {
		f.Add([]byte(e))
	}
	direct := event.Origin{ReceivedAt: arrived, Producer: "direct", EventID: longOrigin.EventID}
	verdict := float64(len(`,{"recordId":"","result":"Ok","data":""}`) + len(longID))
	f.Fuzz(func(t *testing.T, data []byte) {
		row, out := j.AppendRow(nil, data, direct)
		if len(out.Rejections) > 0 || megabytes <= leastBuffer {
			return
		}
		long, _ := j.AppendRow(nil, data, longOrigin)
		size := float64(len(bytes.TrimSpace(data)))
		for shape, grown := range map[string]float64{
			"in a record":    encoded(row) / size,
			"in an envelope": encoded(long) / (size + 1),
			"alone":          (encoded(row) + 2 + verdict) / size,
		} {
			if grown > growth {
				t.Errorf("%s it grows by %.1f, and batches are made for %.1f: %q", shape, grown, growth, data)
			}
		}
	})
}

// encoded is how many bytes of base64 so many rows have, one with another.
func encoded(row []byte) float64 { return float64(len(row)) * 4 / 3 }

func with(e, member string) string { return strings.TrimSuffix(e, "}") + "," + member + "}" }

func sum(data []string) (n int) {
	for _, d := range data {
		n += len(d)
	}
	return n
}

// longRequest is a request with record ids as long as Firehose's.
func longRequest(data []string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"records":[`)
	for i, d := range data {
		fmt.Fprintf(&b, `{"recordId":"%s","approximateArrivalTimestamp":%d,"data":"%s"},`, longID, arrived+i, base64.StdEncoding.EncodeToString([]byte(d)))
	}
	return append(bytes.TrimSuffix(b.Bytes(), []byte(",")), `]}`...)
}
