package firehose

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"

	"hydrant/pkg/jsonscan"
)

// parser reads a request in one pass. What a record says wrongly is that record's fault alone; only a payload that is no
// request at all is an error.
type parser struct {
	jsonscan.Scanner
	shard string // the one before
}

var (
	errNoObject  = errors.New("it is no object")
	errNoRecords = errors.New("records is missing or no array")
	errTwice     = errors.New("records stands twice")
	errTrailing  = errors.New("something follows the object")
)

func (p *parser) request() (Request, error) {
	var r Request
	var err error
	found := false
	isObject := p.object()
	for isObject && p.More('}') {
		switch name := p.name(); {
		case string(name) != "records":
			p.Value()
		case found:
			p.Value()
			err = errTwice
		case p.Peek() != '[':
			p.Value()
			found, err = true, errNoRecords
		default:
			r.Records = p.records()
			found = true
		}
	}
	switch {
	case p.Failed():
		return r, p.end()
	case !isObject:
		return r, errNoObject
	case err != nil:
		return r, err
	case !found:
		return r, errNoRecords
	}
	return r, p.end()
}

// end says what is wrong if the text is no JSON up to here, or if there is more of it.
func (p *parser) end() error {
	switch {
	case p.Failed():
		return fmt.Errorf("it is not JSON at byte %d", p.Offset())
	case !p.End():
		return errTrailing
	}
	return nil
}

// mostRecords is how many records an answer has verdicts for, even if none has an id.
const mostRecords = AnswerLimit / len(`{"recordId":"","result":"ProcessingFailed","data":""},`)

// records keeps one more than an answer can hold: that is enough to refuse the request by.
func (p *parser) records() (records []Record) {
	for p.Enter(); p.More(']'); {
		if len(records) > mostRecords {
			p.Value()
		} else {
			records = append(records, p.record())
		}
	}
	return records
}

func (p *parser) record() Record {
	r := Record{ID: noID}
	for in := p.object(); in && p.More('}'); {
		switch string(p.name()) {
		case "recordId":
			r.ID = p.id()
		case "data":
			r.Encoded = p.text()
		case "approximateArrivalTimestamp":
			r.ArrivedAt = p.integer()
		case "kinesisRecordMetadata":
			p.metadata(&r)
		default:
			p.Value()
		}
	}
	return r
}

func (p *parser) metadata(r *Record) {
	for in := p.object(); in && p.More('}'); {
		switch string(p.name()) {
		case "shardId":
			r.Shard = p.shardID()
		case "sequenceNumber":
			r.Sequence = string(p.text())
		case "subsequenceNumber":
			r.Subsequence = p.integer()
		case "approximateArrivalTimestamp":
			// The same moment as the record's own, which may be missing.
			if at := p.integer(); r.ArrivedAt == 0 {
				r.ArrivedAt = at
			}
		default:
			p.Value()
		}
	}
}

// object goes into the object that comes next. Anything else is passed over: it has no members.
func (p *parser) object() bool {
	if p.Peek() != '{' {
		p.Value()
		return false
	}
	p.Enter()
	return true
}

func (p *parser) name() []byte {
	name, _ := jsonscan.Unquote(p.Name())
	return name
}

// text reads a value that should be text; it is nil if it is not.
func (p *parser) text() []byte {
	if p.Peek() != '"' {
		p.Value()
		return nil
	}
	text, _ := jsonscan.Unquote(p.String())
	return text
}

// shardID spares a copy: a batch comes from one shard, or few.
func (p *parser) shardID() string {
	if id := p.text(); string(id) != p.shard {
		p.shard = string(id)
	}
	return p.shard
}

var noID = []byte(`""`)

func (p *parser) id() []byte {
	if p.Peek() != '"' {
		p.Value()
		return noID
	}
	quoted, plain := p.String()
	if plain || utf8.Valid(quoted) {
		return quoted
	}
	text, _ := jsonscan.Unquote(quoted, plain)
	quoted, _ = jsontext.AppendQuote(nil, text) // no text is refused but what is no UTF-8
	return quoted
}

// integer reads a number, or text that spells one, as the Lambda guide's sample has it; it is 0 if it is neither.
func (p *parser) integer() int64 {
	var digits []byte
	if p.Peek() == '"' {
		digits = p.text()
	} else {
		digits = p.Value()
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// decode decodes base64 into buf, or into new memory if that is too small.
func decode(buf, encoded []byte) (data []byte, ok bool) {
	if encoded == nil {
		return nil, false
	}
	const slack = 64 // the decoder may ask for more room than what is decoded takes
	buf = slices.Grow(buf[:0], len(encoded)/4*3+slack)
	n, err := base64.StdEncoding.Decode(buf[:cap(buf)], encoded)
	if err != nil {
		return nil, false
	}
	return buf[:n], true
}
