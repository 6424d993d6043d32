package parquet

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"

	"hydrant/pkg/local/internal/glue"
)

// primitive converts a JSON value that is not null to a column's primitive type, with the coercions of the OpenX JSON SerDe: numbers and
// JSON into text, numeric text into numbers. What it would round or cut is refused, so that the record goes to the error objects whole.
func (c *converter) primitive(k glue.Kind, v jsontext.Value) (parquet.Value, error) {
	if k == glue.String {
		return c.textValue(v)
	}
	var text string
	switch v[0] {
	case '"':
		text = string(c.unquote(v))
	case '{', '[':
		return parquet.Value{}, mismatch("Data is a JSON object or array, not %s", kindNames[k])
	default:
		text = string(v)
	}
	switch k {
	case glue.Boolean:
		return boolean(text)
	case glue.TinyInt, glue.SmallInt, glue.Int, glue.BigInt:
		return integer(k, text)
	case glue.Float, glue.Double:
		return floating(k, text)
	case glue.Timestamp:
		return timestamp(text)
	default:
		return date(text)
	}
}

var kindNames = map[glue.Kind]string{
	glue.Boolean: "boolean", glue.TinyInt: "tinyint", glue.SmallInt: "smallint", glue.Int: "int", glue.BigInt: "bigint",
	glue.Float: "float", glue.Double: "double", glue.Timestamp: "timestamp", glue.Date: "date",
}

func (c *converter) textValue(v jsontext.Value) (parquet.Value, error) {
	switch v[0] {
	case '"':
		return parquet.ByteArrayValue(c.unquote(v)), nil
	case '{', '[':
		text, err := c.jsonText(v)
		return parquet.ByteArrayValue(text), err
	default:
		return parquet.ByteArrayValue(v), nil
	}
}

func boolean(text string) (parquet.Value, error) {
	switch strings.ToLower(text) {
	case "true":
		return parquet.BooleanValue(true), nil
	case "false":
		return parquet.BooleanValue(false), nil
	}
	return parquet.Value{}, mismatch("For input string: %q", text)
}

var bits = map[glue.Kind]int{glue.TinyInt: 8, glue.SmallInt: 16, glue.Int: 32, glue.BigInt: 64}

func integer(k glue.Kind, text string) (parquet.Value, error) {
	n, err := strconv.ParseInt(text, 10, bits[k])
	if err != nil {
		return parquet.Value{}, mismatch("For input string: %q", text)
	}
	if k == glue.BigInt {
		return parquet.Int64Value(n), nil
	}
	return parquet.Int32Value(int32(n)), nil
}

func floating(k glue.Kind, text string) (parquet.Value, error) {
	size := 64
	if k == glue.Float {
		size = 32
	}
	f, err := strconv.ParseFloat(text, size)
	// ParseFloat also reads hexadecimal, "inf" and "nan"; none of them is a JSON number.
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" {
		return parquet.Value{}, mismatch("For input string: %q", text)
	}
	if k == glue.Float {
		return parquet.FloatValue(float32(f)), nil
	}
	return parquet.DoubleValue(f), nil
}

// A bare number under this is seconds since 1970, from it on milliseconds.
const firstMillisecond = 1e12

// timestamp reads what Firehose's record format conversion documents: yyyy-MM-dd'T'HH:mm:ss[.S]'Z' with up to nine digits,
// yyyy-[M]M-[d]d HH:mm:ss[.S], and epoch seconds (whole or not) or milliseconds, as numbers or as text. Offsets are refused.
// https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
func timestamp(text string) (parquet.Value, error) {
	if t, ok := parseTimestamp(text); ok {
		return parquet.Int64Value(t.UnixMicro()), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch {
		case n > -firstMillisecond && n < firstMillisecond:
			return parquet.Int64Value(n * 1e6), nil
		case n > math.MinInt64/1000 && n < math.MaxInt64/1000:
			return parquet.Int64Value(n * 1e3), nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" || math.Abs(f) >= firstMillisecond {
		return parquet.Value{}, mismatch("For input string: %q", text)
	}
	return parquet.Int64Value(int64(math.Floor(f * 1e6))), nil
}

func parseTimestamp(text string) (time.Time, bool) {
	layout, hour := "2006-01-02T15:04:05Z", strings.IndexByte(text, 'T')+1
	if hour == 0 {
		layout, hour = "2006-1-2 15:04:05", strings.IndexByte(text, ' ')+1
	}
	// time.Parse also takes hours of one digit and a comma before the fraction.
	if strings.IndexByte(text, ':') != hour+2 || strings.Contains(text, ",") {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, text)
	return t, err == nil && fraction(text) <= 9
}

// fraction counts the digits behind the point.
func fraction(text string) int {
	_, digits, _ := strings.Cut(strings.TrimSuffix(text, "Z"), ".")
	return len(digits)
}

func date(text string) (parquet.Value, error) {
	t, err := time.Parse("2006-1-2", text)
	if err != nil {
		return parquet.Value{}, mismatch("For input string: %q", text)
	}
	return parquet.Int32Value(int32(t.Unix() / 86400)), nil
}
