package sqs

import (
	"encoding/json"
	"fmt"
)

// fault is an error as SQS answers it: {"__type","message"}, and in the header x-amzn-query-error the code that the service's older
// protocol has for it, which SDKs hand to their callers ("Common errors" of the API reference; the awsQueryCompatible trait of Smithy).
type fault struct {
	Type, QueryCode, Message string
}

func (f *fault) Error() string { return f.Type + ": " + f.Message }

// ErrorCode answers the code that SDKs show.
func (f *fault) ErrorCode() string { return f.QueryCode }

func (f *fault) body() []byte {
	text, err := json.Marshal(map[string]string{"__type": "com.amazonaws.sqs#" + f.Type, "message": f.Message})
	if err != nil {
		panic(err) // two strings
	}
	return text
}

func invalidParameter(format string, args ...any) *fault {
	return &fault{"InvalidParameterValue", "InvalidParameterValue", fmt.Sprintf(format, args...)}
}

func missingParameter(name string) *fault {
	return &fault{"MissingParameter", "MissingParameter", "The request must contain the parameter " + name + "."}
}

func batchFault(name, format string, args ...any) *fault {
	return &fault{name, "AWS.SimpleQueueService." + name, fmt.Sprintf(format, args...)}
}

func noSuchQueue() *fault {
	return &fault{"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."}
}
