package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps web pages that are open on this machine away from the -aws address, where a POST empties everything and the credentials are
// in the source. Browsers say where a request comes from, and http.CrossOriginProtection listens. A page whose own name was made to
// point at this machine (DNS rebinding) would be of the same origin, so requests must name the machine by an address, as localhost, or
// by the name that -aws has. Programs are not held up: they set neither Origin nor Sec-Fetch-Site.
func guard(h http.Handler, address string) http.Handler {
	name, _, _ := net.SplitHostPort(address) // it is listened on: it has a port
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		controlError(w, &controlFault{http.StatusForbidden, "a web page of another origin may not do this"})
	}))
	protected := protection.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOwnName(r.Host, name) {
			controlError(w, &controlFault{http.StatusForbidden, fmt.Sprintf("nothing is here for the host %q: use the IP address or localhost, or give -aws this name", r.Host)})
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// isOwnName says whether a Host header is an IP address, a name that resolves to this machine only (RFC 6761, section 6.3), or name.
func isOwnName(host, name string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == strings.ToLower(name)
}
