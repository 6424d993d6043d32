package record

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// EventID returns the id of event i, if it does not bring one itself: the one in the envelope's event_ids, else one
// derived from where the event stands. A derived id is the same whenever the same record is read, however often it is
// retried or delivered, and by whatever version of this code: copies of an event are known by it.
func (r *Record) EventID(i int) string {
	if i < len(r.EventIDs) && r.EventIDs[i] != "" {
		return r.EventIDs[i]
	}
	var buf [256]byte
	place := buf[:0]
	// A text goes in with its length before it, so that no two places spell the same.
	if r.RequestID != "" && r.Index >= 0 {
		place = appendText(append(place, 'r'), r.RequestID)
		place = binary.BigEndian.AppendUint64(place, uint64(r.Index))
	} else {
		place = appendText(append(place, 's'), r.source.Shard)
		place = appendText(place, r.source.Sequence)
		place = binary.BigEndian.AppendUint64(place, uint64(r.source.Subsequence))
	}
	place = binary.BigEndian.AppendUint64(place, uint64(i))
	return derive(place)
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

const derivedLen = 26 // 130 bits: no two alike, and within the 64 characters of an id

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func derive(place []byte) string {
	sum := sha256.Sum256(place)
	var text [32]byte
	base32Lower.Encode(text[:], sum[:20])
	return string(text[:derivedLen])
}

const maxIDLen = 64

func validID(id string) bool {
	if len(id) == 0 || len(id) > maxIDLen {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}
