package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// finding is an event that is refused, or a line that cannot be read.
type finding struct {
	Line       int         `json:"line"`
	Event      int         `json:"event,omitempty"` // its place in the line, from 1; 0: the line as a whole
	Type       string      `json:"type,omitempty"`
	Column     int         `json:"column,omitempty"` // where the line stops being JSON, in bytes from 1
	Rejections []rejection `json:"rejections"`
	Rest       bool        `json:"rest_unread,omitempty"` // what is behind it in the file was not read
	Request    bool        `json:"request,omitempty"`     // it is what is posted: the events are in its Data

	many bool // the line has more than this event
}

type rejection struct {
	Field  string       `json:"field"`
	Rule   string       `json:"rule"`
	Reason event.Reason `json:"reason"`
}

// summary counts what became of everything.
type summary struct {
	Lines      int                  `json:"lines"`
	Unreadable int                  `json:"unreadable"` // lines, or texts over many lines, in which no events could be found
	Events     int                  `json:"events"`
	Valid      int                  `json:"valid"`
	Invalid    int                  `json:"invalid"`
	Types      map[string]count     `json:"types"` // "unknown" is an event without a type of the catalogue
	Reasons    map[event.Reason]int `json:"reasons"`
	Unknown    map[string]int       `json:"unknown_fields"` // of valid events, by name
}

type count struct {
	Valid   int `json:"valid"`
	Invalid int `json:"invalid"`
}

// good reports whether there is nothing but valid events, and any at all.
func (s *summary) good() bool { return s.Events > 0 && s.Invalid == 0 && s.Unreadable == 0 }

// checker judges as package transform does.
type checker struct {
	judge   *event.Judge
	at      int64 // Unix milliseconds
	row     []byte
	unknown *unknownFields
	summary summary
}

func newChecker(judge *event.Judge, at time.Time) *checker {
	names := map[string]int{}
	return &checker{
		judge: judge, at: at.UnixMilli(), unknown: newUnknownFields(names),
		summary: summary{Types: map[string]count{}, Reasons: map[event.Reason]int{}, Unknown: names},
	}
}

// check judges every event of a part and calls found with those that are refused.
func (c *checker) check(p part, found func(finding)) {
	switch {
	case p.tooLong:
		c.unreadable(p, rejection{Rule: fmt.Sprintf("bytes=%d", maxPart), Reason: event.TooLong}, found)
	case p.last:
		c.unreadable(p, rejection{Rule: "json", Reason: event.InvalidJSON}, found)
	case p.element:
		c.event(p.data, event.Origin{ReceivedAt: c.at, Producer: record.Direct, EventID: "e"}, finding{Line: p.line, Event: 1}, found)
	default:
		c.record(p, found)
	}
}

func (c *checker) record(p part, found func(finding)) {
	r, err := record.Open(p.data, record.Source{ArrivedAt: c.at})
	if err != nil {
		fault, _ := errors.AsType[*record.Fault](err) // Open returns no other
		why := rejection{Rule: fault.Detail, Reason: event.Reason(fault.Reason)}
		if why.Reason == event.InvalidJSON {
			why.Rule, p.column = "json", brokenAt(p.data)
		}
		c.unreadable(p, why, found)
		return
	}
	many := bytes.HasPrefix(bytes.TrimSpace(p.data), []byte("["))
	for i, data := range r.Events() {
		o := event.Origin{ReceivedAt: r.ReceivedAt, Producer: r.Producer, RequestID: r.RequestID, Attempt: r.Attempt, EventID: r.EventID(i)}
		c.event(data, o, finding{Line: p.line, Event: i + 1, many: many || i > 0}, found)
	}
}

// brokenAt is where data stops being JSON, in bytes from 1.
func brokenAt(data []byte) int {
	d := decoder(bytes.NewReader(data))
	for {
		if err := d.SkipValue(); err != nil {
			if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
				return int(syntax.ByteOffset) + 1
			}
			return len(bytes.TrimRight(data, "\r\n")) + 1
		}
	}
}

func (c *checker) unreadable(p part, why rejection, found func(finding)) {
	c.summary.Unreadable++
	c.summary.Reasons[why.Reason]++
	found(finding{Line: p.line, Column: p.column, Rejections: []rejection{why}, Rest: p.last})
}

func (c *checker) event(data []byte, o event.Origin, f finding, found func(finding)) {
	row, out := c.judge.AppendRow(c.row[:0], data, o)
	c.row = row
	f.Type = out.Type
	kind := out.Type
	if kind == "" {
		kind = "unknown"
	}
	counted := c.summary.Types[kind]
	c.summary.Events++
	if len(out.Rejections) == 0 {
		c.summary.Valid++
		counted.Valid++
		c.summary.Types[kind] = counted
		if out.Unknown > 0 {
			c.unknown.add(out.Type, row)
		}
		return
	}
	c.summary.Invalid++
	counted.Invalid++
	c.summary.Types[kind] = counted
	for _, r := range out.Rejections {
		c.summary.Reasons[r.Reason]++
		f.Rejections = append(f.Rejections, rejection(r))
	}
	f.Request = isRequest(data)
	found(f)
}

// isRequest reports whether data looks like what is posted to the API rather than like an event: an object with Data or Records, without a type.
func isRequest(data []byte) bool {
	d := decoder(bytes.NewReader(data))
	if first, err := d.ReadToken(); err != nil || first.Kind() != jsontext.KindBeginObject {
		return false
	}
	found := false
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		switch name.String() {
		case "type":
			return false
		case "Data", "Records":
			found = true
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return found
}
