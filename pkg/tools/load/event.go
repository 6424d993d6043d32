package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The events are page views of exactly -size bytes. Wherever the pattern has ten zeros an event has its number, so that no two have the
// same id, URL, session or notes.
const (
	digits  = "0000000000"
	pattern = `{"type":"page_view","event_id":"load-0000000000","occurred_at":"2026-01-15T09:30:00.123Z",` +
		`"user_id":"user-0000000000","session_id":"s-0000000000","url":"https://www.example.com/articles/0000000000?ref=news",` +
		`"title":"Gr\u00fc\u00dfe aus \"Z\u00fcrich\", Teil 0000000000","referrer":"https://search.example.com/","device":"mobile","language":"de-CH",` +
		`"country":"CH","viewport":{"width":390,"height":844},"load_ms":812.5,"first_visit":true,"context":{"campaign":"`
	patternEnd = `"}}`
)

// What is missing to the size is filled with notes in the event's context: each a member of so many bytes, as many as an event may have
// beside the campaign.
const (
	noteBytes = 500
	maxNotes  = 49
)

const (
	minEventBytes = len(pattern) + len(patternEnd)
	maxEventBytes = minEventBytes + (maxNotes+1)*noteBytes - 1
)

// newEvent makes the event number 0 of exactly size bytes.
func newEvent(size int) string {
	var b strings.Builder
	missing := size - minEventBytes
	b.WriteString(pattern)
	b.WriteString(words(missing % noteBytes))
	for n := range missing / noteBytes {
		name := fmt.Sprintf(`","note_%02d":"`, n)
		b.WriteString(name)
		b.WriteString(words(noteBytes - len(name)))
	}
	b.WriteString(patternEnd)
	return b.String()
}

// words is so many bytes of text.
func words(n int) string {
	const text = "Order " + digits + " shipped from the northern warehouse, two parcels and one letter, signed for by the neighbour. "
	return strings.Repeat(text, n/len(text)+1)[:n]
}

// body is a request's body that can be made over for other events without building it anew.
type body struct {
	text   []byte
	places [][]int // for each event: where its number stands
}

// newRecord makes the body of POST /record.
func newRecord(size int) *body { return newBody(recordText(size), "", "", 1) }

// newRecords makes the body of POST /records with n records of one event each.
func newRecords(size, n int) *body { return newBody(recordText(size), `{"Records":[`, `]}`, n) }

// recordText has the user for a partition key, as a producer would.
func recordText(size int) string {
	return `{"PartitionKey":"user-` + digits + `","Data":` + newEvent(size) + `}`
}

func newBody(record, head, tail string, n int) *body {
	b := &body{text: []byte(head)}
	for i := range n {
		if i > 0 {
			b.text = append(b.text, ',')
		}
		start := len(b.text)
		b.text = append(b.text, record...)
		var places []int
		for at := start; ; {
			next := bytes.Index(b.text[at:], []byte(digits))
			if next < 0 {
				break
			}
			places = append(places, at+next)
			at += next + len(digits)
		}
		b.places = append(b.places, places)
	}
	b.text = append(b.text, tail...)
	return b
}

// set makes the i-th event the one with the given number.
func (b *body) set(i int, number int64) {
	var text [len(digits)]byte
	for at := len(text) - 1; at >= 0; at-- {
		text[at] = byte('0' + number%10)
		number /= 10
	}
	for _, at := range b.places[i] {
		copy(b.text[at:], text[:])
	}
}

var idMember = []byte(`"event_id":"load-`)

// numberOf answers the number of the event that a row was made of.
func numberOf(row []byte) (int64, bool) {
	_, rest, found := bytes.Cut(row, idMember)
	if !found || len(rest) <= len(digits) || rest[len(digits)] != '"' {
		return 0, false
	}
	number, err := strconv.ParseUint(string(rest[:len(digits)]), 10, 63)
	return int64(number), err == nil
}
