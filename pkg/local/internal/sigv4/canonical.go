package sigv4

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is what a signature is over: "Create a signed AWS API request", step 1.
func (c *claim) canonicalRequest(r *http.Request, host string, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.URL.EscapedPath()) + "\n" + c.canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range c.signedHeaders {
		b.WriteString(name + ":" + headerValue(r, host, name) + "\n")
	}
	sum := sha256.Sum256(body)
	b.WriteString("\n" + strings.Join(c.signedHeaders, ";") + "\n" + hex.EncodeToString(sum[:]))
	return b.String()
}

// canonicalPath is the path without empty and relative parts and, for every service but S3, encoded a second time.
func canonicalPath(escaped string) string {
	clean := path.Clean("/" + escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	return strings.ReplaceAll(escape(clean), "%2F", "/")
}

// canonicalQuery is the query in order of names, then values, each encoded once. The signature itself is not in it.
func (c *claim) canonicalQuery(raw string) string {
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		name, value := cutParameter(part)
		if part == "" || c.presigned && name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{escape(name), escape(value)})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value)) })
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// parameters are the query's values by name.
func parameters(raw string) map[string][]string {
	all := map[string][]string{}
	for part := range strings.SplitSeq(raw, "&") {
		if name, value := cutParameter(part); part != "" {
			all[name] = append(all[name], value)
		}
	}
	return all
}

func cutParameter(part string) (name, value string) {
	name, value, _ = strings.Cut(part, "=")
	return unescape(name), unescape(value)
}

// unescape reads an encoded text; what is not encoded rightly stands for itself.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// escape encodes every byte but RFC 3986's unreserved ones.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// headerValue is a header's values joined by commas, each without outer blanks and with inner ones made one. Go's server takes some
// headers out of the others.
func headerValue(r *http.Request, host, name string) string {
	switch name {
	case "host":
		return host
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	case "content-length":
		if r.Header.Get(name) == "" && r.ContentLength >= 0 {
			return strconv.FormatInt(r.ContentLength, 10)
		}
	}
	values := slices.Clone(r.Header.Values(name))
	for i := range values {
		values[i] = strings.Join(strings.Fields(values[i]), " ")
	}
	return strings.Join(values, ",")
}

func withoutPort(host string) (name string, found bool) {
	name, _, err := net.SplitHostPort(host)
	return name, err == nil
}
