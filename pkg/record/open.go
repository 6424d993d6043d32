package record

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Open reads the record in data, which must not change while the record is in use. The error is a *[Fault]; the record
// then holds what its envelope said, if that could be read.
func Open(data []byte, s Source) (Record, error) {
	bare := Record{Index: -1, ReceivedAt: s.ArrivedAt, Producer: Direct, Direct: true, source: s}
	if err := bare.hold(data); err != nil {
		return bare, err
	}
	if !mayHoldEnvelope(data) {
		return bare, nil
	}
	for c := (cursor{text: data, left: bare.values}); c.left > 0; {
		c.enter()
		switch {
		case !isEnvelope(c.value()):
		case bare.values > 1:
			return bare, &Fault{InvalidEnvelope, "an envelope among several values"}
		default:
			return openEnvelope(c.value(), s)
		}
	}
	return bare, nil
}

func openEnvelope(value []byte, s Source) (Record, error) {
	e, err := readEnvelope(value)
	if err != nil {
		return Record{Index: -1, source: s}, err
	}
	r := e.record(s)
	if e.raw == nil {
		r.events, r.values = e.data, 1
		return r, r.refuseEmpty()
	}
	// Bytes that somebody else wrote: an envelope in them would be a caller's word about itself.
	raw, err := base64.StdEncoding.DecodeString(text(e.raw))
	if err != nil {
		return r, &Fault{InvalidEnvelope, "raw is no base64"}
	}
	return r, r.hold(raw)
}

// hold takes the events in data, if it is nothing but JSON values.
func (r *Record) hold(data []byte) error {
	n, err := count(data)
	if err != nil {
		return err
	}
	r.events, r.values = data, n
	return r.refuseEmpty()
}

func (r *Record) refuseEmpty() error {
	if c := (cursor{text: r.events, left: r.values}); !c.next() {
		return &Fault{Empty, "no event"}
	}
	return nil
}

// scanner is a decoder with the buffer it reads, kept because the two cost as much as a small record.
type scanner struct {
	buffer  bytes.Buffer
	decoder jsontext.Decoder
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// lax leaves to the event's judge what is his business: duplicate names inside events, and text that is no UTF-8.
var lax = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// count checks that data is nothing but JSON values, and says how many stand in it.
func count(data []byte) (int, error) {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.buffer = *bytes.NewBuffer(data) // read where it lies: the decoder knows a bytes.Buffer
	s.decoder.Reset(&s.buffer, lax...)
	for n := 0; ; n++ {
		switch _, err := s.decoder.ReadValue(); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			// The decoder's own message quotes the text, which must not reach a log.
			return n, &Fault{InvalidJSON, "not JSON"}
		}
	}
}
