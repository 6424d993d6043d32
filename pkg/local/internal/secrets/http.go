package secrets

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// TargetPrefix is what X-Amz-Target begins with in requests to Secrets Manager.
const TargetPrefix = "secretsmanager."

// fault is an error of the API.
type fault struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	status  int
}

func (f *fault) Error() string { return f.Type + ": " + f.Message }

func notFound(message string) *fault {
	return &fault{"ResourceNotFoundException", message, http.StatusBadRequest}
}

// request holds the members of both actions' requests.
type request struct {
	ID      string `json:"SecretId"`
	Version string `json:"VersionId"`
	Stage   string `json:"VersionStage"`
}

const currentStage = "AWSCURRENT"

// ServeHTTP answers one action.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.perform(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix), http.MaxBytesReader(w, r.Body, 64<<10))
	status := http.StatusOK
	if err != nil {
		f := &fault{"InternalServiceError", "the local runner could not read the secret", http.StatusInternalServerError}
		errors.As(err, &f)
		answer, status = f, f.status
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // texts, times as numbers, and maps of them
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
}

func (s *Service) perform(action string, body io.Reader) (any, error) {
	var in request
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, &fault{"SerializationException", "the request is no JSON object of this action", http.StatusBadRequest}
	}
	secret := s.find(in.ID)
	switch {
	case action != "GetSecretValue" && action != "DescribeSecret":
		return nil, &fault{"UnknownOperationException", "the local runner supports GetSecretValue and DescribeSecret", http.StatusBadRequest}
	case in.ID == "":
		return nil, &fault{"InvalidParameterException", "You must provide a value for the SecretId parameter.", http.StatusBadRequest}
	case secret == nil:
		return nil, notFound("Secrets Manager can't find the specified secret.")
	}
	v, found, err := s.current(secret)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"ARN": secret.ARN, "Name": secret.Name, "CreatedDate": seconds(v.since)}
	if action == "DescribeSecret" {
		out["Description"], out["LastChangedDate"] = secret.Description, seconds(v.since)
		if found {
			out["VersionIdsToStages"] = map[string][]string{v.id: {currentStage}}
		}
		return out, nil
	}
	switch {
	case in.Version != "" && (!found || in.Version != v.id):
		return nil, notFound("Secrets Manager can't find the specified secret value for VersionId: " + in.Version)
	case in.Stage != "" && in.Stage != currentStage || !found:
		if in.Stage == "" {
			in.Stage = currentStage
		}
		return nil, notFound("Secrets Manager can't find the specified secret value for staging label: " + in.Stage)
	}
	out["VersionId"], out["VersionStages"], out["SecretString"] = v.id, []string{currentStage}, v.value
	return out, nil
}

// seconds is a time as the JSON protocols write it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
