package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// read finds the signature in the header or in the query. With both, or with two of a part, it would be for us to choose which counts,
// and so neither does.
func read(r *http.Request) (*claim, error) {
	headers := r.Header.Values("Authorization")
	query := parameters(r.URL.RawQuery)
	_, presigned := query["X-Amz-Algorithm"]
	switch {
	case len(headers) > 0 && presigned:
		return nil, &Error{Invalid, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}
	case presigned:
		return readQuery(query)
	case len(headers) == 0 || len(headers) == 1 && strings.TrimSpace(headers[0]) == "":
		return nil, &Error{MissingToken, "Missing Authentication Token"}
	case len(headers) > 1:
		return nil, &Error{Incomplete, "Authorization header requires one value."}
	}
	return readHeader(r, headers[0])
}

// readHeader reads AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…; commas and spaces separate alike.
func readHeader(r *http.Request, authorization string) (*claim, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	found := map[string]string{}
	for pair := range strings.FieldsFuncSeq(rest, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := found[name]; !ok || twice {
			return nil, &Error{Incomplete, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" + digest(authorization) + "'."}
		}
		found[name] = value
	}
	c := &claim{
		algorithm: scheme, credential: found["Credential"], signature: found["Signature"],
		date: r.Header.Get("X-Amz-Date"), token: r.Header.Get("X-Amz-Security-Token"),
	}
	if c.date == "" {
		c.date = r.Header.Get("Date")
	}
	c.signedHeaders = splitHeaders(found["SignedHeaders"])
	var wrong strings.Builder
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if found[name] == "" {
			wrong.WriteString("Authorization header requires '" + name + "' parameter. ")
		}
	}
	if c.date == "" {
		wrong.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if len(r.Header.Values("X-Amz-Date")) > 1 || len(r.Header.Values("X-Amz-Security-Token")) > 1 {
		wrong.WriteString("'X-Amz-Date' and 'X-Amz-Security-Token' have one value each. ")
	}
	if wrong.Len() > 0 {
		return nil, &Error{Incomplete, wrong.String() + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + digest(authorization)}
	}
	return c, nil
}

func readQuery(query map[string][]string) (*claim, error) {
	var wrong strings.Builder
	one := func(name string) string {
		if values := query[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"} {
		if one(name) == "" {
			wrong.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if len(query["X-Amz-Security-Token"]) > 1 {
		wrong.WriteString("'X-Amz-Security-Token' has one value. ")
	}
	if wrong.Len() > 0 {
		return nil, &Error{Incomplete, wrong.String() + "Re-examine the query-string parameters."}
	}
	return &claim{
		presigned: true, algorithm: one("X-Amz-Algorithm"), credential: one("X-Amz-Credential"), signature: one("X-Amz-Signature"),
		signedHeaders: splitHeaders(one("X-Amz-SignedHeaders")), date: one("X-Amz-Date"), expires: one("X-Amz-Expires"), token: one("X-Amz-Security-Token"),
	}, nil
}

// splitHeaders answers the names of the signed headers as the canonical request has them: in lower case and in order.
func splitHeaders(list string) []string {
	names := strings.Split(strings.ToLower(list), ";")
	slices.Sort(names)
	return names
}

// digest stands for a header that may hold a token.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
