package transform_test

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/asm/base64"
)

// floor does what nobody can do without: it decodes each record's base64, looks at each byte of it once to see that it is JSON, and encodes
// it again. The request around is searched for what is needed, and not checked.
func floor(payload []byte) ([]byte, error) {
	answer := append(make([]byte, 0, len(payload)), `{"records":[`...)
	var data []byte
	for {
		id, rest := textBehind(payload, `"recordId":"`)
		encoded, rest := textBehind(rest, `"data":"`)
		if encoded == nil {
			return append(answer[:len(answer)-1], `]}`...), nil
		}
		payload = rest
		if size := base64.StdEncoding.DecodedLen(len(encoded)); cap(data) < size {
			data = make([]byte, size)
		}
		n, err := base64.StdEncoding.Decode(data[:cap(data)], encoded)
		if err != nil {
			return nil, err
		}
		if !jsontext.Value(data[:n]).IsValid(jsontext.AllowDuplicateNames(true)) {
			return nil, errors.New("not JSON")
		}
		answer = append(append(append(answer, `{"recordId":"`...), id...), `","result":"Ok","data":"`...)
		answer = append(answer, make([]byte, base64.StdEncoding.EncodedLen(n))...)
		base64.StdEncoding.Encode(answer[len(answer)-base64.StdEncoding.EncodedLen(n):], data[:n])
		answer = append(answer, `"},`...)
	}
}

// textBehind is the text without escapes behind the next head, and what is behind that.
func textBehind(payload []byte, head string) (text, rest []byte) {
	_, rest, _ = bytes.Cut(payload, []byte(head))
	text, rest, found := bytes.Cut(rest, []byte(`"`))
	if !found {
		return nil, nil
	}
	return text, rest
}
