package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"hydrant/pkg/event"
)

// world makes events. What it knows of them it has from the catalogue.
type world struct {
	judge    *event.Judge
	examples []map[string]json.RawMessage // an event of each type
	required [][]string                   // of each type, the fields that it must have
	smallest []map[string]json.RawMessage // the smallest legal event of each type
}

func newWorld(smallest string) (*world, error) {
	judge, err := event.NewJudge()
	if err != nil {
		return nil, err
	}
	w := &world{judge: judge}
	description, err := event.Describe()
	if err != nil {
		return nil, err
	}
	for _, t := range description.Types {
		example, err := members([]byte(t.Example))
		if err != nil {
			return nil, fmt.Errorf("the example of %s: %w", t.Name, err)
		}
		var required []string
		for _, f := range t.Fields {
			if f.Required && !strings.ContainsAny(f.Name, ".[") {
				required = append(required, f.Name)
			}
		}
		w.examples, w.required = append(w.examples, example), append(w.required, required)
	}
	text, err := os.ReadFile(smallest)
	if err != nil {
		return nil, fmt.Errorf("-smallest %s: run it in the module's root: %w", smallest, err)
	}
	for line := range bytes.Lines(text) {
		e, err := members(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", smallest, err)
		}
		w.smallest = append(w.smallest, e)
	}
	return w, nil
}

func members(text []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	return m, json.Unmarshal(text, &m)
}

// sent is an event that was sent, and what became of it. A note is no event: text that is no JSON, alone in its record.
type sent struct {
	id       string
	text     []byte
	valid    bool
	note     bool
	accepted bool
	rows     int // in the events table
	kept     int // in the quarantine
}

const noteBegins = "no JSON, but "

// make makes the event of that id: whole or small, sometimes with fields that its type does not know, and with a chance not valid.
func (w *world) make(r *rand.Rand, id string, small bool, spoilt float64) *sent {
	kind := r.IntN(len(w.examples))
	source := w.examples[kind]
	if small {
		source = w.smallest[r.IntN(len(w.smallest))]
	}
	e := map[string]json.RawMessage{}
	for name, value := range source {
		e[name] = value
	}
	e["event_id"] = quoted(id)
	if !small && r.IntN(10) == 0 {
		e["soak"] = json.RawMessage(`{"note":"don't \\ \"lose\" me","list":[1.50,null,"\u00e9"]}`)
	}
	if r.Float64() < spoilt {
		w.spoil(r, e, kind)
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // all of it was JSON before
	}
	_, outcome := w.judge.AppendRow(nil, text, event.Origin{ReceivedAt: 1780000000000})
	return &sent{id: id, text: text, valid: len(outcome.Rejections) == 0}
}

// spoil makes an event one that is not valid.
func (w *world) spoil(r *rand.Rand, e map[string]json.RawMessage, kind int) {
	switch r.IntN(4) {
	case 0:
		e["type"] = quoted("nobody_knows")
	case 1:
		delete(e, "type")
	case 2:
		e["occurred_at"] = quoted("yesterday")
	default:
		e["type"] = w.examples[kind]["type"]
		delete(e, w.required[kind][r.IntN(len(w.required[kind]))])
	}
}

func quoted(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return b
}

// record is what a record of a request holds.
type record struct {
	key    string
	events []*sent
	data   []byte // the events' JSON
}

// request is the records that a producer sends together.
type request []*record

// producer makes one request after another.
type producer struct {
	*world
	name   string
	random *rand.Rand
	direct bool
	made   int
}

func newProducer(w *world, seed uint64, number int) *producer {
	return &producer{
		world: w, name: fmt.Sprintf("s%d-%d", seed, number), direct: number%6 == 5,
		random: rand.New(rand.NewPCG(seed, uint64(number))),
	}
}

// next makes the next request: a record or several, each of one event or several.
func (p *producer) next() request {
	r := p.random
	records := 1
	if r.IntN(2) == 0 {
		records = 2 + r.IntN(20)
	}
	var q request
	for range records {
		q = append(q, p.record(1+r.IntN(2)*r.IntN(10), r.IntN(4) == 0))
	}
	switch r.IntN(20) {
	case 0: // as many of the smallest events as a batch may hold: their rows are many times as large
		q = append(q, p.record(200+r.IntN(800), true))
	case 1:
		q = append(q, p.record(20+r.IntN(80), false))
	}
	return q
}

func (p *producer) record(n int, small bool) *record {
	r := p.random
	rec := &record{}
	if p.direct && r.IntN(20) == 0 {
		note := &sent{id: p.id(), note: true}
		note.text = []byte(noteBegins + note.id + " all the same")
		rec.events, rec.data, rec.key = []*sent{note}, note.text, note.id
		return rec
	}
	var texts [][]byte
	spoilt := []float64{0, 0, 0, 0.02, 0.3}[r.IntN(5)] // most records are good as a whole, others hold a bit of both
	for range n {
		e := p.make(r, p.id(), small, spoilt)
		rec.events, texts = append(rec.events, e), append(texts, e.text)
	}
	rec.key = rec.events[0].id
	switch {
	case n == 1 && r.IntN(2) == 0:
		rec.data = texts[0]
	case p.direct && r.IntN(2) == 0:
		rec.data = bytes.Join(texts, []byte("\n"))
	default:
		rec.data = append(append([]byte("["), bytes.Join(texts, []byte(","))...), ']')
	}
	return rec
}

func (p *producer) id() string {
	p.made++
	return fmt.Sprintf("%s-%d", p.name, p.made)
}
