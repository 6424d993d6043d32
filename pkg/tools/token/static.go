package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hydrant/pkg/authorizer"
)

const tokensFile = "tokens.json"

// makeStatic makes a static token and adds its hash to the document.
func makeStatic(o options, out, notes io.Writer) error {
	path := filepath.Join(o.dir, tokensFile)
	document, err := readDocument(path)
	if err != nil {
		return err
	}
	if o.ttl == 0 {
		o.ttl = 90 * 24 * time.Hour
	}
	if o.label == "" {
		o.label = time.Now().UTC().Format(time.DateOnly)
	}
	token, sha := authorizer.NewToken()
	entry := authorizer.Token{SHA256: sha, Producer: o.producer, Label: o.label, Expires: time.Now().Add(o.ttl).UTC().Truncate(time.Second)}
	if err := entry.Check(); err != nil {
		return err
	}
	document.Tokens = append(document.Tokens, entry)
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(path, append(text, '\n')); err != nil {
		return err
	}
	fmt.Fprintln(out, token)
	fmt.Fprintf(notes, `good for %s until %s, once its hash is in the secret:
  aws secretsmanager put-secret-value --secret-id <secret> --secret-string file://%s
or, for the local runner, in .hydrant/secrets/hydrant-local-TokensSecret
the hashes of all tokens made so far are in that file; to revoke one, take its entry out and put the secret again
`, o.producer, entry.Expires.Format(time.RFC3339), path)
	return nil
}

func readDocument(path string) (authorizer.Document, error) {
	var d authorizer.Document
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}
