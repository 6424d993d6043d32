package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is probed at the API: its answers, its log, and whom it lets in.

// first is the first request that was accepted, which is of one event.
func (s *smoke) first() (*exchange, *verdict) {
	for _, x := range s.ledger.exchanges {
		if x.accepted() && !x.batch && len(x.events) == 1 {
			return x, nil
		}
	}
	v := skipped("no event was accepted")
	return nil, &v
}

func probeNoCors(ctx context.Context, s *smoke) verdict {
	if origin := s.facts.parameters["CorsOrigin"]; origin != "" {
		return skipped("CorsOrigin=%s", origin)
	}
	x, missing := s.first()
	if missing != nil {
		return *missing
	}
	headers := map[string]http.Header{"POST /record": x.answer.header}
	for _, route := range []string{"/record", "/records", "/health"} {
		a, err := s.sender.send(ctx, call{method: http.MethodOptions, route: route, withoutCredential: true, withoutKey: true})
		if err != nil {
			return notRun(err)
		}
		headers["OPTIONS "+route] = a.header
	}
	for of, header := range headers {
		for name, values := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				return contradicted("the answer to %s has %s: %s", of, name, strings.Join(values, ", "))
			}
		}
	}
	return settled("4 answers without one")
}

func probeOne(_ context.Context, s *smoke) verdict {
	if x, _ := s.first(); x != nil {
		return settled("POST /record was answered with %s", x.answer)
	}
	for _, x := range s.ledger.exchanges {
		if x.answer.status >= 500 {
			return contradicted("POST %s was answered with %s", x.what, x.answer)
		}
	}
	return skipped("no event was accepted, and no answer was a 500")
}

// padded is an event that is marked and so many bytes long at least.
func (s *smoke) padded(bytes int) []byte {
	return fmt.Appendf(nil, `{"type":"smoke_large","test":true,"user_id":%q,"session_id":%q,"padding":"%s"}`, smokeUser, s.run, strings.Repeat("x", bytes))
}

func probeLargeRecord(ctx context.Context, s *smoke) verdict {
	a, err := s.sender.send(ctx, call{route: "/record", body: append(append([]byte(`{"Data":`), s.padded(1<<20+1)...), '}')})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 413 && a.Code == "RecordTooLarge":
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

func probeManyRecords(ctx context.Context, s *smoke) verdict {
	one := append(append([]byte(`{"Data":`), s.padded(0)...), '}')
	body := append([]byte(`{"Records":[`), bytes.Repeat(append(slices.Clone(one), ','), 1000)...)
	a, err := s.sender.send(ctx, call{route: "/records", body: append(append(body, one...), "]}"...)})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 400 && a.Code == "InvalidRequest":
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

func probeAccessLog(ctx context.Context, s *smoke) verdict {
	x, missing := s.first()
	if missing != nil {
		return *missing
	}
	bounded, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	for pause := newPause(200*time.Millisecond, mostPause); ; {
		line, err := s.stack.accessLog(bounded, x.answer.RequestID, s.began)
		if line != nil {
			return loggedIntegration(line)
		}
		if err == nil {
			err = pause.wait(bounded)
		}
		if bounded.Err() != nil {
			return skipped("the request %s has no line in the access log after %s", x.answer.RequestID, logWithin)
		}
		if err != nil {
			return notRun(err)
		}
	}
}

func loggedIntegration(line []byte) verdict {
	var logged map[string]any
	if err := json.Unmarshal(line, &logged); err != nil {
		return contradicted("an access log line is no JSON object")
	}
	var saw []string
	for _, name := range []string{"integrationLatency", "integrationStatus", "integrationRequestId"} {
		value := fmt.Sprint(logged[name])
		if logged[name] == nil || value == "" || value == "-" {
			return contradicted("%s is %q", name, value)
		}
		saw = append(saw, name+" "+value)
	}
	return settled("%s", strings.Join(saw, ", "))
}

func probeMethods(ctx context.Context, s *smoke) verdict {
	closed := map[string]int{"AWS_IAM": 403, "LAMBDA": 401, "NONE": 400}[s.sender.authorization] // {} is refused by the model, if it gets there
	if s.sender.authorization == "NONE" && s.sender.keyRequired {
		closed = 403
	}
	var saw []string
	for _, c := range []struct {
		method, route string
		status        int
	}{
		{"POST", "/record", closed},
		{"POST", "/records", closed},
		{"GET", "/health", 200},
		{"OPTIONS", "/record", 204},
		{"OPTIONS", "/records", 204},
		{"OPTIONS", "/health", 204},
	} {
		call := call{method: c.method, route: c.route, withoutCredential: true, withoutKey: true}
		if c.method == http.MethodPost {
			call.body = []byte("{}")
		}
		a, err := s.sender.send(ctx, call)
		if err != nil {
			return notRun(err)
		}
		if a.status != c.status {
			return contradicted("%s %s without a credential is answered with %s, and ought to be with %d", c.method, c.route, a, c.status)
		}
		saw = append(saw, strconv.Itoa(a.status))
	}
	return settled("%s with %s", strings.Join(saw, " "), s.sender.authorization)
}

func (s *smoke) needsLambda() *verdict {
	if s.sender.authorization == "LAMBDA" {
		return nil
	}
	v := skipped("Authorization=%s", s.sender.authorization)
	return &v
}

func probeTTL(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	all, err := s.stack.authorizerTTL(ctx)
	if err != nil {
		return notRun(err)
	}
	if want := s.facts.parameters["AuthorizerTtl"]; len(all) != 1 || strconv.Itoa(int(all[0])) != want {
		return contradicted("the authorizers' seconds are %v, and AuthorizerTtl is %s", all, want)
	}
	return settled("%d seconds", all[0])
}

func probeChallenge(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	a, err := s.sender.send(ctx, call{route: "/record", body: []byte("{}"), withoutCredential: true})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 401 && a.header.Get("WWW-Authenticate") == "Bearer":
		return settled("401, WWW-Authenticate: Bearer")
	}
	return contradicted("%s, WWW-Authenticate: %q, remapped %q", a, a.header.Get("WWW-Authenticate"), a.header.Get("X-Amzn-Remapped-WWW-Authenticate"))
}

func probeTextBody(ctx context.Context, s *smoke) verdict {
	if s.facts.parameters["TextBodies"] != "true" {
		return skipped("TextBodies=false")
	}
	a, err := s.sender.send(ctx, call{route: "/record", contentType: "text/plain", body: []byte(`{"Data":null}`)})
	switch {
	case err != nil:
		return notRun(err)
	case a.status == 400:
		return settled("%s", a)
	}
	return contradicted("%s", a)
}

func probeBoth(ctx context.Context, s *smoke) verdict {
	if v := s.needsLambda(); v != nil {
		return *v
	}
	if !s.sender.keyRequired {
		return skipped("ApiKeyRequired=false")
	}
	for _, c := range []call{{route: "/record", body: []byte("{}"), withoutKey: true}, {route: "/record", body: []byte("{}"), withoutCredential: true}} {
		a, err := s.sender.send(ctx, c)
		if err != nil {
			return notRun(err)
		}
		if a.status != 401 && a.status != 403 {
			return contradicted("a request without one of the two is answered with %s", a)
		}
	}
	return settled("either alone is refused")
}
