// Package secrets is as much of AWS Secrets Manager as a function needs that reads secrets: GetSecretValue and DescribeSecret of the
// template's secrets, over the AWS JSON 1.1 protocol. A secret's value is what its file holds or, without one, what the template says.
package secrets

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config describes the secrets of a stack.
type Config struct {
	// Dir holds a file for each secret that has one, under its name: whoever writes there gives the secret another value at once.
	Dir     string
	Secrets []Secret
}

// Secret is a secret as the template describes it.
type Secret struct {
	Name, ARN, Description string
	Value                  *string   // SecretString; nil: none
	Generate               *Generate // GenerateSecretString; nil: none
}

// Generate says how a value is made up: "AWS::SecretsManager::Secret GenerateSecretString".
type Generate struct {
	Length   int
	Alphabet string
	// Template is a JSON object that gets the value as its member Key; "" is the value alone.
	Template, Key string
}

// The characters that values are made of.
const (
	Lower       = "abcdefghijklmnopqrstuvwxyz"
	Upper       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Digits      = "0123456789"
	Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// Service answers requests for the secrets. It is safe for concurrent use.
type Service struct {
	cfg     Config
	created time.Time
}

// Open makes up the values that are to be generated and are not there yet; they last in their files.
func Open(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, created: time.Now()}
	for _, secret := range cfg.Secrets {
		if !filepath.IsLocal(filepath.FromSlash(secret.Name)) {
			return nil, fmt.Errorf("the secret %q: no file can have this name", secret.Name)
		}
		if secret.Generate == nil {
			continue
		}
		path := s.path(secret.Name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		value, err := secret.Generate.value()
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, []byte(value), 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("the secret %s: %w", secret.Name, err)
		}
	}
	return s, nil
}

func (s *Service) path(name string) string { return filepath.Join(s.cfg.Dir, filepath.FromSlash(name)) }

func (g *Generate) value() (string, error) {
	var out strings.Builder
	for range g.Length {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(g.Alphabet))))
		if err != nil {
			return "", err
		}
		out.WriteByte(g.Alphabet[i.Int64()])
	}
	if g.Template == "" {
		return out.String(), nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(g.Template), &object); err != nil || object == nil {
		return "", errors.New("SecretStringTemplate is no JSON object")
	}
	object[g.Key] = out.String()
	whole, err := json.Marshal(object)
	return string(whole), err
}

// version is a secret's value at the moment.
type version struct {
	id, value string
	since     time.Time
}

// current reads a secret's value; false if it has none. Of a file the last newline is not part of it: editors write one.
func (s *Service) current(secret *Secret) (version, bool, error) {
	v := version{since: s.created}
	data, err := os.ReadFile(s.path(secret.Name))
	switch {
	case err == nil:
		v.value = strings.TrimSuffix(string(data), "\n")
		if info, err := os.Stat(s.path(secret.Name)); err == nil {
			v.since = info.ModTime()
		}
	case !errors.Is(err, os.ErrNotExist):
		return v, false, err
	case secret.Value == nil:
		return v, false, nil
	default:
		v.value = *secret.Value
	}
	// A value's version is the same from start to start, and another for another value.
	sum := sha256.Sum256([]byte(secret.ARN + "\x00" + v.value))
	id := hex.EncodeToString(sum[:16])
	v.id = strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	return v, true, nil
}

// find answers the secret that id names: by its name, its ARN, or its ARN less the six characters at the end and their hyphen.
func (s *Service) find(id string) *Secret {
	for i := range s.cfg.Secrets {
		secret := &s.cfg.Secrets[i]
		if id == secret.Name || id == secret.ARN || id == secret.ARN[:len(secret.ARN)-len("-abcdef")] {
			return secret
		}
	}
	return nil
}
