// Package async invokes functions asynchronously, as Lambda does: events wait in a queue, are tried again, and go to a destination when
// they fail for good.
package async

import "time"

// The defaults of AWS::Lambda::EventInvokeConfig.
const (
	DefaultRetries = 2
	DefaultMaxAge  = 6 * time.Hour
)

// Config is how a function is invoked asynchronously.
type Config struct {
	FunctionARN  string
	Retries      int           // after function errors
	MaxAge       time.Duration // of an event
	OnFailureARN string        // an SQS queue; "": failed events are dropped
}
