package apigateway

import (
	"errors"
	"time"

	"hydrant/pkg/local/internal/sigv4"
)

// signatureKinds are the gateway responses of a signature's faults. AWS documents INVALID_SIGNATURE for "an invalid AWS signature error"
// without saying which errors are such: here all are, but for a signature that is not there and a session that is over.
var signatureKinds = map[string]int{
	sigv4.MissingToken: missingAuthenticationToken, sigv4.ExpiredToken: expiredToken,
	sigv4.Incomplete: invalidSignature, sigv4.Invalid: invalidSignature, sigv4.UnknownClient: invalidSignature,
}

// authenticate checks the request's signature. Whom it names may call the API: there are no IAM policies on one machine.
func (x *exchange) authenticate() *failure {
	began := time.Now()
	caller, err := x.api.verifier.Verify(x.r, x.body)
	x.authenticated, x.authenticateLatency = true, time.Since(began)
	var fault *sigv4.Error
	if errors.As(err, &fault) {
		return &failure{kind: signatureKinds[fault.Code], message: fault.Message, errorType: fault.Code}
	}
	x.caller = &caller
	return nil
}

// identity answers a member of the caller's identity; "" where the request was not signed.
func identity(read func(*sigv4.Credential) string) func(*exchange) string {
	return func(x *exchange) string {
		if x.caller == nil {
			return ""
		}
		return read(x.caller)
	}
}
