package firehose

import (
	"errors"
	"slices"

	"github.com/segmentio/asm/base64"
)

// Result is what a function says of a record.
type Result string

// The results that Firehose knows.
const (
	Ok               Result = "Ok"
	Dropped          Result = "Dropped"          // goes nowhere, on purpose
	ProcessingFailed Result = "ProcessingFailed" // goes to the error output, as it came
)

// AnswerLimit is how many bytes a Lambda function may answer. Past it the whole answer is lost: "Response payload size
// exceeded maximum allowed payload size (6291556 bytes)", Function.ResponseSizeTooLarge.
const AnswerLimit = 6_291_556

// ErrTooManyRecords is the error for a batch whose answer would pass the limit even if every record failed.
var ErrTooManyRecords = errors.New("more records than an answer can hold")

const (
	answerHead  = `{"records":`
	answerTail  = `]}`
	verdictHead = `{"recordId":`
	okHead      = `,"result":"Ok","data":"`
	okTail      = `"}`
	failedTail  = `,"result":"ProcessingFailed","data":""}`
)

// Answer writes the answer to a batch. Each verdict is for the next of its records, so that the answer has the records'
// ids in the records' order; and the answer keeps under its limit, because the room in which all records still to come
// can fail is set aside from the start.
type Answer struct {
	buf     []byte
	records []Record // still to come
	reserve int      // bytes that they, and the end, need at least
	limit   int
}

// NewAnswer starts the answer, of at most limit bytes, to the records. The error is [ErrTooManyRecords].
func NewAnswer(records []Record, limit int) (Answer, error) {
	reserve, data := len(answerTail), 0
	for i := range records {
		reserve += failedSize(&records[i])
		data += base64.StdEncoding.DecodedLen(len(records[i].Encoded))
	}
	if len(answerHead)+reserve > limit {
		return Answer{}, ErrTooManyRecords
	}
	// Rows are somewhat larger than the events they come from.
	size := min(limit, len(answerHead)+reserve+base64.StdEncoding.EncodedLen(data+data/2))
	return Answer{
		buf:     append(make([]byte, 0, size), answerHead...),
		records: records,
		reserve: reserve,
		limit:   limit,
	}, nil
}

// failedSize is how many bytes a record's failure takes, with the bracket or the comma before it.
func failedSize(r *Record) int {
	return len("[") + len(verdictHead) + len(r.ID) + len(failedTail)
}

// Room returns how many bytes of data [Answer.Ok] may answer the next record with.
func (a *Answer) Room() int {
	used := len(a.buf) + len("[") + len(verdictHead) + len(a.records[0].ID) + len(okHead) + len(okTail)
	kept := a.reserve - failedSize(&a.records[0])
	return (a.limit - used - kept) / 4 * 3
}

// Ok answers the next record with data, which must not be larger than [Answer.Room] says.
func (a *Answer) Ok(data []byte) {
	if len(data) > a.Room() {
		panic("firehose: the data does not fit the answer")
	}
	a.begin()
	a.buf = append(a.buf, okHead...)
	n := base64.StdEncoding.EncodedLen(len(data))
	a.buf = slices.Grow(a.buf, n+len(okTail))
	a.buf = a.buf[:len(a.buf)+n]
	base64.StdEncoding.Encode(a.buf[len(a.buf)-n:], data)
	a.buf = append(a.buf, okTail...)
}

// Fail answers the next record with ProcessingFailed. The data is empty: Firehose itself keeps the original.
func (a *Answer) Fail() {
	a.begin()
	a.buf = append(a.buf, failedTail...)
}

func (a *Answer) begin() {
	r := &a.records[0]
	a.reserve -= failedSize(r)
	a.separate()
	a.buf = append(append(a.buf, verdictHead...), r.ID...)
	a.records = a.records[1:]
}

func (a *Answer) separate() {
	if len(a.buf) == len(answerHead) {
		a.buf = append(a.buf, '[')
	} else {
		a.buf = append(a.buf, ',')
	}
}

// Bytes ends the answer and returns it. Records that were not answered fail: one that is missing would fail too, but with
// Lambda.MissingRecordId, which says that the function is broken.
func (a *Answer) Bytes() []byte {
	for len(a.records) > 0 {
		a.Fail()
	}
	if len(a.buf) == len(answerHead) {
		a.separate() // no records at all
	}
	return append(a.buf, answerTail...)
}
