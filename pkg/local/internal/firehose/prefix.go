package firehose

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // CustomTimeZone must mean the same on a machine without a zone database
)

// The values of !{firehose:error-output-type} that a Kinesis stream, a Lambda function and an S3 bucket can give rise to.
const (
	processingFailed       = "processing-failed"
	formatConversionFailed = "format-conversion-failed"
)

// maxPrefixLength is how many characters an evaluated prefix may have.
const maxPrefixLength = 512

// defaultTimePrefix is appended to a Prefix that has no timestamp expression; no slash is put between them.
const (
	defaultTimeFormat = "yyyy/MM/dd/HH/"
	defaultTimePrefix = "!{timestamp:" + defaultTimeFormat + "}"
)

// A prefix is a compiled Prefix or ErrorOutputPrefix. The rules are those of the Firehose developer guide, "Custom prefixes for
// Amazon S3 objects".
type prefix struct {
	parts []prefixPart
	zone  *time.Location
}

// prefixPart is one of: a literal text, a timestamp expression, !{firehose:random-string}, !{firehose:error-output-type}.
type prefixPart struct {
	literal   string
	timestamp timeFormat
	random    bool
	errorType bool
}

// parsePrefixes compiles a delivery stream's two prefixes. The error names the property at fault.
func parsePrefixes(objects, failures, timeZone string) (object, failure prefix, err error) {
	zone := time.UTC
	if timeZone != "" {
		if zone, err = time.LoadLocation(timeZone); err != nil || timeZone == "Local" {
			return prefix{}, prefix{}, fmt.Errorf("%s: %q is no time zone such as Asia/Seoul", "CustomTimeZone", timeZone)
		}
	}
	if object, err = parseObjectPrefix(objects, zone); err != nil {
		return prefix{}, prefix{}, fmt.Errorf("%s: %w", "Prefix", err)
	}
	if failures == "" && strings.Contains(objects, "!{") {
		err = errors.New("must be given when Prefix contains expressions")
	} else {
		if failures == "" {
			// The guide's rule and its example differ in the slash behind the error output type; the example has it.
			failures = objects + "!{firehose:error-output-type}/" + defaultTimePrefix
		}
		failure, err = parseErrorPrefix(failures, zone)
	}
	if err != nil {
		return prefix{}, prefix{}, fmt.Errorf("%s: %w", "ErrorOutputPrefix", err)
	}
	return object, failure, nil
}

func parseObjectPrefix(text string, zone *time.Location) (prefix, error) {
	p, err := parsePrefix(text, zone)
	if err != nil {
		return prefix{}, err
	}
	if p.has(prefixPart.isErrorType) {
		return prefix{}, errors.New("!{firehose:error-output-type} may stand in ErrorOutputPrefix only")
	}
	if !p.has(prefixPart.isTimestamp) {
		p.parts = append(p.parts, prefixPart{timestamp: mustTimeFormat(defaultTimeFormat)})
	}
	return p, p.checkLength("")
}

func parseErrorPrefix(text string, zone *time.Location) (prefix, error) {
	p, err := parsePrefix(text, zone)
	if err != nil {
		return prefix{}, err
	}
	if p.has(prefixPart.isExpression) && !p.has(prefixPart.isErrorType) {
		return prefix{}, errors.New("contains expressions and must then contain !{firehose:error-output-type} too")
	}
	return p, p.checkLength(formatConversionFailed)
}

// checkLength refuses what would become too long. September has the longest name of the months; the thirtieth is a Wednesday.
func (p prefix) checkLength(errorType string) error {
	longest := time.Date(2026, time.September, 30, 22, 59, 59, 999999999, p.zone)
	if n := len(p.evaluate(longest, errorType)); n > maxPrefixLength {
		return fmt.Errorf("has %d characters when it is evaluated; %d are allowed", n, maxPrefixLength)
	}
	return nil
}

func parsePrefix(text string, zone *time.Location) (prefix, error) {
	p := prefix{zone: zone}
	for text != "" {
		start := strings.Index(text, "!{")
		if start < 0 {
			start = len(text)
		}
		if start > 0 {
			p.parts = append(p.parts, prefixPart{literal: text[:start]})
			text = text[start:]
			continue
		}
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return prefix{}, fmt.Errorf("%q is never closed with }", text)
		}
		part, err := parseExpression(text[2:end])
		if err != nil {
			return prefix{}, fmt.Errorf("%s: %w", text[:end+1], err)
		}
		p.parts, text = append(p.parts, part), text[end+1:]
	}
	return p, nil
}

// parseExpression reads what stands between !{ and }.
func parseExpression(expression string) (prefixPart, error) {
	namespace, value, found := strings.Cut(expression, ":")
	if !found {
		return prefixPart{}, errors.New("!{ may only begin an expression of the form !{namespace:value}")
	}
	switch namespace {
	case "timestamp":
		if value == "" {
			return prefixPart{}, errors.New("the format is missing")
		}
		format, err := parseTimeFormat(value)
		return prefixPart{timestamp: format}, err
	case "firehose":
		switch value {
		case "random-string":
			return prefixPart{random: true}, nil
		case "error-output-type":
			return prefixPart{errorType: true}, nil
		}
		return prefixPart{}, errors.New("expected random-string or error-output-type")
	case "partitionKeyFromLambda", "partitionKeyFromQuery":
		return prefixPart{}, errors.New("dynamic partitioning is not supported by the local runner")
	}
	return prefixPart{}, errors.New("the namespace must be timestamp or firehose")
}

func mustTimeFormat(pattern string) timeFormat {
	format, err := parseTimeFormat(pattern)
	if err != nil {
		panic(err)
	}
	return format
}

func (p prefix) has(property func(prefixPart) bool) bool {
	for _, part := range p.parts {
		if property(part) {
			return true
		}
	}
	return false
}

func (part prefixPart) isErrorType() bool { return part.errorType }
func (part prefixPart) isTimestamp() bool { return part.timestamp != nil }
func (part prefixPart) isExpression() bool {
	return part.random || part.errorType || part.timestamp != nil
}

// evaluate answers the prefix of an object whose oldest record arrived at t; errorType matters to an ErrorOutputPrefix only.
func (p prefix) evaluate(t time.Time, errorType string) string {
	t = t.In(p.zone)
	var key []byte
	for _, part := range p.parts {
		switch {
		case part.timestamp != nil:
			key = part.timestamp.append(key, t)
		case part.random:
			key = append(key, newUUID()[:11]...)
		case part.errorType:
			key = append(key, errorType...)
		default:
			key = append(key, part.literal...)
		}
	}
	return string(key)
}

// objectSuffix is what follows the prefix in every key; it cannot be chosen ("Amazon S3 object name format"). Its time is UTC.
func objectSuffix(stream string, oldest time.Time, extension string) string {
	return fmt.Sprintf("%s-%d-%s-%s%s", stream, streamVersion, oldest.UTC().Format("2006-01-02-15-04-05"), newUUID(), extension)
}

// fileExtension is the pattern of FileExtension in the API reference's ExtendedS3DestinationConfiguration.
var fileExtension = regexp.MustCompile(`^$|^\.[0-9a-z!\-_.*'()]+$`)

// newUUID makes a random (version 4) UUID.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
