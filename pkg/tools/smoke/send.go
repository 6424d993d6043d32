package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// sender makes requests to the API, as whoever it asks for.
type sender struct {
	api           string
	authorization string // the stack's parameter
	region        string
	credentials   aws.CredentialsProvider
	token, key    string // for LAMBDA, and where an API key is required
	keyRequired   bool
}

func newSender(f *facts) (*sender, error) {
	s := &sender{
		api: f.api, authorization: f.parameters["Authorization"], region: f.config.Region, credentials: f.credentials,
		token: os.Getenv("TOKEN"), key: os.Getenv("API_KEY"), keyRequired: f.parameters["ApiKeyRequired"] == "true",
	}
	switch {
	case s.authorization == "LAMBDA" && s.token == "":
		return nil, fmt.Errorf("%s asks for bearer tokens (Authorization=LAMBDA): set TOKEN to one that is good there", f.name)
	case s.keyRequired && s.key == "":
		return nil, fmt.Errorf("%s asks for an API key (ApiKeyRequired): set API_KEY (aws apigateway get-api-key --include-value --api-key with its output ApiKeyId)", f.name)
	}
	return s, nil
}

// call is a request. Its zero value is a POST of JSON with all that the API asks for.
type call struct {
	method, route     string
	contentType       string
	body              []byte
	withoutCredential bool // no signature and no token
	withoutKey        bool
}

// answer is what came of it. Members of the body that it has not are empty.
type answer struct {
	status int
	header http.Header
	body   []byte
	at     time.Time // when the answer had come

	RequestID      string `json:"RequestId"`
	Code           string
	SequenceNumber string
	Records        []struct{ SequenceNumber string }
}

// String is the answer in a few words.
func (a *answer) String() string {
	text := strconv.Itoa(a.status)
	if a.Code != "" {
		text += " " + a.Code
	}
	return text
}

const (
	answerWithin = 40 * time.Second // longer than API Gateway's longest integration timeout
	maxAnswer    = 8 << 20
	mostTries    = 5
)

// send makes a request and reads its answer. What is refused for the moment is sent again, as docs/api.md says.
func (s *sender) send(ctx context.Context, c call) (*answer, error) {
	for try := 1; ; try++ {
		a, err := s.once(ctx, c)
		if err != nil || a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable || try == mostTries || a.header.Get("Retry-After") == "" {
			return a, err
		}
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			seconds = 1
		}
		if err := newPause(time.Duration(seconds*try)*time.Second, time.Minute).wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *sender) once(ctx context.Context, c call) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, fmt.Errorf("%s %s was not answered within %s", c.method, c.route, answerWithin))
	defer cancel()
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, s.api+c.route, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.contentType != "" {
		request.Header.Set("Content-Type", c.contentType)
	}
	if s.keyRequired && !c.withoutKey {
		request.Header.Set("X-Api-Key", s.key)
	}
	if !c.withoutCredential {
		if err := s.authorize(ctx, request, c.body); err != nil {
			return nil, err
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return nil, err
	}
	a.at = time.Now()
	_ = json.Unmarshal(a.body, a) // one answer of AWS's is plain text; what is needed of an answer is missing then, and is said
	return a, nil
}

// authorize signs a request, or gives it the token.
func (s *sender) authorize(ctx context.Context, r *http.Request, body []byte) error {
	switch s.authorization {
	case "LAMBDA":
		r.Header.Set("Authorization", "Bearer "+s.token)
	case "AWS_IAM":
		credentials, err := s.credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		return v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "execute-api", s.region, time.Now())
	}
	return nil
}
