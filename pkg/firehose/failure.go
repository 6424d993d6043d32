package firehose

import (
	"errors"
	"fmt"
	"strings"

	"hydrant/pkg/jsonscan"
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
	p := parser{Scanner: jsonscan.New(line)}
	if p.Peek() != '{' {
		return Failure{}, ErrNoFailure
	}
	f := Failure{Bad: true}
	known := false
	for p.Enter(); p.More('}'); {
		if p.failureMember(&f, string(p.name())) {
			known = true
		}
	}
	err := p.end()
	switch {
	case err != nil:
		return Failure{}, fmt.Errorf("%w: %w", ErrNoFailure, err)
	case !known:
		return Failure{}, ErrNoFailure
	}
	return f, nil
}

// failureMember reads the value of a member, and says whether only an error object has a member of this name.
func (p *parser) failureMember(f *Failure, name string) (known bool) {
	switch strings.ToLower(name) {
	case "rawdata":
		data, ok := decode(nil, p.text())
		f.Data, f.Bad = data, !ok
		return true
	case "errorcode":
		p.first(&f.Code)
		return true
	case "lasterrorcode":
		f.Converted = true
		p.first(&f.Code)
		return true
	case "errormessage", "lasterrormessage":
		p.first(&f.Message)
	case "datacatalogtable":
		f.Converted = true
		p.Value()
	case "attemptsmade":
		f.Attempts = p.integer()
	case "arrivaltimestamp":
		f.ArrivedAt = p.integer()
	case "attemptendingtimestamp":
		f.EndedAt = p.integer()
	case "sequencenumber":
		f.Sequence = string(p.text())
	case "subsequencenumber":
		f.Subsequence = p.integer()
	default:
		p.Value()
	}
	return false
}

// first reads a text into to, unless it has one already.
func (p *parser) first(to *string) {
	if s := p.text(); *to == "" {
		*to = string(s)
	}
}
