package kinesis

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// fault is an error as Kinesis answers it: {"__type","message"}. All are HTTP 400 ("Common errors" and the operations'
// pages of the API reference) but the few that set a status.
type fault struct {
	Type    string
	Message string
	Status  int // 0: 400
}

func (f *fault) Error() string { return f.Type + ": " + f.Message }

func (f *fault) status() int {
	if f.Status == 0 {
		return http.StatusBadRequest
	}
	return f.Status
}

func (f *fault) body() ([]byte, error) {
	dst := append([]byte(`{"__type":"`), f.Type...)
	dst = append(dst, `","message":`...)
	// A value from the request may hold what is no UTF-8: the text then has U+FFFD in its place.
	dst, err := jsontext.AppendQuote(dst, strings.ToValidUTF8(f.Message, "\uFFFD"))
	return append(dst, '}'), err
}

func invalidArgument(format string, args ...any) *fault {
	return &fault{Type: "InvalidArgumentException", Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *fault {
	return &fault{Type: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func serialization(format string, args ...any) *fault {
	return &fault{Type: "SerializationException", Message: fmt.Sprintf(format, args...)}
}

// internalFailure hides the cause, which goes to the log. The text is the one of PutRecords's example response.
func internalFailure() *fault {
	return &fault{Type: "InternalFailureException", Message: "Internal service failure.", Status: http.StatusInternalServerError}
}

const throughputExceeded = "ProvisionedThroughputExceededException"

// rateText is the message of a throttled shard, in PutRecord's error and in PutRecords's entries alike.
func (st *Stream) rateText(sh *shard) string {
	return "Rate exceeded for shard " + sh.id + " in stream " + st.config.Name + " under account " + st.service.config.AccountID + "."
}
