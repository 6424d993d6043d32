package dlq

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
)

// row is one of the quarantine: an event, or a record that could not be read.
type row struct {
	QuarantinedAt       time.Time // when Firehose wrote the error object that it comes from: the same whenever that is read
	EventID, Type       string
	Producer, RequestID string
	ReceivedAt          int64
	Attempt             int
	Stage               firehose.Stage
	Code, Explanation   string
	Reasons             []event.Rejection
	Data                []byte // the event's JSON text; nil if there is none
	Raw                 []byte // instead of it
	Object              string
	Line                int64
}

const timeFormat = "2006-01-02T15:04:05.000Z"

// append appends the row as one line of JSON. The event's text is a JSON string in it, so that it survives byte for byte.
func (r *row) append(b []byte) []byte {
	b = append(append(append(b, `{"quarantined_at":"`...), r.QuarantinedAt.UTC().Format(timeFormat)...), '"')
	for _, m := range [...]struct{ name, value string }{
		{`,"event_id":`, r.EventID},
		{`,"type":`, r.Type},
		{`,"producer":`, r.Producer},
		{`,"request_id":`, r.RequestID},
		{`,"received_at":`, time.UnixMilli(r.ReceivedAt).UTC().Format(timeFormat)},
		{`,"stage":`, string(r.Stage)},
		{`,"code":`, r.Code},
		{`,"explanation":`, r.Explanation},
	} {
		if m.value != "" {
			b = appendText(append(b, m.name...), m.value)
		}
	}
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(r.Attempt), 10)
	b = append(b, `,"reasons":[`...)
	for i, why := range r.Reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"field":`...), why.Field)
		b = appendText(append(b, `,"rule":`...), why.Rule)
		b = append(appendText(append(b, `,"reason":`...), string(why.Reason)), '}')
	}
	b = append(b, ']')
	if r.Data != nil && utf8.Valid(r.Data) {
		b = appendText(append(b, `,"data":`...), string(r.Data))
	} else {
		raw := r.Data
		if raw == nil {
			raw = r.Raw
		}
		b = base64.StdEncoding.AppendEncode(append(b, `,"raw":"`...), raw)
		b = append(b, '"')
	}
	b = appendText(append(b, `,"source_object":`...), r.Object)
	b = strconv.AppendInt(append(b, `,"source_line":`...), r.Line, 10)
	return append(b, "}\n"...)
}

const (
	rowsType     = "application/x-ndjson"
	rowsEncoding = "gzip"
)

// partition is the part of a key that the Glue table's partitions are projected from.
func partition(t time.Time) string { return t.UTC().Format("dt=2006-01-02/hour=15/") }

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// digest names what is written by its content.
func digest(parts ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(parts, []byte{'\n'}))
	return base32Lower.EncodeToString(sum[:16])
}

// mostRows is how many bytes of rows one object has at most, but for the last row. A record of a megabyte can come to half a million of
// them.
const mostRows = 4 << 20

// object is one of the quarantine, before it is written.
type object struct {
	name   string // a digest of the rows. They say which lines of which object they come from, so no two objects have the same
	zipped []byte
}

func newObject(rows []byte) object { return object{digest(rows), zip(rows)} }

// quarantine writes the chunk's rows.
func (p *pass) quarantine(ctx context.Context) error {
	c := &p.chunk
	for _, o := range c.full {
		if err := p.create(ctx, o); err != nil {
			return err
		}
	}
	if len(c.rows) == 0 {
		return nil
	}
	return p.create(ctx, newObject(c.rows))
}

func (p *pass) create(ctx context.Context, o object) error {
	key := p.settings.Quarantine + partition(p.chunk.modified) + o.name + ".json.gz"
	err := p.objects.Create(ctx, p.settings.Bucket, key, NewObject{Body: o.zipped, Type: rowsType, Encoding: rowsEncoding})
	if errors.Is(err, ErrExists) {
		p.report.Repeated++
		return nil
	}
	return err
}

func zip(text []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a known level, and a buffer that takes everything
	}
	return b.Bytes()
}

// markerPrefix is what the keys of the markers of one quarantine object begin with.
func (s *Settings) markerPrefix(quarantined string) string {
	rest := strings.TrimPrefix(quarantined, s.Quarantine)
	return s.Redriven + strings.TrimSuffix(rest, ".json.gz") + "-"
}
