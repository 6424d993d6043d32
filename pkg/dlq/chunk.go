package dlq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
	"hydrant/pkg/record"
)

// chunk is what a piece of an error object comes to, before any of it is written.
type chunk struct {
	modified time.Time // of the error object
	entries  []Entry
	sent     []sent   // parallel to entries
	full     []object // of the quarantine
	rows     []byte   // of the quarantine's next object
	kept     int      // rows in all
	reasons  map[event.Reason]int
	waiting  []waiting
	codes    []string // of the lines that were dealt with

	answer []byte // scratch: the row of the event at hand
	group  []one  // scratch: events that go round in one record
}

type sent struct{ events, attempt int }

// one is an event of a record: its JSON text, and the id that it has.
type one struct {
	data []byte
	id   string
}

// size is what the event takes in an envelope, at most.
func (e one) size() int { return len(e.data) + len(e.id) + len(`,"",`) }

func (c *chunk) reset(modified time.Time) {
	*c = chunk{
		modified: modified, entries: c.entries[:0], sent: c.sent[:0], rows: c.rows[:0], reasons: map[event.Reason]int{}, waiting: c.waiting[:0],
		codes: c.codes[:0], answer: c.answer[:0], group: c.group[:0],
	}
	clear(c.entries[:cap(c.entries)]) // of the last chunk's records
}

func (c *chunk) tally(r *Report) {
	r.Lines += len(c.codes)
	for _, code := range c.codes {
		r.Codes[codeName(code)]++
	}
	r.Quarantined += c.kept
	for reason, n := range c.reasons {
		r.Reasons[reason] += n
	}
	r.Records += len(c.sent)
	for _, s := range c.sent {
		r.Events += s.events
		r.Attempts[s.attempt]++
	}
}

// subject is what a line of an error object is about.
type subject struct {
	line    int64
	code    firehose.Code
	message string // Firehose's

	provenance
	raw    []byte // the record as Firehose has it, or the line if there is none
	events []one
	fault  event.Reason // why the record cannot be read
}

// provenance is what an envelope says.
type provenance struct {
	requestID  string
	index      int // -1 is absent
	receivedAt int64
	producer   string
	attempt    int
}

// take deals with one line. A panic is that line's alone: it is quarantined whole.
func (p *pass) take(ctx context.Context, line []byte, cut bool, number int64) {
	c := &p.chunk
	before := *c
	before.reasons = maps.Clone(c.reasons)
	s := subject{line: number, code: firehose.Explain(""), raw: line, provenance: provenance{index: -1, receivedAt: c.modified.UnixMilli()}}
	s.code.Stage = p.stageOfKey()
	defer func() {
		if v := recover(); v != nil {
			*c = before
			p.panicked(ctx, &s, v)
		}
	}()
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		return
	case cut:
		s.raw = nil // its beginning alone would be no use; the error object has it all
		c.codes = append(c.codes, "")
		p.keep(&s, nil, event.Outcome{}, TooLarge)
		return
	}
	p.read(&s)
	if p.mustWait(&s) {
		return
	}
	c.codes = append(c.codes, s.code.Name)
	if s.fault != "" { // which decide never sends round
		p.keep(&s, nil, event.Outcome{}, s.fault)
		return
	}
	p.decideEvents(&s)
}

// panicked quarantines a line whole, with what the panic v was about in the log.
func (p *pass) panicked(ctx context.Context, s *subject, v any) {
	p.report.Panics++
	p.recorder.Problem(ctx, Problem{
		Doing: "a line of an error object, which is quarantined", Object: p.lines.Key, Line: s.line + 1,
		Err: fmt.Errorf("panic: %s", kind(v)), Stack: string(debug.Stack()),
	})
	p.chunk.codes = append(p.chunk.codes, s.code.Name)
	s.events = nil
	p.keep(s, nil, event.Outcome{}, event.Panicked)
}

// mustWait puts the line off if what goes round of it would be too early. A line that comes back is due, whatever is decided by then.
func (p *pass) mustWait(s *subject) bool {
	best := situation{code: s.code, attempt: s.attempt, maxAttempts: p.settings.MaxAttempts, fits: true}
	if s.fault != "" {
		best.found = unreadable
	}
	d := decide(best)
	if p.lines.Due != nil || !d.round || d.delay == 0 {
		return false
	}
	p.chunk.waiting = append(p.chunk.waiting, waiting{s.line, d.delay})
	return true
}

// stageOfKey takes the stage from the !{firehose:error-output-type} in an error object's key ("Understand custom prefixes for Amazon S3
// objects", Amazon Data Firehose Developer Guide).
func (p *pass) stageOfKey() firehose.Stage {
	switch {
	case strings.Contains(p.lines.Key, "processing-failed"):
		return firehose.Transformation
	case strings.Contains(p.lines.Key, "format-conversion-failed"):
		return firehose.Conversion
	}
	return firehose.Delivery
}

// read finds out what the line in s.raw is about.
func (p *pass) read(s *subject) {
	f, err := firehose.ParseFailure(s.raw)
	if err != nil {
		s.fault = NoErrorLine
		return
	}
	stage := s.code.Stage
	s.code = firehose.Explain(f.Code)
	s.message = f.Message
	switch {
	case f.Converted:
		s.code.Stage = firehose.Conversion
	case !s.code.Known && stage != firehose.Delivery:
		s.code.Stage = stage
	}
	for _, at := range []int64{f.EndedAt, f.ArrivedAt} {
		if sane(at) {
			s.receivedAt = at
		}
	}
	if f.Bad {
		s.fault = event.NotBase64 // and raw stays the line
		return
	}
	s.raw = f.Data
	if s.code.Stage == firehose.Conversion && p.readRows(s) {
		return
	}
	p.readRecord(s)
}

var earliest, latest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1

func sane(ms int64) bool { return earliest <= ms && ms <= latest }

// readRecord reads a record as it was in the stream. Error objects of the transformation do not carry the sequence number that a bare record's
// ids derive from, so here they derive from where the line is.
func (p *pass) readRecord(s *subject) {
	rec, err := record.Open(s.raw, record.Source{Shard: p.lines.Key, Sequence: strconv.FormatInt(s.line, 10), ArrivedAt: s.receivedAt})
	s.provenance = provenance{rec.RequestID, rec.Index, rec.ReceivedAt, rec.Producer, rec.Attempt}
	if !sane(s.receivedAt) {
		s.receivedAt = p.chunk.modified.UnixMilli()
	}
	if err != nil {
		fault, _ := errors.AsType[*record.Fault](err) // Open returns no other
		s.fault = event.Reason(fault.Reason)
		s.events = []one{{id: rec.EventID(0)}}
		return
	}
	for i, data := range rec.Events() {
		s.events = append(s.events, one{data, rec.EventID(i)})
	}
}

// readRows reads what conversion refused: the rows that the transform function had made of one record ("rawData" in "Handle errors in record
// format conversion"). It returns false if these are no rows; then it can only be the record itself.
func (p *pass) readRows(s *subject) bool {
	d := jsontext.NewDecoder(bytes.NewBuffer(s.raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for d.PeekKind() == '{' {
		row, err := d.ReadValue()
		if err != nil {
			break
		}
		data, o, ok := p.judge.Restore(row)
		if !ok {
			break
		}
		s.provenance = provenance{o.RequestID, -1, o.ReceivedAt, o.Producer, o.Attempt}
		s.events = append(s.events, one{data, o.EventID})
	}
	if len(s.events) == 0 || len(bytes.TrimSpace(s.raw[d.InputOffset():])) > 0 {
		s.events = nil
		return false
	}
	return true
}

// decideEvents judges each event of a record, and puts it into a record that goes round, or into the quarantine.
func (p *pass) decideEvents(s *subject) {
	c := &p.chunk
	c.group = c.group[:0]
	size, answer, next := s.overhead(), 0, 0
	for _, e := range s.events {
		d, out := p.judged(s, e)
		if !d.round {
			p.keep(s, e.data, out, d.reason)
			continue
		}
		e.id = out.EventID
		rows := max(len(c.answer), len(e.data))
		if len(c.group) > 0 && (answer+rows > maxRows || size+e.size() > maxRecord) {
			p.add(s, next)
			size, answer = s.overhead(), 0
		}
		c.group = append(c.group, e)
		size, answer, next = size+e.size(), answer+rows, d.attempt
	}
	if len(c.group) > 0 {
		p.add(s, next)
	}
	if cap(c.answer) > 1<<20 {
		c.answer = nil
	}
}

// judged decides about an event, and leaves in p.chunk.answer the row that it would come to.
func (p *pass) judged(s *subject, e one) (d decision, out event.Outcome) {
	c := &p.chunk
	c.answer, out = p.judge.AppendRow(c.answer[:0], e.data, event.Origin{
		ReceivedAt: s.receivedAt, Producer: s.producer, RequestID: s.requestID, Attempt: s.attempt + 1, EventID: e.id,
	})
	now := situation{code: s.code, attempt: s.attempt, maxAttempts: p.settings.MaxAttempts, found: valid}
	if len(out.Rejections) > 0 {
		now.found = invalid
	}
	now.fits = s.overhead()+one{e.data, out.EventID}.size() <= maxRecord
	return decide(now), out
}

// add makes a record of the events in the group.
func (p *pass) add(s *subject, attempt int) {
	c := &p.chunk
	to := s.provenance
	to.attempt = attempt
	c.entries = append(c.entries, Entry{Key: c.group[0].id, Data: to.envelope(c.group)})
	c.sent = append(c.sent, sent{len(c.group), attempt})
	c.group = c.group[:0]
}

// keep quarantines an event, or, without data, the whole record. A reason of the decision's stands in place of the catalogue's.
func (p *pass) keep(s *subject, data []byte, out event.Outcome, reason event.Reason) {
	c := &p.chunk
	r := row{
		QuarantinedAt: c.modified, EventID: out.EventID, Type: out.Type, Producer: s.producer, RequestID: s.requestID, ReceivedAt: s.receivedAt,
		Attempt: s.attempt, Stage: s.code.Stage, Code: s.code.Name, Explanation: explanation(s, reason), Reasons: out.Rejections,
		Data: data, Raw: s.raw, Object: "s3://" + p.lines.Bucket + "/" + p.lines.Key, Line: s.line + 1,
	}
	if data == nil {
		if len(s.events) > 0 {
			r.EventID = s.events[0].id
		} else {
			nothing, _ := record.Open(nil, record.Source{Shard: p.lines.Key, Sequence: strconv.FormatInt(s.line, 10)}) // for its id alone
			r.EventID = nothing.EventID(0)
		}
	}
	if reason != "" {
		r.Reasons = []event.Rejection{{Reason: reason}}
	}
	c.rows = r.append(c.rows)
	c.kept++
	for i, why := range r.Reasons {
		if !slices.ContainsFunc(r.Reasons[:i], func(other event.Rejection) bool { return other.Reason == why.Reason }) {
			c.reasons[why.Reason]++
		}
	}
	if len(c.rows) > mostRows {
		c.full = append(c.full, newObject(c.rows))
		c.rows = nil // take may go back to the rows as they were
	}
}

const maxMessage = 1000

// explanation says why, in words. Firehose's own may quote the record: the quarantine holds that anyway, a log must not.
func explanation(s *subject, reason event.Reason) string {
	var b strings.Builder
	for _, texts := range [][]event.ReasonText{Reasons(), event.Reasons()} {
		for _, t := range texts {
			if t.Reason == reason {
				b.WriteString(t.Sentence)
			}
		}
	}
	if reason == NoErrorLine || s.fault == "" && s.code.Name == "" {
		return b.String()
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(s.code.Cause)
	if s.message != "" && s.code.Remedy != firehose.Retry {
		b.WriteString(" Firehose: ")
		b.WriteString(s.message[:min(len(s.message), maxMessage)])
	}
	return b.String()
}
