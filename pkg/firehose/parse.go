package firehose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"
)

// parser reads a request in one pass. What a record says wrongly is that record's fault alone; only a payload that is no
// request at all is an error.
type parser struct {
	decoder *jsontext.Decoder
	data    []byte // every record's data, one behind the other
	shard   string // the one before
	scratch []byte
}

// slack is the room beyond what is decoded that the base64 decoder may ask for.
const slack = 64

var (
	errNoObject  = errors.New("it is no object")
	errNoRecords = errors.New("records is missing or no array")
	errTwice     = errors.New("records stands twice")
	errTrailing  = errors.New("something follows the object")
)

func (p *parser) request() (Request, error) {
	r := Request{}
	found := false
	if p.decoder.PeekKind() != '{' {
		if _, err := p.value(); err != nil {
			return r, err
		}
		return r, errNoObject
	}
	err := p.members(func(name []byte) (err error) {
		switch string(name) {
		case "records":
			if found {
				return errTwice
			}
			found = true
			r.Records, err = p.records()
		default:
			err = p.skip()
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if _, err := p.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return r, errTrailing
	}
	if !found {
		return r, errNoRecords
	}
	return r, nil
}

func (p *parser) records() ([]Record, error) {
	if p.decoder.PeekKind() != '[' {
		if err := p.skip(); err != nil {
			return nil, err
		}
		return nil, errNoRecords
	}
	if _, err := p.token(); err != nil {
		return nil, err
	}
	var records []Record
	for p.decoder.PeekKind() != ']' {
		record, err := p.record()
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	_, err := p.token()
	return records, err
}

func (p *parser) record() (Record, error) {
	r := Record{ID: noID, Bad: true}
	err := p.members(func(name []byte) (err error) {
		switch string(name) {
		case "recordId":
			r.ID, err = p.id()
		case "data":
			r.Data, r.Bad, err = p.base64()
		case "approximateArrivalTimestamp":
			r.ArrivedAt, err = p.integer()
		case "kinesisRecordMetadata":
			err = p.metadata(&r)
		default:
			err = p.skip()
		}
		return err
	})
	return r, err
}

func (p *parser) metadata(r *Record) error {
	return p.members(func(name []byte) (err error) {
		switch string(name) {
		case "shardId":
			r.Shard, err = p.shardID()
		case "sequenceNumber":
			r.Sequence, err = p.text()
		case "subsequenceNumber":
			r.Subsequence, err = p.integer()
		case "approximateArrivalTimestamp":
			// The same moment as the record's own, which may be missing.
			var at int64
			if at, err = p.integer(); r.ArrivedAt == 0 {
				r.ArrivedAt = at
			}
		default:
			err = p.skip()
		}
		return err
	})
}

// members calls member with each name of the object that comes next; member must read the value. Anything but an object
// is passed over: it has no members.
func (p *parser) members(member func(name []byte) error) error {
	if p.decoder.PeekKind() != '{' {
		return p.skip()
	}
	if _, err := p.token(); err != nil {
		return err
	}
	for p.decoder.PeekKind() != '}' {
		name, err := p.value()
		if err != nil {
			return err
		}
		if err := member(p.unquote(name)); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

func (p *parser) token() (jsontext.Token, error) {
	t, err := p.decoder.ReadToken()
	return t, where(err)
}

func (p *parser) value() ([]byte, error) {
	v, err := p.decoder.ReadValue()
	return v, where(err)
}

func (p *parser) skip() error { return where(p.decoder.SkipValue()) }

// where says at which byte the payload stops being JSON; the decoder's own message quotes it.
func where(err error) error {
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("it is not JSON at byte %d", syntax.ByteOffset)
	}
	return errors.New("it ends too early")
}

// unquote returns what a JSON string says. It is valid until the next call.
func (p *parser) unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && ascii(inner) {
		return inner
	}
	// The error tells of ill-formed UTF-8, which becomes U+FFFD.
	p.scratch, _ = jsontext.AppendUnquote(p.scratch[:0], quoted)
	return p.scratch
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// text reads a value that should be text; it is "" if it is not.
func (p *parser) text() (string, error) {
	v, err := p.value()
	if err != nil || v[0] != '"' {
		return "", err
	}
	return string(p.unquote(v)), nil
}

// shardID spares a copy: a batch comes from one shard, or few.
func (p *parser) shardID() (string, error) {
	v, err := p.value()
	if err != nil || v[0] != '"' {
		return "", err
	}
	if id := p.unquote(v); string(id) != p.shard {
		p.shard = string(id)
	}
	return p.shard, nil
}

var noID = []byte(`""`)

func (p *parser) id() ([]byte, error) {
	v, err := p.value()
	if err != nil || v[0] != '"' {
		return noID, err
	}
	if !utf8.Valid(v) {
		quoted, err := jsontext.AppendQuote(nil, p.unquote(v))
		return quoted, err
	}
	return v[:len(v):len(v)], nil
}

// base64 reads and decodes a record's data. bad is set if it is not what it should be.
func (p *parser) base64() (data []byte, bad bool, err error) {
	v, err := p.value()
	if err != nil || v[0] != '"' {
		return nil, true, err
	}
	encoded := v[1 : len(v)-1]
	if bytes.IndexByte(encoded, '\\') >= 0 { // a "/" may be written "\/"
		encoded = p.unquote(v)
	}
	start := len(p.data)
	n, err := base64.StdEncoding.Decode(p.data[start:cap(p.data)], encoded)
	if err != nil {
		return nil, true, nil
	}
	p.data = p.data[:start+n]
	return p.data[start : start+n : start+n], false, nil
}

// integer reads a number, or text that spells one, as the Lambda guide's sample has it; it is 0 if it is neither.
func (p *parser) integer() (int64, error) {
	v, err := p.value()
	if err != nil {
		return 0, err
	}
	if v[0] == '"' {
		v = p.unquote(v)
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err == nil {
		return n, nil
	}
	return 0, nil
}
