package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Whoever uses the runner has these; they guard nothing. The role's are for requests to the API, where a caller's name has to be told from
// that of the session.
const (
	localKey, localSecret                = "hydrant", "hydrant-local"
	localRoleKey, localRoleSecret        = "hydrant-role", "hydrant-role-local"
	localRoleToken                       = "hydrant-role-token"
	localRole                            = "assumed-role/hydrant-role/session"
	apiLogGroup, dlqQueue, dlqDeadLetter = "ApiLogGroup", "DlqQueue", "DlqDeadLetterQueue"
)

// local is a local runner.
type local struct {
	aws, api string
	data     string
	account  string
}

func newLocal(endpoint, api string) *local {
	return &local{aws: strings.TrimSuffix(endpoint, "/"), api: api}
}

func (l *local) facts(ctx context.Context) (*facts, error) {
	var state struct {
		API        string
		Data       string
		Resources  map[string]struct{ ID, ARN string }
		Parameters map[string]string
	}
	answer, err := l.control(ctx, http.MethodGet, "state")
	if err != nil {
		return nil, fmt.Errorf("no local runner (make run starts one; STACK=name tries a deployed stack): %w", err)
	}
	if err := json.Unmarshal(answer, &state); err != nil {
		return nil, fmt.Errorf("the runner's state: %w", err)
	}
	l.data = state.Data
	f := &facts{name: "the local runner", api: cmp.Or(l.api, state.API), parameters: state.Parameters, resources: map[string]string{}, pathStyle: true}
	for id, r := range state.Resources {
		f.resources[id] = r.ID
	}
	arn := strings.Split(state.Resources["DeliveryStream"].ARN, ":") // arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME
	if len(arn) < 6 {
		return nil, errors.New("the runner's template has no resource DeliveryStream: it is not hydrant's")
	}
	l.account = arn[4]
	f.config = aws.Config{Region: arn[3], BaseEndpoint: aws.String(l.aws), Credentials: credentials.NewStaticCredentialsProvider(localKey, localSecret, "")}
	f.credentials = credentials.NewStaticCredentialsProvider(localRoleKey, localRoleSecret, localRoleToken)
	return f, nil
}

func (l *local) hasten(ctx context.Context) error {
	_, err := l.control(ctx, http.MethodPost, "flush?delays=now")
	return err
}

func (l *local) rows(ctx context.Context, t table, requestIDs []string, _ time.Time) ([]row, error) {
	answer, err := l.control(ctx, http.MethodGet, "tables/"+t.name)
	if err != nil {
		return nil, err
	}
	var rows []row
	for line := range bytes.Lines(answer) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r, err := t.fromJSON(line)
		if err != nil {
			return nil, err
		}
		if slices.Contains(requestIDs, r.text("request_id")) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// accessLog reads the runner's files: what lasts lies in its folder, the logs of a group in one of theirs.
func (l *local) accessLog(ctx context.Context, requestID string, _ time.Time) ([]byte, error) {
	f, err := l.facts(ctx)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(l.data, "logs", url.PathEscape(f.resources[apiLogGroup]), "*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		line, err := findLine(name, requestID)
		if line != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return line, err
		}
	}
	return nil, nil
}

func findLine(name, requestID string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var logged struct{ Message string }
		if json.Unmarshal(line, &logged) == nil && strings.Contains(logged.Message, requestID) {
			return []byte(logged.Message), nil
		}
	}
}

func (l *local) caller(context.Context) (string, error) {
	return "arn:aws:sts::" + l.account + ":" + localRole, nil
}

func (l *local) status() (string, error) { return "", notHere("CloudFormation") }

func (l *local) processor(context.Context) (map[string]string, error) {
	return nil, notHere("API of Firehose's")
}

func (l *local) authorizerTTL(context.Context) ([]int32, error) {
	return nil, notHere("API of API Gateway's own")
}

func (l *local) where(id string) string {
	return fmt.Sprintf("make where ID='%s' ARGS='-endpoint %s'", id, l.aws)
}

// deliverWithin is longer than a flush may take.
const deliverWithin = 5 * time.Minute

// control asks one of the runner's control paths.
func (l *local) control(ctx context.Context, method, path string) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, l.aws+"/_hydrant/"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s /_hydrant/%s: %s: %s", method, path, response.Status, bytes.TrimSpace(answer))
	}
	return answer, err
}
