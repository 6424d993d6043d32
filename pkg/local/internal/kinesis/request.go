package kinesis

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"
)

// optional is a member that may be absent; JSON null is absent too.
type optional[T any] struct {
	Value T
	Set   bool
}

type text = optional[string]

// decoder reads one request. Members that the operation does not know are ignored, as AWS does.
type decoder struct {
	json *jsontext.Decoder
	body bytes.Buffer
	data []byte // what blobs are decoded into
	name []byte
}

// Lone surrogates and bytes that are no UTF-8 become U+FFFD: refusing them would lose a record over its partition key.
var decoderOptions = jsontext.AllowInvalidUTF8(true)

// keepBytes is the largest buffer that is kept for the next request.
const keepBytes = 2 << 20

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.json = jsontext.NewDecoder(&d.body, decoderOptions)
	return d
}}

// newDecoder reads body, which must not change until free is called. Blobs are good until then too.
func newDecoder(body []byte) *decoder {
	d := decoders.Get().(*decoder)
	d.body = *bytes.NewBuffer(body)
	d.json.Reset(&d.body, decoderOptions)
	if need := base64.StdEncoding.DecodedLen(len(body)); cap(d.data) < need {
		d.data = make([]byte, 0, need)
	}
	return d
}

func (d *decoder) free() {
	d.body = bytes.Buffer{}
	d.data = d.data[:0]
	if cap(d.data) <= keepBytes {
		decoders.Put(d)
	}
}

// whole reads the request: one object and nothing behind it.
func (d *decoder) whole(member func(name string) error) error {
	if err := d.object(member); err != nil {
		return err
	}
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		return serialization("The request is not one JSON object.")
	}
	return nil
}

// object calls member for each name of an object; member must read or skip the value. null is an empty object.
func (d *decoder) object(member func(name string) error) error {
	if kind := d.json.PeekKind(); kind == 'n' {
		return d.skip()
	} else if kind != '{' {
		return d.wrong("structure")
	}
	if _, err := d.json.ReadToken(); err != nil {
		return malformed(err)
	}
	for d.json.PeekKind() != '}' {
		raw, err := d.json.ReadValue()
		if err != nil {
			return malformed(err)
		}
		if err := member(members[string(d.unquote(raw))]); err != nil {
			return err
		}
	}
	_, err := d.json.ReadToken()
	return malformed(err)
}

// list calls item for each element of an array and reports whether there was one; null is none.
func (d *decoder) list(item func() error) (set bool, err error) {
	if kind := d.json.PeekKind(); kind == 'n' {
		return false, d.skip()
	} else if kind != '[' {
		return false, d.wrong("list")
	}
	if _, err := d.json.ReadToken(); err != nil {
		return false, malformed(err)
	}
	for d.json.PeekKind() != ']' {
		if err := item(); err != nil {
			return false, err
		}
	}
	_, err = d.json.ReadToken()
	return true, malformed(err)
}

func (d *decoder) skip() error { return malformed(d.json.SkipValue()) }

func (d *decoder) text(into *text) error {
	raw, err := d.value('"', "string")
	if raw == nil || err != nil {
		return err
	}
	*into = text{strings.ToValidUTF8(string(d.unquote(raw)), "\uFFFD"), true}
	return nil
}

// blob decodes base64 once; what is stored is what was sent.
func (d *decoder) blob(into *optional[[]byte]) error {
	raw, err := d.value('"', "blob")
	if raw == nil || err != nil {
		return err
	}
	s := d.unquote(raw)
	start := len(d.data)
	d.data = append(d.data, make([]byte, base64.StdEncoding.DecodedLen(len(s)))...)
	n, err := base64.StdEncoding.Decode(d.data[start:], s)
	if err != nil {
		return serialization("A blob is not valid base64.")
	}
	d.data = d.data[:start+n]
	*into = optional[[]byte]{d.data[start:len(d.data):len(d.data)], true}
	return nil
}

func (d *decoder) integer(into *optional[int64]) error {
	raw, err := d.value('0', "integer")
	if raw == nil || err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	*into = optional[int64]{n, true}
	if err != nil {
		return serialization("A number is no integer.")
	}
	return nil
}

// timestamp reads seconds since 1970 with a fraction, of which milliseconds count.
func (d *decoder) timestamp(into *optional[time.Time]) error {
	raw, err := d.value('0', "timestamp")
	if raw == nil || err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	ms := math.Round(seconds * 1000)
	if err != nil || math.Abs(ms) > 1<<53 {
		return serialization("A timestamp is out of range.")
	}
	*into = optional[time.Time]{time.UnixMilli(int64(ms)), true}
	return nil
}

// unsupported refuses a member that asks for something else than what would be done.
func (d *decoder) unsupported(name string) error {
	raw, err := d.json.ReadValue()
	if err != nil {
		return malformed(err)
	}
	if kind := raw.Kind(); kind == 'n' || kind == 'f' {
		return nil
	}
	return invalidArgument("%s is not supported by the local runner.", name)
}

// value reads a scalar of the given kind; nil for null.
func (d *decoder) value(kind jsontext.Kind, what string) (jsontext.Value, error) {
	switch got := d.json.PeekKind(); got {
	case 'n':
		return nil, d.skip()
	case kind:
		raw, err := d.json.ReadValue()
		return raw, malformed(err)
	default:
		return nil, d.wrong(what)
	}
}

// unquote returns the string's text, which is good until the next call. It may hold what is no UTF-8.
func (d *decoder) unquote(raw jsontext.Value) []byte {
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return body
	}
	// The error can only speak of invalid UTF-8, which is replaced: the decoder has read this string before.
	d.name, _ = jsontext.AppendUnquote(d.name[:0], raw)
	return d.name
}

// wrong is the fault of a value of another type, or of JSON that ends or breaks where a value should be.
func (d *decoder) wrong(want string) error {
	at := d.json.StackPointer()
	if _, err := d.json.ReadValue(); err != nil {
		return malformed(err)
	}
	return serialization("The value at %q can not be converted to a %s.", string(at), want)
}

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return serialization("The request is not valid JSON.")
}

// members are the names that requests have. Looking a name up costs no allocation; "" is an unknown one.
var members = names("Data", "DryRun", "ExclusiveStartShardId", "ExclusiveStartStreamName", "ExplicitHashKey", "Limit",
	"MaxResults", "NextToken", "PartitionKey", "Records", "SequenceNumberForOrdering", "ShardFilter", "ShardId",
	"ShardIterator", "ShardIteratorType", "StartingSequenceNumber", "StreamARN", "StreamCreationTimestamp", "StreamId",
	"StreamName", "Timestamp", "Type")

func names(all ...string) map[string]string {
	m := make(map[string]string, len(all))
	for _, name := range all {
		m[name] = name
	}
	return m
}
