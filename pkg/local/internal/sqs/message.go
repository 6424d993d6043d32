package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attribute is a message attribute: StringValue of the types String and Number, BinaryValue of Binary; each with a custom label behind a
// dot if the sender wants one.
type Attribute struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"`
}

// Message is a message as it is received.
type Message struct {
	ID, Body      string
	ReceiptHandle string
	Attributes    map[string]Attribute
	Trace         string // AWSTraceHeader
	Source        string // ARN of the queue that it was a dead letter of
	Sent          int64  // Unix milliseconds
	FirstReceived int64  // Unix milliseconds
	Receives      int
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// MD5OfBody is what SQS answers of a body, and clients compare.
func (m *Message) MD5OfBody() string { return md5Hex(m.Body) }

// md5OfAttributes is the digest of the developer guide's "Calculating the MD5 message digest for message attributes"; "" of none.
func md5OfAttributes(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var text []byte
	field := func(value string) {
		text = binary.BigEndian.AppendUint32(text, uint32(len(value)))
		text = append(text, value...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field(name)
		field(a.DataType)
		if a.StringValue != nil {
			text = append(text, 1)
			field(*a.StringValue)
		} else {
			text = append(text, 2)
			field(string(a.BinaryValue))
		}
	}
	return md5Hex(string(text))
}

func attributesSize(attributes map[string]Attribute) (size int) {
	for name, a := range attributes {
		size += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			size += len(*a.StringValue)
		}
	}
	return size
}

// maxAttributes is how many attributes a message may have ("Amazon SQS message metadata").
const maxAttributes = 10

func checkAttributes(attributes map[string]Attribute) error {
	if len(attributes) > maxAttributes {
		return invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes)
	}
	for name, a := range attributes {
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case name == "" || len(name) > 256 || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") || !isName(name, "_-."):
			return invalidParameter("Message (user) attribute name '%s' is invalid.", name)
		case (kind == "String" || kind == "Number") && a.StringValue != nil && *a.StringValue != "" && a.BinaryValue == nil:
		case kind == "Binary" && len(a.BinaryValue) > 0 && a.StringValue == nil:
		default:
			return invalidParameter("The message attribute '%s' must have a DataType of String, Number or Binary, and a value of that type.", name)
		}
	}
	return nil
}

func isName(text, others string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r) {
			return false
		}
	}
	return true
}

// cleanBody puts U+FFFD in the place of what a message may not hold, as SendMessage does. A body of nothing else is refused.
func cleanBody(body string) (string, error) {
	sound := 0
	clean := strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r < utf8.RuneError || r >= 0x10000 {
			sound++
			return r
		}
		return utf8.RuneError
	}, body)
	if sound == 0 {
		return "", &fault{"InvalidMessageContents", "InvalidMessageContents", "The message contains characters outside the allowed set."}
	}
	return clean, nil
}

// limit refuses a message that is larger than its queue takes. Attributes count.
func (c *QueueConfig) limit(body string, attributes map[string]Attribute) error {
	if size := len(body) + attributesSize(attributes); size > c.MaxMessageBytes {
		return invalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", c.MaxMessageBytes)
	}
	return nil
}
