package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hydrant/pkg/event"
)

// Every event that is sent says that it is a test, whose, and of which run. So it can be told apart, and found, in every table.
const smokeUser = "smoke"

// newRun names a run: "smoke-", the time, and four digits so that two of the same second differ. An event's id begins with it.
func newRun(now time.Time) string {
	var b [2]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return "smoke-" + now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

// sending is a request to one of the write routes.
type sending struct {
	what     string
	records  [][]json.RawMessage // the events of each
	arrive   [][]json.RawMessage // what the API passes on of them; nil: all of it
	arrays   bool                // a record's events stand in an array, even one alone
	batch    bool                // by POST /records
	question string              // a line of docs/unproven.md: what becomes of these events is its probe's to judge
}

func (s *sending) call() (call, error) {
	type record struct {
		Data any
	}
	var records []record
	for _, events := range s.records {
		if s.arrays {
			records = append(records, record{events})
		} else {
			records = append(records, record{events[0]})
		}
	}
	c := call{route: "/record"}
	var body any = records[0]
	if s.batch {
		c.route, body = "/records", map[string]any{"Records": records}
	}
	var err error
	c.body, err = json.Marshal(body)
	return c, err
}

// composer makes the events of a run.
type composer struct {
	run   string
	types []event.Type
	n     int
}

// members are those of an event, as JSON texts.
type members map[string]json.RawMessage

// marked gives an event its marks and an id, and answers its text.
func (c *composer) marked(m members) json.RawMessage {
	c.n++
	m["event_id"] = quote(fmt.Sprintf("%s-%02d", c.run, c.n))
	return c.text(m)
}

func (c *composer) text(m members) json.RawMessage {
	m["test"], m["user_id"], m["session_id"] = json.RawMessage("true"), quote(smokeUser), quote(c.run)
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // the catalogue's examples are JSON
	}
	return text
}

func quote(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return b
}

// example is the event that the catalogue gives as one.
func example(t event.Type) members {
	m := members{}
	if err := json.Unmarshal([]byte(t.Example), &m); err != nil {
		panic(err) // Describe has judged it
	}
	return m
}

// smallest has no more of the example than what is required.
func smallest(t event.Type) members {
	m, full := members{"type": quote(t.Name)}, example(t)
	for _, f := range t.Fields {
		if f.Required && full[f.Name] != nil {
			m[f.Name] = full[f.Name]
		}
	}
	return m
}

// with adds a member, or replaces it.
func (m members) with(name, text string) members {
	m[name] = json.RawMessage(text)
	return m
}

func (m members) without(name string) members {
	delete(m, name)
	return m
}

// compose makes the requests of a run: valid events of every type of the catalogue, and events that break a rule that every type has.
func (c *composer) compose() []*sending {
	one := func(what string, events ...json.RawMessage) *sending {
		s := &sending{what: what, arrays: len(events) > 1}
		s.records = append(s.records, events)
		return s
	}
	first := c.types[0]
	var all []*sending
	for _, t := range c.types {
		all = append(all, one(t.Name+" as in the catalogue's example", c.marked(example(t))))
	}
	defaults := &sending{what: "a batch of every type, with no more than what is required", batch: true}
	var array []json.RawMessage
	for _, t := range c.types {
		defaults.records = append(defaults.records, []json.RawMessage{c.marked(smallest(t))})
		array = append(array, c.marked(smallest(t)))
	}
	again := c.marked(smallest(first))
	return append(all, defaults,
		&sending{what: "an array of every type", records: [][]json.RawMessage{array}, arrays: true},
		one("fields that the type does not know", c.marked(smallest(first).with("smoke_list", `[1,true,null,"é"]`).with("smoke_object", `{"a":{"b":[]}}`))),
		one("an event that brings no event_id", c.text(smallest(first))),
		one("an event", again),
		one("its copy, with the same event_id", slices.Clone(again)),
		one("an array of which the second is invalid",
			c.marked(smallest(first)), c.marked(smallest(first).with("schema_version", "0")), c.marked(smallest(first))),
		&sending{what: "a batch of invalid ones", batch: true, records: [][]json.RawMessage{
			{c.marked(smallest(first).without("type"))},
			{c.marked(smallest(first).with("type", `"smoke_unknown"`))},
			{c.marked(smallest(first).with("schema_version", `"one"`))},
			{quote("what " + c.run + " sends that is no event")},
		}},
		c.texts(),
	)
}

// texts are what JSON libraries change. Of a name that stands twice the last value arrives, as public recordings of $input.json have it.
func (c *composer) texts() *sending {
	first := c.types[0]
	numbers := c.marked(smallest(first).with("smoke_decimal", "1.50").with("smoke_power", "1E-7").with("smoke_large", "12345678901234567890"))
	twice := c.marked(smallest(first))
	surrogate := literally(c.marked(smallest(first)), `"smoke_surrogate":"\ud83d"`)
	return &sending{
		what: "numbers, names and text that JSON libraries change", batch: true, question: "U7",
		records: [][]json.RawMessage{{numbers}, {literally(twice, `"smoke_twice":1,"smoke_twice":2`)}, {surrogate}},
		arrive:  [][]json.RawMessage{{numbers}, {literally(twice, `"smoke_twice":2`)}, {surrogate}},
	}
}

// literally adds members as they are, which a map of Go's could not hold.
func literally(object json.RawMessage, members string) json.RawMessage {
	return append(append(slices.Clone(object[:len(object)-1]), ','), members+"}"...)
}
