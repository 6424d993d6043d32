// Package authorizer decides whether a caller may send, and as whom: it answers the events that API Gateway sends to a REQUEST authorizer.
//
// A caller shows a JSON Web Token of a configured issuer, or a static token of which Secrets Manager keeps the hash. Whoever does neither is
// unauthorized (401), a known caller without the required scope is denied (403), and what we cannot find out is a fault of our own (500). A
// fault is never an answer: API Gateway keeps answers, denials among them, but not errors ("Use API Gateway Lambda authorizers").
//
// The answer names the producer, which the API stamps into the record. What a caller sent is nowhere else: not in the policy, not in an error.
package authorizer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// ErrUnauthorized is what API Gateway answers with 401. Its text must be exactly this, wrapped in nothing: any other error is a 500 ("Use
// API Gateway Lambda authorizers").
var ErrUnauthorized = errors.New("Unauthorized") //nolint:staticcheck // the text is API Gateway's

// Fault is an error of our own: the caller may be who they say. API Gateway answers it with 500.
type Fault struct{ Reason Reason }

func (f *Fault) Error() string {
	return "the caller's credential cannot be judged: " + string(f.Reason)
}

// Config says what credentials are good. At least one kind is.
type Config struct {
	JWT      *JWT    // nil: JSON Web Tokens are not
	Tokens   *Tokens // nil: static tokens are not
	Recorder Recorder
	// Keys and tokens are read again when they are older than Refresh, and used for as long as Keep if they cannot be. 0: 5 minutes, 24 hours.
	Refresh, Keep time.Duration
}

// Defaults of Config, and its least.
const (
	defaultRefresh = 5 * time.Minute
	defaultKeep    = 24 * time.Hour
)

// Recorder is told of all that happens. It must be safe for concurrent use.
type Recorder interface {
	// Decided is called once for each event.
	Decided(context.Context, Decision)
	// Refreshed is called when the keys or the tokens were read, or could not be.
	Refreshed(context.Context, Refresh)
}

// Decision is what became of an event. All of it may be logged.
type Decision struct {
	Verdict  Verdict
	Reason   Reason
	Kind     string // KindJWT or KindToken; "" if the credential is neither
	Producer string // only of a caller whose credential is genuine; at most 256 bytes, printable
	Label    string // the static token's label, or the kid that a JSON Web Token names, genuine or not; at most 64 bytes, printable ASCII if it is a kid
	Elapsed  time.Duration
	Stack    []byte // where the panic was, for ReasonPanic
}

// Refresh is one reading of the issuer's keys (KindJWT) or of the static tokens (KindToken).
type Refresh struct {
	Kind    string
	Err     error // nothing of a token or a secret is in it
	Left    int   // keys or tokens that were left out as unusable
	Elapsed time.Duration
}

// The kinds of credential.
const (
	KindJWT   = "jwt"
	KindToken = "token"
)

// Authorizer judges callers. It is safe for concurrent use.
type Authorizer struct {
	jwt      *jwtVerifier
	tokens   *tokenVerifier
	recorder Recorder
}

// New returns an authorizer. It fetches nothing yet. The error has all mistakes of the configuration.
func New(c Config) (*Authorizer, error) {
	if c.Refresh == 0 {
		c.Refresh = defaultRefresh
	}
	if c.Keep == 0 {
		c.Keep = max(defaultKeep, c.Refresh)
	}
	var mistakes []error
	if c.JWT == nil && c.Tokens == nil {
		mistakes = append(mistakes, errors.New("neither an issuer of JSON Web Tokens nor a secret with static tokens is named"))
	}
	if c.Refresh < pause {
		mistakes = append(mistakes, fmt.Errorf("keys cannot be refreshed more often than once in %v", pause))
	}
	if c.Keep < c.Refresh {
		mistakes = append(mistakes, errors.New("keys cannot be kept for less long than they are fresh"))
	}
	a := &Authorizer{recorder: c.Recorder}
	if c.JWT != nil {
		mistakes = append(mistakes, c.JWT.check())
		a.jwt = newJWTVerifier(*c.JWT, c)
	}
	if c.Tokens != nil {
		a.tokens = newTokenVerifier(*c.Tokens, c)
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return a, nil
}

// Invoke answers one event of API Gateway's. The error is ErrUnauthorized or a *Fault.
func (a *Authorizer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	r, err := ReadRequest(payload)
	if err != nil {
		// Whatever it is, it is no caller with a credential. With a fault anybody could wake somebody up who finds a way to have such events sent.
		a.recorder.Decided(ctx, Decision{Verdict: Unauthorized, Reason: ReasonEvent})
		return nil, ErrUnauthorized
	}
	answer, err := a.Authorize(ctx, r)
	if err != nil {
		return nil, err
	}
	return answer.JSON()
}

// Authorize judges the caller of a request. The error is ErrUnauthorized or a *Fault.
func (a *Authorizer) Authorize(ctx context.Context, r Request) (answer Answer, err error) {
	began := time.Now()
	d := Decision{Verdict: Fail, Reason: ReasonPanic}
	defer func() {
		if p := recover(); p != nil { // its value may quote what was sent
			answer, err = Answer{}, &Fault{ReasonPanic}
			d = Decision{Verdict: Fail, Reason: ReasonPanic, Stack: debug.Stack()}
		}
		d.Elapsed = time.Since(began)
		a.recorder.Decided(ctx, d)
	}()
	stage := r.stage()
	who, reason := caller{}, ReasonEvent
	if stage != "" {
		who, reason = a.judge(ctx, r)
	}
	d = Decision{Verdict: reason.Verdict(), Reason: reason, Kind: who.kind, Producer: who.producer, Label: who.label}
	switch d.Verdict {
	case Allow, Deny:
		return newAnswer(d.Verdict, stage, who), nil
	case Unauthorized:
		return Answer{}, ErrUnauthorized
	default:
		return Answer{}, &Fault{reason}
	}
}

// caller is whom a credential names. All but the kind and the label is empty unless the credential is genuine.
type caller struct{ kind, producer, label string }

func (a *Authorizer) judge(ctx context.Context, r Request) (caller, Reason) {
	credential, reason := r.bearer()
	switch {
	case reason != "":
		return caller{}, reason
	case a.tokens != nil && isToken(credential):
		return a.tokens.judge(ctx, credential)
	case a.jwt != nil:
		return a.jwt.judge(ctx, credential)
	}
	return caller{}, ReasonMalformed
}
