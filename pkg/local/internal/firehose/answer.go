package firehose

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"
)

// judge gives each of the batch's records its outcome by the function's answer. A fault that it answers is one of the whole answer: all
// records have it. What is required of an answer: Firehose developer guide, "Required parameters for data transformation".
func (b *batch) judge(answer []byte) *fault {
	if !b.judgeQuickly(answer) {
		if f := b.judgeCarefully(answer); f != nil {
			b.failAll(f)
			return f
		}
	}
	for i := range b.records {
		if r := &b.records[i]; !r.answered {
			r.fail(faultMissing)
		}
	}
	return nil
}

// forget takes back what an earlier answer said.
func (b *batch) forget() {
	b.decoded = b.decoded[:0]
	for i := range b.records {
		r := &b.records[i]
		r.answered, r.outcome, r.data, r.fault = false, failed, span{}, nil
	}
}

// judgeQuickly handles answers that say nothing but recordId, result and data, without escapes, of known records, each once: in one
// pass over the bytes, with no allocation. At anything else, right or wrong, it gives up and answers false.
func (b *batch) judgeQuickly(answer []byte) bool {
	b.forget()
	s := scanner{rest: answer}
	if !s.take('{') || !s.takeText("records") || !s.take(':') || !s.take('[') {
		return false
	}
	if !s.take(']') {
		for expected := 0; ; expected++ {
			if !b.judgeRecord(&s, expected) {
				return false
			}
			if s.take(']') {
				break
			}
			if !s.take(',') {
				return false
			}
		}
	}
	return s.take('}') && s.end()
}

// judgeRecord reads one record of an answer, which must be the expected one.
func (b *batch) judgeRecord(s *scanner, expected int) bool {
	a, ok := s.answered()
	if !ok || expected >= len(b.records) {
		return false
	}
	r := &b.records[expected]
	if !bytes.Equal(a.id, r.id.of(b.request)) || string(a.result) != "Ok" && bytes.ContainsFunc(a.data, isControl) {
		return false
	}
	return b.settle(r, string(a.result), a.data, a.data != nil) == nil
}

// isControl says what a JSON string cannot hold.
func isControl(r rune) bool { return r < ' ' }

// settle gives r the outcome that one answered record asks for. The fault it answers is one of the whole answer.
func (b *batch) settle(r *record, result string, data []byte, hasData bool) *fault {
	r.answered = true
	switch result {
	case "Ok":
		if !hasData {
			r.fail(faultNoData)
			return nil
		}
		start := len(b.decoded)
		decoded, ok := appendDecoded(b.decoded, data)
		if !ok {
			return faultFormat
		}
		b.decoded = decoded
		r.outcome, r.data = delivered, span{start, len(decoded)}
	case "Dropped":
		r.outcome = dropped
	case "ProcessingFailed":
		r.fail(faultProcessingFailed)
	default:
		return faultFormat
	}
	return nil
}

// answeredRecord is a record of an answer in full generality; nil is missing or null.
type answeredRecord struct {
	RecordID *string `json:"recordId"`
	Result   *string `json:"result"`
	Data     *string `json:"data"`
}

// lax reads JSON as the service's parser does: the last of two equal names counts, and text need not be UTF-8.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// judgeCarefully handles every answer.
func (b *batch) judgeCarefully(answer []byte) *fault {
	b.forget()
	if !jsontext.Value(answer).IsValid(lax) {
		return faultNotJSON
	}
	var parsed struct {
		Records *[]answeredRecord `json:"records"`
	}
	if err := json.Unmarshal(answer, &parsed, lax); err != nil || parsed.Records == nil {
		return faultFormat
	}
	known := make(map[string]*record, len(b.records))
	for i := range b.records {
		r := &b.records[i]
		known[string(r.id.of(b.request))] = r
	}
	for _, a := range *parsed.Records {
		if f := b.judgeAnswered(known, a); f != nil {
			return f
		}
	}
	return nil
}

// judgeAnswered ignores a record that was never asked about, as Firehose does.
func (b *batch) judgeAnswered(known map[string]*record, a answeredRecord) *fault {
	if a.RecordID == nil {
		return nil
	}
	r, ok := known[*a.RecordID]
	if !ok {
		return nil
	}
	if a.Result == nil {
		return faultFormat
	}
	var data []byte
	if a.Data != nil {
		data = []byte(*a.Data)
	}
	twice := r.answered
	if f := b.settle(r, *a.Result, data, a.Data != nil); f != nil {
		return f
	}
	if twice {
		r.fail(faultDuplicated)
	}
	return nil
}

// appendDecoded appends what base64 text stands for. It refuses line breaks, which Go's decoders skip and JSON strings cannot hold raw.
func appendDecoded(dst, text []byte) ([]byte, bool) {
	if len(text)%4 != 0 {
		return dst, false
	}
	start, n := len(dst), base64.StdEncoding.DecodedLen(len(text))
	if cap(dst)-start < n {
		grown := make([]byte, start, 2*cap(dst)+n)
		copy(grown, dst)
		dst = grown
	}
	got, err := base64.StdEncoding.Decode(dst[start:start+n], text)
	padding := bytes.Count(text[max(0, len(text)-2):], []byte("="))
	if err != nil || got != n-padding {
		return dst[:start], false
	}
	return dst[:start+got], true
}

// scanner reads JSON of the plainest form.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// take steps over c and the white space before it.
func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// text reads a string that has no escapes. The caller must refuse control characters: it accepts known texts and base64 only.
func (s *scanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 || bytes.IndexByte(s.rest[:end], '\\') >= 0 {
		return nil, false
	}
	value := s.rest[:end:end]
	s.rest = s.rest[end+1:]
	return value, true
}

// answered is one record of an answer, as parts of the answer; nil is missing.
type answered struct{ id, result, data []byte }

// answered reads an object with no members but these, none twice.
func (s *scanner) answered() (a answered, ok bool) {
	if !s.take('{') {
		return a, false
	}
	for {
		name, _ := s.text()
		var field *[]byte
		switch string(name) {
		case "recordId":
			field = &a.id
		case "result":
			field = &a.result
		case "data":
			field = &a.data
		default:
			return a, false
		}
		if *field != nil || !s.take(':') {
			return a, false
		}
		if *field, ok = s.text(); !ok {
			return a, false
		}
		if s.take('}') {
			return a, true
		}
		if !s.take(',') {
			return a, false
		}
	}
}

func (s *scanner) takeText(want string) bool {
	got, ok := s.text()
	return ok && string(got) == want
}

func (s *scanner) end() bool {
	s.space()
	return len(s.rest) == 0
}
