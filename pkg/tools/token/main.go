// Command token makes credentials for the authorizer: JSON Web Tokens of an issuer of one's own, for trying things on this machine, and
// static tokens with the document that their secret has.
//
//	token [-serve] -producer shop-web             a JSON Web Token; -serve serves the key set, too, until Ctrl-C
//	token -static -producer shop-web -label web   a static token, whose hash is added to the document <dir>/tokens.json
//
// The token, and nothing else, is printed to standard output: nobody can print it again. What to do with it goes to standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "token:", err)
		os.Exit(1)
	}
}

type options struct {
	dir      string
	producer string
	ttl      time.Duration

	static bool
	label  string

	serve                            bool
	address, issuer, audience, scope string
}

func run(ctx context.Context, args []string, out, notes io.Writer) error {
	var o options
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	flags.SetOutput(notes)
	flags.StringVar(&o.dir, "dir", ".hydrant/token", "folder of the key and of the static tokens' document")
	flags.StringVar(&o.producer, "producer", "", "as whom the token's holder sends (needed)")
	flags.DurationVar(&o.ttl, "ttl", 0, "how long the token is good (1h; a static one 2160h)")
	flags.BoolVar(&o.static, "static", false, "make a static token")
	flags.StringVar(&o.label, "label", "", "which of the producer's static tokens it is, for logs (today's date)")
	flags.BoolVar(&o.serve, "serve", false, "serve the key set until Ctrl-C")
	flags.StringVar(&o.address, "address", "127.0.0.1:8765", "where the key set is served")
	flags.StringVar(&o.issuer, "issuer", "", "claim iss (http://<address>)")
	flags.StringVar(&o.audience, "audience", "hydrant", "claim aud")
	flags.StringVar(&o.scope, "scope", "", "claim scope")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case o.producer == "" || flags.NArg() > 0:
		flags.Usage()
		return errors.New("-producer is needed, and nothing but flags")
	case o.ttl < 0:
		return errors.New("-ttl is below zero")
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if o.static {
		return makeStatic(o, out, notes)
	}
	return makeJWT(ctx, o, out, notes)
}

// writeFile writes a file that nobody else may read, whole or not at all.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
