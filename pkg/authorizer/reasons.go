package authorizer

// Verdict is what a caller gets.
type Verdict string

// The verdicts. Allow and Deny are answers, which API Gateway keeps; the others are errors, which it does not.
const (
	Allow        Verdict = "allow"
	Deny         Verdict = "deny"         // 403
	Unauthorized Verdict = "unauthorized" // 401
	Fail         Verdict = "fault"        // 500
)

// Reason says why. The list is closed: reasons are for logs and dashboards.
type Reason string

// The reasons.
const (
	ReasonGenuine Reason = "genuine"

	ReasonScope Reason = "no_scope" // genuine, but without the required scope

	ReasonEvent         Reason = "not_an_event"        // not what API Gateway sends to a REQUEST authorizer
	ReasonNoCredential  Reason = "no_credential"       // no Authorization header
	ReasonManyHeaders   Reason = "several_credentials" // more than one
	ReasonNotBearer     Reason = "not_bearer"          // another scheme, or no token behind it
	ReasonTooLarge      Reason = "too_large"
	ReasonMalformed     Reason = "malformed"  // neither kind of token, or not a kind that is taken
	ReasonHeader        Reason = "jwt_header" // a crit or cty, a typ that is no JWT's, a member of the wrong type
	ReasonAlgorithm     Reason = "algorithm"  // not one of those that are pinned
	ReasonUnknownKey    Reason = "unknown_key"
	ReasonSignature     Reason = "signature"
	ReasonClaim         Reason = "claim" // missing, or of the wrong type
	ReasonIssuer        Reason = "issuer"
	ReasonAudience      Reason = "audience"
	ReasonExpired       Reason = "expired"
	ReasonNotYet        Reason = "not_yet_valid"
	ReasonProducer      Reason = "producer" // the claim that names the producer names nobody whom we could write down
	ReasonUnknownToken  Reason = "unknown_token"
	ReasonKeysMissing   Reason = "keys_unavailable"   // the issuer gives no keys, and we have none
	ReasonTokensMissing Reason = "tokens_unavailable" // the secret cannot be read, and we have no tokens
	ReasonPanic         Reason = "panic"
)

// Verdict is what the reason leads to.
func (r Reason) Verdict() Verdict {
	switch r {
	case ReasonGenuine:
		return Allow
	case ReasonScope:
		return Deny
	case ReasonKeysMissing, ReasonTokensMissing, ReasonPanic:
		return Fail
	}
	return Unauthorized
}

// Error makes a reason an error, for the way through the JWT library.
func (r Reason) Error() string { return string(r) }
