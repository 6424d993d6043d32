package main

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hydrant/pkg/event"
)

// sampler makes events for the batches, of each type in its turn.
type sampler struct {
	types    []event.Type
	smallest [][]byte
	n        int
}

// full is an event with an id of its own and nearly all fields.
func (s *sampler) full() string {
	t := s.types[s.n%len(s.types)]
	s.n++
	return eventID.ReplaceAllString(compact(t.Example), fmt.Sprintf(`"event_id":"sample-%d"`, s.n))
}

var eventID = regexp.MustCompile(`"event_id":"[^"]*"`)

// small is an event with only its required fields.
func (s *sampler) small() string {
	s.n++
	return string(s.smallest[s.n%len(s.smallest)])
}

// wrongChoice is an event with a value that is none of those that its field takes.
func (s *sampler) wrongChoice() string {
	for i, t := range s.types {
		for _, f := range t.Fields {
			if strings.HasPrefix(f.Rules, "one of") && f.Column != "" && !f.Required {
				return with(string(s.smallest[i]), fmt.Sprintf("%q:%q", f.Name, "fridge"))
			}
		}
	}
	return with(s.small(), `"schema_version":0`) // no field of the catalogue has a choice: out of range
}

// with is an event with a member more.
func with(e, member string) string { return strings.TrimSuffix(e, "}") + "," + member + "}" }

func array(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

// batches are what Firehose may send to the transform function, by the names of their files. The largest has so many MB of data as its buffer.
func batches(types []event.Type, smallest [][]byte, buffer string) ([]file, error) {
	megabytes, err := strconv.ParseFloat(buffer, 64)
	if err != nil {
		return nil, fmt.Errorf("the size of a batch: %w", err)
	}
	s := &sampler{types: types, smallest: smallest}
	var all []file
	for _, b := range []struct {
		name  string
		batch *batch
	}{
		{"batch", s.mixed()},
		{"enveloped", s.enveloped()},
		{"direct", s.direct()},
		{"redriven", s.redriven()},
		{"failing", s.failing()},
		{"empty", &batch{}},
		{"largest", s.largest(int(megabytes * (1 << 20)))},
	} {
		all = append(all, file{path: "events/transform/" + b.name + ".json", after: b.batch.request(len(all) + 1)})
	}
	return append(all, file{path: "events/transform/not-firehose.json", after: []byte(notFirehose)}), nil
}

const notFirehose = `{
  "Records": [
    {
      "eventSource": "aws:sqs",
      "body": "a message of another kind"
    }
  ]
}
`

// mixed is a bit of everything, good and bad.
func (s *sampler) mixed() *batch {
	b := &batch{}
	b.add(b.origin().wrap(s.full()))
	b.add(b.origin().wrap(array(s.full(), s.full(), s.full())))
	b.add(s.small())
	b.add(s.full() + "\n" + s.small() + "\n")
	b.add(b.origin().wrap(with(s.small(), `"colour":"red","size":{"depth":24}`))) // fields that no type knows
	b.add(b.origin().wrap(array(`{"user_id":"u-17"}`, s.wrongChoice())))
	b.add(b.origin().wrap(array(s.full(), `{"type":"no_such_type"}`))) // one bad event among good ones
	b.add("this is not JSON")
	b.addEncoded("%%%") // no base64
	b.add(b.origin().wrap("[]"))
	return b
}

// enveloped came through the API.
func (s *sampler) enveloped() *batch {
	b := &batch{}
	b.add(b.origin().wrap(s.full()))
	b.add(b.origin().wrap(array(s.full(), s.full())))
	nobody := b.origin()
	nobody.producer = "" // becomes anonymous
	b.add(nobody.wrap(s.small()))
	eighth := b.origin()
	eighth.index = 7 // of its PutRecords request
	b.add(eighth.wrap(s.small(), `"note":"a member that nobody knows"`))
	return b
}

// direct was written to the stream by producers themselves.
func (s *sampler) direct() *batch {
	b := &batch{}
	b.add(s.full())
	b.add(array(s.full(), s.full()))
	b.add(s.full() + "\n" + s.small() + "\n")
	b.add(s.small() + s.small())
	b.add(s.small() + "\n" + array(s.small(), s.small()) + "\n")
	return b
}

// redriven failed before and was sent round again.
func (s *sampler) redriven() *batch {
	b := &batch{}
	again := b.origin()
	again.attempt = 2
	b.add(again.wrap(s.full()))
	again = b.origin()
	again.attempt = 1
	b.add(again.wrap(array(s.small(), s.small()), `"event_ids":["kept-1","kept-2"]`))
	again = b.origin()
	again.attempt, again.producer = 1, "direct"
	raw := base64.StdEncoding.EncodeToString([]byte(s.small() + "\n" + s.small() + "\n"))
	b.add(again.envelope(`"raw":"`+raw+`"`, `"event_ids":["kept-3","kept-4"]`))
	return b
}

// failing has no good record.
func (s *sampler) failing() *batch {
	b := &batch{}
	b.addEncoded("bm8") // base64 without its padding
	b.add("")
	b.add(" \n")
	b.add("[]")
	b.add(strings.TrimSuffix(s.small(), "}")) // cut off
	next := b.origin()
	next.version = 2
	b.add(next.wrap(s.small()))
	b.add(b.origin().wrap(s.small(), `"raw":"e30="`))
	backwards := b.origin()
	backwards.attempt = -1
	b.add(backwards.wrap(s.small()))
	b.add(b.origin().wrap(s.small()) + "\n" + s.small() + "\n") // an envelope is a record's only value
	b.add(`{"type":"no_such_type"}`)
	b.add(with(s.small(), `"event_id":"with a blank"`))
	b.add(with(s.small(), `"test":"yes"`))
	b.add(b.origin().wrap(b.origin().wrap(s.small()))) // an envelope is no event
	b.add(with(s.small(), `"user_id":"u-17","user_id":"u-18"`))
	b.add(with(s.small(), `"schema_version":1001`))
	b.add(with(s.small(), `"occurred_at":"2031-01-01T00:00:00Z"`))
	b.add(with(s.small(), `"session_id":"`+strings.Repeat("s", 129)+`"`))
	b.add(with(s.small(), `"deep":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)))
	return b
}

// largest came through the API, an event, a few and many to a record, until not one event more fits the buffer.
func (s *sampler) largest(buffer int) *batch {
	b := &batch{}
	for size, most := 0, 50; ; {
		var events []string
		for range min(most, []int{1, 5, 50}[len(b.Records)%3]) {
			events = append(events, s.full())
		}
		data := b.origin().wrap(array(events...))
		switch {
		case size+len(data) <= buffer:
			b.add(data)
			size += len(data)
		case len(events) == 1:
			return b
		default:
			most = len(events) - 1
		}
	}
}
