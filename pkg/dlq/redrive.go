package dlq

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/record"
)

// RedriveAnswer is what an operator gets.
type RedriveAnswer struct {
	DryRun bool `json:"dry_run"`
	// Matched counts the rows that the filters let pass and that no redrive has sent before: with dry_run these would go, else they went.
	Matched  int            `json:"matched"`
	Sent     int            `json:"sent"`
	ByReason map[string]int `json:"by_reason"` // matched rows, each under its first reason
	// ValidNow counts the matched rows whose events the current catalogue finds valid: the others would come back.
	ValidNow int `json:"valid_now"`
	// Before counts rows that the filters let pass and that a redrive has sent before.
	Before int `json:"sent_before"`
	// Unfit counts rows that cannot go round: lines that are no records, and what is too large.
	Unfit int `json:"unfit"`
	// More says that the limit or the time ended this run: another one of the same request goes on.
	More bool `json:"more"`
	// There counts what is in the time that was asked for, when the filters let none of it pass: by the name of each filter that was given, and
	// by what it could have been.
	There map[string]map[string]int `json:"there,omitempty"`
}

// quarantined is a row as it is read back.
type quarantined struct {
	QuarantinedAt time.Time `json:"quarantined_at"`
	EventID       string    `json:"event_id"`
	Type          string    `json:"type"`
	Producer      string    `json:"producer"`
	RequestID     string    `json:"request_id"`
	ReceivedAt    time.Time `json:"received_at"`
	Attempt       int       `json:"attempt"`
	Code          string    `json:"code"`
	Reasons       []reason  `json:"reasons"`
	Data          *string   `json:"data"`
	Raw           *string   `json:"raw"`

	line int64
}

type reason struct {
	Reason event.Reason `json:"reason"`
}

// marked is a line of a marker object.
type marked struct {
	EventID string `json:"event_id"`
	Object  string `json:"quarantine_object"`
	Line    int64  `json:"quarantine_line"`
}

// redriving is a redrive at work.
type redriving struct {
	*job
	request RedriveRequest
	answer  RedriveAnswer
	there   map[string]map[string]int // see RedriveAnswer
}

func (j *job) redrive(ctx context.Context, request RedriveRequest) ([]byte, error) {
	r := &redriving{job: j, request: request, answer: RedriveAnswer{DryRun: request.dry(), ByReason: map[string]int{}}, there: map[string]map[string]int{}}
	err := r.run(ctx)
	if errors.Is(err, errNoTime) {
		r.answer.More = true
		err = nil
	}
	if r.answer.none() {
		r.answer.There = r.there
	}
	j.report.Redriven = r.answer.Sent
	if err != nil {
		return nil, fmt.Errorf("redrive, after %d rows were sent: %w", r.answer.Sent, err)
	}
	return json.Marshal(r.answer)
}

// run goes through the quarantine in the order of its keys, which is that of time.
func (r *redriving) run(ctx context.Context) error {
	prefix := r.settings.Quarantine
	after := ""
	if !r.request.From.IsZero() {
		after = prefix + partition(r.request.From)
	}
	for {
		keys, err := r.objects.List(ctx, r.settings.Bucket, prefix, after)
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		if len(keys) == 0 {
			return nil
		}
		for _, key := range keys {
			if !r.request.To.IsZero() && key > prefix+partition(r.request.To)+"~" {
				return nil
			}
			if r.timeIsOver() || r.full() {
				r.answer.More = true
				return nil
			}
			if err := r.object(ctx, key); err != nil {
				return fmt.Errorf("object %s: %w", key, err)
			}
		}
		after = keys[len(keys)-1]
	}
}

func (r *redriving) full() bool { return r.request.Limit > 0 && r.answer.Matched >= r.request.Limit }

// object sends what the filters let pass of one quarantine object, in pieces, each with its marker behind it.
func (r *redriving) object(ctx context.Context, key string) (err error) {
	gone, err := r.marked(ctx, key)
	if err != nil {
		return err
	}
	reader, err := openLines(ctx, r.objects, r.settings.Bucket, key, place{})
	if errors.Is(err, ErrNotFound) {
		return nil // its lifecycle has ended since it was listed
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	piece := piece{redriving: r, key: key}
	for {
		line, cut, err := reader.next()
		if errors.Is(err, io.EOF) {
			return piece.send(ctx)
		}
		if err != nil {
			return err
		}
		q := quarantined{line: reader.at.line}
		if cut || json.Unmarshal(line, &q) != nil {
			return fmt.Errorf("line %d is no row of the quarantine", reader.at.line)
		}
		switch {
		case !r.passes(&q):
		case gone[q.line]:
			r.answer.Before++
		case r.full():
			r.answer.More = true
			return piece.send(ctx)
		case r.count(&q):
			if err := piece.add(ctx, q, len(line)); err != nil {
				return err
			}
		}
	}
}

// piece is rows of one quarantine object that go together.
type piece struct {
	*redriving
	key  string
	rows []quarantined
	size int
}

// add adds a row, and sends the piece when it is full.
func (p *piece) add(ctx context.Context, q quarantined, size int) error {
	p.rows = append(p.rows, q)
	if p.size += size; len(p.rows) < min(PutLimit, p.settings.chunkLines()) && p.size < chunkBytes {
		return nil
	}
	if err := p.send(ctx); err != nil {
		return err
	}
	p.rows, p.size = p.rows[:0], 0
	if p.timeIsOver() {
		return errNoTime
	}
	return nil
}

// passes applies the filters.
func (r *redriving) passes(q *quarantined) bool {
	f := &r.request
	if !f.From.IsZero() && q.QuarantinedAt.Before(f.From) || !f.To.IsZero() && !q.QuarantinedAt.Before(f.To) {
		return false
	}
	passes := (f.Code == "" || f.Code == q.Code) && (f.Producer == "" || f.Producer == q.Producer) && (f.Type == "" || f.Type == q.typeText()) &&
		(f.Reason == "" || slices.Contains(q.Reasons, reason{event.Reason(f.Reason)}))
	if !passes && r.answer.none() {
		r.note("code", f.Code, q.Code)
		r.note("producer", f.Producer, q.Producer)
		if f.Type != "" {
			r.note("type", f.Type, q.typeText())
		}
		for i, why := range q.Reasons {
			if slices.Index(q.Reasons, why) == i {
				r.note("reason", f.Reason, string(why.Reason))
			}
		}
	}
	return passes
}

// typeText is the event's type. What was of none when it was quarantined has its own word for it, which the catalogue may know by now.
func (q *quarantined) typeText() string {
	if q.Type == "" && q.Data != nil {
		return event.TypeText([]byte(*q.Data))
	}
	return q.Type
}

// none reports whether the filters have let nothing pass.
func (a *RedriveAnswer) none() bool { return a.Matched+a.Before+a.Unfit == 0 }

// Bounds of what is told of rows that do not pass: producers name themselves, and types as they like.
const (
	mostThere    = 20
	longestThere = 64
	// Others is what the rest is told under.
	Others = "(others)"
)

// note counts a value that a filter, if it was given, could have had.
func (r *redriving) note(name, filter, value string) {
	if filter == "" {
		return
	}
	counts := r.there[name]
	if counts == nil {
		counts = map[string]int{}
		r.there[name] = counts
	}
	if _, known := counts[value]; !known && (len(counts) >= mostThere || len(value) > longestThere) {
		value = Others
	}
	counts[value]++
}

// count counts the row, and reports whether it can go round.
func (r *redriving) count(q *quarantined) bool {
	first := event.Reason("")
	if len(q.Reasons) > 0 {
		first = q.Reasons[0].Reason
	}
	if first == NoErrorLine || first == event.NotBase64 {
		r.answer.Unfit++ // what is kept is the line, not a record
		return false
	}
	if entry, err := q.entry(); err != nil || len(entry.Data) > maxRecord {
		r.answer.Unfit++
		return false
	}
	r.answer.Matched++
	r.answer.ByReason[string(first)]++
	if q.Data != nil {
		_, out := r.judge.AppendRow(nil, []byte(*q.Data), event.Origin{ReceivedAt: q.ReceivedAt.UnixMilli(), Producer: q.Producer, RequestID: q.RequestID, Attempt: q.Attempt + 1, EventID: q.EventID})
		if len(out.Rejections) == 0 {
			r.answer.ValidNow++
		}
	}
	return true
}

var errNoRow = errors.New("the row has neither data nor raw")

// entry is the record that the row goes round in, with an attempt more than it had.
func (q *quarantined) entry() (Entry, error) {
	p := provenance{requestID: q.RequestID, index: -1, receivedAt: q.ReceivedAt.UnixMilli(), producer: q.Producer, attempt: q.Attempt + 1}
	switch {
	case q.Data != nil && *q.Data != "":
		return Entry{Key: q.EventID, Data: p.envelope([]one{{[]byte(*q.Data), q.EventID}})}, nil
	case q.Raw != nil:
		raw, err := base64.StdEncoding.DecodeString(*q.Raw)
		if entry, ok := q.panicked(raw); ok {
			return entry, nil
		}
		return Entry{Key: q.EventID, Data: p.rawEnvelope(raw, q.EventID)}, err
	}
	return Entry{}, errNoRow
}

// panicked is the record that a program stumbled over, as it was in the stream: there was nothing wrong with its envelope. Other rows' bytes are
// a producer's own, and an envelope in them would be its word about itself.
func (q *quarantined) panicked(raw []byte) (Entry, bool) {
	if len(q.Reasons) == 0 || q.Reasons[0].Reason != event.Panicked {
		return Entry{}, false
	}
	r, err := record.Open(raw, record.Source{})
	if err != nil || r.Direct {
		return Entry{}, false
	}
	var events []one
	for i, data := range r.Events() {
		events = append(events, one{data, r.EventID(i)})
	}
	p := provenance{r.RequestID, r.Index, q.ReceivedAt.UnixMilli(), r.Producer, q.Attempt + 1}
	return Entry{Key: q.EventID, Data: p.envelope(events)}, true
}

// send sends a piece, and then marks its rows. Ended between the two, the next run sends copies, with the same event ids.
func (p *piece) send(ctx context.Context) error {
	if len(p.rows) == 0 || p.answer.DryRun {
		return nil
	}
	entries := make([]Entry, 0, len(p.rows))
	var marker []byte
	for i := range p.rows {
		entry, err := p.rows[i].entry()
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		line, err := json.Marshal(marked{p.rows[i].EventID, p.key, p.rows[i].line})
		if err != nil {
			return err
		}
		marker = append(append(marker, line...), '\n')
		p.report.Attempts[p.rows[i].Attempt+1]++
	}
	if err := p.put(ctx, entries); err != nil {
		return err
	}
	p.answer.Sent += len(p.rows)
	p.report.Records += len(p.rows)
	name := p.settings.markerPrefix(p.key) + digest(marker) + ".json"
	err := p.objects.Create(ctx, p.settings.Bucket, name, NewObject{Body: marker, Type: rowsType})
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// marked returns the lines of a quarantine object that were sent before.
func (r *redriving) marked(ctx context.Context, key string) (map[int64]bool, error) {
	lines := map[int64]bool{}
	prefix := r.settings.markerPrefix(key)
	for after := ""; ; {
		names, err := r.objects.List(ctx, r.settings.Bucket, prefix, after)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		if len(names) == 0 {
			return lines, nil
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			if err := r.readMarker(ctx, name, lines); err != nil {
				return nil, fmt.Errorf("marker %s: %w", name, err)
			}
		}
		after = names[len(names)-1]
	}
}

func (r *redriving) readMarker(ctx context.Context, name string, lines map[int64]bool) (err error) {
	o, err := r.objects.Open(ctx, r.settings.Bucket, name, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Body.Close()) }()
	text, err := io.ReadAll(o.Body)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		var m marked
		if err := json.Unmarshal(line, &m); err != nil {
			return errors.New("it is no list of rows")
		}
		lines[m.Line] = true
	}
	return nil
}
