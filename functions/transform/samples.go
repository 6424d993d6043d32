package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"

	"hydrant/pkg/event"
	"hydrant/pkg/transform"
)

// logSamples writes a line for each of the first kinds of rejection. It has what names the place of the first such one, and nothing of what
// was sent: no value, no event_id of a producer's, and of the names only those that the catalogue has too.
func (r *report) logSamples(ctx context.Context, samples []transform.Sample) {
	for _, s := range r.kinds(samples) {
		name := s.Type
		if name == "" {
			name = "unknown"
		}
		r.log.LogAttrs(ctx, slog.LevelWarn, "rejected",
			slog.String("type", name),
			slog.String("field", s.Field),
			slog.String("rule", s.Rule),
			slog.String("reason", string(s.Reason)),
			slog.Int("count", s.Count),
			slog.String("record_id", recordID(s.RecordID)),
			slog.String("sequence_number", short(s.Sequence)),
			slog.String("request_id", requestID(s.RequestID)),
			slog.Int("index", s.Index),
			slog.Int("event", s.Event),
		)
	}
}

// kinds are the samples to log, with the fields as the log may quote them: what is alike then, is one.
func (r *report) kinds(samples []transform.Sample) []transform.Sample {
	var kinds []transform.Sample
next:
	for _, s := range samples {
		s.Field = r.quote(s.Field)
		for i := range kinds {
			if kinds[i].Rejection == s.Rejection && kinds[i].Type == s.Type {
				kinds[i].Count += s.Count
				continue next
			}
		}
		kinds = append(kinds, s)
	}
	return kinds[:min(len(kinds), r.samples)]
}

// quote is a JSON Pointer with a * for each name that the producer has made up.
func (f *function) quote(pointer string) string {
	steps := strings.Split(pointer, "/")
	for i, step := range steps[1:] {
		if !f.names[step] && !index.MatchString(step) {
			steps[i+1] = "*"
		}
	}
	return strings.Join(steps, "/")
}

// names are the columns' names and those of the members that their types have: struct<width:int,height:int>.
func names(columns []event.Column) map[string]bool {
	known := map[string]bool{}
	for _, c := range columns {
		known[c.Name] = true
		for _, member := range members.FindAllStringSubmatch(c.Type, -1) {
			known[member[1]] = true
		}
	}
	return known
}

var (
	members = regexp.MustCompile(`([a-z0-9_]+):`)
	index   = regexp.MustCompile(`^[0-9]{1,4}$`)
	// What API Gateway's request ids are made of. An envelope is a producer's own if it writes to the stream itself.
	request = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{1,64}$`)
)

func requestID(s string) string {
	if request.MatchString(s) {
		return s
	}
	return ""
}

func recordID(text []byte) string {
	var id string
	if err := json.Unmarshal(text, &id); err != nil {
		return "" // a record without one
	}
	return short(id)
}

// short is as much of a text as names a record of Firehose's.
func short(s string) string {
	const most = 128
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}
