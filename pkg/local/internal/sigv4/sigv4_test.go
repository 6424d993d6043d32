package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	user = Credential{AccessKey: "AKIAUSER", Secret: "user's secret", Identity: Identity{ARN: "arn:aws:iam::000000000000:user/u", AccountID: "000000000000", UserID: "AIDAU"}}
	role = Credential{AccessKey: "ASIAROLE", Secret: "role's secret", SessionToken: "session/token+=", Identity: Identity{ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}}
	// past is a role whose session is over.
	past = Credential{AccessKey: "ASIAPAST", Secret: "old secret", SessionToken: "t", Expires: time.Unix(1, 0)}
)

func verifier() *Verifier {
	return &Verifier{Region: "eu-west-1", Service: "execute-api", Lookup: func(key string) (Credential, bool) {
		for _, c := range []Credential{user, role, past} {
			if c.AccessKey == key {
				return c, true
			}
		}
		return Credential{}, false
	}}
}

// signing is how AWS's own SDK signs a request in a test. Zero values are what is right.
type signing struct {
	who             Credential
	method, target  string
	header          http.Header
	body            string
	region, service string
	ago             time.Duration
	presigned       bool
	expires         string // seconds
	hash            string
}

func (s signing) request(t *testing.T, base string) *http.Request {
	t.Helper()
	if s.who.AccessKey == "" {
		s.who = user
	}
	for dst, standard := range map[*string]string{&s.method: "POST", &s.target: "/v1/record", &s.region: "eu-west-1", &s.service: "execute-api", &s.expires: "60"} {
		if *dst == "" {
			*dst = standard
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), s.method, base+s.target, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range s.header {
		r.Header[name] = values
	}
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	if s.hash != "" {
		hash = s.hash
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	credentials := aws.Credentials{AccessKeyID: s.who.AccessKey, SecretAccessKey: s.who.Secret, SessionToken: s.who.SessionToken}
	when := time.Now().Add(-s.ago)
	if !s.presigned {
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hash, s.service, s.region, when); err != nil {
			t.Fatal(err)
		}
		return r
	}
	query := r.URL.Query()
	query.Set("X-Amz-Expires", s.expires)
	r.URL.RawQuery = query.Encode()
	uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, r, hash, s.service, s.region, when)
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequestWithContext(t.Context(), s.method, uri, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// verdict sends the request to a server that verifies it, over HTTP.
func verdict(t *testing.T, s signing, change func(*http.Request)) (got Credential, fault *Error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, err = verifier().Verify(r, body)
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("%v is no *Error", err)
		}
	}))
	defer server.Close()
	r := s.request(t, server.URL)
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return got, fault
}

func TestTakesWhatAWSsSDKSigns(t *testing.T) {
	body := `{"Data":{"a":"ü"}}`
	for name, s := range map[string]signing{
		"a body":                         {body: body},
		"no body":                        {method: "GET"},
		"a role":                         {who: role, body: body},
		"a query":                        {target: "/v1/record?b=2&a=1&a=0&empty=&space=a%20b&c=%C3%BC&slash=%2F"},
		"a path with escapes":            {target: "/v1/files/a%20b%2Fc~d*"},
		"the root":                       {target: "/"},
		"headers with blanks":            {header: http.Header{"X-Amz-Meta": {"  a   b ", "c"}}, body: body},
		"the payload's hash in a header": {hash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"a clock 4 minutes behind":       {ago: 4 * time.Minute},
		"a clock 4 minutes ahead":        {ago: -4 * time.Minute},
		"a presigned URL":                {presigned: true, body: body, target: "/v1/record?b=2&a=1"},
		"a role's presigned URL":         {presigned: true, who: role},
		"a presigned URL in its time":    {presigned: true, ago: 50 * time.Minute, expires: "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			got, fault := verdict(t, s, nil)
			want := s.who
			if want.AccessKey == "" {
				want = user
			}
			if fault != nil || got != want {
				t.Errorf("got %s, %v, want %s", got.AccessKey, fault, want.AccessKey)
			}
		})
	}
}

const mismatch = "The request signature we calculated does not match the signature you provided. "

func TestRefuses(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	edit := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
		}
	}
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Set(name, value)
			if value == "" {
				q.Del(name)
			}
			r.URL.RawQuery = q.Encode()
		}
	}
	for name, tc := range map[string]struct {
		signing
		change        func(*http.Request)
		code, message string
	}{
		"no signature":              {change: func(r *http.Request) { r.Header.Del("Authorization") }, code: MissingToken, message: "Missing Authentication Token"},
		"an empty one":              {change: header("Authorization", " "), code: MissingToken},
		"a bearer token":            {change: header("Authorization", "Bearer secret"), code: Incomplete, message: "Invalid key=value pair (missing equal-sign) in Authorization header"},
		"a bare token":              {change: header("Authorization", "secret"), code: Incomplete, message: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "},
		"no date":                   {change: header("X-Amz-Date", ""), code: Incomplete, message: "requires existence of either a 'X-Amz-Date' or a 'Date' header"},
		"a date that is none":       {change: header("X-Amz-Date", "today"), code: Incomplete, message: "Date must be in ISO-8601 'basic format'. Got 'today'."},
		"two dates":                 {change: func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260101T000000Z") }, code: Incomplete},
		"two signatures":            {change: func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, code: Incomplete},
		"a part twice":              {change: edit("Credential=", "Credential=AKIAOTHER/x/y/z/a, Credential="), code: Incomplete},
		"header and query":          {change: query("X-Amz-Algorithm", algorithm), code: Invalid, message: "Found both 'X-Amz-Algorithm'"},
		"a short credential":        {change: edit("/aws4_request", ""), code: Incomplete, message: "Credential must have exactly 5 slash-delimited elements"},
		"another terminator":        {change: edit("aws4_request", "aws5_request"), code: Invalid, message: "Credential should be scoped with a valid terminator: 'aws4_request'."},
		"another algorithm":         {change: edit(algorithm, "AWS4-ECDSA-P256-SHA256"), code: Incomplete, message: "Unsupported AWS 'algorithm'"},
		"another Region":            {signing: signing{region: "us-east-1"}, code: Invalid, message: "Credential should be scoped to a valid region."},
		"another service":           {signing: signing{service: "s3"}, code: Invalid, message: "Credential should be scoped to correct service: 'execute-api'."},
		"an unknown key":            {signing: signing{who: Credential{AccessKey: "AKIANOBODY", Secret: "s"}}, code: UnknownClient, message: "The security token included in the request is invalid."},
		"another's secret":          {signing: signing{who: Credential{AccessKey: "AKIAUSER", Secret: role.Secret}}, code: Invalid, message: mismatch},
		"another's key put in":      {change: edit("AKIAUSER", "ASIAROLE"), code: Invalid, message: mismatch},
		"another body":              {signing: signing{body: "a"}, change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("b")) }, code: Invalid, message: mismatch},
		"a hash of another body":    {signing: signing{body: "a", hash: strings.Repeat("0", 64)}, code: Invalid, message: mismatch},
		"an unsigned payload":       {signing: signing{body: "a", hash: "UNSIGNED-PAYLOAD"}, code: Invalid, message: mismatch},
		"another method":            {change: func(r *http.Request) { r.Method = "PUT" }, code: Invalid, message: mismatch},
		"another path":              {change: func(r *http.Request) { r.URL.Path = "/v1/records" }, code: Invalid, message: mismatch},
		"another query":             {change: query("a", "1"), code: Invalid, message: mismatch},
		"another host":              {change: func(r *http.Request) { r.Host = "other" }, code: Invalid, message: mismatch},
		"a signed header changed":   {signing: signing{header: http.Header{"X-Amz-Meta": {"a"}}}, change: header("X-Amz-Meta", "b"), code: Invalid, message: mismatch},
		"a signed header taken out": {signing: signing{header: http.Header{"X-Amz-Meta": {"a"}}}, change: func(r *http.Request) { r.Header.Del("X-Amz-Meta") }, code: Invalid, message: mismatch},
		"the host not signed":       {change: edit("host;", ""), code: Invalid, message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		"the date not signed":       {change: edit(";x-amz-date", ""), code: Invalid, message: "'X-Amz-Date' or 'Date' must be a 'SignedHeader'"},
		"a signature cut short":     {change: func(r *http.Request) { a := r.Header.Get("Authorization"); r.Header.Set("Authorization", a[:len(a)-1]) }, code: Invalid, message: mismatch},
		"a signature in capitals": {change: func(r *http.Request) {
			before, sig, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(sig)+"A")
		}, code: Invalid, message: mismatch},
		"6 minutes old":            {signing: signing{ago: 6 * time.Minute}, code: Invalid, message: "Signature expired: "},
		"6 minutes ahead":          {signing: signing{ago: -6 * time.Minute}, code: Invalid, message: "Signature not yet current: "},
		"a role without its token": {signing: signing{who: role}, change: func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, code: Invalid, message: mismatch},
		"a role, token not signed": {signing: signing{who: Credential{AccessKey: role.AccessKey, Secret: role.Secret}}, code: UnknownClient, message: "The security token included in the request is invalid"},
		"a user with a token":      {signing: signing{who: Credential{AccessKey: user.AccessKey, Secret: user.Secret, SessionToken: "t"}}, code: UnknownClient},
		"a session that is over":   {signing: signing{who: past}, code: ExpiredToken, message: "The security token included in the request is expired"},

		"an old presigned URL":         {signing: signing{presigned: true, ago: 61 * time.Second}, code: Invalid, message: "Signature expired: "},
		"a presigned URL made longer":  {signing: signing{presigned: true, ago: 61 * time.Second}, change: query("X-Amz-Expires", "3600"), code: Invalid, message: mismatch},
		"a presigned URL for ever":     {signing: signing{presigned: true, expires: "604801"}, code: Incomplete, message: "X-Amz-Expires must be a number of seconds between 1 and 604800."},
		"a presigned URL without end":  {signing: signing{presigned: true}, change: query("X-Amz-Expires", ""), code: Incomplete, message: "AWS query-string parameters must include 'X-Amz-Expires'."},
		"a presigned URL, other query": {signing: signing{presigned: true}, change: query("a", "1"), code: Invalid, message: mismatch},
		"a presigned URL, other body":  {signing: signing{presigned: true, body: "a"}, change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("b")) }, code: Invalid, message: mismatch},
		"a presigned URL, two keys":    {signing: signing{presigned: true}, change: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Credential=x" }, code: Incomplete},
		"half a presigned URL":         {signing: signing{presigned: true}, change: query("X-Amz-Signature", ""), code: Incomplete, message: "must include 'X-Amz-Signature'. Re-examine"},
	} {
		t.Run(name, func(t *testing.T) {
			_, fault := verdict(t, tc.signing, tc.change)
			if fault == nil || fault.Code != tc.code || !strings.Contains(fault.Message, tc.message) {
				t.Fatalf("got %v\nwant %s: … %s", fault, tc.code, tc.message)
			}
			for _, secret := range []string{user.Secret, role.Secret, "Bearer secret", role.SessionToken} {
				if strings.Contains(fault.Message, secret) {
					t.Errorf("the message holds %q: %s", secret, fault.Message)
				}
			}
		})
	}
}

// The cases with these names are of the signature test suite that AWS gives out.
func TestAWSsVectors(t *testing.T) {
	for name, tc := range map[string]struct{ method, target, signature string }{
		"get-vanilla":                      {"GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"get-vanilla-query-order-key-case": {"GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		"post-vanilla":                     {"POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"get-relative":                     {"GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"get-slashes":                      {"GET", "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)))
				r := httptest.NewRequest(tc.method, "http://example.amazonaws.com"+tc.target, nil)
				r.Header.Set("X-Amz-Date", "20150830T123600Z")
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature="+tc.signature)
				v := &Verifier{Region: "us-east-1", Service: "service", Lookup: func(string) (Credential, bool) {
					return Credential{AccessKey: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, true
				}}
				if _, err := v.Verify(r, nil); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTheLimitsOfTime(t *testing.T) {
	for name, tc := range map[string]struct {
		ago   time.Duration
		taken bool
	}{
		"5 minutes old": {5 * time.Minute, true}, "a second more": {5*time.Minute + time.Second, false},
		"5 minutes ahead": {-5 * time.Minute, true}, "a second more ahead": {-5*time.Minute - time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := signing{ago: tc.ago}.request(t, "http://api.example")
				r.Body = http.NoBody
				if _, err := verifier().Verify(r, nil); (err == nil) != tc.taken {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// Older curls sign the host without its port.
func TestTheHostMayBeSignedWithoutItsPort(t *testing.T) {
	r := signing{}.request(t, "http://127.0.0.1")
	r.Host = "127.0.0.1:3000"
	if _, err := verifier().Verify(r, nil); err != nil {
		t.Error(err)
	}
	r.Host = "127.0.0.2:3000"
	if _, err := verifier().Verify(r, nil); err == nil {
		t.Error("another host was taken")
	}
}

// FuzzVerify holds that nothing is taken that was not signed: the secret is not in the corpus.
func FuzzVerify(f *testing.F) {
	f.Add("POST", "/v1/record", "a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKIAUSER/20260101/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260101T000000Z", "", []byte("{}"))
	f.Add("GET", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAUSER%2F20260101%2Feu-west-1%2Fexecute-api%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "", "", "t", []byte(nil))
	f.Add("GET", "//../%zz", "%zz=&&=", "a=b,c=d", "Thu, 01 Jan 2026 00:00:00 GMT", "", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path, query, authorization, date, token string, body []byte) {
		r := httptest.NewRequest("GET", "http://127.0.0.1:3000/", bytes.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		r.Header["Authorization"], r.Header["X-Amz-Date"], r.Header["X-Amz-Security-Token"] = []string{authorization}, []string{date}, []string{token}
		who, err := verifier().Verify(r, body)
		if err == nil {
			t.Fatalf("taken as %s", who.ARN)
		}
		var fault *Error
		if !errors.As(err, &fault) || fault.Code == "" || fault.Message == "" {
			t.Errorf("got %v", err)
		}
		// Past the clock, as a request of the right time.
		c, err := read(r)
		if err != nil {
			return
		}
		c.when = time.Now()
		if err := verifier().checkScope(c); err != nil {
			return
		}
		if c.checkSignature(r, body, user.Secret) == nil {
			t.Error("a signature fits that nobody made")
		}
	})
}
