// Package lambda runs functions as AWS Lambda does on the runtime provided.al2023: the function's own bootstrap, in a process that polls
// the Lambda Runtime API, with the service's limits, timeouts and error answers. Memory is not limited.
package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Payload limits of a synchronous invocation, in bytes: the request's, and the response's as Lambda's own error message gives it.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	MaxRequest  = 6_291_456
	MaxResponse = 6_291_556
)

// accountConcurrency is the default quota of concurrent executions of an account and Region.
const accountConcurrency = 1000

// Function is a function as the template describes it.
type Function struct {
	LogicalID, Name, ARN string
	Alias                string // another qualifier beside $LATEST; "" is none
	Dir                  string // holds bootstrap
	Handler              string
	Timeout              time.Duration
	MemoryMB             int
	Environment          map[string]string // the template's variables
	LogGroup             string
	LogFormat            string // Text or JSON
	LogLevel             string // of JSON: TRACE to FATAL; "" is INFO
	Concurrency          int    // reserved concurrent executions; 0: none reserved
}

// Config is what the functions of a stack share.
type Config struct {
	Region      string
	EndpointURL string            // where the functions' AWS clients find every service (AWS_ENDPOINT_URL)
	Credentials map[string]string // AWS_ACCESS_KEY_ID and so on
	Log         func(group, stream string, at time.Time, message string)
	Trouble     func(message string) // told when a function cannot start, which no answer of its own explains; may be nil
	Functions   []Function
	// Event accepts an event for a function, given by its ARN, and answers the request's id; nil: the invocation type Event is refused.
	Event func(function string, payload []byte) (string, error)
}

// Error is an invocation that did not reach the function, with the code and HTTP status of Lambda's Invoke API.
type Error struct {
	Code, Message string
	Status        int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode answers the code alone.
func (e *Error) ErrorCode() string { return e.Code }

// Service holds the functions and their execution environments.
type Service struct {
	config    Config
	functions map[string]*function
}

type function struct {
	Function
	service *Service
	stream  string // the log stream's common end
	limit   int

	mu    sync.Mutex
	idle  []*environment
	inUse int
	done  bool

	invocations, errors, throttles, coldStarts atomic.Int64
	busy                                       atomic.Int64 // nanoseconds
}

// Stats counts what a function did since the runner started, or since Reset.
type Stats struct {
	Invocations  int64 `json:"invocations"`
	Errors       int64 `json:"errors"`
	Throttles    int64 `json:"throttles"`
	ColdStarts   int64 `json:"coldStarts"`
	Environments int   `json:"environments"`
	InFlight     int   `json:"inFlight"`
	BusyMillis   int64 `json:"busyMs"`
}

// New readies the functions. It starts no process: the first invocation of each does.
func New(c Config) *Service {
	s := &Service{config: c, functions: map[string]*function{}}
	for _, f := range c.Functions {
		limit := accountConcurrency
		if f.Concurrency > 0 {
			limit = f.Concurrency
		}
		s.functions[f.Name] = &function{Function: f, service: s, limit: limit, stream: strings.ToLower(rand.Text())}
	}
	return s
}

func (s *Service) trouble(format string, args ...any) {
	if s.config.Trouble != nil {
		s.config.Trouble(fmt.Sprintf(format, args...))
	}
}

// lookup finds a function by its name, its ARN, or either with :$LATEST or its alias behind it. The ARN that it answers has the alias behind it,
// too, if the name has.
func (s *Service) lookup(name string) (f *function, arn string, err error) {
	short := name
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 8)
		if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" {
			return nil, "", &Error{"ValidationException", "the function's ARN is not well formed", http.StatusBadRequest}
		}
		short = strings.Join(parts[6:], ":")
	}
	short, qualifier, _ := strings.Cut(short, ":")
	f = s.functions[short]
	switch {
	case f != nil && (qualifier == "" || qualifier == "$LATEST"):
		return f, f.ARN, nil
	case f != nil && qualifier == f.Alias:
		return f, f.ARN + ":" + qualifier, nil
	}
	return nil, "", &Error{"ResourceNotFoundException", "Function not found: " + name, http.StatusNotFound}
}

// Has says whether there is a function of this name, or ARN, with a qualifier that it has.
func (s *Service) Has(name string) bool {
	_, _, err := s.lookup(name)
	return err == nil
}

// Invoke calls a function, named as lookup says, and waits for its answer. functionError is "" or, when the function failed, timed out or
// ended, "Unhandled", with answer its {"errorMessage","errorType"}. The error is an *Error, or ctx's.
func (s *Service) Invoke(ctx context.Context, name string, payload []byte) (answer []byte, functionError string, err error) {
	f, _, err := s.lookup(name)
	if err != nil {
		return nil, "", err
	}
	if len(payload) > MaxRequest {
		return nil, "", &Error{"RequestTooLargeException", fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", MaxRequest), http.StatusRequestEntityTooLarge}
	}
	r := result{gone: true}
	for r.gone {
		env, err := f.acquire()
		if err != nil {
			return nil, "", err
		}
		start := time.Now()
		r = env.invoke(ctx, payload)
		f.busy.Add(int64(time.Since(start)))
		f.release(env)
	}
	f.invocations.Add(1)
	if r.err != nil {
		return nil, "", r.err
	}
	if r.failed {
		f.errors.Add(1)
		return r.payload, "Unhandled", nil
	}
	return r.payload, "", nil
}

// acquire takes an idle execution environment or makes one, within the concurrency limit.
func (f *function) acquire() (*environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return nil, &Error{"ServiceException", "the runner is stopping", http.StatusInternalServerError}
	}
	if f.inUse >= f.limit {
		f.throttles.Add(1)
		return nil, &Error{"TooManyRequestsException", "Rate Exceeded.", http.StatusTooManyRequests}
	}
	f.inUse++
	for n := len(f.idle); n > 0; n = len(f.idle) {
		env := f.idle[n-1]
		f.idle = f.idle[:n-1]
		if !env.ended() {
			return env, nil
		}
	}
	f.coldStarts.Add(1)
	return newEnvironment(f), nil
}

func (f *function) release(env *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inUse--
	if env.ended() {
		return
	}
	if f.done {
		env.stop()
		return
	}
	f.idle = append(f.idle, env)
}

// Reset begins the counts anew. The execution environments stay.
func (s *Service) Reset() {
	for _, f := range s.functions {
		for _, count := range []*atomic.Int64{&f.invocations, &f.errors, &f.throttles, &f.coldStarts, &f.busy} {
			count.Store(0)
		}
	}
}

// Stats answers the counts of each function by its logical id.
func (s *Service) Stats() map[string]Stats {
	out := map[string]Stats{}
	for _, f := range s.functions {
		f.mu.Lock()
		idle, inUse := len(f.idle), f.inUse
		f.mu.Unlock()
		out[f.LogicalID] = Stats{f.invocations.Load(), f.errors.Load(), f.throttles.Load(), f.coldStarts.Load(), idle + inUse, inUse, f.busy.Load() / 1e6}
	}
	return out
}

// Close ends every idle process and refuses further invocations; one that is under way ends its process when it is done.
func (s *Service) Close() {
	for _, f := range s.functions {
		f.mu.Lock()
		f.done = true
		for _, env := range f.idle {
			env.stop()
		}
		f.idle = nil
		f.mu.Unlock()
	}
}

// failure is the document with which Lambda answers for a function that did not.
func failure(errorType, message string) []byte {
	doc, err := json.Marshal(map[string]string{"errorType": errorType, "errorMessage": message})
	if err != nil {
		panic(err) // two strings
	}
	return doc
}
