package firehose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Failure is one line of an error object: one record that Firehose could not deliver. "Handle data transformation failures" and "Handle
// errors in record format conversion" (Amazon Data Firehose Developer Guide) list its members. What the service writes spells some of them
// another way and has them in another order (lambdaARN, lastErrorCode), so their case and their order do not matter here.
type Failure struct {
	Code    string // an open set: see [Explain]
	Message string // Firehose's own words. They may quote the record, so they belong in no log

	// Data is the record: as it was read from the stream, or, if Converted, what the transform function had made of it.
	Data []byte
	Bad  bool // the data is missing, or no base64

	Converted          bool // it failed in record format conversion
	Attempts           int64
	ArrivedAt, EndedAt int64  // Unix milliseconds: arrival at the stream, end of the last attempt; 0 if the line does not say
	Sequence           string // of conversion's lines only
	Subsequence        int64
}

// ErrNoFailure says that a line is no JSON object with a record and an error code in it.
var ErrNoFailure = errors.New("not a line of a Firehose error object, which is a JSON object with rawData and errorCode or lastErrorCode")

// ParseFailure reads one line of an error object. The failure shares no memory with the line. The error wraps [ErrNoFailure] and holds
// nothing of the line.
func ParseFailure(line []byte) (Failure, error) {
	p := parser{data: make([]byte, 0, len(line)/4*3+slack)}
	p.decoder = jsontext.NewDecoder(bytes.NewBuffer(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if p.decoder.PeekKind() != '{' {
		return Failure{}, ErrNoFailure
	}
	f := Failure{Bad: true}
	known := false
	err := p.members(func(name []byte) error {
		is, err := p.failureMember(&f, string(name))
		known = known || is
		return err
	})
	if err == nil {
		if _, end := p.decoder.ReadToken(); !errors.Is(end, io.EOF) {
			err = errTrailing
		}
	}
	switch {
	case err != nil:
		return Failure{}, fmt.Errorf("%w: %w", ErrNoFailure, err)
	case !known:
		return Failure{}, ErrNoFailure
	}
	return f, nil
}

// failureMember reads the value of a member, and says whether only an error object has a member of this name.
func (p *parser) failureMember(f *Failure, name string) (known bool, err error) {
	switch strings.ToLower(name) {
	case "rawdata":
		known = true
		f.Data, f.Bad, err = p.base64()
	case "errorcode":
		known = true
		err = p.first(&f.Code)
	case "lasterrorcode":
		known, f.Converted = true, true
		err = p.first(&f.Code)
	case "errormessage", "lasterrormessage":
		err = p.first(&f.Message)
	case "datacatalogtable":
		f.Converted = true
		err = p.skip()
	case "attemptsmade":
		f.Attempts, err = p.integer()
	case "arrivaltimestamp":
		f.ArrivedAt, err = p.integer()
	case "attemptendingtimestamp":
		f.EndedAt, err = p.integer()
	case "sequencenumber":
		f.Sequence, err = p.text()
	case "subsequencenumber":
		f.Subsequence, err = p.integer()
	default:
		err = p.skip()
	}
	return known, err
}

// first reads a text into to, unless it has one already.
func (p *parser) first(to *string) error {
	s, err := p.text()
	if *to == "" {
		*to = s
	}
	return err
}
