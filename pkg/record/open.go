package record

import (
	"bytes"
	"encoding/base64"
	"iter"
	"slices"

	"hydrant/pkg/jsonscan"
)

// Open reads the record in data, which must not change while the record is in use. The error is a *[Fault]; the record
// then holds what its envelope said, if that could be read.
func Open(data []byte, s Source) (Record, error) {
	bare := Record{Index: -1, ReceivedAt: s.ArrivedAt, Producer: Direct, Direct: true, source: s}
	worn, err := bare.hold(data)
	switch {
	case err != nil || worn.version == nil:
		return bare, err
	case bare.values > 1:
		return bare, &Fault{InvalidEnvelope, "an envelope among several values"}
	}
	return worn.open(data, s)
}

// hold takes the events in data, if it is nothing but JSON values, and looks whether one of these is an envelope.
func (r *Record) hold(data []byte) (worn envelope, err error) {
	n := 0
	scan := jsonscan.New(data)
	for ; !scan.End(); n++ {
		if scan.Peek() != '{' {
			scan.Value()
		} else if e := readEnvelope(&scan); e.version != nil {
			worn = e
		}
	}
	if scan.Failed() {
		return worn, &Fault{InvalidJSON, "not JSON"}
	}
	r.events, r.values = data, n
	return worn, r.refuseEmpty()
}

func (e *envelope) open(data []byte, s Source) (Record, error) {
	if err := e.check(data); err != nil {
		return Record{Index: -1, source: s}, err
	}
	r := e.record(s)
	if e.raw == nil {
		r.events, r.values = e.data, 1
		return r, r.refuseEmpty()
	}
	raw, err := base64.StdEncoding.DecodeString(text(e.raw))
	if err != nil {
		return r, &Fault{InvalidEnvelope, "raw is no base64"}
	}
	// Bytes that somebody else wrote: an envelope in them would be a caller's word about itself.
	_, err = r.hold(raw)
	return r, err
}

func (r *Record) refuseEmpty() error {
	for range r.Events() {
		return nil
	}
	return &Fault{Empty, "no event"}
}

// Events yields each event's own JSON text, without a copy, and its place in the record. Arrays are opened, one level
// deep: what stands in one is an event, whatever it looks like.
func (r *Record) Events() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if only := slices.Clip(bytes.TrimSpace(r.events)); r.values == 1 && only[0] != '[' {
			yield(0, only) // its end needs no search
			return
		}
		n := 0
		for scan := jsonscan.New(r.events); !scan.End(); {
			if scan.Peek() != '[' {
				if !yield(n, scan.Value()) {
					return
				}
				n++
				continue
			}
			for scan.Enter(); scan.More(']'); n++ {
				if !yield(n, scan.Value()) {
					return
				}
			}
		}
	}
}
