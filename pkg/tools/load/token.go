package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"hydrant/pkg/authorizer"
)

const (
	tokenRounds  = 3
	longestTurn  = 10 * time.Second
	costGoal     = 0.10 // of the requests a second without authorizer
	tokensSecret = "hydrant-local-TokensSecret"
)

// tokenResult has what was accepted in turns without an authorizer and in turns with a token whose answer the API keeps.
type tokenResult struct {
	connections    int
	turn           time.Duration
	open, withheld []*account // withheld: those who came without a token would be
}

// measureToken sends single events to an open API and to one with an authorizer, in turns, so that a machine whose speed drifts does so for both.
func (b *bench) measureToken(ctx context.Context) (result, error) {
	r := &tokenResult{connections: b.connections, turn: min(max(b.duration/6, time.Second), longestTurn)}
	token, hash := authorizer.NewToken()
	for i := range tokenRounds {
		b.progress.say("round %d of %d", i+1, tokenRounds)
		open, err := b.turn(ctx, r.turn, "", provisioned)
		if err != nil {
			return nil, err
		}
		parameters := append([]string{"Authorization=LAMBDA", "StaticTokens=true"}, provisioned...)
		withheld, err := b.turn(ctx, r.turn, token, parameters, authorizer.Token{
			SHA256: hash, Producer: "bench", Label: "bench", Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			return nil, err
		}
		r.open, r.withheld = append(r.open, open), append(r.withheld, withheld)
	}
	return r, nil
}

// turn sends events for a while to a runner of its own that knows these tokens.
func (b *bench) turn(ctx context.Context, while time.Duration, token string, parameters []string, tokens ...authorizer.Token) (*account, error) {
	var a *account
	err := withFolder(func(data string) error {
		if err := keepTokens(data, tokens); err != nil {
			return err
		}
		return b.withRunnerIn(ctx, data, parameters, func(ctx context.Context, child *runner) error {
			l := newLedger(b.size, b.connections)
			if err := sendWith(ctx, while, child.API, l, token); err != nil {
				return err
			}
			var err error
			a, err = b.deliverAndSettle(ctx, child, l)
			return err
		})
	})
	return a, err
}

// keepTokens writes the secret of the static tokens where the runner looks for it.
func keepTokens(data string, tokens []authorizer.Token) error {
	document, err := json.Marshal(authorizer.Document{Tokens: tokens})
	if err != nil {
		return err
	}
	folder := filepath.Join(data, "secrets")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, tokensSecret), document, 0o600)
}

// sendWith sends events on all connections, with a token if there is one.
func sendWith(ctx context.Context, while time.Duration, api string, l *ledger, token string) error {
	var headers []string
	if token != "" {
		headers = append(headers, "Authorization: Bearer "+token)
	}
	until := time.Now().Add(while)
	group, within := errgroup.WithContext(ctx)
	for i := range l.lanes {
		group.Go(func() error { return sendUntil(within, until, api, l, i, &histogram{}, headers...) })
	}
	return group.Wait()
}

func (r *tokenResult) fault() error {
	var faults []error
	for _, a := range append(r.open, r.withheld...) {
		faults = append(faults, a.fault())
	}
	return errors.Join(faults...)
}

// cost is the share of the requests that the authorizer costs.
func (r *tokenResult) cost() float64 { return 1 - acceptedIn(r.withheld)/acceptedIn(r.open) }

func acceptedIn(turns []*account) (sum float64) {
	for _, a := range turns {
		sum += float64(a.accepted)
	}
	return sum
}

func (r *tokenResult) section() section {
	seconds := (r.turn * tokenRounds).Seconds()
	return section{
		title: fmt.Sprintf("With a token: POST /record, %s, %d turns of %.0f s each without and with an authorizer", plural(r.connections, "connection"), tokenRounds, r.turn.Seconds()),
		figures: []figure{
			{name: "accepted without", value: thousands(int64(acceptedIn(r.open)/seconds)) + " a second"},
			{name: "accepted with, the answer kept", value: thousands(int64(acceptedIn(r.withheld)/seconds)) + " a second"},
			{"the authorizer costs", fmt.Sprintf("%.1f %%", 100*r.cost()), "under 10 %", r.cost() < costGoal},
		},
	}
}
