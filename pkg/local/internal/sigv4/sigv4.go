// Package sigv4 checks requests that are signed with AWS Signature Version 4, in the Authorization header or in the query, as an AWS
// service does before it looks at anything else: "AWS Signature Version 4 for API requests" in the IAM User Guide.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credential is an access key and whose it is.
type Credential struct {
	AccessKey, Secret string
	// SessionToken comes with temporary credentials and must be in the request; "" is a user's long-lived key.
	SessionToken string
	Expires      time.Time // of temporary credentials; zero is never
	Identity
}

// Identity is the principal behind an access key.
type Identity struct {
	ARN       string // arn:aws:iam::ACCOUNT:user/NAME or arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	AccountID string
	UserID    string // AIDA… of a user, AROA…:SESSION of an assumed role
}

// Verifier checks requests for one service in one Region. It is safe for concurrent use.
type Verifier struct {
	Region, Service string
	Lookup          func(accessKey string) (Credential, bool)
}

// Error is why a request is not taken, in the words that AWS's services use.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes of Error.
const (
	MissingToken  = "MissingAuthenticationTokenException"
	Incomplete    = "IncompleteSignatureException"
	Invalid       = "InvalidSignatureException"
	UnknownClient = "UnrecognizedClientException"
	ExpiredToken  = "ExpiredTokenException"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	basicTime  = "20060102T150405Z"
	// skew is how far a request's time may be from ours, to either side.
	skew = 5 * time.Minute
	// longest is how long a presigned URL may be good for.
	longest = 7 * 24 * time.Hour
)

// claim is what a request says about its signature.
type claim struct {
	presigned      bool
	algorithm      string
	credential     string
	signedHeaders  []string
	signature      string
	date           string
	expires        string // presigned only: seconds
	token          string
	when           time.Time
	accessKey      string
	scope          string // the credential less the access key
	day, region    string
	service, final string
}

// Verify answers whose request r is. body is the payload as it came over the network; r.Body is not touched. The error is an *Error. What
// the signature covers is always computed, the payload's hash too, so that a header that claims a hash, or UNSIGNED-PAYLOAD, changes
// nothing.
func (v *Verifier) Verify(r *http.Request, body []byte) (Credential, error) {
	c, err := read(r)
	if err != nil {
		return Credential{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	for _, check := range []func(*claim) error{
		func(c *claim) error { return c.checkTime(now) },
		checkSignedHeaders,
		checkAlgorithm,
		v.checkScope,
	} {
		if err := check(c); err != nil {
			return Credential{}, err
		}
	}
	who, known := v.Lookup(c.accessKey)
	if !known {
		return Credential{}, &Error{UnknownClient, "The security token included in the request is invalid."}
	}
	if err := c.checkSignature(r, body, who.Secret); err != nil {
		return Credential{}, err
	}
	return who, c.checkToken(who, now)
}

// checkTime reads the request's time and compares it with now.
func (c *claim) checkTime(now time.Time) error {
	var err error
	if c.when, err = parseTime(c.date); err != nil {
		return &Error{Incomplete, "Date must be in ISO-8601 'basic format'. Got '" + c.date + "'. See http://en.wikipedia.org/wiki/ISO_8601"}
	}
	good, text := skew, "5 min."
	if c.presigned {
		seconds, err := strconv.Atoi(c.expires)
		if err != nil || seconds < 1 || time.Duration(seconds) > longest/time.Second {
			return &Error{Incomplete, "X-Amz-Expires must be a number of seconds between 1 and 604800."}
		}
		good, text = time.Duration(seconds)*time.Second, c.expires+" sec."
	}
	stamp := func(t time.Time) string { return t.Format(basicTime) }
	if oldest := now.Add(-good); c.when.Before(oldest) {
		return &Error{Invalid, "Signature expired: " + stamp(c.when) + " is now earlier than " + stamp(oldest) + " (" + stamp(now) + " - " + text + ")"}
	}
	if newest := now.Add(skew); c.when.After(newest) {
		return &Error{Invalid, "Signature not yet current: " + stamp(c.when) + " is still later than " + stamp(newest) + " (" + stamp(now) + " + 5 min.)"}
	}
	return nil
}

// parseTime reads X-Amz-Date's form, or Date's.
func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(basicTime, s); err == nil {
		return t, nil
	}
	return http.ParseTime(s)
}

func checkSignedHeaders(c *claim) error {
	if !slices.Contains(c.signedHeaders, "host") {
		return &Error{Invalid, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}
	}
	if !c.presigned && !slices.Contains(c.signedHeaders, "x-amz-date") && !slices.Contains(c.signedHeaders, "date") {
		return &Error{Invalid, "'X-Amz-Date' or 'Date' must be a 'SignedHeader' in the AWS Authorization."}
	}
	return nil
}

func checkAlgorithm(c *claim) error {
	if c.algorithm != algorithm {
		return &Error{Incomplete, "Unsupported AWS 'algorithm': only " + algorithm + " is."}
	}
	return nil
}

// checkScope looks at the credential's scope. All that is wrong with it is said at once.
func (v *Verifier) checkScope(c *claim) error {
	parts := strings.Split(c.credential, "/")
	if len(parts) != 5 {
		return &Error{Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."}
	}
	c.accessKey, c.scope = parts[0], strings.Join(parts[1:], "/")
	c.day, c.region, c.service, c.final = parts[1], parts[2], parts[3], parts[4]
	var wrong []string
	if c.region != v.Region {
		wrong = append(wrong, "Credential should be scoped to a valid region.")
	}
	if c.service != v.Service {
		wrong = append(wrong, "Credential should be scoped to correct service: '"+v.Service+"'.")
	}
	if c.final != terminator {
		wrong = append(wrong, "Credential should be scoped with a valid terminator: '"+terminator+"'.")
	}
	if c.day != c.when.Format("20060102") {
		wrong = append(wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	}
	if wrong != nil {
		return &Error{Invalid, strings.Join(wrong, " ")}
	}
	return nil
}

// checkToken comes behind the signature: only who has the secret learns of it.
func (c *claim) checkToken(who Credential, now time.Time) error {
	if subtle.ConstantTimeCompare([]byte(c.token), []byte(who.SessionToken)) != 1 {
		return &Error{UnknownClient, "The security token included in the request is invalid"}
	}
	if !who.Expires.IsZero() && !now.Before(who.Expires) {
		return &Error{ExpiredToken, "The security token included in the request is expired"}
	}
	return nil
}

func (c *claim) checkSignature(r *http.Request, body []byte, secret string) error {
	key := hash([]byte("AWS4"+secret), c.day)
	for _, part := range []string{c.region, c.service, c.final} {
		key = hash(key, part)
	}
	canonical := c.canonicalRequest(r, r.Host, body)
	if hmac.Equal([]byte(c.signature), c.sign(key, canonical)) {
		return nil
	}
	// Before 7.86 curl leaves the port out of the Host that it signs. AWS's endpoints have none, so there it does not show.
	if name, found := withoutPort(r.Host); found && hmac.Equal([]byte(c.signature), c.sign(key, c.canonicalRequest(r, name, body))) {
		return nil
	}
	return &Error{Invalid, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing " +
		"method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'" + c.masked(canonical) +
		"'\n\nThe String-to-Sign should have been\n'" + c.stringToSign(canonical) + "'\n"}
}

// masked is the canonical request as an error may show it: without the session token.
func (c *claim) masked(canonical string) string {
	for _, form := range []string{c.token, escape(c.token)} {
		if form != "" {
			canonical = strings.ReplaceAll(canonical, form, "***")
		}
	}
	return canonical
}

func (c *claim) stringToSign(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return algorithm + "\n" + c.when.Format(basicTime) + "\n" + c.scope + "\n" + hex.EncodeToString(sum[:])
}

// sign answers the signature, in lower-case hexadecimal.
func (c *claim) sign(key []byte, canonical string) []byte {
	return hex.AppendEncode(nil, hash(key, c.stringToSign(canonical)))
}

func hash(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
