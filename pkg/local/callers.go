package main

import (
	"cmp"
	"fmt"
	"strings"

	"hydrant/pkg/local/internal/sigv4"
)

// The credentials of whoever uses the runner: the S3 server takes them, and the API where it asks for signatures. They guard nothing:
// they are in the source, and the servers listen on this machine.
const (
	accessKey = "hydrant"
	secretKey = "hydrant-local"
)

// functionCredentials are what functions sign their requests to the runner with.
var functionCredentials = map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey}

// Those of a role that somebody has assumed, to see what the API makes of one: its ARN has the session's name at the end.
const (
	roleAccessKey = "hydrant-role"
	roleSecretKey = "hydrant-role-local"
	roleToken     = "hydrant-role-token"
)

// callers finds whose an access key is.
func callers(key string) (sigv4.Credential, bool) {
	switch key {
	case accessKey:
		return sigv4.Credential{AccessKey: accessKey, Secret: secretKey, Identity: sigv4.Identity{
			ARN: "arn:aws:iam::" + accountID + ":user/hydrant", AccountID: accountID, UserID: "AIDAHYDRANTLOCALUSER",
		}}, true
	case roleAccessKey:
		return sigv4.Credential{AccessKey: roleAccessKey, Secret: roleSecretKey, SessionToken: roleToken, Identity: sigv4.Identity{
			ARN: "arn:aws:sts::" + accountID + ":assumed-role/hydrant-role/session", AccountID: accountID, UserID: "AROAHYDRANTLOCALROLE:session",
		}}, true
	}
	return sigv4.Credential{}, false
}

// curl is a command that sends an event as the API wants it, to be pasted into a shell.
func (r *runner) curl() string {
	if r.api == nil {
		return "the template has no API"
	}
	const path = "/record"
	var how strings.Builder
	needs := r.api.Needs("POST", path)
	if needs.Signature {
		// curl signs since 7.75.
		fmt.Fprintf(&how, " --aws-sigv4 aws:amz:%s:execute-api --user %s:%s", region(), accessKey, secretKey)
	}
	if needs.APIKey {
		fmt.Fprintf(&how, " -H 'x-api-key: %s'", cmp.Or(r.api.AnyKey(), "KEY"))
	}
	if needs.Authorizer {
		how.WriteString(` -H "Authorization: Bearer $TOKEN"`)
	}
	return fmt.Sprintf(`curl %s%s%s -H 'Content-Type: application/json' -d '{"Data":{"type":"page_view","url":"https://www.example.com/"}}'`, r.apiURL, path, &how)
}
